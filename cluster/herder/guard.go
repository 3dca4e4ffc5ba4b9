package herder

import (
	"context"
	"errors"
	"time"

	"github.com/berth-connect/berth/host"
)

// errFenced ends a task that goes on although its worker's session is over: another worker may run it by now.
var errFenced = errors.New("this worker is no member of its group any more (session.timeout.ms has passed without a " +
	"heartbeat); another worker runs the task")

// Guard keeps tasks from writing records, dead letters and offsets once the worker's session in the group is over,
// before they have been told to stop: after the process was frozen, or cut off from Kafka.
type Guard struct{ group Group }

// NewGuard makes a guard of a membership.
func NewGuard(g Group) Guard { return Guard{g} }

// Clients guards what makes producers.
func (g Guard) Clients(clients host.Clients) host.Clients { return guardedClients{clients, g.group} }

// Offsets guards the writing of source offsets.
func (g Guard) Offsets(offsets host.OffsetStore) host.OffsetStore {
	return guardedOffsets{offsets, g.group}
}

// OffsetTopics guards the writing of source offsets into topics of connectors' own.
func (g Guard) OffsetTopics(topics host.OffsetTopics) host.OffsetTopics {
	return guardedTopics{topics, g}
}

type guardedTopics struct {
	host.OffsetTopics
	guard Guard
}

// Open implements host.OffsetTopics.
func (t guardedTopics) Open(ctx context.Context, id host.TaskID, config host.Config, topic string,
	producer host.Producer) (host.OffsetStore, error) {
	offsets, err := t.OffsetTopics.Open(ctx, id, config, topic, producer)
	if err != nil {
		return nil, err
	}
	return t.guard.Offsets(offsets), nil
}

type guardedClients struct {
	host.Clients
	group Group
}

// Producer implements host.Clients.
func (c guardedClients) Producer(id host.TaskID, config host.Config) (host.Producer, error) {
	producer, err := c.Clients.Producer(id, config)
	if err != nil {
		return nil, err
	}
	return guardedProducer{producer, c.group}, nil
}

// DeadLetters implements host.Clients.
func (c guardedClients) DeadLetters(ctx context.Context, id host.TaskID, config host.Config, topic string,
	replication int16) (host.Producer, error) {
	producer, err := c.Clients.DeadLetters(ctx, id, config, topic, replication)
	if err != nil {
		return nil, err
	}
	return guardedProducer{producer, c.group}, nil
}

// Consumer implements host.Clients.
func (c guardedClients) Consumer(id host.TaskID, config host.Config, rebalancer host.Rebalancer) (host.Consumer,
	error) {
	consumer, err := c.Clients.Consumer(id, config, rebalancer)
	if err != nil {
		return nil, err
	}
	return guardedConsumer{consumer, c.group}, nil
}

type guardedProducer struct {
	host.Producer
	group Group
}

// Send implements host.Producer.
func (p guardedProducer) Send(ctx context.Context, records []host.ProducerRecord, ack func(int, error)) error {
	if p.group.Fenced() {
		return errFenced
	}
	return p.Producer.Send(ctx, records, ack)
}

type guardedConsumer struct {
	host.Consumer
	group Group
}

// Commit implements host.Consumer.
func (c guardedConsumer) Commit(ctx context.Context, offsets map[host.TopicPartition]int64) error {
	if c.group.Fenced() {
		return errFenced
	}
	return c.Consumer.Commit(ctx, offsets)
}

type guardedOffsets struct {
	host.OffsetStore
	group Group
}

// Store implements host.OffsetStore.
func (o guardedOffsets) Store(ctx context.Context, connector string, offsets []host.SourceOffset) error {
	if o.group.Fenced() {
		return errFenced
	}
	return o.OffsetStore.Store(ctx, connector, offsets)
}

// whileMember returns a context that ends when the worker's session does: a worker that may have a successor must not
// hang on a write to the config topic while its tasks wait to be stopped.
func (h *Herder) whileMember(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, kafkaWriteDurationMax)
	ctx, end := h.untilFenced(ctx)
	return ctx, func() {
		end()
		cancel()
	}
}

// untilFenced returns a context that ends when the worker's session does.
func (h *Herder) untilFenced(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	if h.group == nil {
		return ctx, cancel
	}
	go func() {
		look := time.NewTicker(fencedLookInterval)
		defer look.Stop()
		for !h.group.Fenced() {
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	return ctx, cancel
}
