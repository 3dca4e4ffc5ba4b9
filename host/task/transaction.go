package task

import (
	"context"
	"fmt"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
)

// Boundary says where the transactions of a source with exactly-once support end.
type Boundary struct {
	Kind     BoundaryKind
	Interval time.Duration // transaction.boundary.interval.ms
}

// BoundaryKind is a value of transaction.boundary.
type BoundaryKind string

// Kinds of boundaries.
const (
	BoundaryPoll      BoundaryKind = "poll"      // behind each batch
	BoundaryInterval  BoundaryKind = "interval"  // behind the first batch after the interval, at a pause and at the end
	BoundaryConnector BoundaryKind = "connector" // where the connector says so
)

// transaction is what a source with exactly-once support has besides: its records and their offsets go to Kafka in
// transactions, and nothing is durable before the transaction is.
type transaction struct {
	producer host.TransactionalProducer
	boundary Boundary
	open     bool
	began    time.Time
	records  int64 // sent in the open one
}

// NewExactlyOnceSource returns a task that writes records and offsets in transactions of producer, which it closes.
func NewExactlyOnceSource(config Config, producer host.TransactionalProducer, boundary Boundary) *Source {
	t := NewSource(config, producer, nil)
	t.transaction = &transaction{producer: producer, boundary: boundary}
	return t
}

// loadOffsets reads what earlier tasks have stored.
func (t *Source) loadOffsets(ctx context.Context) ([]host.SourceOffset, error) {
	if t.transaction != nil {
		return t.transaction.producer.Offsets(ctx)
	}
	return t.offsets.Load(ctx, t.config.ID.Connector)
}

// flushInterval is how often the task looks whether offsets are to be stored, or a transaction is to end.
func (t *Source) flushInterval() time.Duration {
	if tx := t.transaction; tx != nil && tx.boundary.Kind == BoundaryInterval {
		return tx.boundary.Interval
	}
	return t.config.FlushInterval
}

// endsTransactions tells whether the connector says where transactions end.
func (t *Source) endsTransactions() bool {
	return t.transaction != nil && t.transaction.boundary.Kind == BoundaryConnector
}

// retarget pauses or resumes. What a pause would leave in an open transaction is committed before; a source that was
// asked to give up its other stages may do so when it is resumed only, and is started anew instead.
func (t *Source) retarget(ctx context.Context) error {
	paused := t.config.Target.paused.Load()
	if paused && t.transaction != nil && !t.endsTransactions() {
		if err := t.commit(ctx); err != nil {
			return err
		}
	}
	if paused && t.chain.leaving != nil {
		return t.chain.stay("and the source was paused before it gave them up")
	}
	t.setPaused(paused)
	return nil
}

// begin opens a transaction unless one is open.
func (t *transaction) begin() error {
	if t.open {
		return nil
	}
	if err := t.producer.Begin(); err != nil {
		return err
	}
	t.open, t.began, t.records = true, time.Now(), 0
	return nil
}

// due tells whether the open transaction ends behind the batch that was sent.
func (t *transaction) due() bool {
	switch t.boundary.Kind {
	case BoundaryConnector:
		return false
	case BoundaryInterval:
		return time.Since(t.began) >= t.boundary.Interval
	}
	return true
}

// sendIn sends the batch's records, in a transaction where the task has them.
func (t *Source) sendIn(ctx context.Context, b *sourceBatch) error {
	if tx := t.transaction; tx != nil && len(t.records) > 0 {
		if err := tx.begin(); err != nil {
			return err
		}
		tx.records += int64(len(t.records))
	}
	return t.producer.Send(ctx, t.records, t.acknowledger(b))
}

// endDue commits if the transaction ends here.
func (t *Source) endDue(ctx context.Context) error {
	if t.transaction == nil || !t.transaction.due() {
		return nil
	}
	return t.commit(ctx)
}

// commit ends the transaction with the offsets of all its records. Nothing that failed is left out of it, whatever
// errors.tolerance says. An error ends the task; its successor goes on behind the last transaction that was committed.
func (t *Source) commit(ctx context.Context) error {
	if err := t.awaitAcks(ctx); err != nil {
		return err
	}
	t.chain.awaitRecord(ctx)
	tx, s := t.transaction, t.ledger.Snapshot()
	offsets, err := storedForm(s)
	if err != nil {
		return err
	}
	if len(offsets) > 0 { // of letters only, perhaps
		if err := tx.begin(); err != nil {
			return err
		}
	}
	if tx.open {
		err := tx.producer.Commit(ctx, offsets)
		t.config.Meters.Committed(err == nil)
		if err != nil {
			return err
		}
		t.config.Meters.Transaction(tx.records)
		tx.open = false
	}
	t.ledger.Commit(s)
	t.tellDurable()
	if s.Seq != 0 {
		t.source.Instance.Send(abi.EventCommitted, guest.Bytes(abi.EncodeCommitted(int64(s.Seq))))
	}
	return nil
}

// awaitAcks returns when Kafka has all that was sent, and the dead-letter topic its letters.
func (t *Source) awaitAcks(ctx context.Context) error {
	for t.ledger.InFlight() > 0 {
		select {
		case <-t.ledger.Changed():
		case err := <-t.sendErrs:
			return err
		case err := <-t.letters.failures():
			return err
		case <-ctx.Done():
			return fmt.Errorf("waiting for acknowledgements before the commit of a transaction: %w", ctx.Err())
		}
	}
	return nil
}

// endLast is the end of the task: a transaction whose end the connector decides, or of a task that has failed, is given
// up.
func (t *Source) endLast(ctx context.Context, failed bool) {
	tx := t.transaction
	if !failed && tx.boundary.Kind != BoundaryConnector {
		err := t.commit(ctx)
		if err == nil {
			return
		}
		t.config.Log.Warn("the last transaction was not committed; its records will be sent again", "error", err)
	}
	if err := tx.producer.Abort(ctx); err != nil {
		t.config.Log.Warn("the last transaction was not aborted; Kafka does so", "error", err)
	}
	tx.open = false
}
