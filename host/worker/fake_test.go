package worker

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/validate"
	"github.com/berth-connect/berth/modules"
	"github.com/berth-connect/berth/testdata/guests"
)

// fakeKafka is what the host sees of a cluster: topics of one partition each in memory.
type fakeKafka struct {
	mu      sync.Mutex
	topics  map[string][]host.ProducerRecord
	commits map[host.TopicPartition]int64
	offsets map[string]map[string][]byte    // connector, partition, offset
	refuses func(host.ProducerRecord) error // what producers say to a record; nil: they take all
	held    map[string][]func()             // acks of these topics wait until they are let go
}

// hold keeps back the acks for a topic; release gives them.
func (k *fakeKafka) hold(topic string) (release func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = map[string][]func(){topic: {}}
	return func() {
		k.mu.Lock()
		acks := k.held[topic]
		k.held = nil
		k.mu.Unlock()
		for _, ack := range acks {
			ack()
		}
	}
}

func newFakeKafka() *fakeKafka {
	return &fakeKafka{topics: map[string][]host.ProducerRecord{}, commits: map[host.TopicPartition]int64{},
		offsets: map[string]map[string][]byte{}}
}

func (k *fakeKafka) Producer(host.TaskID, host.Config) (host.Producer, error) {
	return fakeProducer{k}, nil
}

func (k *fakeKafka) Consumer(_ host.TaskID, config host.Config, r host.Rebalancer) (host.Consumer, error) {
	return &fakeConsumer{kafka: k, topic: config.Get("topics"), rebalancer: r}, nil
}

func (k *fakeKafka) Topics(host.TaskID, host.Config) (host.Topics, error) { return brokerTopics{}, nil }

// brokerTopics leaves the creation of topics to the broker.
type brokerTopics struct{}

func (brokerTopics) Ensure(context.Context, string) error { return nil }

func (brokerTopics) Close() {}

func (k *fakeKafka) DeadLetters(context.Context, host.TaskID, host.Config, string, int16) (host.Producer, error) {
	return fakeProducer{k}, nil
}

func (k *fakeKafka) Record(_ context.Context, _ host.TaskID, _ host.Config, at host.TopicPartition,
	offset int64) (host.ConsumerRecord, error) {
	all := k.records(at.Topic)
	if offset >= int64(len(all)) {
		return host.ConsumerRecord{}, errors.New("no such record")
	}
	r := all[offset]
	return host.ConsumerRecord{Topic: at.Topic, Offset: offset, Key: r.Key, Value: r.Value, TimestampMs: r.TimestampMs,
		TimestampType: host.CreateTime, Headers: r.Headers}, nil
}

func (k *fakeKafka) Load(_ context.Context, connector string) ([]host.SourceOffset, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []host.SourceOffset
	for p, o := range k.offsets[connector] {
		all = append(all, host.SourceOffset{Partition: []byte(p), Offset: o})
	}
	return all, nil
}

func (k *fakeKafka) Store(_ context.Context, connector string, offsets []host.SourceOffset) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.offsets[connector] == nil {
		k.offsets[connector] = map[string][]byte{}
	}
	for _, o := range offsets {
		k.offsets[connector][string(o.Partition)] = o.Offset
	}
	return nil
}

func (k *fakeKafka) records(topic string) []host.ProducerRecord {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]host.ProducerRecord(nil), k.topics[topic]...)
}

func (k *fakeKafka) committed(topic string) int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.commits[host.TopicPartition{Topic: topic}]
}

func (k *fakeKafka) produce(topic string, values ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range values {
		k.topics[topic] = append(k.topics[topic], host.ProducerRecord{Topic: topic, Value: []byte(v)})
	}
}

type fakeProducer struct{ kafka *fakeKafka }

func (p fakeProducer) Send(_ context.Context, records []host.ProducerRecord, ack func(int, error)) error {
	p.kafka.mu.Lock()
	defer p.kafka.mu.Unlock()
	var acks []func()
	for i, r := range records {
		if p.kafka.refuses != nil {
			if err := p.kafka.refuses(r); err != nil {
				acks = append(acks, func() { ack(i, err) })
				continue
			}
		}
		r.Key, r.Value = append([]byte(nil), r.Key...), append([]byte(nil), r.Value...)
		p.kafka.topics[r.Topic] = append(p.kafka.topics[r.Topic], r)
		if held, holds := p.kafka.held[r.Topic]; holds {
			p.kafka.held[r.Topic] = append(held, func() { ack(i, nil) })
			continue
		}
		acks = append(acks, func() { ack(i, nil) })
	}
	go func() {
		for _, ack := range acks {
			ack()
		}
	}()
	return nil
}

func (fakeProducer) Close() {}

type fakeConsumer struct {
	kafka      *fakeKafka
	topic      string
	rebalancer host.Rebalancer
	next       int64
	joined     bool
	paused     bool
}

func (c *fakeConsumer) Poll(ctx context.Context, limit int, wait time.Duration) ([]host.ConsumerRecord, error) {
	tp := host.TopicPartition{Topic: c.topic}
	if !c.joined {
		c.joined = true
		c.next = c.kafka.committed(c.topic)
		c.rebalancer.Assigned(ctx, map[host.TopicPartition]int64{tp: c.next})
	}
	until := time.Now().Add(wait)
	for {
		all := c.kafka.records(c.topic)
		if c.next < int64(len(all)) && !c.paused {
			var records []host.ConsumerRecord
			for _, r := range all[c.next:min(int64(len(all)), c.next+int64(limit))] {
				records = append(records, host.ConsumerRecord{Topic: c.topic, Offset: c.next, Key: r.Key, Value: r.Value,
					TimestampMs: r.TimestampMs, TimestampType: host.CreateTime, Headers: r.Headers})
				c.next++
			}
			return records, nil
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return nil, ctx.Err()
		}
		time.Sleep(time.Millisecond)
	}
}

func (c *fakeConsumer) Commit(_ context.Context, offsets map[host.TopicPartition]int64) error {
	c.kafka.mu.Lock()
	defer c.kafka.mu.Unlock()
	for tp, o := range offsets {
		c.kafka.commits[tp] = o
	}
	return nil
}

func (c *fakeConsumer) Pause()  { c.paused = true }
func (c *fakeConsumer) Resume() { c.paused = false }

func (c *fakeConsumer) Seek(offsets map[host.TopicPartition]int64) {
	c.next = offsets[host.TopicPartition{Topic: c.topic}]
}

func (c *fakeConsumer) Release(ctx context.Context) {
	if c.joined {
		c.rebalancer.Revoked(ctx, []host.TopicPartition{{Topic: c.topic}})
	}
	c.joined = false
}

func (c *fakeConsumer) Close(ctx context.Context) { c.Release(ctx) }

// statuses remembers what the worker reports.
type statuses struct {
	mu         sync.Mutex
	connectors map[string]status
	tasks      map[host.TaskID]status
	swaps      map[host.TaskID][]host.SwapReport
	starts     map[host.TaskID]int // how often each task was said to run
}

type status struct {
	state host.State
	trace string
}

func (s *statuses) ConnectorStatus(name string, state host.State, trace, _ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connectors[name] = status{state, trace}
}

func (s *statuses) TaskStatus(id host.TaskID, state host.State, trace, _ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks[id] = status{state, trace}
	if state == host.Running {
		s.starts[id]++
	}
}

func (s *statuses) TaskSwap(id host.TaskID, report host.SwapReport) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if report.State != host.SwapStarted {
		s.swaps[id] = append(s.swaps[id], report)
	}
	recorded := make(chan struct{})
	close(recorded)
	return recorded
}

func (s *statuses) TopicUsed(host.TaskID, string) {}

func (s *statuses) task(id host.TaskID) status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks[id]
}

func (s *statuses) connector(name string) status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connectors[name]
}

// bench is a worker with its surroundings.
type bench struct {
	*Worker
	kafka  *fakeKafka
	status *statuses
}

func newBench(t *testing.T, dirs ...string) *bench {
	t.Helper()
	return newGrantedBench(t, plugin.Grants{Dirs: dirs}, host.Limits{})
}

func newGrantedBench(t *testing.T, grants plugin.Grants, limits host.Limits) *bench {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	e, err := engine.Open(t.Context(), filepath.Join(os.TempDir(), "berth-test-cache"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	registry := plugin.New(plugin.Config{Dir: t.TempDir(), Bundle: bundle(), Grants: grants, Limits: limits,
		Log: log}, e)
	if err := registry.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := &bench{kafka: newFakeKafka(), status: &statuses{connectors: map[string]status{}, tasks: map[host.TaskID]status{},
		swaps: map[host.TaskID][]host.SwapReport{}, starts: map[host.TaskID]int{}}}
	b.Worker = New(Config{
		WorkerID:             "test:8083",
		Properties:           config("key.converter", stringConverter, "value.converter", stringConverter),
		OffsetFlushInterval:  50 * time.Millisecond,
		OffsetFlushTimeout:   5 * time.Second,
		TaskShutdownGraceful: 2 * time.Second,
		TrapMax:              host.TrapsPerMinuteMax,
	}, Ports{Registry: registry, Validator: validate.New(registry, validate.PolicyAll), Clients: b.kafka, Offsets: b.kafka,
		Status: b.status, Meter: noop.Meter{}, Log: log})
	t.Cleanup(func() { b.stopAll() })
	return b
}

func bundle() []plugin.Bundled {
	var all []plugin.Bundled
	for _, m := range modules.All() {
		all = append(all, plugin.Bundled(m))
	}
	return all
}

const stringConverter = "org.apache.kafka.connect.storage.StringConverter"

func (b *bench) stopAll() {
	b.mu.Lock()
	var ids []host.TaskID
	for id := range b.tasks {
		ids = append(ids, id)
	}
	b.mu.Unlock()
	b.StopTasks(context.Background(), ids...)
}

func config(pairs ...string) host.Config {
	c := host.Config{}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i]] = &pairs[i+1]
	}
	return c
}

// start starts a connector and its tasks.
func (b *bench) start(t *testing.T, c host.Config) {
	t.Helper()
	name := c.Get("name")
	tasks, err := b.StartConnector(t.Context(), name, c, host.TargetStarted, func() {})
	if err != nil {
		t.Fatalf("start connector %s: %v", name, err)
	}
	for i, task := range tasks {
		b.StartTask(host.TaskID{Connector: name, Task: i}, len(tasks), c, task, host.TargetStarted)
	}
}

// eventually waits for a condition; the time is there to end a broken test, not to measure.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func (b *bench) addGuest(t *testing.T, name string) {
	t.Helper()
	if _, err := b.add(t, name, guests.Go(t, "testdata/guests/"+name, "")); err != nil {
		t.Fatalf("add module %s: %v", name, err)
	}
}

func (b *bench) add(t *testing.T, name string, wasm []byte) (host.ModuleInfo, error) {
	t.Helper()
	info, _, err := b.AddModule(t.Context(), host.ModuleUpload{Name: name, Wasm: wasm})
	return info, err
}
