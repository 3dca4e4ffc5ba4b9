package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/berth-connect/berth/host"
)

// exampleDurationMax ends an example that hangs.
const exampleDurationMax = time.Minute

// kafka is what a task sees of a cluster, for one connector at a time: what it reads, what it wrote, and whether it is
// done.
type kafka struct {
	mu       sync.Mutex
	input    []host.ConsumerRecord
	output   []host.ProducerRecord
	expected int // records of a source
	commits  map[host.TopicPartition]int64
	trace    string        // of the failed task
	changed  chan struct{} // has room for one: something of the above is new
}

func newKafka() *kafka { return &kafka{changed: make(chan struct{}, 1)} }

func (k *kafka) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.input, k.output, k.expected, k.commits, k.trace = nil, nil, 0, map[host.TopicPartition]int64{}, ""
}

func (k *kafka) produce(records []host.ConsumerRecord) { k.change(func() { k.input = records }) }
func (k *kafka) expect(records int)                    { k.change(func() { k.expected = records }) }

func (k *kafka) change(how func()) {
	k.mu.Lock()
	how()
	k.mu.Unlock()
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// await returns when the task has failed, with its trace, or has moved all records.
func (k *kafka) await(ctx context.Context) (trace string, err error) {
	ctx, cancel := context.WithTimeout(ctx, exampleDurationMax)
	defer cancel()
	for {
		k.mu.Lock()
		trace, done := k.trace, k.done()
		k.mu.Unlock()
		if trace != "" || done {
			return trace, nil
		}
		select {
		case <-k.changed:
		case <-ctx.Done():
			return "", fmt.Errorf("the example does not end: %d records of %d written, committed %v", len(k.output),
				k.expected, k.commits)
		}
	}
}

func (k *kafka) done() bool {
	if k.expected > 0 {
		return len(k.output) >= k.expected
	}
	next := map[host.TopicPartition]int64{}
	for _, r := range k.input {
		next[host.TopicPartition{Topic: r.Topic, Partition: r.Partition}] = r.Offset + 1
	}
	for tp, offset := range next {
		if k.commits[tp] < offset {
			return false
		}
	}
	return true
}

func (k *kafka) sent() []host.ProducerRecord {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.output
}

func (k *kafka) committed() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var lines []string
	for tp, offset := range k.commits {
		lines = append(lines, fmt.Sprintf("%s-%d@%d", tp.Topic, tp.Partition, offset))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Producer implements host.Clients, as the next ones do.
func (k *kafka) Producer(host.TaskID, host.Config) (host.Producer, error) { return producer{k}, nil }

func (k *kafka) Record(_ context.Context, _ host.TaskID, _ host.Config, at host.TopicPartition, offset int64) (
	host.ConsumerRecord, error) {
	return host.ConsumerRecord{}, fmt.Errorf("no example gives up record %s-%d@%d late", at.Topic, at.Partition, offset)
}

func (k *kafka) Consumer(_ host.TaskID, _ host.Config, r host.Rebalancer) (host.Consumer, error) {
	return &consumer{kafka: k, rebalancer: r}, nil
}

func (k *kafka) Topics(host.TaskID, host.Config) (host.Topics, error) { return topics{}, nil }

// topics are there as soon as they are written to.
type topics struct{}

func (topics) Ensure(context.Context, string) error { return nil }

func (topics) Close() {}

func (k *kafka) DeadLetters(context.Context, host.TaskID, host.Config, string, int16) (host.Producer, error) {
	return producer{k}, nil
}

// Load implements host.OffsetStore: each example begins anew.
func (k *kafka) Load(context.Context, string) ([]host.SourceOffset, error) { return nil, nil }

// Store implements host.OffsetStore.
func (k *kafka) Store(context.Context, string, []host.SourceOffset) error { return nil }

// ConnectorStatus implements host.StatusReporter; StartConnector returns what can fail.
func (k *kafka) ConnectorStatus(string, host.State, string, string) {}

// TaskStatus implements host.StatusReporter.
func (k *kafka) TaskStatus(_ host.TaskID, state host.State, trace, _ string) {
	if state == host.Failed {
		k.change(func() { k.trace = trace })
	}
}

// TopicUsed implements host.StatusReporter.
func (k *kafka) TaskSwap(host.TaskID, host.SwapReport) <-chan struct{} { return nil }

func (k *kafka) TopicUsed(host.TaskID, string) {}

type producer struct{ kafka *kafka }

func (p producer) Send(_ context.Context, records []host.ProducerRecord, ack func(int, error)) error {
	p.kafka.change(func() {
		for _, r := range records {
			r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
			p.kafka.output = append(p.kafka.output, r)
		}
	})
	go func(n int) {
		for i := range n {
			ack(i, nil)
		}
	}(len(records))
	return nil
}

func (producer) Close() {}

// consumer gives all records with the first poll.
type consumer struct {
	kafka      *kafka
	rebalancer host.Rebalancer
	assigned   map[host.TopicPartition]int64
	given      bool
	paused     bool
}

func (c *consumer) Poll(ctx context.Context, _ int, wait time.Duration) ([]host.ConsumerRecord, error) {
	if c.assigned == nil {
		c.assigned = map[host.TopicPartition]int64{}
		for _, r := range c.kafka.input {
			c.assigned[host.TopicPartition{Topic: r.Topic, Partition: r.Partition}] = 0
		}
		c.rebalancer.Assigned(ctx, c.assigned)
	}
	if !c.given && !c.paused {
		c.given = true
		return c.kafka.input, nil
	}
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
	return nil, ctx.Err()
}

func (c *consumer) Commit(_ context.Context, offsets map[host.TopicPartition]int64) error {
	c.kafka.change(func() {
		for tp, offset := range offsets {
			c.kafka.commits[tp] = offset
		}
	})
	return nil
}

func (c *consumer) Pause()                             { c.paused = true }
func (c *consumer) Resume()                            { c.paused = false }
func (c *consumer) Seek(map[host.TopicPartition]int64) { c.given = false }

// Release implements host.Consumer.
func (c *consumer) Release(ctx context.Context) {
	partitions := make([]host.TopicPartition, 0, len(c.assigned))
	for tp := range c.assigned {
		partitions = append(partitions, tp)
	}
	c.rebalancer.Revoked(ctx, partitions)
	c.assigned = nil
}

// Close implements host.Consumer.
func (*consumer) Close(context.Context) {}
