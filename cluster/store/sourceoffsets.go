package store

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/host"
)

// SourceOffsets are the offsets of one source connector for one request of the offsets API. It is for one goroutine.
type SourceOffsets struct {
	topics *OffsetTopics
	id     host.TaskID // the first task, in whose name offsets are written
	config host.Config
	topic  string         // offsets.storage.topic, "" for the worker's
	stored *storedOffsets // nil: not read yet
}

// Of returns the offsets of a source connector with its configuration. It does no I/O.
func (t *OffsetTopics) Of(connector string, config host.Config) *SourceOffsets {
	return &SourceOffsets{topics: t, id: host.TaskID{Connector: connector}, config: config,
		topic: abi.TrimConfig(config.Get("offsets.storage.topic"))}
}

// List returns the offsets as Connect shows them.
func (s *SourceOffsets) List(ctx context.Context) ([]host.SourceOffset, error) {
	if !s.topics.elsewhere(s.config, s.topic) {
		return s.topics.shared.List(ctx, s.id.Connector)
	}
	stored, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return stored.list(ctx)
}

// Load returns all that is stored.
func (s *SourceOffsets) Load(ctx context.Context) ([]host.SourceOffset, error) {
	if !s.topics.elsewhere(s.config, s.topic) {
		return s.topics.shared.Load(ctx, s.id.Connector)
	}
	stored, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return stored.load(ctx)
}

func (s *SourceOffsets) read(ctx context.Context) (*storedOffsets, error) {
	var err error
	if s.stored == nil {
		s.stored, err = s.topics.read(ctx, s.id, s.config, s.topic)
	}
	return s.stored, err
}

// Store writes offsets as the connector's first task would, whose producers can write no more afterwards where sources
// write exactly once. Nothing to write is no error, and fences nobody.
func (s *SourceOffsets) Store(ctx context.Context, offsets []host.SourceOffset) error {
	if len(offsets) == 0 {
		return nil
	}
	transactions := writesExactlyOnce(s.topics.worker)
	if !transactions && !s.topics.elsewhere(s.config, s.topic) {
		return s.topics.shared.Store(ctx, s.id.Connector, offsets)
	}
	stored, err := s.read(ctx)
	if err != nil {
		return err
	}
	if transactions {
		return s.storeInTransaction(ctx, stored, offsets)
	}
	producer, err := s.topics.clients.Producer(s.id, s.config)
	if err != nil {
		return err
	}
	defer producer.Close()
	return taskOffsets{stored, producer}.Store(ctx, s.id.Connector, offsets)
}

func (s *SourceOffsets) storeInTransaction(ctx context.Context, stored *storedOffsets,
	offsets []host.SourceOffset) error {
	producer, err := s.topics.clients.TransactionalProducer(ctx, s.id, s.config)
	if err != nil {
		return err
	}
	defer producer.Close()
	if host.KafkaQuirks(s.topics.worker) && stored.shared != nil {
		if deleted := deletions(offsets); len(deleted) > 0 {
			return stored.deleteBehind(ctx, deleted)
		}
	}
	err = stored.write(ctx, offsets, func(ctx context.Context, records ...*kgo.Record) error {
		return commitAlone(ctx, producer, records)
	})
	if err != nil {
		return fmt.Errorf("storing offsets of connector %s: %w", s.id.Connector, err)
	}
	return nil
}

// deleteBehind does what Connect does where offsets are deleted in transactions and the connector has a topic of its
// own: ConnectorOffsetBackingStore.set deletes them in the worker's topic, and never comes to the connector's. It waits
// until ctx ends, and nothing else is written.
func (s *storedOffsets) deleteBehind(ctx context.Context, deleted []host.SourceOffset) error {
	if err := s.shared.Store(ctx, s.connector, deleted); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// deletions are those of the offsets that are null.
func deletions(offsets []host.SourceOffset) (deleted []host.SourceOffset) {
	for _, o := range offsets {
		if o.Offset == nil {
			deleted = append(deleted, o)
		}
	}
	return deleted
}

// commitAlone writes records in a transaction of their own.
func commitAlone(ctx context.Context, producer *kafka.TransactionalProducer, records []*kgo.Record) error {
	if err := producer.Begin(); err != nil {
		return err
	}
	if err := producer.Commit(ctx, records...); err != nil {
		_ = producer.Abort(ctx) // best effort, and the cause is known
		return err
	}
	return nil
}
