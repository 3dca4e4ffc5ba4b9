package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/host"
)

// Preflight keeps tasks with transactions in order across the workers of a group (KIP-618).
type Preflight interface {
	// Fence returns when no task of an earlier set of the connector's tasks can write any more. The ticket is for Verify.
	Fence(ctx context.Context, id host.TaskID) (ticket int, err error)
	// Verify returns an error when the task is this worker's no more, or a newer set of tasks has been made.
	Verify(ctx context.Context, id host.TaskID, ticket int) error
}

// Transactions makes producers that write records and source offsets in the same transactions. It implements
// host.Transactions.
type Transactions struct {
	worker    map[string]string
	clients   *kafka.Clients
	offsets   *OffsetStore // the worker's
	preflight Preflight
	log       *slog.Logger
}

// NewTransactions takes the worker's properties and its offset store.
func NewTransactions(worker map[string]string, clients *kafka.Clients, offsets *OffsetStore, preflight Preflight,
	log *slog.Logger) *Transactions {
	return &Transactions{worker, clients, offsets, preflight, log}
}

// Open implements host.Transactions. The order is Connect's: fence, initialise, verify; who was late at the first step
// is found out at the last one, before it reads an offset.
func (t *Transactions) Open(ctx context.Context, id host.TaskID, config host.Config, offsetsTopic string) (
	host.TransactionalProducer, error) {
	ticket, err := t.preflight.Fence(ctx, id)
	if err != nil {
		return nil, err
	}
	producer, err := t.clients.TransactionalProducer(ctx, id, config)
	if err != nil {
		return nil, err
	}
	if err := t.preflight.Verify(ctx, id, ticket); err != nil {
		producer.Close()
		return nil, err
	}
	w := &transactionalWriter{TransactionalProducer: producer, connector: id.Connector,
		log: t.log.With("connector", id.Connector, "task", id.Task)}
	if err := t.openOffsets(ctx, w, id, config, offsetsTopic); err != nil {
		producer.Close()
		return nil, err
	}
	return w, nil
}

// openOffsets reads the connector's offsets topic with the connector's own clients, which may be of another Kafka than
// the worker's: transactions do not reach from one to the other.
func (t *Transactions) openOffsets(ctx context.Context, w *transactionalWriter, id host.TaskID, config host.Config,
	topic string) error {
	spec, err := newSpec(t.worker, "offset.storage", "source connector offsets", "offsets", defaultOffsetPartitions)
	if err != nil {
		return err
	}
	spec.committedOnly = true
	elsewhere := topic != "" && topic != spec.topic || config.Get("producer.override.bootstrap.servers") != ""
	if topic != "" && topic != spec.topic {
		spec.topic, spec.property = topic, "offsets.storage.topic"
	}
	options, err := t.clients.OffsetsOptions(id, config)
	if err != nil {
		return err
	}
	w.topic, w.reader = spec.topic, newOffsetReader(w.log)
	if err := readOnce(ctx, spec, options, w.log, w.reader.apply); err != nil {
		return fmt.Errorf("reading the offsets of connector %s: %w", id.Connector, err)
	}
	if elsewhere {
		w.global = t.offsets
	}
	return nil
}

// readOnce hands over what a topic holds, creating it if need be.
func readOnce(ctx context.Context, spec topicSpec, options kafka.OffsetsOptions, log *slog.Logger,
	apply func(*kgo.Record)) error {
	l := newOptionsLog(spec, options.Consumer, log, apply)
	l.adminOpts = options.Admin
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	select {
	case <-l.ready():
		cancel()
		return <-ended
	case err := <-ended:
		return errors.Join(err, ctx.Err())
	}
}

// transactionalWriter is the producer of one task with the offsets topic that it writes to.
type transactionalWriter struct {
	*kafka.TransactionalProducer
	connector, topic string
	reader           offsetReader // what was stored at the start, which nobody else changes while the task runs
	global           *OffsetStore // the worker's, when the connector has a topic of its own; nil: it has not
	log              *slog.Logger
}

var errOwnOffsetsTopic = errors.New("Source tasks may not produce to their own offsets topics when exactly-once " +
	"support is enabled")

// Send implements host.Producer.
func (w *transactionalWriter) Send(ctx context.Context, records []host.ProducerRecord, ack func(int, error)) error {
	for i := range records {
		if records[i].Topic == w.topic {
			return errOwnOffsetsTopic
		}
	}
	return w.TransactionalProducer.Send(ctx, records, ack)
}

// Offsets implements host.TransactionalProducer: the worker's offsets, overlaid by those of the connector's own topic.
func (w *transactionalWriter) Offsets(ctx context.Context) ([]host.SourceOffset, error) {
	own := w.reader.list(w.connector)
	if w.global == nil {
		return own, nil
	}
	shared, err := w.global.Load(ctx, w.connector)
	if err != nil {
		return nil, err
	}
	return overlaid(shared, own)
}

// overlaid leaves out of below what above has, too.
func overlaid(below, above []host.SourceOffset) ([]host.SourceOffset, error) {
	covered := map[string]bool{}
	for _, o := range above {
		text, err := canonicalJSON(o.Partition)
		if err != nil {
			return nil, err
		}
		covered[text] = true
	}
	var out []host.SourceOffset
	for _, o := range below {
		text, err := canonicalJSON(o.Partition)
		if err != nil {
			return nil, err
		}
		if !covered[text] {
			out = append(out, o)
		}
	}
	return append(out, above...), nil
}

// Commit implements host.TransactionalProducer. The worker's topic gets offsets of a connector with a topic of its own
// too, behind the transaction and without a promise: there the offsets API looks, and the connector if it loses its
// topic.
func (w *transactionalWriter) Commit(ctx context.Context, offsets []host.SourceOffset) error {
	records := make([]*kgo.Record, len(offsets))
	for i, o := range offsets {
		key, err := w.reader.keyFor(w.connector, o.Partition)
		if err != nil {
			return fmt.Errorf("storing offsets of connector %s: %w", w.connector, err)
		}
		records[i] = &kgo.Record{Topic: w.topic, Key: key, Value: o.Offset}
	}
	if err := w.TransactionalProducer.Commit(ctx, records...); err != nil {
		return err
	}
	if w.global == nil {
		return nil
	}
	if err := w.global.Store(ctx, w.connector, offsets); err != nil {
		w.log.Warn("offsets are in the connector's topic, and not in the worker's", "topic", w.topic, "error", err)
	}
	return nil
}
