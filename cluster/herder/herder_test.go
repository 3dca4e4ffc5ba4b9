package herder_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/herder/herdertest"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// bench is a herder on stores in memory. Tests run in a synctest bubble: synctest.Wait returns when the herder and its
// conductors have nothing left to do.
type bench struct {
	*herder.Herder
	t        *testing.T
	configs  *herdertest.Configs
	statuses *herdertest.Statuses
	offsets  *herdertest.Offsets
	admin    *herdertest.Admin
	sinks    *herdertest.SinkGroups
	runtime  *herdertest.Runtime
	leader   *sent
	group    herder.Group // nil: none
	config   herder.Config
	stop     func()

	// Of tests with several workers; nil: none.
	join  func(*herder.Herder) herder.Group
	leads herder.Leader
	setUp func(*herdertest.Runtime)
}

func newBench(t *testing.T) *bench {
	return &bench{t: t, configs: herdertest.NewConfigs(), statuses: herdertest.NewStatuses(),
		offsets: herdertest.NewOffsets(), admin: &herdertest.Admin{}, sinks: &herdertest.SinkGroups{}, leader: &sent{},
		config: herder.Config{WorkerID: "worker:8083", GroupID: "g", TopicTracking: true, TopicTrackingReset: true,
			SessionKeys: herder.SessionKeys{Algorithm: "HmacSHA256", TTL: time.Hour, SignatureAlgorithm: "HmacSHA256",
				Verification: []string{"HmacSHA256"}}}}
}

// start runs a new herder on the stores, as a restarted worker would.
func (b *bench) start() *bench {
	b.launch()
	synctest.Wait()
	return b
}

func (b *bench) launch() {
	b.Herder = herder.New(b.config, herder.Ports{Configs: b.configs, Statuses: b.statuses, Offsets: b.offsets,
		Admin: b.admin, OpenFencer: b.admin.Open, OpenSink: b.sinks.Open,
		Leader: cmp.Or[herder.Leader](b.leads, b.leader)}, slog.New(slog.DiscardHandler))
	if b.group != nil {
		b.Join(b.group)
	}
	b.runtime = herdertest.NewRuntime(b.Herder)
	if b.join != nil {
		b.setUp(b.runtime)
		b.Join(b.join(b.Herder))
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx, b.runtime) }()
	b.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
	}
}

func config(pairs ...string) host.Config {
	class := "conformance.TestSource"
	c := host.Config{"connector.class": &class}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i]] = &pairs[i+1]
	}
	return c
}

func (b *bench) create(name string, target host.TargetState, pairs ...string) {
	b.t.Helper()
	c := config(pairs...)
	c["name"] = &name
	if _, err := b.Create(b.t.Context(), name, c, target); err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
}

func (b *bench) put(name string, pairs ...string) {
	b.t.Helper()
	c := config(pairs...)
	c["name"] = &name
	if _, _, err := b.PutConfig(b.t.Context(), name, c); err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
}

// do runs a request that must succeed and waits until it has had its effect.
func (b *bench) do(request func(context.Context, string) error, name string) {
	b.t.Helper()
	if err := request(b.t.Context(), name); err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
}

// expect compares a connector's states, as in "RUNNING 0:RUNNING 1:FAILED", or the error.
func (b *bench) expect(name, want string) {
	b.t.Helper()
	status, err := b.Status(b.t.Context(), name)
	got := string(status.Connector.State)
	for _, task := range status.Tasks {
		got += fmt.Sprintf(" %d:%s", task.Task, task.State)
	}
	if err != nil {
		got = err.Error()
	}
	if got != want {
		b.t.Errorf("status of %s: got %q, want %q", name, got, want)
	}
}

func (b *bench) expectRunning(want ...string) {
	b.t.Helper()
	if got := b.runtime.Running(); !slices.Equal(got, want) {
		b.t.Errorf("running: got %v, want %v", got, want)
	}
}

// A worker may have ended between the two records of a stop.
func TestStoppedConnectorRunsNoTasksThatAreStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		b.create("c", "", "tasks.max", "2")
		b.stop()
		if err := b.configs.PutTargetState(t.Context(), "c", host.TargetStopped); err != nil {
			t.Fatal(err)
		}
		b.start()
		defer func() { b.stop() }()
		synctest.Wait()
		b.expectRunning("c")
		b.do(b.Resume, "c")
		b.expect("c", "RUNNING 0:RUNNING 1:RUNNING")
		b.expectRunning("c", "c-0", "c-1")
	})
}

func TestLifeOfAConnector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("c", "", "tasks.max", "2")
		b.expect("c", "RUNNING 0:RUNNING 1:RUNNING")
		b.do(b.Pause, "c")
		b.expect("c", "PAUSED 0:PAUSED 1:PAUSED")
		b.do(b.Resume, "c")
		b.expect("c", "RUNNING 0:RUNNING 1:RUNNING")
		b.put("c", "tasks.max", "1")
		b.expect("c", "RUNNING 0:RUNNING")
		b.expectRunning("c", "c-0")
		b.do(b.Stop, "c")
		b.expect("c", "STOPPED")
		b.expectRunning()
		b.do(b.Resume, "c")
		b.expect("c", "RUNNING 0:RUNNING")
		b.do(b.RestartConnector, "c")
		b.expect("c", "RUNNING 0:RUNNING")
		b.do(b.Delete, "c")
		b.expect("c", "No status found for connector c")
		b.expectRunning()
	})
}

func TestInitialStates(t *testing.T) {
	tests := map[host.TargetState]string{host.TargetStarted: "RUNNING 0:RUNNING", host.TargetPaused: "PAUSED",
		host.TargetStopped: "STOPPED"}
	for target, want := range tests {
		t.Run(string(target), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t).start()
				defer func() { b.stop() }()
				b.create("c", target)
				b.expect("c", want)
				b.do(b.Resume, "c")
				b.expect("c", "RUNNING 0:RUNNING")
			})
		})
	}
}

// TestRestartedWorkerReusesTasks: nothing is written when nothing has changed, and every target state is kept.
func TestRestartedWorkerReusesTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		b.create("a", "", "tasks.max", "2")
		b.create("b", host.TargetPaused)
		b.create("c", host.TargetStopped)
		b.statuses.PutTask(host.TaskID{Connector: "gone", Task: 3}, store.Status{State: host.Running})
		b.stop()
		b.expectRunning()
		b.expect("a", "UNASSIGNED 0:UNASSIGNED 1:UNASSIGNED")
		before := b.configs.Snapshot().Connectors["a"].Generation

		b.start()
		defer func() { b.stop() }()
		b.expect("a", "RUNNING 0:RUNNING 1:RUNNING")
		b.expect("b", "PAUSED")
		b.expect("c", "STOPPED")
		if after := b.configs.Snapshot().Connectors["a"].Generation; after != before {
			t.Errorf("the task set was written again: generation %d, before %d", after, before)
		}
		if starts := b.runtime.Starts("a-0"); starts != 1 {
			t.Errorf("task a-0 was started %d times, want 1", starts)
		}
		if left := b.statuses.Tasks("gone"); len(left) != 0 {
			t.Errorf("statuses of an unknown connector are left: %v", left)
		}
	})
}

// A commit that was repeated without its tasks leaves a connector without tasks, as in Connect; a restart mends it.
func TestTornTaskSetIsWrittenAnewByARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		b.create("c", "", "tasks.max", "2")
		b.stop()
		b.configs.Tear("c")
		b.start()
		defer func() { b.stop() }()
		b.expect("c", "RUNNING")
		if tasks, err := b.Tasks(t.Context(), "c"); err != nil || len(tasks) != 2 {
			t.Errorf("stored tasks: %v, %v", tasks, err)
		}
		b.do(b.RestartConnector, "c")
		b.expect("c", "RUNNING 0:RUNNING 1:RUNNING")
	})
}

func TestFailuresStayWithTheirConnector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("bad", "", "connector.start", "throw")
		b.create("many", "", "connector.tasks", "toomany")
		b.create("hang", "", "connector.start", "hang")
		b.create("good", "", "task.start", "throw", "tasks.max", "2")
		b.expect("bad", "FAILED")
		b.expect("many", "FAILED")
		b.expect("hang", "No status found for connector hang")
		b.expect("good", "RUNNING 0:FAILED 1:FAILED")
		status, err := b.Status(t.Context(), "bad")
		if err != nil || status.Connector.Trace == nil || !strings.Contains(*status.Connector.Trace, "on purpose") ||
			*status.Connector.Version != "1.0.0" {
			t.Errorf("the failure has no trace or version: %+v, %v", status.Connector, err)
		}
		err = b.RestartConnector(t.Context(), "bad")
		if !errors.Is(err, host.ErrInternal) || err.Error() != "Failed to start connector: bad" {
			t.Errorf("restart of a connector that fails again: %v", err)
		}
		b.do(b.Stop, "bad")
		b.expect("bad", "STOPPED")
		b.put("hang")
		b.expect("hang", "RUNNING 0:RUNNING")
	})
}

func TestHangingStartCanBeDeletedAndStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("a", "", "connector.start", "hang")
		b.create("b", "", "connector.start", "hang")
		b.do(b.Stop, "a")
		b.expect("a", "STOPPED")
		b.do(b.Delete, "b")
		b.expectRunning("a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b.create("c", "", "connector.start", "hang")
		err := b.RestartConnector(ctx, "c")
		if err == nil || !strings.HasPrefix(err.Error(), "Request timed out. The worker is currently restarting") {
			t.Errorf("restart of a connector that hangs: %v", err)
		}
	})
}

func TestTaskConfigsAreWrittenAgainUntilTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.configs.FailTasks(errors.New("Kafka is away"))
		b.create("c", "")
		b.expect("c", "RUNNING")
		b.configs.FailTasks(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		b.expect("c", "RUNNING 0:RUNNING")
	})
}

func TestRestartPlans(t *testing.T) {
	const name = "c"
	tests := []struct {
		what         string
		includeTasks bool
		onlyFailed   bool
		answer       string
		connector    int // starts
		healthy      int
		failed       int
	}{
		{"tasks too", true, false, "RESTARTING 0:RESTARTING 1:RESTARTING", 2, 2, 2},
		{"what failed", true, true, "RUNNING 0:RUNNING 1:RESTARTING", 1, 1, 2},
		{"the failed connector", false, true, "RUNNING 0:RUNNING 1:FAILED", 1, 1, 1},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t).start()
				defer func() { b.stop() }()
				b.create(name, "", "tasks.max", "2")
				b.TaskStatus(host.TaskID{Connector: name, Task: 1}, host.Failed, "trace", "1.0.0")
				synctest.Wait()
				status, err := b.Restart(t.Context(), store.RestartRequest{
					Connector: name, IncludeTasks: test.includeTasks, OnlyFailed: test.onlyFailed})
				if err != nil {
					t.Fatal(err)
				}
				answer := states(status)
				synctest.Wait()
				got := []int{b.runtime.Starts(name), b.runtime.Starts("c-0"), b.runtime.Starts("c-1")}
				if want := []int{test.connector, test.healthy, test.failed}; !slices.Equal(got, want) {
					t.Errorf("starts: got %v, want %v", got, want)
				}
				if answer != test.answer {
					t.Errorf("answer: got %q, want %q", answer, test.answer)
				}
			})
		})
	}
}

func TestLateReportsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("c", "")
		b.TaskStatus(host.TaskID{Connector: "c", Task: 7}, host.Unassigned, "", "")
		b.TopicUsed(host.TaskID{Connector: "c"}, "t")
		b.TopicUsed(host.TaskID{Connector: "none"}, "t")
		synctest.Wait()
		b.expect("c", "RUNNING 0:RUNNING")
		for name, want := range map[string]int{"c": 1, "none": 0} {
			if topics, err := b.Topics(t.Context(), name); err != nil || len(topics) != want {
				t.Errorf("topics of %s: %v, %v", name, topics, err)
			}
		}
		b.do(b.ResetTopics, "c")
		if topics, err := b.Topics(t.Context(), "c"); err != nil || len(topics) != 0 {
			t.Errorf("topics after the reset: %v, %v", topics, err)
		}
	})
}

func TestErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		ctx := t.Context()
		b.create("c", "")
		create := func(name string, pairs ...string) error {
			c := config(pairs...)
			c["name"] = &name
			_, err := b.Create(ctx, name, c, "")
			return err
		}
		tests := []struct {
			err  error
			kind error
			text string
		}{
			{create("c"), host.ErrConflict, "Connector c already exists"},
			{create("d", "tasks.max", "0"), host.ErrBadRequest, "Connector configuration is invalid and contains the " +
				"following 1 error(s):\nInvalid value 0 for configuration tasks.max: Value must be at least 1\nYou can " +
				"also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"},
			{b.Delete(ctx, "x"), host.ErrNotFound, "Connector x not found"},
			{b.Pause(ctx, "x"), host.ErrNotFound, "Unknown connector x"},
			{b.RestartConnector(ctx, "x"), host.ErrNotFound, "Unknown connector: x"},
			{b.RestartTask(ctx, host.TaskID{Connector: "c", Task: 1}), host.ErrNotFound, "Unknown task: c-1"},
		}
		for _, test := range tests {
			if !errors.Is(test.err, test.kind) || test.err.Error() != test.text {
				t.Errorf("got %v, want %q", test.err, test.text)
			}
		}
	})
}

func TestRequestsWaitForTheStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := herder.New(herder.Config{}, herder.Ports{}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ready, doing := h.Ready()
		if ready || !strings.HasPrefix(doing, "The worker is currently awaiting startup, which began at ") {
			t.Errorf("ready %v, doing %q", ready, doing)
		}
		if _, err := h.Connectors(ctx); err == nil || !strings.HasPrefix(err.Error(), "Request timed out. The worker is") {
			t.Errorf("list of connectors: %v", err)
		}
	})
}
