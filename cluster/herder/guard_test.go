package herder_test

import (
	"context"
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

type producer struct {
	host.Producer
	c *clients
}

func (p *producer) Send(context.Context, []host.ProducerRecord, func(int, error)) error {
	p.c.sent++
	return nil
}

// TestNothingIsWrittenWithoutSession: neither records nor offsets.
func TestNothingIsWrittenWithoutSession(t *testing.T) {
	g, r, offsets := newScript(), &clients{}, herdertest.NewOffsets()
	guard := herder.NewGuard(g)
	producer, err := guard.Clients(r).Producer(host.TaskID{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	store := func() error {
		some := []host.SourceOffset{{Partition: []byte("{}"), Offset: []byte("{}")}}
		return guard.Offsets(offsets).Store(t.Context(), "c", some)
	}
	send := func() error { return producer.Send(t.Context(), nil, nil) }
	for what, write := range map[string]func() error{"records": send, "offsets": store} {
		if err := write(); err != nil {
			t.Errorf("%s of a member: %v", what, err)
		}
	}
	g.fence()
	for what, write := range map[string]func() error{"records": send, "offsets": store} {
		if err := write(); err == nil || !strings.Contains(err.Error(), "no member of its group any more") {
			t.Errorf("%s without a session: %v", what, err)
		}
	}
	if r.sent != 1 {
		t.Errorf("%d sends have reached Kafka, want 1", r.sent)
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
