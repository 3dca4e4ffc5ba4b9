package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/offset"
	"github.com/berth-connect/berth/host/pipeline"
)

// Source is a running source task. An iteration is the path of a record: poll, transform and convert, send; between
// batches it tells the connector what is durable, and stores offsets. It mirrors Sink.
type Source struct {
	config   Config
	producer host.Producer
	offsets  host.OffsetStore // nil: they are written in transactions

	transaction *transaction // nil: records are sent at least once

	source *pipeline.Link // the instance with the connector, and the stages that are fused with it
	chain  chain          // the stages behind it
	seq    uint32         // of the last batch
	stored positions      // of the connector when the task began; not all of them are this task's
	sent   positions      // of the batches that were sent
	under  underway       // what is in the chain

	records  []host.ProducerRecord // of the batch that is being sent, used again and again
	letters  *deadLetters          // nil: none
	attempts attempts
	refused  refused // records that the producer gave up
	ledger   *offset.Ledger
	written  written
	torn     int        // batches that the producer has not taken whole, so that they are never acknowledged
	sendErrs chan error // the first error of the producer
	creator  host.Topics
	topics   map[string]time.Time // that are there, and when each was last reported
	paused   bool
	polled   time.Time // when the last batch came
}

// NewSource returns a task that writes with producer, which it closes.
func NewSource(config Config, producer host.Producer, offsets host.OffsetStore) *Source {
	return &Source{config: config, producer: producer, offsets: offsets, ledger: offset.NewLedger(),
		stored: positions{}, sent: positions{},
		sendErrs: make(chan error, 1), topics: map[string]time.Time{}, refused: refused{changed: make(chan struct{}, 1)}}
}

// Run runs the task until ctx is cancelled, which stops it softly: what was sent is acknowledged and its offsets are
// stored before Run returns nil. Any other return is the failure of the task.
func (t *Source) Run(ctx context.Context) error {
	hard, cancel := t.config.hardContext(ctx)
	defer cancel()
	defer t.producer.Close()
	var err error
	if t.creator, err = t.config.Clients.Topics(t.config.ID, t.config.Connector); err != nil {
		return err
	}
	defer t.creator.Close()
	err = t.open(hard)
	if err == nil {
		if !t.paused {
			t.config.Started()
		}
		t.chain.begins(t.stored.told())
		err = t.loop(ctx, hard)
	}
	t.close(hard, failure(err) != nil)
	return err
}

func (t *Source) loop(ctx, hard context.Context) error {
	flush := time.NewTicker(t.flushInterval())
	defer flush.Stop()
	for ctx.Err() == nil {
		if err := t.iterate(ctx, hard, flush.C); err != nil {
			return err
		}
	}
	return nil
}

func (t *Source) iterate(ctx, hard context.Context, flush <-chan time.Time) error {
	if err := t.turn(hard); err != nil {
		return err
	}
	m, ok, err := t.poll(ctx, hard, flush)
	if err != nil || !ok {
		return err
	}
	polled, err := t.source.Polled(m)
	if err != nil {
		return err
	}
	b := &sourceBatch{message: m, polled: polled}
	t.polled = time.Now()
	t.config.tapPolled(m, &polled)
	if err := t.config.wake(hard, t.chain.links); err != nil {
		return err
	}
	if err := t.transform(ctx, hard, b); err != nil || ctx.Err() != nil {
		return err // what is not sent is polled again by the next task
	}
	return t.send(hard, b)
}

// turn lets other stages have the records from here on, if that is due. Between transactions: what a crash takes back
// was then given to stages that have it again.
func (t *Source) turn(ctx context.Context) error {
	if t.transaction != nil && t.transaction.open {
		return nil
	}
	return t.chain.boundary(ctx)
}

// open starts the stages behind the connector first, so that nothing is polled that can't be processed.
func (t *Source) open(ctx context.Context) error {
	stored, err := t.storedOffsets(ctx)
	if err != nil {
		return err
	}
	if t.letters, err = t.config.openDeadLetters(ctx); err != nil {
		return err
	}
	groups := t.config.SourceGroups()
	links, err := t.config.startAll(ctx, groups[1:])
	if err != nil {
		return err
	}
	t.chain.begin(&t.config, groups[0], links, t.position)
	t.source, err = t.config.Start(ctx, groups[0], stored)
	t.chain.connector, t.chain.connectorEndsTransactions = t.source, t.endsTransactions()
	if err == nil && t.config.Target.paused.Load() {
		t.setPaused(true)
	}
	return err
}

func (t *Source) storedOffsets(ctx context.Context) ([]abi.SourceOffset, error) {
	stored, err := t.loadOffsets(ctx)
	if err != nil {
		return nil, fmt.Errorf("read source offsets: %w", err)
	}
	var all []abi.SourceOffset
	for _, s := range stored {
		if s.Offset == nil {
			continue
		}
		partition, err := offset.ParseJSON(s.Partition)
		if err != nil {
			return nil, fmt.Errorf("read source partition: %w", err)
		}
		value, err := offset.ParseJSON(s.Offset)
		if err != nil {
			return nil, fmt.Errorf("read source offset: %w", err)
		}
		t.stored.set(partition, value)
		all = append(all, abi.SourceOffset{
			Partition: abi.Value{Tag: abi.TagMap, Payload: partition},
			Offset:    abi.Value{Tag: abi.TagMap, Payload: value},
		})
	}
	return all, nil
}

// poll waits for the connector's next batch and meanwhile does what else is due. ok is false when something else was
// done, or the task is asked to stop.
func (t *Source) poll(ctx, hard context.Context, flush <-chan time.Time) (m guest.Message, ok bool, err error) {
	messages := t.messages()
	over, wait := t.pacing()
	if over != nil {
		messages = nil
	}
	select {
	case err := <-t.sendErrs:
		return m, false, err
	case err := <-t.letters.failures():
		return m, false, err
	case <-t.refused.changed:
		return m, false, t.takeRefused(hard)
	case <-t.ledger.Changed():
		t.tellDurable()
		return m, false, nil
	case <-flush:
		err := t.flush(hard)
		t.config.rest(hard, t.chain.links, t.polled)
		return m, false, err
	case <-t.config.Target.changed:
		return m, false, t.retarget(hard)
	case <-t.config.Swaps.due:
		return m, false, nil // between two batches, which is where the loop begins
	case <-ctx.Done():
		return m, false, nil
	case <-t.chain.late():
		return m, false, t.chain.stay(fmt.Sprintf("which did not give them up within %s", host.LeaveDurationMax))
	case <-over:
		t.config.Flow.Waited(wait)
		return m, false, nil
	case raw := <-messages:
		m, err := t.source.Instance.Received(raw)
		return t.received(hard, m, err)
	case <-t.source.Instance.Done():
		if m, ok, err := t.source.Instance.TryRecv(); ok || err != nil {
			return t.received(hard, m, err)
		}
		return m, false, t.instanceFailed(t.source.Instance.Err())
	}
}

// messages is nil while the task is paused: a connector that was started, or told so, a moment ago has polled already.
func (t *Source) messages() <-chan guest.Message {
	if t.paused {
		return nil
	}
	return t.source.Instance.Messages()
}

func (t *Source) received(ctx context.Context, m guest.Message, err error) (guest.Message, bool, error) {
	if err == nil && m.Kind == guest.CommitMessage && t.endsTransactions() {
		return m, false, t.commit(ctx)
	}
	if err == nil && m.Kind == abi.MessageState && t.chain.leaving != nil {
		return m, false, t.left(ctx, m)
	}
	if err == nil && (m.Kind != abi.MessageRecords || m.Seq != t.seq+1) {
		err = fmt.Errorf("%w: message of kind %d, seq %d where records with seq %d were due", guest.ErrGarbage,
			m.Kind, m.Seq, t.seq+1)
		t.source.Instance.Kill(err)
	}
	if err != nil {
		return m, false, t.instanceFailed(err)
	}
	t.seq = m.Seq
	return m, true, nil
}

func (t *Source) instanceFailed(err error) error {
	if err = t.source.Group.Failed(err); t.chain.leaving != nil {
		return t.chain.failsToLeave(err)
	}
	return err
}

// left goes on with a source that has given up its other stages. What they made is committed before others make more:
// a crash must not give records to stages that have not had them.
func (t *Source) left(ctx context.Context, m guest.Message) error {
	began := time.Now()
	if t.transaction != nil && t.transaction.open {
		if err := t.commit(ctx); err != nil {
			return err
		}
	}
	return t.chain.left(ctx, m, began)
}

func (t *Source) setPaused(paused bool) {
	if paused == t.paused {
		return
	}
	t.paused = paused
	if paused {
		t.source.Instance.Send(abi.EventPause, nil)
		t.config.PausedNow()
		return
	}
	t.source.Instance.Send(abi.EventResume, nil)
	t.config.Started()
}

// tellDurable tells the connector which of its batches Kafka has; those of an open transaction may still be aborted.
func (t *Source) tellDurable() {
	if t.transaction != nil && t.transaction.open {
		return
	}
	var seqs []int64
	for _, seq := range t.ledger.TakeDurable() {
		seqs = append(seqs, int64(seq))
	}
	if len(seqs) == 0 {
		return
	}
	if list := t.written.take(seqs); len(list) > 0 {
		t.source.Instance.Send(abi.EventWritten, guest.Bytes(abi.EncodeWritten(list)))
	}
	t.source.Instance.Send(abi.EventDurable, guest.Bytes(abi.EncodeDurable(seqs)))
}

// flush stores offsets when it is time. With transactions they go with the records, and what fails is fatal.
func (t *Source) flush(ctx context.Context) error {
	if t.transaction != nil {
		return t.endDue(ctx)
	}
	t.storeOffsets(ctx)
	return nil
}

// storeOffsets stores the offsets of what Kafka has, and only then tells the connector. A failure is tried again next
// time.
func (t *Source) storeOffsets(ctx context.Context) {
	t.chain.awaitRecord(ctx)
	s := t.ledger.Snapshot()
	t.tellDurable() // what is stored is durable, and the connector hears of that first
	if s.Seq == 0 && len(s.Entries) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, t.config.FlushTimeout)
	defer cancel()
	err := t.store(ctx, s)
	t.config.Meters.Committed(err == nil)
	if err != nil {
		t.config.Log.Error("offsets were not stored; they are tried again", "error", err)
		return
	}
	t.ledger.Commit(s)
	if s.Seq != 0 {
		t.source.Instance.Send(abi.EventCommitted, guest.Bytes(abi.EncodeCommitted(int64(s.Seq))))
	}
}

func (t *Source) store(ctx context.Context, s offset.Snapshot) error {
	all, err := storedForm(s)
	if err != nil || len(all) == 0 {
		return err
	}
	return t.offsets.Store(ctx, t.config.ID.Connector, all)
}

// storedForm is a snapshot as Connect stores it.
func storedForm(s offset.Snapshot) ([]host.SourceOffset, error) {
	var all []host.SourceOffset
	for _, e := range s.Entries {
		stored, err := storedEntry(e)
		if err != nil {
			return nil, err
		}
		all = append(all, stored)
	}
	return all, nil
}

func storedEntry(e offset.Entry) (s host.SourceOffset, err error) {
	s.Partition = []byte("null")
	if e.Partition != nil {
		if s.Partition, err = offset.AppendJSON(nil, e.Partition); err != nil {
			return s, fmt.Errorf("write source partition: %w", err)
		}
	}
	if e.Offset != nil {
		if s.Offset, err = offset.AppendJSON(nil, e.Offset); err != nil {
			return s, fmt.Errorf("write source offset: %w", err)
		}
	}
	return s, nil
}

// close drains: it waits for what was sent, stores its offsets and stops the instances. What was polled but not sent
// is polled again by the next task.
func (t *Source) close(ctx context.Context, failed bool) {
	defer t.letters.close()
	if t.source == nil {
		stopLinks(ctx, t.chain.close(), t.config.grace())
		return
	}
	t.source.Instance.Send(abi.EventPause, nil)
	if err := t.drain(ctx); err != nil {
		t.config.Log.Warn("stopped with records that Kafka has not acknowledged; they will be sent again", "error", err)
		failed = true
	}
	if t.transaction != nil {
		t.endLast(ctx, failed)
	} else {
		t.storeOffsets(context.WithoutCancel(ctx))
	}
	stopLinks(ctx, append(t.chain.close(), t.source), t.config.grace())
}

var errNotAcknowledged = errors.New("not acknowledged within offset.flush.timeout.ms, or four fifths of " +
	"task.shutdown.graceful.timeout.ms")

// drain waits for what was sent, but leaves a fifth of the graceful timeout to the offsets and the connector's own
// stop: by default both timeouts are the same.
func (t *Source) drain(ctx context.Context) error {
	timeout := time.NewTimer(min(t.config.FlushTimeout, t.config.GraceTimeout*4/5))
	defer timeout.Stop()
	for t.ledger.InFlight() > t.torn {
		select {
		case <-t.ledger.Changed():
			t.tellDurable()
		case <-t.source.Instance.Messages(): // room for a guest that waits for it; the batch is polled again later
		case err := <-t.sendErrs:
			return err
		case err := <-t.letters.failures():
			return err
		case <-t.refused.changed:
			if err := t.takeRefused(ctx); err != nil {
				return err
			}
		case <-timeout.C:
			return errNotAcknowledged
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
