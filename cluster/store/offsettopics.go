package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/host"
)

// OffsetTopics finds the source offsets of connectors: in the topic that a connector names (offsets.storage.topic,
// KIP-618), and behind it in the worker's. It implements host.OffsetTopics.
type OffsetTopics struct {
	worker  map[string]string
	clients *kafka.Clients
	shared  *OffsetStore
	log     *slog.Logger
}

// NewOffsetTopics takes the worker's properties and its offset store. It does no I/O.
func NewOffsetTopics(worker map[string]string, clients *kafka.Clients, shared *OffsetStore,
	log *slog.Logger) *OffsetTopics {
	return &OffsetTopics{worker, clients, shared, log}
}

// Open implements host.OffsetTopics.
func (t *OffsetTopics) Open(ctx context.Context, id host.TaskID, config host.Config, topic string,
	producer host.Producer) (host.OffsetStore, error) {
	if !t.elsewhere(config, topic) {
		return t.shared, nil
	}
	stored, err := t.read(ctx, id, config, topic)
	if err != nil {
		return nil, err
	}
	return taskOffsets{stored, producer}, nil
}

// elsewhere tells whether a connector's offsets are in another topic than the worker's, or in another Kafka, where a
// connector without a topic of its own has them only if they are written in transactions with its records.
func (t *OffsetTopics) elsewhere(config host.Config, topic string) bool {
	if config.Get("producer.override.bootstrap.servers") != "" {
		return topic != "" || writesExactlyOnce(t.worker)
	}
	return topic != "" && topic != t.worker["offset.storage.topic"]
}

// read reads a connector's topic with the connector's own clients, creating it if need be.
func (t *OffsetTopics) read(ctx context.Context, id host.TaskID, config host.Config, topic string) (*storedOffsets,
	error) {
	spec, err := newSpec(t.worker, "offset.storage", "source connector offsets", "offsets", defaultOffsetPartitions)
	if err != nil {
		return nil, err
	}
	spec.committedOnly = usesTransactions(t.worker)
	s := &storedOffsets{connector: id.Connector, log: t.log.With("connector", id.Connector, "task", id.Task)}
	if t.elsewhere(config, topic) {
		s.shared = t.shared
	}
	if topic != "" && topic != spec.topic {
		spec.topic, spec.property = topic, "offsets.storage.topic"
	}
	options, err := t.clients.OffsetsOptions(id, config)
	if err != nil {
		return nil, err
	}
	s.topic, s.reader = spec.topic, newOffsetReader(t.worker, s.log)
	if err := readOnce(ctx, spec, options, s.log, s.reader.apply); err != nil {
		return nil, fmt.Errorf("reading the offsets of connector %s: %w", id.Connector, err)
	}
	return s, nil
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

// storedOffsets are the offsets of one connector in the topic that it writes to, as it was when it was read: nobody
// else changes them meanwhile.
type storedOffsets struct {
	connector, topic string
	reader           offsetReader
	shared           *OffsetStore // the worker's, behind a topic of the connector's own; nil: the topic is the worker's
	log              *slog.Logger
}

// load returns what is stored: the worker's offsets, overlaid by those of the connector's own topic.
func (s *storedOffsets) load(ctx context.Context) ([]host.SourceOffset, error) {
	own := s.reader.list(s.connector)
	if s.shared == nil {
		return own, nil
	}
	below, err := s.shared.Load(ctx, s.connector)
	if err != nil {
		return nil, err
	}
	return overlaid(below, own)
}

// list is load, as Connect shows it.
func (s *storedOffsets) list(ctx context.Context) ([]host.SourceOffset, error) {
	own := s.reader.shown(s.connector)
	if s.shared == nil {
		return own, nil
	}
	below, err := s.shared.List(ctx, s.connector)
	if err != nil {
		return nil, err
	}
	return overlaid(below, own)
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

// write has the topic's records written, and the worker's topic follow. As in Connect, what is deleted must be deleted
// there first, because it would show again; the rest follows without a promise, for a connector that loses its topic.
func (s *storedOffsets) write(ctx context.Context, offsets []host.SourceOffset,
	write func(context.Context, ...*kgo.Record) error) error {
	records := make([]*kgo.Record, len(offsets))
	var kept, deleted []host.SourceOffset
	for i, o := range offsets {
		key, err := s.reader.keyFor(s.connector, o)
		if err != nil {
			return fmt.Errorf("storing offsets of connector %s: %w", s.connector, err)
		}
		records[i] = &kgo.Record{Topic: s.topic, Key: key, Value: o.Offset}
		if o.Offset == nil {
			deleted = append(deleted, o)
		} else {
			kept = append(kept, o)
		}
	}
	if s.shared == nil {
		return write(ctx, records...)
	}
	if err := s.shared.Store(ctx, s.connector, deleted); err != nil {
		return err
	}
	if err := write(ctx, records...); err != nil {
		return err
	}
	if err := s.shared.Store(ctx, s.connector, kept); err != nil {
		s.log.Warn("offsets are in the connector's topic, and not in the worker's", "topic", s.topic, "error", err)
	}
	return nil
}

// taskOffsets are those of a task without transactions, written with its own producer.
type taskOffsets struct {
	*storedOffsets
	producer host.Producer
}

// Load implements host.OffsetStore.
func (o taskOffsets) Load(ctx context.Context, _ string) ([]host.SourceOffset, error) {
	return o.load(ctx)
}

// Store implements host.OffsetStore.
func (o taskOffsets) Store(ctx context.Context, _ string, offsets []host.SourceOffset) error {
	err := o.write(ctx, offsets, func(ctx context.Context, records ...*kgo.Record) error {
		return sendAll(ctx, o.producer, records)
	})
	if err != nil {
		return fmt.Errorf("storing offsets of connector %s: %w", o.connector, err)
	}
	return nil
}

// sendAll returns when Kafka has all records.
func sendAll(ctx context.Context, producer host.Producer, records []*kgo.Record) error {
	acks := make(chan error, len(records))
	sent := make([]host.ProducerRecord, len(records))
	for i, r := range records {
		sent[i] = host.ProducerRecord{Topic: r.Topic, Partition: -1, TimestampMs: abi.NoTimestamp, Key: r.Key, Value: r.Value}
	}
	if err := producer.Send(ctx, sent, func(_ int, err error) { acks <- err }); err != nil {
		return err
	}
	for range records {
		select {
		case err := <-acks:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
