//go:build jvm

package group_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// A member in one group with Kafka Connect's own worker: it follows and gets a share, takes all when the JVM worker
// goes, and leads one that comes, which runs what it is given. Needs BERTH_TEST_BOOTSTRAP, a Kafka, and
// BERTH_TEST_JVM, a class path with connect-runtime and connect-file.
func TestGroupWithJVM(t *testing.T) {
	name := brokertest.Name(t, "mixed")
	jvm := startJVM(t, name)
	for i := range sources {
		jvm.put("/connectors/"+sourceName(i)+"/config", map[string]string{
			"connector.class": "FileStreamSource", "tasks.max": "1", "topic": name, "file": filepath.Join(t.TempDir(), "in"),
		})
	}
	jvm.awaitRunning(group.Work{})

	berth := joinMixed(t, name)
	session := berth.until("two connectors and two tasks of a JVM leader", func(s group.Session) bool {
		return len(s.Held.Connectors) == 2 && len(s.Held.Tasks) == 2 && !s.IsLeader
	})
	if session.Assignment.LeaderURL != jvm.url+"/" || session.Protocol != group.Sessioned {
		t.Errorf("the leader is %s, the protocol %s; want %s/, sessioned", session.Assignment.LeaderURL, session.Protocol,
			jvm.url)
	}
	jvm.awaitRunning(session.Held)

	jvm.stop()
	berth.until("all work", func(s group.Session) bool {
		return len(s.Held.Connectors) == 4 && len(s.Held.Tasks) == 4 && s.IsLeader
	})
	jvm = startJVM(t, name)
	session = berth.until("half the work, as the leader", func(s group.Session) bool {
		return len(s.Held.Connectors) == 2 && len(s.Held.Tasks) == 2 && s.IsLeader && allOwned(s.Owners, jvm.url+"/")
	})
	jvm.awaitRunning(session.Held)
	berth.leave()
	jvm.awaitRunning(group.Work{})
}

// allOwned says that one of the two workers has each connector; between two rounds some have no owner.
func allOwned(owners *group.Owners, jvmURL string) bool {
	for i := range sources {
		if owner := owners.Connector(sourceName(i)); owner != jvmURL && owner != berthURL {
			return false
		}
	}
	return true
}

// jvmPatience covers the start of a JVM worker on a busy machine.
const jvmPatience = 5 * time.Minute

const sources = 4 // connectors, with a task each

func sourceName(i int) string { return fmt.Sprintf("source-%d", i) }

const berthURL = "http://127.0.0.1:1/" // nobody calls a worker that leads and does not change anything

// jvmWorker is a process of Kafka Connect's worker.
type jvmWorker struct {
	t       *testing.T
	process *exec.Cmd
	url, id string
}

const jvmProperties = `bootstrap.servers=%[1]s
group.id=%[2]s
config.storage.topic=%[2]s-configs
offset.storage.topic=%[2]s-offsets
status.storage.topic=%[2]s-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
listeners=http://%[3]s
scheduled.rebalance.max.delay.ms=1000
heartbeat.interval.ms=500
session.timeout.ms=6000
`

func startJVM(t *testing.T, name string) *jvmWorker {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "worker.properties"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(file, jvmProperties, brokertest.Bootstrap(t), name, address)
	file.Close()
	log, err := os.Create(filepath.Join(dir, "worker.log"))
	if err != nil {
		t.Fatal(err)
	}
	w := &jvmWorker{t: t, url: "http://" + address, id: address}
	w.process = exec.Command("java", "-Xmx512M", "-Dorg.apache.logging.log4j.level=INFO",
		"-cp", os.Getenv("BERTH_TEST_JVM"),
		"org.apache.kafka.connect.cli.ConnectDistributed", file.Name())
	w.process.Stdout, w.process.Stderr = log, log
	if err := w.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if w.process.ProcessState == nil {
			w.stop()
		}
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("the JVM worker's log ends with\n%s", text[max(0, len(text)-20000):])
		}
	})
	w.eventually("an answer of GET /connectors", func() error {
		return w.call(http.MethodGet, "/connectors", nil, nil)
	})
	return w
}

func (w *jvmWorker) stop() {
	_ = w.process.Process.Signal(os.Interrupt)
	_ = w.process.Wait()
}

func (w *jvmWorker) put(path string, body any) {
	w.t.Helper()
	w.eventually("an answer of PUT "+path, func() error { return w.call(http.MethodPut, path, body, nil) })
}

func (w *jvmWorker) call(method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, w.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %s %w", method, path, response.Status, said, err)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}

// awaitRunning waits until this worker says that it runs all but what another one holds. What it says of the others'
// work does not count: they write no statuses in this test.
func (w *jvmWorker) awaitRunning(others group.Work) {
	w.t.Helper()
	type status struct {
		State    string
		WorkerID string `json:"worker_id"`
	}
	running := status{"RUNNING", w.id}
	w.eventually("the rest running on the JVM worker", func() error {
		var all map[string]struct {
			Status struct {
				Connector status
				Tasks     []status
			}
		}
		if err := w.call(http.MethodGet, "/connectors?expand=status", nil, &all); err != nil {
			return err
		}
		for i := range sources {
			name := sourceName(i)
			c, task := all[name].Status, host.TaskID{Connector: name}
			if !slices.Contains(others.Connectors, name) && c.Connector != running ||
				!slices.Contains(others.Tasks, task) && !slices.Equal(c.Tasks, []status{running}) {
				return fmt.Errorf("%s is %+v", name, c)
			}
		}
		return nil
	})
}

func (w *jvmWorker) eventually(what string, try func() error) {
	w.t.Helper()
	var err error
	for deadline := time.Now().Add(jvmPatience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	w.t.Fatalf("no sign of %s: %v", what, err)
}

// mixedMember is a member that reads the real config topic and runs nothing.
type mixedMember struct {
	t      *testing.T
	member *group.Member
	leave  func()
}

func joinMixed(t *testing.T, name string) *mixedMember {
	bootstrap := brokertest.Bootstrap(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	configs, err := store.NewConfigStore(map[string]string{
		"bootstrap.servers": bootstrap, "group.id": name, "config.storage.topic": name + "-configs",
		"config.storage.replication.factor": "1",
	}, log)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ClientID("connect-berth"))
	if err != nil {
		t.Fatal(err)
	}
	config := (&cluster{groupID: name}).settings(berthURL)
	m := &mixedMember{t: t, member: group.New(config, group.Ports{Client: client, State: configTopic{configs}}, log)}
	reading, stopReading := context.WithCancel(context.Background())
	joined, leave := context.WithCancel(context.Background())
	read, left := make(chan error, 1), make(chan error, 1)
	go func() { read <- configs.Run(reading) }()
	go func() { left <- m.member.Run(joined) }()
	m.leave = func() {
		leave()
		if err := <-left; err != nil {
			t.Error(err)
		}
		left <- nil
	}
	t.Cleanup(func() {
		m.leave()
		client.Close()
		stopReading()
		if err := <-read; err != nil {
			t.Error(err)
		}
	})
	return m
}

// until returns the first session from now on that is as wanted.
func (m *mixedMember) until(what string, wanted func(group.Session) bool) group.Session {
	m.t.Helper()
	late := time.After(jvmPatience)
	for {
		for _, event := range m.member.TakeEvents() {
			joined, ok := event.(group.Joined)
			if ok && wanted(joined.Session) {
				return joined.Session
			}
			if !ok {
				m.member.Stopped()
			}
		}
		select {
		case <-m.member.Changed():
		case <-late:
			m.t.Fatalf("no sign of %s", what)
		}
	}
}

// configTopic is the state of the group as the config topic has it.
type configTopic struct{ *store.ConfigStore }

func (c configTopic) ConfigOffset() int64 { return c.Snapshot().Offset }

func (c configTopic) FreshConfigs(ctx context.Context, atLeast int64) (group.ConfigView, error) {
	if c.ConfigOffset() < atLeast {
		if err := c.Refresh(ctx); err != nil {
			return group.ConfigView{}, err
		}
	}
	s := c.Snapshot()
	view := group.ConfigView{Offset: s.Offset, Tasks: map[string]int{}}
	for _, name := range s.Names() {
		connector, _ := s.Connector(name)
		view.Tasks[name] = len(connector.Tasks(name))
		if connector.Inconsistent {
			view.Inconsistent = append(view.Inconsistent, name)
		}
	}
	return view, nil
}
