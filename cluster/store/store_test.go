package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/embedded"
	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

const patience = 60 * time.Second // bounds waits for things that come soon or never

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func workerFor(t *testing.T, addr string) map[string]string {
	name := brokertest.Name(t, "w")
	return map[string]string{
		"bootstrap.servers": addr, "group.id": name, "config.storage.topic": name + "-configs",
		"offset.storage.topic": name + "-offsets", "status.storage.topic": name + "-status",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1",
		"status.storage.replication.factor": "1", "offset.storage.partitions": "3", "status.storage.partitions": "2",
		"config.storage.retention.ms": "-1",
	}
}

type runner interface {
	Run(ctx context.Context) error
	Ready() <-chan struct{}
}

// start runs a store until the test ends or stop is called.
func start(t *testing.T, s runner, failure error) (stop func()) {
	t.Helper()
	if failure != nil {
		t.Fatal(failure)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run = %v", err)
			}
		})
	}
	t.Cleanup(stop)
	select {
	case <-s.Ready():
	case err := <-ended:
		ended <- err
		t.Fatalf("Run = %v before it was ready", err)
	case <-within(t).Done():
		t.Fatal("the store is not ready")
	}
	return stop
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func startConfigs(t *testing.T, worker map[string]string) (*ConfigStore, func()) {
	s, err := NewConfigStore(worker, discard())
	return s, start(t, s, err)
}

func config(keyvals ...string) host.Config {
	c := host.Config{}
	for i := 0; i < len(keyvals); i += 2 {
		c[keyvals[i]] = &keyvals[i+1]
	}
	return c
}

// logOf returns "key=value" of all records of a topic, by partition and offset.
func logOf(t *testing.T, addr, topic string) []string {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(within(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	ends.Each(func(o kadm.ListedOffset) { left += int(o.Offset) })
	var records []*kgo.Record
	for ctx := within(t); len(records) < left && ctx.Err() == nil; {
		records = append(records, cl.PollFetches(ctx).Records()...)
	}
	var out []string
	for _, r := range records {
		value := "null"
		if r.Value != nil {
			value = string(r.Value)
		}
		out = append(out, string(r.Key)+"="+value)
	}
	return out
}

func TestConfigStoreWritesWhatItReads(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	worker := workerFor(t, addr)
	s, stop := startConfigs(t, worker)
	other, _ := startConfigs(t, worker)
	ctx := within(t)
	c := config("b", "é😀\n\"<", "a", "1")
	c["n"] = nil
	for i, write := range []func() error{
		func() error { return s.PutConnector(ctx, "c", c, host.TargetPaused) },
		func() error { return s.PutTasks(ctx, "c", []host.Config{config("t", "0"), config("t", "1")}) },
		func() error { return s.PutTargetState(ctx, "c", host.TargetStopped) },
		func() error { return s.PutTasks(ctx, "c", nil) },
		func() error { return s.PutRestart(ctx, RestartRequest{"c", true, false}) },
		func() error { return s.PutSessionKey(ctx, SessionKey{[]byte{1, 2, 3}, "HmacSHA256", 17}) },
		func() error { return s.PutLoggerLevel(ctx, "x.y", "warn") },
		func() error { return s.PutTaskCount(ctx, "c", 2) },
	} {
		if err := write(); err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
	}
	want := []string{
		`target-state-c={"state":"PAUSED","state.v2":"PAUSED"}`,
		`connector-c={"properties":{"a":"1","b":"é\uD83D\uDE00\n\"<","n":null}}`,
		`task-c-0={"properties":{"t":"0"}}`, `task-c-1={"properties":{"t":"1"}}`, `commit-c={"tasks":2}`,
		`target-state-c={"state":"PAUSED","state.v2":"STOPPED"}`, `commit-c={"tasks":0}`,
		`restart-connector-c={"include-tasks":true,"only-failed":false}`,
		`session-key={"key":"AQID","algorithm":"HmacSHA256","creation-timestamp":17}`,
		`logger-cluster-x.y={"level":"warn"}`, `tasks-fencing-c={"task-count":2}`,
	}
	if got := logOf(t, addr, worker["config.storage.topic"]); !slices.Equal(got, want) {
		t.Errorf("log:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := other.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Snapshot(), other.Snapshot()) {
		t.Errorf("two workers differ:\n%+v\n%+v", s.Snapshot(), other.Snapshot())
	}
	select {
	case <-other.Changed():
	case <-ctx.Done():
		t.Fatal("no notice of a change")
	}
	var kinds []EventKind
	for _, e := range other.TakeEvents() {
		kinds = append(kinds, e.Kind)
	}
	if w := []EventKind{ConnectorUpdated, TasksUpdated, TargetChanged, TasksUpdated, RestartRequested, SessionKeyUpdated,
		LoggerLevelSet}; !slices.Equal(kinds, w) {
		t.Errorf("events = %v, want %v", kinds, w)
	}
	before := s.Snapshot()
	if err := s.DeleteConnector(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if names := s.Snapshot().Names(); len(names) > 0 || len(before.Names()) != 1 {
		t.Errorf("connectors = %v, in the snapshot of before %v", names, before.Names())
	}
	stop()
	again, _ := startConfigs(t, worker)
	if !reflect.DeepEqual(again.Snapshot(), s.Snapshot()) || again.Snapshot().Offset != int64(len(want))+2 ||
		again.TakeEvents() != nil {
		t.Errorf("after a restart: %+v, want %+v without events", again.Snapshot(), s.Snapshot())
	}
}

// The end of a log that transactions were written to lies behind markers that readers don't get.
func TestReadToEndPassesControlRecords(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	for _, support := range []string{"disabled", "enabled"} {
		worker := workerFor(t, addr)
		worker["exactly.once.source.support"] = support
		s, _ := startConfigs(t, worker)
		cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.TransactionalID(worker["group.id"]))
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		ctx := within(t)
		for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
			if err := cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			r := record(connectorKey+fmt.Sprint(i), propertiesJSON(config()))
			r.Topic = worker["config.storage.topic"]
			if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if err := cl.EndTransaction(ctx, end); err != nil {
				t.Fatal(err)
			}
			if err := s.Refresh(ctx); err != nil {
				t.Fatal(err)
			}
		}
		want := map[string]string{"disabled": "[0 1]", "enabled": "[0]"}[support]
		if got := fmt.Sprint(s.Snapshot().Names()); got != want {
			t.Errorf("%s: connectors = %v, want %v", support, got, want)
		}
	}
}

func TestOffsetStoreKeepsKeyBytes(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	worker := workerFor(t, addr)
	s, err := NewOffsetStore(worker, discard())
	stop := start(t, s, err)
	ctx := within(t)
	put := func(connector, partition, offset string) {
		t.Helper()
		o := host.SourceOffset{Partition: []byte(partition)}
		if offset != "" {
			o.Offset = []byte(offset)
		}
		if err := s.Store(ctx, connector, []host.SourceOffset{o}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(ctx, connector); err != nil {
			t.Fatal(err)
		}
	}
	put("c😀", `{"b":1,"a":2}`, `{"p":1}`)
	put("c😀", `{"a":2,"b":1}`, `{"p":2}`)
	put("c😀", `{"gone":1}`, `{"p":1}`)
	put("c😀", `{"gone":1}`, "")
	put("other", `{"b":1,"a":2}`, `{"p":9}`)
	put("other", `null`, "")
	log := logOf(t, addr, worker["offset.storage.topic"])
	if !slices.Contains(log, `["c\uD83D\uDE00",{"b":1,"a":2}]={"p":2}`) || !slices.Contains(log, `["other",null]=null`) ||
		len(log) != 6 {
		t.Errorf("log = %q", log)
	}
	stop()
	again, err := NewOffsetStore(worker, discard())
	start(t, again, err)
	got, err := again.Load(ctx, "c😀")
	if err != nil || len(got) != 1 || string(got[0].Partition) != `{"b":1,"a":2}` || string(got[0].Offset) != `{"p":2}` {
		t.Errorf("loaded %s, %v", got, err)
	}
	if err := s.Store(ctx, "c", []host.SourceOffset{{Partition: []byte("5")}}); err == nil {
		t.Error("a partition that is no object was stored")
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for ctx := within(t); !is(); time.Sleep(5 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("%s did not come true", what)
		}
	}
}

func TestStatusStore(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	worker := workerFor(t, addr)
	s, err := NewStatusStore(worker, discard())
	stop := start(t, s, err)
	ctx, id := within(t), host.TaskID{Connector: "c", Task: 1}
	trace, version := "boom\n", "1.2"
	mine := Status{State: host.Failed, WorkerID: "me:1", Generation: 3, Trace: &trace, Version: &version}
	s.PutConnector("c", mine)
	s.PutTask(id, mine)
	s.PutTask(id, Status{State: host.Running, WorkerID: "me:1", Generation: 3})
	s.PutTopic(TopicUse{"t", "c", 0, 7})
	s.PutTopic(TopicUse{"u", "c", 0, 7})
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Connector("c"); !ok || !reflect.DeepEqual(got, mine) {
		t.Errorf("connector = %+v, want %+v", got, mine)
	}
	s.PutTopic(TopicUse{"t", "c", 1, 8}) // known already
	if got := s.Topics("c"); len(got) != 2 || got[0] != (TopicUse{"t", "c", 0, 7}) {
		t.Errorf("topics = %v", got)
	}
	s.PutTaskSafe(id, Status{State: host.Unassigned, WorkerID: "late:1", Generation: 2})
	s.PutConnectorSafe("c", Status{State: host.Unassigned, WorkerID: "next:1", Generation: 4})
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new owner's status", func() bool { got, _ := s.Connector("c"); return got.WorkerID == "next:1" })
	if got, _ := s.Task(id); got.State != host.Running {
		t.Errorf("task = %+v, want it untouched by a worker of an earlier generation", got)
	}
	if got := fmt.Sprint(s.Connectors(), len(s.Tasks("c"))); got != "[c] 1" {
		t.Errorf("connectors and tasks = %s", got)
	}
	s.DeleteTopics("c")
	s.PutTask(id, Status{State: host.Destroyed})
	s.PutConnector("c", Status{State: host.Destroyed})
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deletion", func() bool { return len(s.Connectors()) == 0 && len(s.Topics("c")) == 0 })
	stop()
	log := logOf(t, addr, worker["status.storage.topic"])
	for _, want := range []string{
		`status-connector-c={"state":"FAILED","trace":"boom\n","worker_id":"me:1","generation":3,"version":"1.2"}`,
		`status-topic-t:connector-c={"topic":{"name":"t","connector":"c","task":0,"discoverTimestamp":7}}`,
		`status-task-c-1=null`, `status-topic-u:connector-c=null`,
	} {
		if !slices.Contains(log, want) {
			t.Errorf("%s is not in the log:\n%s", want, strings.Join(log, "\n"))
		}
	}
}

func TestTopicsAreCheckedAtTheStart(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	for name, c := range map[string]struct {
		partitions int32
		policy     string
		set        [2]string
		want       string
	}{
		"wrong policy": {1, "delete", [2]string{}, "is required to have 'cleanup.policy=compact' to " +
			"guarantee consistency and durability of connector configurations, but found the topic currently has " +
			"'cleanup.policy=delete'"},
		"both policies": {1, "compact,delete", [2]string{}, "'cleanup.policy=compact,delete'"},
		"many partitions": {2, "compact", [2]string{}, "is required to have a single partition in order to " +
			"guarantee consistency of connector configurations, but found 2 partitions."},
		"not to be made": {0, "", [2]string{"internal.topics.automatic.creation.enable", "false"},
			"specified via the 'config.storage.topic' property is missing."},
	} {
		worker := workerFor(t, addr)
		if c.partitions > 0 {
			if _, err := admin.CreateTopic(t.Context(), c.partitions, 1, map[string]*string{"cleanup.policy": &c.policy},
				worker["config.storage.topic"]); err != nil {
				t.Fatal(err)
			}
		}
		if c.set[0] != "" {
			worker[c.set[0]] = c.set[1]
		}
		s, err := NewConfigStore(worker, discard())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(within(t)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := NewStatusStore(map[string]string{"bootstrap.servers": addr}, discard()); err == nil ||
		!strings.Contains(err.Error(), "status.storage.topic") {
		t.Errorf("without a topic: %v", err)
	}
	worker := workerFor(t, addr)
	start(t, must(NewOffsetStore(worker, discard())), nil)
	details, err := admin.ListTopics(t.Context(), worker["offset.storage.topic"])
	if err != nil || len(details[worker["offset.storage.topic"]].Partitions) != 3 {
		t.Errorf("the offsets topic: %v, %v, want 3 partitions", details, err)
	}
}

func must(s *OffsetStore, err error) *OffsetStore {
	if err != nil {
		panic(err)
	}
	return s
}

func TestStoresOutliveABrokersAbsence(t *testing.T) {
	dir := t.TempDir()
	b, stop := brokertest.Embedded(t, embedded.Config{Dir: dir})
	worker := workerFor(t, b.Addr())
	s, _ := startConfigs(t, worker)
	statuses, err := NewStatusStore(worker, discard())
	start(t, statuses, err)
	if err := s.PutConnector(within(t), "a", config("k", "1"), ""); err != nil {
		t.Fatal(err)
	}
	stop()
	statuses.PutConnector("a", Status{State: host.Running, WorkerID: "w", Generation: 1})
	statuses.PutConnector("a", Status{State: host.Paused, WorkerID: "w", Generation: 1})
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := s.Refresh(short); err == nil {
		t.Error("a refresh without a broker succeeded")
	}
	brokertest.Embedded(t, embedded.Config{Dir: dir})
	if err := s.PutConnector(within(t), "b", config("k", "2"), ""); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Snapshot().Names()); got != "[a b]" {
		t.Errorf("connectors = %s", got)
	}
	eventually(t, "the last status", func() bool { got, _ := statuses.Connector("a"); return got.State == host.Paused })
}

func FuzzReaders(f *testing.F) {
	f.Add([]byte("connector-a"), []byte(`{"properties":{"k":1e999}}`))
	f.Add([]byte("task-a-٣"), []byte(`{"properties":{}}`))
	f.Add([]byte("commit-a"), []byte(`{"tasks":-1}`))
	f.Add([]byte("status-topic-a:connector-c"), []byte(`{"topic":{}}`))
	f.Add([]byte(`["c",{"a":1}]`), []byte(`{"p":1}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r := &kgo.Record{Key: key, Value: value}
		configs, statuses, offsets := newConfigReader(discard()), newStatusReader(discard()), newOffsetReader(nil, discard())
		configs.apply(&kgo.Record{Key: []byte("connector-a"), Value: []byte(`{"properties":{}}`)})
		configs.apply(r)
		statuses.apply(r)
		offsets.apply(r)
		for name, c := range configs.snapshot().Connectors {
			if c.TaskCount < 1<<16 {
				c.Tasks(name)
			}
		}
		for connector := range offsets.connectors {
			for _, o := range offsets.list(connector) {
				if again, err := offsets.keyFor(connector, o); err != nil || !json.Valid(again) {
					t.Errorf("key for %s: %s, %v", o.Partition, again, err)
				}
			}
		}
	})
}
