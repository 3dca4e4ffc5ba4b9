package store

import (
	"context"
	"errors"

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
	topics    *OffsetTopics
	preflight Preflight
}

// NewTransactions takes what finds the offsets of connectors.
func NewTransactions(topics *OffsetTopics, preflight Preflight) *Transactions {
	return &Transactions{topics, preflight}
}

// Open implements host.Transactions. The order is Connect's: fence, initialise, verify; who was late at the first step
// is found out at the last one, before it reads an offset.
func (t *Transactions) Open(ctx context.Context, id host.TaskID, config host.Config, offsetsTopic string) (
	host.TransactionalProducer, error) {
	ticket, err := t.preflight.Fence(ctx, id)
	if err != nil {
		return nil, err
	}
	producer, err := t.topics.clients.TransactionalProducer(ctx, id, config)
	if err != nil {
		return nil, err
	}
	if err := t.preflight.Verify(ctx, id, ticket); err != nil {
		producer.Close()
		return nil, err
	}
	stored, err := t.topics.read(ctx, id, config, offsetsTopic)
	if err != nil {
		producer.Close()
		return nil, err
	}
	return &transactionalWriter{producer, stored}, nil
}

// transactionalWriter is the producer of one task with the offsets that it writes.
type transactionalWriter struct {
	*kafka.TransactionalProducer
	stored *storedOffsets
}

var errOwnOffsetsTopic = errors.New("Source tasks may not produce to their own offsets topics when exactly-once " +
	"support is enabled")

// Send implements host.Producer.
func (w *transactionalWriter) Send(ctx context.Context, records []host.ProducerRecord, ack func(int, error)) error {
	for i := range records {
		if records[i].Topic == w.stored.topic {
			return errOwnOffsetsTopic
		}
	}
	return w.TransactionalProducer.Send(ctx, records, ack)
}

// Offsets implements host.TransactionalProducer.
func (w *transactionalWriter) Offsets(ctx context.Context) ([]host.SourceOffset, error) {
	return w.stored.load(ctx)
}

// Commit implements host.TransactionalProducer.
func (w *transactionalWriter) Commit(ctx context.Context, offsets []host.SourceOffset) error {
	return w.stored.write(ctx, offsets, w.TransactionalProducer.Commit)
}
