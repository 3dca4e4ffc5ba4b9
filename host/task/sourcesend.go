package task

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/offset"
	"github.com/berth-connect/berth/host/pipeline"
)

// sourceBatch is a polled batch on its way: most often it passes the stages as one, see split.
type sourceBatch struct {
	message guest.Message
	polled  pipeline.Result
	passed  []pipeline.Result // what came out, in order
	sends   []int             // of each of passed, how many of its records are to be sent
	given   []report          // records that were given up, in order
	fatal   bool              // the last of given ends the task
	letters []letter          // given, when the task has a dead-letter topic
	entry   *offset.Batch     // in the ledger
}

// transform takes a batch through the stages that are not fused with the connector, until each record has its outcome.
func (t *Source) transform(ctx, hard context.Context, b *sourceBatch) error {
	t.config.Meters.Polled(int64(b.polled.Batch.InputCount()))
	t.config.Flow.In(b.polled.Batch.InputCount(), int64(len(b.message.Body)))
	if retry := b.polled.Retry; retry != nil {
		return &pipeline.StageError{Stage: retry.Stage, Record: -1, Err: retry}
	}
	for part := newSplit(b.polled.Batch.Len()); ; {
		lo, hi := part.next()
		t.under = underway{&b.polled.Batch, lo}
		result, err := t.apply(ctx, hard, b.polled.Window(lo, hi))
		if err == nil && result.Retry != nil {
			return nil // asked to stop while the batch waited
		}
		if err != nil {
			failure, trace, err := t.config.outlive(hard, err, b.polled.Batch.Len())
			if err != nil {
				return err
			}
			blamed := part.suspects(failure.Record)
			t.config.noteOutlived(failure, trace, polledOriginal(&b.polled.Batch, failure).where(), blamed)
			if !blamed {
				continue
			}
			result = pipeline.Result{Failures: []pipeline.RecordFailure{*failure}}
		}
		v := t.judge(b, result, lo, hi)
		part.settled(&v)
		if v.retry != nil {
			t.config.retrying(&v, polledOriginal(&b.polled.Batch, v.retry).where())
			if err := t.standBy(ctx, hard, v.delay); err != nil || ctx.Err() != nil {
				return err
			}
		}
		if v.fatal || part.done() {
			return nil
		}
	}
}

// apply takes records through the stages that are not fused with the connector, again and again if one of them asks for
// that, until ctx ends.
func (t *Source) apply(ctx, hard context.Context, in pipeline.Result) (pipeline.Result, error) {
	for backoff := retryBackoff; ; backoff = min(2*backoff, retryBackoffMax) {
		result, err := t.chain.pass(hard, in.Len(), func(links []*pipeline.Link) (pipeline.Result, error) {
			return pipeline.Apply(hard, links, in)
		})
		if err != nil || result.Retry == nil {
			return result, err
		}
		t.config.Log.Warn("a stage asks for the batch again", "plugin", result.Retry.Stage.Found.Class,
			"error", result.Retry.Message, "records", in.Batch.Len(), "delay", backoff)
		if err := t.standBy(ctx, hard, backoff); err != nil || ctx.Err() != nil {
			return result, err
		}
	}
}

// judge notes what becomes of the records lo to hi.
func (t *Source) judge(b *sourceBatch, result pipeline.Result, lo, hi int) verdict {
	for i := range result.Failures {
		result.Failures[i].Record -= lo
	}
	v := t.config.Errors.judge(hi-lo, result.Failures, &t.attempts, time.Now())
	t.config.count(&v)
	for i := range v.failed {
		v.failed[i].Record += lo
		b.given = append(b.given, t.config.report(&v.failed[i], polledOriginal(&b.polled.Batch, &v.failed[i])))
	}
	if v.retry != nil {
		v.retry.Record += lo
	}
	n := result.Batch.Len()
	for n > 0 && result.Origin(n-1) >= lo+v.done {
		n--
	}
	b.passed, b.sends, b.fatal = append(b.passed, result), append(b.sends, n), v.fatal
	return v
}

// standBy waits before a record is tried again and does what else is due.
func (t *Source) standBy(ctx, hard context.Context, d time.Duration) error {
	wait, flush := time.NewTimer(d), time.NewTicker(t.flushInterval())
	defer wait.Stop()
	defer flush.Stop()
	for {
		select {
		case err := <-t.sendErrs:
			return err
		case err := <-t.letters.failures():
			return err
		case <-t.refused.changed:
			if err := t.takeRefused(hard); err != nil {
				return err
			}
		case <-t.ledger.Changed():
			t.tellDurable()
		case <-flush.C:
			if err := t.flush(hard); err != nil {
				return err
			}
		case <-wait.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// send hands the records over to the producer, and those that failed to the dead-letter topic. A record that failed
// stops the task after the records before it were sent, unless errors are tolerated.
func (t *Source) send(ctx context.Context, b *sourceBatch) error {
	if err := t.collect(ctx, b); err != nil {
		return err
	}
	free := b.message.Release
	if len(b.given) > 0 {
		free = func() {} // trace and letters show records
	}
	if t.letters != nil {
		b.letters = b.placeLetters()
	}
	t.sent.add(&b.polled.Batch, b.polled.Batch.Len())
	t.under = underway{}
	if t.config.Stages[0].Found.WantsOffsets {
		t.written.note(b, t.records)
	}
	b.entry = t.ledger.Begin(b.message.Seq, free)
	b.enter()
	if err := t.sendIn(ctx, b); err != nil {
		t.torn++
		return fmt.Errorf("send records: %w", err)
	}
	t.config.Meters.Written(int64(len(t.records)))
	t.config.Flow.Out(len(t.records), producedBytes(t.records))
	if err := t.sendLetters(ctx, b); err != nil {
		return err
	}
	if b.fatal {
		return b.given[len(b.given)-1].ended()
	}
	return t.endDue(ctx)
}

// collect makes the records for the producer.
func (t *Source) collect(ctx context.Context, b *sourceBatch) (err error) {
	t.records = t.records[:0]
	for i := range b.passed {
		batch := &b.passed[i].Batch
		if t.records, err = pipeline.AppendProducerRecords(t.records, batch, 0, b.sends[i]); err != nil {
			return &pipeline.StageError{Stage: t.chain.stages[len(t.chain.stages)-1], Record: -1, Err: err}
		}
		if err := t.useTopics(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// useTopics creates topics on their first use where the connector asks for it, and reports them.
func (t *Source) useTopics(ctx context.Context, batch *abi.Batch) error {
	for i := range batch.TopicCount() {
		reported, there := t.topics[string(batch.TopicBytes(i))]
		if there && t.polled.Sub(reported) < topicReportInterval {
			continue
		}
		topic := batch.Topic(i)
		if there {
			t.useTopic(topic)
			continue
		}
		if err := t.creator.Ensure(ctx, topic); err != nil {
			return fmt.Errorf("Task failed to create new topic %s. Ensure that the task is authorized to create topics "+
				"or that the topic exists and restart the task: %w", topic, err) //nolint:staticcheck // Connect's words
		}
		t.useTopic(topic)
	}
	return nil
}

func (t *Source) useTopic(topic string) {
	t.topics[topic] = t.polled
	t.config.TopicUsed(topic)
}

// origins goes through the records that are sent, by their indices in the polled batch.
func (b *sourceBatch) origins(yield func(int) bool) {
	for i := range b.passed {
		for k := range b.sends[i] {
			if !yield(b.passed[i].Origin(k)) {
				return
			}
		}
	}
}

// letter is a record for the dead-letter topic and its place in the ledger: behind the first sent records, and behind
// the letters before it.
type letter struct {
	report *report
	origin int
	sent   int
}

// placeLetters finds the place of each record that was given up. What was never seen counts as a part of the record
// before it.
func (b *sourceBatch) placeLetters() []letter {
	letters := make([]letter, len(b.given))
	for i := range b.given {
		f := b.given[i].failure
		letters[i] = letter{report: &b.given[i], origin: f.Record}
		if f.Unseen {
			letters[i].origin--
		}
	}
	i, sent := 0, 0
	for origin := range b.origins {
		for ; i < len(letters) && letters[i].origin < origin; i++ {
			letters[i].sent = sent
		}
		sent++
	}
	for ; i < len(letters); i++ {
		letters[i].sent = sent
	}
	return letters
}

// index is the place in the ledger of the i-th record that is sent.
func (b *sourceBatch) index(i int) int {
	return i + sort.Search(len(b.letters), func(k int) bool { return b.letters[k].sent > i })
}

// enter puts records and letters into the ledger, in order: one run for each sequence with the same source partition.
func (b *sourceBatch) enter() {
	run, last, next, sent := 0, -1, 0, 0
	add := func(origin int) {
		if run > 0 && !b.samePartition(origin, last) {
			b.addRun(last, run)
			run = 0
		}
		run, last = run+1, origin
	}
	for origin := range b.origins {
		for ; next < len(b.letters) && b.letters[next].sent == sent; next++ {
			add(b.letters[next].origin)
		}
		add(origin)
		sent++
	}
	for ; next < len(b.letters); next++ {
		add(b.letters[next].origin)
	}
	if run > 0 {
		b.addRun(last, run)
	}
	b.entry.Seal()
}

func (b *sourceBatch) samePartition(i, k int) bool {
	if i < 0 || k < 0 {
		return i == k
	}
	return b.polled.Batch.Entry(i).SourcePartition() == b.polled.Batch.Entry(k).SourcePartition()
}

// addRun enters the next n records, of which the last has that origin (-1: an unseen one before all others).
func (b *sourceBatch) addRun(last, n int) {
	if last < 0 {
		b.entry.AddWithoutOffset(n)
		return
	}
	e, partition := b.polled.Batch.Entry(last), []byte(nil)
	if i := e.SourcePartition(); i != abi.None {
		partition = b.polled.Batch.Partition(int(i)).Payload
	}
	b.entry.Add(partition, e.SourceOffsetBlock().Bytes, n)
}

func (t *Source) sendLetters(ctx context.Context, b *sourceBatch) error {
	for i := range b.letters {
		l, index := &b.letters[i], i+b.letters[i].sent
		if err := t.sendLetter(ctx, b, l.report, index); err != nil {
			return err
		}
	}
	return nil
}

func (t *Source) sendLetter(ctx context.Context, b *sourceBatch, r *report, index int) error {
	return t.letters.send(ctx, r.letter(&t.config), r.record.where(), func(err error) {
		if err == nil {
			b.entry.Ack(index)
		}
	})
}

func (t *Source) acknowledger(b *sourceBatch) func(int, error) {
	return func(i int, err error) {
		switch {
		case err == nil:
			b.entry.Ack(b.index(i))
		case t.config.Errors.All && t.transaction == nil:
			t.refused.add(refusedRecord{b, i, err})
		default:
			select {
			case t.sendErrs <- fmt.Errorf("Unrecoverable exception from producer send callback: %w", err): //nolint:staticcheck
			default:
			}
		}
	}
}

// refused is what the producer gave up of the records of a task that tolerates errors.
type refused struct {
	changed chan struct{} // a token when there are some

	mu      sync.Mutex
	records []refusedRecord // guarded by mu
}

type refusedRecord struct {
	batch *sourceBatch
	i     int // among the records that were sent
	err   error
}

func (r *refused) add(record refusedRecord) {
	r.mu.Lock()
	r.records = append(r.records, record)
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *refused) take() []refusedRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	records := r.records
	r.records = nil
	return records
}

// takeRefused skips what the producer gave up, after it is in the dead-letter topic if there is one.
func (t *Source) takeRefused(ctx context.Context) error {
	for _, refused := range t.refused.take() {
		b := refused.batch
		sent, origin, err := b.sentRecord(refused.i)
		if err != nil {
			return err
		}
		f := &pipeline.RecordFailure{Record: origin, Stage: pipeline.Stage{Stage: abi.Stage{Kind: pipeline.KindProduce}},
			Code: abi.CodeConnect, Message: refused.err.Error()}
		t.config.count(&verdict{failed: []pipeline.RecordFailure{*f}})
		r := t.config.report(f, polledRecord{batch: &b.polled.Batch, i: origin, sent: &sent})
		if t.letters == nil {
			b.entry.Ack(b.index(refused.i))
			continue
		}
		if err := t.sendLetter(ctx, b, &r, b.index(refused.i)); err != nil {
			return err
		}
	}
	return nil
}

// sentRecord makes the i-th record that was sent again, as a view of the batch, and tells its index in the polled one.
func (b *sourceBatch) sentRecord(i int) (host.ProducerRecord, int, error) {
	k := 0
	for i >= b.sends[k] {
		i -= b.sends[k]
		k++
	}
	records, err := pipeline.AppendProducerRecords(nil, &b.passed[k].Batch, i, i+1)
	if err != nil {
		return host.ProducerRecord{}, 0, fmt.Errorf("a record that the producer gave up: %w", err)
	}
	return records[0], b.passed[k].Origin(i), nil
}
