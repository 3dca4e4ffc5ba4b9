package herder_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/herder/herdertest"
	"github.com/berth-connect/berth/host"
)

// clients makes producers that count what reaches Kafka.
type clients struct {
	host.Clients
	sent int
}

func (c *clients) Producer(host.TaskID, host.Config) (host.Producer, error) {
	return &producer{c: c}, nil
}

func (c *clients) DeadLetters(context.Context, host.TaskID, host.Config, string, int16) (host.Producer, error) {
	return &producer{c: c}, nil
}

func (c *clients) Consumer(host.TaskID, host.Config, host.Rebalancer) (host.Consumer, error) {
	return &consumer{c: c}, nil
}

type consumer struct {
	host.Consumer
	c *clients
}

func (c *consumer) Commit(context.Context, map[host.TopicPartition]int64) error {
	c.c.sent++
	return nil
}

type producer struct {
	host.Producer
	c *clients
}

func (p *producer) Send(context.Context, []host.ProducerRecord, func(int, error)) error {
	p.c.sent++
	return nil
}

// ownTopics counts what is written to topics of connectors' own.
type ownTopics struct{ *herdertest.Offsets }

func (o ownTopics) Open(context.Context, host.TaskID, host.Config, string, host.Producer) (host.OffsetStore, error) {
	return o.Offsets, nil
}

// TestNothingIsWrittenWithoutSession: neither records nor dead letters nor offsets.
func TestNothingIsWrittenWithoutSession(t *testing.T) {
	g, kafka, offsets := newScript(), &clients{}, herdertest.NewOffsets()
	guard, own := herder.NewGuard(g), ownTopics{herdertest.NewOffsets()}
	guarded := guard.Clients(kafka)
	producer, err := guarded.Producer(host.TaskID{}, nil)
	letters, err2 := guarded.DeadLetters(t.Context(), host.TaskID{}, nil, "dlq", 1)
	consumer, err3 := guarded.Consumer(host.TaskID{}, nil, nil)
	topic, err4 := guard.OffsetTopics(own).Open(t.Context(), host.TaskID{}, nil, "own", producer)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	some := []host.SourceOffset{{Partition: []byte("{}"), Offset: []byte("{}")}}
	writes := map[string]func() error{
		"records":                         func() error { return producer.Send(t.Context(), nil, nil) },
		"dead letters":                    func() error { return letters.Send(t.Context(), nil, nil) },
		"source offsets":                  func() error { return guard.Offsets(offsets).Store(t.Context(), "c", some) },
		"offsets in a topic of their own": func() error { return topic.Store(t.Context(), "c", some) },
		"sink offsets":                    func() error { return consumer.Commit(t.Context(), nil) },
	}
	for what, write := range writes {
		if err := write(); err != nil {
			t.Errorf("%s of a member: %v", what, err)
		}
	}
	g.fence()
	for what, write := range writes {
		if err := write(); err == nil || !strings.Contains(err.Error(), "no member of its group any more") {
			t.Errorf("%s without a session: %v", what, err)
		}
	}
	if kafka.sent != 3 {
		t.Errorf("%d writes have reached Kafka, want 3", kafka.sent)
	}
}

// TestLostIsNotHeldUpByAWrite: the leader writes to a Kafka that does not answer, and its session ends.
func TestLostIsNotHeldUpByAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, g := inGroup(t, joined(1, true, "c", "c-0"))
		defer func() { b.stop() }()
		b.configs.Block(true)
		answer := make(chan error, 1)
		go func() { answer <- b.Delete(t.Context(), "d") }()
		synctest.Wait()
		g.fence()
		began := time.Now()
		g.send(group.Lost{})
		if err := <-answer; err == nil {
			t.Error("a write to a Kafka that does not answer has succeeded")
		}
		synctest.Wait()
		b.expectRunning()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the stop took %s", took)
		}
	})
}
