package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/guests"
)

// Versions of a transformation take turns in tasks on three workers, of which one, then the leader, is killed: the one
// at the first swap, where the transformation leaves the instance of its connector if it is in one with it.
// With exactly-once support what was committed tells that each record was processed once, in order, by the version that
// the log of swaps names for its offset: also those of tasks that took the place of killed ones.
func TestE2ESwapsSurviveKills(t *testing.T) {
	t.Run("beside the connector", func(t *testing.T) {
		swapAndKillWorkers(t, swapStamps(t), keys{"connector.class": "Datagen", "kind": "line", "line.bytes": "16"})
	})
	t.Run("out of its instance", func(t *testing.T) {
		swapAndKillWorkers(t, guests.Stamp, keys{"connector.class": "test.Numbers", "connector.plugin.version": "1.0.0"})
	})
}

func swapAndKillWorkers(t *testing.T, build stamps, source keys) {
	t.Helper()
	c := startCluster(t, 3, exactlyOnceOn)
	first := c.workers[0]
	first.addStamps(build)
	const tasks = 6
	topic := first.name("killed")
	first.CreateTopic(t, topic, 1)
	first.put("in", source.with(keys{"rate": swapRate("500"), "tasks.max": strconv.Itoa(tasks), "topic": topic,
		"transforms": "stamp", "transforms.stamp.type": "test.Stamp", "transforms.stamp.plugin.version": "1.0.0"}))
	first.awaitState("in", "RUNNING", tasks)
	first.awaitRecords(topic, tasks)
	log, n := swapLog{}, swapCount(t)
	var pauses []int64
	for i := range n {
		version := []string{"2.0.0", "1.0.0"}[i%2]
		var s swapAnswer
		switch i {
		case 0:
			s = c.swapAndKill(c.pick(false), version)
			if len(s.pauses()) < tasks*2/3 {
				t.Fatalf("tasks of workers that live were started anew: %+v", s)
			}
		case 2 * n / 3:
			s = c.swapAndKill(c.pick(true), version)
		default:
			s = c.swap(c.workers, version)
		}
		log.add(s, version, datagenPlace)
		pauses = append(pauses, s.pauses()...)
	}
	logPauses(t, pauses)
	first.ask("PUT", "/connectors/in/stop", nil, nil)
	first.await("the end of the source", func() bool { return first.status("in").Connector.State == "STOPPED" })
	checkSource(t, first.EachCommitted, topic, tasks, false, log)
}

// awaitRecords waits until each task has written a record: a swap can't name the last one where there is none.
func (p *process) awaitRecords(topic string, tasks int) {
	p.t.Helper()
	p.await("records of all tasks", func() bool {
		seen := map[string]bool{}
		p.Each(p.t, topic, func(r kafkatest.Record) {
			fields := strings.Fields(string(r.Value))
			task, _, _ := strings.Cut(fields[len(fields)-1], "/")
			seen[task] = true
		})
		return len(seen) == tasks
	})
}

// swapAndKill kills a worker while the others swap, and starts it again.
func (c *cluster) swapAndKill(victim *process, version string) swapAnswer {
	c.t.Helper()
	kill := time.AfterFunc(killDelay, func() { _ = victim.cmd.Process.Kill() })
	defer kill.Stop()
	s := c.swap(c.without(victim), version)
	<-victim.ended
	restarted := 0
	for _, task := range s.Tasks {
		if task.Restarted {
			restarted++
		}
	}
	c.t.Logf("a kill -9 of %s: %d of %d tasks took the swap at their start", victim.url, restarted, len(s.Tasks))
	victim.start()
	return s
}

// killDelay is about as long as a swap takes.
const killDelay = 15 * time.Millisecond

// swap asks the workers in turn for another version until one takes the request, and waits until all tasks have it.
func (c *cluster) swap(workers []*process, version string) (s swapAnswer) {
	c.t.Helper()
	i := 0
	workers[0].await("a worker that takes the swap", func() bool {
		i++
		return workers[i%len(workers)].try("PUT", "/connectors/in/transforms/stamp/version", keys{"version": version}, &s)
	})
	workers[0].await("the swap in all tasks", func() bool {
		var log []swapAnswer
		if s.State != "done" && workers[0].try("GET", "/connectors/in/swaps", nil, &log) {
			for _, known := range log {
				if known.Revision == s.Revision {
					s = known
				}
			}
		}
		return s.State == "done" && len(s.Tasks) > 0
	})
	return s
}

// try is ask for what may fail for a while.
func (p *process) try(method, path string, body, out any) bool {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	request, err := http.NewRequest(method, p.url+path, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusMultipleChoices {
		return false
	}
	if err := json.Unmarshal(answer, out); err != nil {
		p.t.Fatalf("%s %s: %v: %s", method, path, err, answer)
	}
	return true
}
