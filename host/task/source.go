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
	offsets  host.OffsetStore

	source *pipeline.Link   // the instance with the connector, and the stages that are fused with it
	chain  []*pipeline.Link // the stages behind it
	seq    uint32           // of the last batch

	records  []host.ProducerRecord // of the batch that is being sent, used again and again
	ledger   *offset.Ledger
	sendErrs chan error // the first error of the producer
	topics   map[string]bool
	paused   bool
}

// NewSource returns a task that writes with producer, which it closes.
func NewSource(config Config, producer host.Producer, offsets host.OffsetStore) *Source {
	return &Source{config: config, producer: producer, offsets: offsets, ledger: offset.NewLedger(),
		sendErrs: make(chan error, 1), topics: map[string]bool{}}
}

// Run runs the task until ctx is cancelled, which stops it softly: what was sent is acknowledged and its offsets are
// stored before Run returns nil. Any other return is the failure of the task.
func (t *Source) Run(ctx context.Context) error {
	hard, cancel := t.config.hardContext(ctx)
	defer cancel()
	defer t.producer.Close()
	err := t.open(hard)
	if err == nil {
		if !t.paused {
			t.config.Started()
		}
		err = t.loop(ctx, hard)
	}
	t.close(hard)
	return err
}

func (t *Source) loop(ctx, hard context.Context) error {
	flush := time.NewTicker(t.config.FlushInterval)
	defer flush.Stop()
	for ctx.Err() == nil {
		if err := t.iterate(ctx, hard, flush.C); err != nil {
			return err
		}
	}
	return nil
}

func (t *Source) iterate(ctx, hard context.Context, flush <-chan time.Time) error {
	m, ok, err := t.poll(ctx, hard, flush)
	if err != nil || !ok {
		return err
	}
	polled, err := t.source.Polled(m)
	if err != nil {
		return err
	}
	result, err := t.transform(ctx, hard, polled)
	if err != nil || result.Retry != nil {
		return err // asked to stop while the batch waited: it is polled again by the next task
	}
	return t.send(hard, m, polled, result)
}

// open starts the stages behind the connector first, so that nothing is polled that can't be processed.
func (t *Source) open(ctx context.Context) error {
	stored, err := t.storedOffsets(ctx)
	if err != nil {
		return err
	}
	groups := pipeline.Groups(t.config.Stages)
	for _, g := range groups[1:] {
		link, err := t.config.start(ctx, g, nil)
		if err != nil {
			return err
		}
		t.chain = append(t.chain, link)
	}
	t.source, err = t.config.start(ctx, groups[0], stored)
	if err == nil && t.config.Target.paused.Load() {
		t.setPaused(true)
	}
	return err
}

func (t *Source) storedOffsets(ctx context.Context) ([]abi.SourceOffset, error) {
	stored, err := t.offsets.Load(ctx, t.config.ID.Connector)
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
	select {
	case err := <-t.sendErrs:
		return m, false, err
	case <-t.ledger.Changed():
		t.tellDurable()
		return m, false, nil
	case <-flush:
		t.flush(hard)
		return m, false, nil
	case <-t.config.Target.changed:
		t.setPaused(t.config.Target.paused.Load())
		return m, false, nil
	case <-ctx.Done():
		return m, false, nil
	case raw := <-t.source.Instance.Messages():
		return t.received(t.source.Instance.Received(raw))
	case <-t.source.Instance.Done():
		if m, ok, err := t.source.Instance.TryRecv(); ok || err != nil {
			return t.received(m, err)
		}
		return m, false, t.source.Group.Failed(t.source.Instance.Err())
	}
}

func (t *Source) received(m guest.Message, err error) (guest.Message, bool, error) {
	if err == nil && (m.Kind != abi.MessageRecords || m.Seq != t.seq+1) {
		err = fmt.Errorf("%w: message of kind %d, seq %d where records with seq %d were due", guest.ErrGarbage,
			m.Kind, m.Seq, t.seq+1)
		t.source.Instance.Kill(err)
	}
	if err != nil {
		return m, false, t.source.Group.Failed(err)
	}
	t.seq = m.Seq
	return m, true, nil
}

// transform takes a batch through the stages that are not fused with the connector, again and again if one of them asks
// for that, until ctx ends.
func (t *Source) transform(ctx, hard context.Context, polled pipeline.Result) (pipeline.Result, error) {
	t.config.Meters.Polled(int64(polled.Batch.InputCount()))
	if polled.Retry != nil {
		return polled, &pipeline.StageError{Stage: polled.Retry.Stage, Record: -1, Err: polled.Retry}
	}
	backoff := retryBackoff
	for {
		result, err := pipeline.Apply(hard, t.chain, polled)
		if err != nil || result.Retry == nil {
			return result, err
		}
		t.config.Log.Warn("a stage asks for the batch again", "plugin", result.Retry.Stage.Found.Class,
			"error", result.Retry.Message, "records", polled.Batch.Len(), "delay", backoff)
		if err := t.standBy(ctx, hard, backoff); err != nil || ctx.Err() != nil {
			return result, err
		}
		backoff = min(2*backoff, retryBackoffMax)
	}
}

// standBy waits, and meanwhile does for the batches before what is due.
func (t *Source) standBy(ctx, hard context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	flush := time.NewTicker(t.config.FlushInterval)
	defer flush.Stop()
	for {
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return nil
		case err := <-t.sendErrs:
			return err
		case <-t.ledger.Changed():
			t.tellDurable()
		case <-flush.C:
			t.flush(hard)
		}
	}
}

// send hands the records over to the producer. A record that failed stops the task after the records before it were
// sent, unless errors are tolerated.
func (t *Source) send(ctx context.Context, m guest.Message, polled, result pipeline.Result) (err error) {
	n := result.Batch.Len()
	failure := t.config.firstIntolerable(result.Failures)
	for failure != nil && n > 0 && result.Origin(n-1) >= failure.Record {
		n--
	}
	if t.records, err = pipeline.ProducerRecords(t.records, &result.Batch, n); err != nil {
		return &pipeline.StageError{Stage: t.config.Stages[len(t.config.Stages)-1], Record: -1, Err: err}
	}
	if err := t.useTopics(ctx, &result.Batch); err != nil {
		return err
	}
	free := m.Release
	if failure != nil {
		free = func() {} // the trace will show the record
	}
	entered := t.ledger.Begin(m.Seq, free)
	enter(entered, &polled.Batch, &result, n)
	if err := t.producer.Send(ctx, t.records, t.acknowledger(entered)); err != nil {
		return fmt.Errorf("send records: %w", err)
	}
	t.config.Meters.Written(int64(n))
	if failure != nil {
		return &RecordError{Failure: *failure, Where: sourceRecord(&polled.Batch, failure)}
	}
	return nil
}

// useTopics creates topics on their first use where the connector asks for it, and reports them.
func (t *Source) useTopics(ctx context.Context, batch *abi.Batch) error {
	for i := range batch.TopicCount() {
		if t.topics[string(batch.TopicBytes(i))] {
			continue
		}
		topic := batch.Topic(i)
		if err := t.config.Clients.EnsureTopic(ctx, topic, t.config.Connector); err != nil {
			return fmt.Errorf("Task failed to create new topic %s. Ensure that the task is authorized to create topics "+
				"or that the topic exists and restart the task: %w", topic, err) //nolint:staticcheck // Connect's words
		}
		t.topics[topic] = true
		t.config.TopicUsed(topic)
	}
	return nil
}

// enter puts the records into the ledger: one run for each sequence of records with the same source partition.
func enter(b *offset.Batch, polled *abi.Batch, result *pipeline.Result, n int) {
	for i := 0; i < n; {
		partition, j := polled.Entry(result.Origin(i)).SourcePartition(), i+1
		for j < n && polled.Entry(result.Origin(j)).SourcePartition() == partition {
			j++
		}
		if partition == abi.None {
			b.Add(nil, nil, j-i)
		} else {
			last := polled.Entry(result.Origin(j - 1))
			b.Add(polled.Partition(int(partition)).Payload, last.SourceOffsetBlock().Bytes, j-i)
		}
		i = j
	}
	b.Seal()
}

func (t *Source) acknowledger(b *offset.Batch) func(int, error) {
	return func(i int, err error) {
		if err != nil && !t.config.TolerateAll {
			select {
			case t.sendErrs <- fmt.Errorf("Unrecoverable exception from producer send callback: %w", err): //nolint:staticcheck
			default:
			}
			return
		}
		b.Ack(i)
	}
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

// tellDurable tells the connector which of its batches Kafka has.
func (t *Source) tellDurable() {
	var seqs []int64
	for _, seq := range t.ledger.TakeDurable() {
		seqs = append(seqs, int64(seq))
	}
	t.source.Instance.Send(abi.EventDurable, guest.Bytes(abi.EncodeDurable(seqs)))
}

// flush stores the offsets of what Kafka has, and only then tells the connector. A failure is tried again next time.
func (t *Source) flush(ctx context.Context) {
	s := t.ledger.Snapshot()
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
	if len(s.Entries) == 0 {
		return nil
	}
	var all []host.SourceOffset
	for _, e := range s.Entries {
		partition, err := offset.AppendJSON(nil, e.Partition)
		if err != nil {
			return fmt.Errorf("write source partition: %w", err)
		}
		value, err := offset.AppendJSON(nil, e.Offset)
		if err != nil {
			return fmt.Errorf("write source offset: %w", err)
		}
		all = append(all, host.SourceOffset{Partition: partition, Offset: value})
	}
	return t.offsets.Store(ctx, t.config.ID.Connector, all)
}

// close drains: it waits for what was sent, stores its offsets and stops the instances. What was polled but not sent
// is polled again by the next task.
func (t *Source) close(ctx context.Context) {
	if t.source == nil {
		stopLinks(ctx, t.chain, t.config.GraceTimeout)
		return
	}
	t.source.Instance.Send(abi.EventPause, nil)
	if err := t.drain(ctx); err != nil {
		t.config.Log.Warn("stopped with records that Kafka has not acknowledged; they will be sent again", "error", err)
	}
	t.flush(context.WithoutCancel(ctx))
	stopLinks(ctx, append(t.chain, t.source), t.config.GraceTimeout)
}

var errNotAcknowledged = errors.New("not acknowledged within offset.flush.timeout.ms")

func (t *Source) drain(ctx context.Context) error {
	timeout := time.NewTimer(t.config.FlushTimeout)
	defer timeout.Stop()
	for t.ledger.InFlight() > 0 {
		select {
		case <-t.ledger.Changed():
			t.tellDurable()
		case <-t.source.Instance.Messages(): // room for a guest that waits for it; the batch is polled again later
		case err := <-t.sendErrs:
			return err
		case <-timeout.C:
			return errNotAcknowledged
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
