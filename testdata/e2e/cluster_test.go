package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
)

// What the tests of several workers run.
const (
	clusterConnectors = 50
	clusterTasks      = 4 // of each connector
)

// cluster is a group of worker processes on one Kafka.
type cluster struct {
	t       *testing.T
	workers []*process
	topic   string
}

// startCluster starts workers that give up a dead one soon. They share the granted folder; environment is added.
func startCluster(t *testing.T, workers int, environment ...string) *cluster {
	t.Helper()
	first := newProcess(t)
	bootstrap := brokertest.Bootstrap(t)
	c := &cluster{t: t, topic: first.name("made")}
	for i := range workers {
		p := first
		if i > 0 {
			p = newProcess(t)
		}
		p.id, p.bootstrap, p.args = first.id, bootstrap, []string{"worker"}
		p.env = append(os.Environ(), "CONNECT_BOOTSTRAP_SERVERS="+bootstrap, "CONNECT_LISTENERS="+p.url,
			"BERTH_DATA_DIR="+p.data, "CONNECT_GROUP_ID="+first.name("worker"),
			"CONNECT_SESSION_TIMEOUT_MS=3000", "CONNECT_HEARTBEAT_INTERVAL_MS=500",
			"CONNECT_SCHEDULED_REBALANCE_MAX_DELAY_MS=2000", "CONNECT_OFFSET_FLUSH_INTERVAL_MS=1000",
			"CONNECT_KEY_CONVERTER="+asText, "CONNECT_VALUE_CONVERTER="+asText,
			"CONNECT_OFFSET_STORAGE_PARTITIONS=3", "CONNECT_CONFIG_STORAGE_REPLICATION_FACTOR=1",
			"CONNECT_OFFSET_STORAGE_REPLICATION_FACTOR=1", "CONNECT_STATUS_STORAGE_REPLICATION_FACTOR=1",
			"CONNECT_CONFIG_STORAGE_TOPIC="+first.name("configs"), "CONNECT_OFFSET_STORAGE_TOPIC="+first.name("offsets"),
			"CONNECT_STATUS_STORAGE_TOPIC="+first.name("status"), "BERTH_ALLOW_DIRS="+first.files)
		p.env = append(p.env, environment...)
		c.workers = append(c.workers, p)
		p.start()
	}
	return c
}

// fill creates the connectors, each at another worker, and waits until all runs.
func (c *cluster) fill() {
	c.t.Helper()
	c.workers[0].CreateTopic(c.t, c.topic, 4)
	for i := range clusterConnectors {
		name := fmt.Sprintf("made-%02d", i)
		c.workers[i%len(c.workers)].put(name, keys{"connector.class": "Datagen", "kind": "line",
			"topic": c.topic, "rate": "5", "seed": strconv.Itoa(i), "tasks.max": strconv.Itoa(clusterTasks),
			"transforms": "from", "transforms.from.type": "InsertHeader", "transforms.from.header": "connector",
			"transforms.from.value.literal": name})
	}
	c.await(c.workers)
}

// await waits until all connectors and tasks run, each on one of the workers and on no other.
func (c *cluster) await(workers []*process) {
	c.t.Helper()
	wrong := ""
	defer func() {
		if wrong != "" {
			c.t.Log(wrong)
		}
	}()
	for _, p := range workers {
		p.await("all to run once", func() bool {
			wrong = c.wrong(p, workers)
			return wrong == ""
		})
	}
}

// wrong compares what one worker says of everything with what each worker says that it runs itself.
func (c *cluster) wrong(asked *process, workers []*process) string {
	code, answer := asked.call("GET", "/connectors?expand=status", nil)
	var all map[string]struct {
		Status status `json:"status"`
	}
	if code != http.StatusOK || json.Unmarshal(answer, &all) != nil || len(all) != clusterConnectors {
		return fmt.Sprintf("%d connectors, answer %d", len(all), code)
	}
	connectors, tasks := map[string]int{}, map[string]int{}
	for name, one := range all {
		if one.Status.Connector.State != "RUNNING" || len(one.Status.Tasks) != clusterTasks {
			return fmt.Sprintf("%s: %+v", name, one.Status)
		}
		connectors[one.Status.Connector.WorkerID]++
		for _, task := range one.Status.Tasks {
			if task.State != "RUNNING" {
				return fmt.Sprintf("%s: %+v", name, task)
			}
			tasks[task.WorkerID]++
		}
	}
	for _, p := range workers {
		id := strings.TrimPrefix(p.url, "http://")
		runs := []int{p.gauge("kafka_connect_worker_connector_count"), p.gauge("kafka_connect_worker_task_count")}
		if said := []int{connectors[id], tasks[id]}; !slices.Equal(runs, said) {
			return fmt.Sprintf("%s runs %v connectors and tasks, the statuses say %v", id, runs, said)
		}
		delete(connectors, id)
		delete(tasks, id)
	}
	if len(connectors)+len(tasks) > 0 {
		return fmt.Sprintf("the statuses name workers that are gone: %v %v", connectors, tasks)
	}
	return ""
}

// gauge reads a whole number at /metrics.
func (p *process) gauge(name string) int {
	p.t.Helper()
	_, text := p.call("GET", "/metrics", nil)
	found := regexp.MustCompile(`(?m)^` + name + `(?:\{[^}]*\})? (\d+)`).FindSubmatch(text)
	if found == nil {
		return -1
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// leader finds the worker that the others name as the group's leader.
func (c *cluster) leader(workers []*process) *process {
	c.t.Helper()
	text := read(c.t, workers[0].log.Name())
	joins := regexp.MustCompile(`"joined the group".*"leader":"([^"]*)/"`).FindAllSubmatch(text, -1)
	if len(joins) == 0 {
		c.t.Fatalf("%s has not joined:\n%s", workers[0].url, text)
	}
	for _, p := range workers {
		if p.url == string(joins[len(joins)-1][1]) {
			return p
		}
	}
	c.t.Fatalf("the leader %s is no worker", joins[len(joins)-1][1])
	return nil
}

// without lists the other workers.
func (c *cluster) without(gone *process) (rest []*process) {
	for _, p := range c.workers {
		if p != gone {
			rest = append(rest, p)
		}
	}
	return rest
}

func (c *cluster) pick(leads bool) *process {
	c.t.Helper()
	leader := c.leader(c.workers)
	if leads {
		return leader
	}
	return c.without(leader)[0]
}

// restartAnywhere asks every worker for restarts, wherever the connector, its task and the leader are.
func (c *cluster) restartAnywhere() {
	c.t.Helper()
	for _, p := range c.workers {
		for _, path := range []string{"/made-00/restart", "/made-01/tasks/3/restart", "/made-02/restart?includeTasks=true"} {
			p.ask("POST", "/connectors"+path, nil, nil)
		}
	}
	c.await(c.workers)
}

func TestE2EClusterSurvivesItsWorkers(t *testing.T) {
	c := startCluster(t, 3)
	c.fill()
	c.restartAnywhere()
	for _, leads := range []bool{false, true} {
		name := map[bool]string{false: "a worker", true: "the leader"}[leads]

		p := c.pick(leads)
		began := time.Now()
		p.kill9()
		c.await(c.without(p))
		t.Logf("kill -9 of %s: all runs again after %.1f s", name, time.Since(began).Seconds())
		p.start()
		c.await(c.workers)

		p = c.pick(leads)
		began = time.Now()
		p.signal(syscall.SIGSTOP)
		c.await(c.without(p))
		t.Logf("SIGSTOP of %s: all runs again after %.1f s", name, time.Since(began).Seconds())
		c.nothingAgain(func() {
			began = time.Now()
			p.signal(syscall.SIGCONT)
			c.await(c.workers)
			t.Logf("SIGCONT: in order after %.1f s", time.Since(began).Seconds())
		})

		p = c.pick(leads)
		began = time.Now()
		p.terminate()
		c.await(c.without(p))
		t.Logf("SIGTERM of %s: all runs again after %.1f s", name, time.Since(began).Seconds())
		p.start()
		c.await(c.workers)
	}
	c.nothingLost()
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}
