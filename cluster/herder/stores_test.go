package herder_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/embedded"
	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/herder/herdertest"
	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// runner is anything with a Run that must be up while a test goes on.
type runner interface{ Run(context.Context) error }

// runUntilCleanup runs r until the returned function is called, or the test ends.
func runUntilCleanup(t *testing.T, r runner) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%T: %v", r, err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// herderRun gives a herder with its runtime the form of a runner.
type herderRun struct {
	*herder.Herder
	runtime host.Runtime
}

func (r herderRun) Run(ctx context.Context) error { return r.Herder.Run(ctx, r.runtime) }

// TestStateSurvivesOnKafka: a worker that comes back finds connectors, tasks and target states in the three topics.
func TestStateSurvivesOnKafka(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	broker := embedded.New(embedded.Config{Dir: t.TempDir(), Log: log})
	runUntilCleanup(t, broker)
	<-broker.Ready()
	properties := broker.WorkerDefaults()
	for key, value := range map[string]string{"group.id": "g", "config.storage.topic": "configs",
		"offset.storage.topic": "offsets", "status.storage.topic": "statuses"} {
		properties[key] = value
	}

	first := newWorker(t, properties, log)
	name := "c"
	c := config("tasks.max", "2")
	c["name"] = &name
	if _, err := first.Create(t.Context(), name, c, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return first.states(name) == "RUNNING RUNNING RUNNING" })
	if err := first.Pause(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return first.states(name) == "PAUSED PAUSED PAUSED" })
	first.stop()

	second := newWorker(t, properties, log)
	eventually(t, func() bool { return second.states(name) == "PAUSED PAUSED PAUSED" })
	if n := second.runtime.Starts("c-1"); n != 1 {
		t.Errorf("task c-1 was started %d times, want 1", n)
	}
	if id, err := second.ClusterID(t.Context()); err != nil || id == "" {
		t.Errorf("cluster id %q, %v", id, err)
	}
	if err := second.Delete(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return second.states(name) == "" })
	second.stop()
}

type kafkaWorker struct {
	*herder.Herder
	runtime *herdertest.Runtime
	stop    func()
}

func newWorker(t *testing.T, properties map[string]string, log *slog.Logger) *kafkaWorker {
	t.Helper()
	configs, err := store.NewConfigStore(properties, log)
	if err != nil {
		t.Fatal(err)
	}
	statuses, err := store.NewStatusStore(properties, log)
	if err != nil {
		t.Fatal(err)
	}
	offsets, err := store.NewOffsetStore(properties, log)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := kafka.NewAdmin(properties, "g-shared-admin", log)
	if err != nil {
		t.Fatal(err)
	}
	var stops []func()
	for _, s := range []runner{configs, statuses, offsets} {
		stops = append(stops, runUntilCleanup(t, s))
	}
	w := &kafkaWorker{Herder: herder.New(herder.Config{WorkerID: "worker:8083"},
		herder.Ports{Configs: configs, Statuses: statuses, Offsets: offsets, Admin: admin}, log)}
	w.runtime = herdertest.NewRuntime(w.Herder)
	stopHerder := runUntilCleanup(t, herderRun{w.Herder, w.runtime})
	w.stop = func() {
		stopHerder()
		for _, stop := range stops {
			stop()
		}
		admin.Close()
	}
	return w
}

// states lists the states of a connector and its tasks, "" when it has none.
func (w *kafkaWorker) states(name string) string {
	status, err := w.Status(context.Background(), name)
	if err != nil {
		return ""
	}
	states := string(status.Connector.State)
	for _, task := range status.Tasks {
		states += " " + string(task.State)
	}
	return states
}

// eventually waits for what the herder does in the background; a herder that never does it runs into go test's limit.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	for !condition() {
		time.Sleep(10 * time.Millisecond)
	}
}
