package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/kafka"
)

// leaderTransactionTimeout is how long Kafka lets a transaction of a leader that died hold up readers.
const leaderTransactionTimeout = time.Minute

// ErrNotClaimed is a write of what only the leader of the group writes, by a worker that has not claimed that right or
// has lost it to another one.
var ErrNotClaimed = errors.New("only the leader of the group writes this to the config topic, and this worker " +
	"is not, or is not any more")

// leaderWriter writes in transactions of one transactional id for all workers of a group, so that who claims it last is
// the only one that can: a leader that was frozen, or cut off, changes nothing afterwards (KIP-618).
type leaderWriter struct {
	topic string
	opts  []kgo.Opt
	lost  chan struct{} // a token when another worker has claimed the id

	mu      sync.Mutex // held while a transaction is written
	leading bool
	client  *kgo.Client // nil: to be made for the next write
}

// newLeaderWriter takes the worker's properties. It does no I/O.
func newLeaderWriter(topic string, worker map[string]string, log *slog.Logger) (*leaderWriter, error) {
	opts, err := kafka.WorkerOptions(worker, clientID(worker, "configs-leader"), log)
	if err != nil {
		return nil, err
	}
	opts = append(opts, kgo.TransactionalID("connect-cluster-"+worker["group.id"]),
		kgo.TransactionTimeout(leaderTransactionTimeout), kgo.ProducerLinger(0), kgo.UnknownTopicRetries(-1),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	return &leaderWriter{topic: topic, opts: opts, lost: make(chan struct{}, 1)}, nil
}

// claim takes the id from whoever has it; a leader that stays one keeps it.
func (w *leaderWriter) claim(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.leading && w.client != nil {
		return nil
	}
	w.leading = true
	return w.open(ctx)
}

// release gives up the right to write.
func (w *leaderWriter) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leading = false
	w.close()
}

func (w *leaderWriter) open(ctx context.Context) error {
	client, err := kgo.NewClient(w.opts...)
	if err != nil {
		return fmt.Errorf("making the leader's producer of topic %s: %w", w.topic, err)
	}
	if err := kafka.InitTransactions(ctx, client); err != nil {
		client.Close()
		return fmt.Errorf("claiming the writing of topic %s: %w", w.topic, err)
	}
	w.client = client
	return nil
}

func (w *leaderWriter) close() {
	if w.client != nil {
		w.client.Close()
		w.client = nil
	}
}

// write returns when a transaction with all records is committed. A failure costs the producer, whose successor aborts
// what is open; only another worker's claim costs the right to have one.
func (w *leaderWriter) write(ctx context.Context, records ...*kgo.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.leading {
		return ErrNotClaimed
	}
	if w.client == nil {
		if err := w.open(ctx); err != nil {
			return err
		}
	}
	err := w.transact(ctx, records)
	if err == nil {
		return nil
	}
	w.close()
	if errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.ProducerFenced) {
		w.leading = false
		select {
		case w.lost <- struct{}{}:
		default:
		}
		return fmt.Errorf("%w: %w", ErrNotClaimed, err)
	}
	return fmt.Errorf("writing to topic %s: %w", w.topic, err)
}

func (w *leaderWriter) transact(ctx context.Context, records []*kgo.Record) error {
	if err := w.client.BeginTransaction(); err != nil {
		return err
	}
	for _, r := range records {
		r.Topic = w.topic
	}
	if err := w.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	return w.client.EndTransaction(ctx, kgo.TryCommit)
}
