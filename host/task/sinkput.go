package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
)

// put gives records to the stages and to the connector until each has its outcome: put, skipped, or the end of the
// task.
func (t *Sink) put(ctx, hard context.Context, records []host.ConsumerRecord) error {
	t.useTopics(records)
	part := newSplit(len(records))
	backoff := retryBackoff
	for !part.done() {
		lo, hi := part.next()
		batch := records[lo:hi]
		result, err := t.deliver(hard, batch)
		if err != nil {
			failure, trace, err := t.config.outlive(hard, err, len(batch))
			if err != nil {
				return t.putFailed(err, batch)
			}
			blamed := part.suspects(lo + failure.Record)
			t.config.noteOutlived(failure, trace, sinkRecord(batch, failure.Record), blamed)
			if !blamed {
				continue
			}
			result = pipeline.Result{Failures: []pipeline.RecordFailure{*failure}}
		}
		if result.Retry == nil {
			if err := t.settle(ctx, hard, batch, result.Failures, &part); err != nil || ctx.Err() != nil {
				return err
			}
			backoff = retryBackoff
			continue
		}
		t.config.Log.Warn("the connector asks for the batch again", "plugin", result.Retry.Stage.Found.Class,
			"error", result.Retry.Message, "records", len(batch), "delay", backoff)
		if err := t.standBy(ctx, backoff); err != nil || ctx.Err() != nil {
			return err // the records are not counted as put, so they are consumed again
		}
		backoff = min(2*backoff, retryBackoffMax)
	}
	return nil
}

// A batch that the connector could not take is offered again after these delays. Connect offers it at once and
// leaves waiting to the connector's own context.timeout.
const (
	retryBackoff    = 300 * time.Millisecond
	retryBackoffMax = 10 * time.Second
)

func (t *Sink) deliver(ctx context.Context, records []host.ConsumerRecord) (pipeline.Result, error) {
	if len(t.chain.links) == 0 {
		result, err := t.sink.Enter(ctx, records)
		t.chain.load.add(len(records), t.config.Errors.lost(result.Failures), 0)
		return result, err
	}
	result, err := t.chain.pass(ctx, len(records), func(links []*pipeline.Link) (pipeline.Result, error) {
		result, err := links[0].Enter(ctx, records)
		if err != nil || result.Retry != nil {
			return result, err
		}
		return pipeline.Apply(ctx, links[1:], result)
	})
	if err != nil || result.Retry != nil {
		return result, err
	}
	passed := t.config.Errors.lost(result.Failures)
	result, err = pipeline.Apply(ctx, []*pipeline.Link{t.sink}, result)
	t.chain.load.add(0, max(t.config.Errors.lost(result.Failures)-passed, 0), 0) // in stages that are fused with the sink
	return result, err
}

// standBy keeps the membership of the group while the batch waits: fetching is paused, polling goes on.
func (t *Sink) standBy(ctx context.Context, d time.Duration) error {
	t.consumer.Pause()
	defer func() {
		if !t.paused {
			t.consumer.Resume()
		}
	}()
	for until := time.Now().Add(d); time.Now().Before(until) && ctx.Err() == nil; {
		if _, err := t.consumer.Poll(ctx, host.BatchRecordsMax, time.Until(until)); err != nil && ctx.Err() == nil {
			return fmt.Errorf("poll while the batch waits: %w", err)
		}
		if t.failed != nil {
			return t.failed
		}
	}
	return nil
}

// settle decides what becomes of a batch that went through: of the records that have their outcome, it reports those
// that failed and counts all as put. When one failed and errors are not tolerated, those before it count.
func (t *Sink) settle(ctx, hard context.Context, batch []host.ConsumerRecord, failures []pipeline.RecordFailure,
	part *split) error {
	v := t.config.Errors.judge(len(batch), failures, &t.attempts, time.Now())
	t.config.count(&v)
	var last report
	for i := range v.failed {
		var err error
		if last, err = t.giveUp(hard, batch, &v.failed[i]); err != nil {
			return err
		}
	}
	t.advance(batch[:v.done])
	part.settled(&v)
	if v.fatal {
		return last.ended()
	}
	if v.retry == nil {
		return nil
	}
	t.config.retrying(&v, consumed{&batch[v.done]}.where())
	return t.standBy(ctx, v.delay)
}

// giveUp reports a record that failed for good.
func (t *Sink) giveUp(ctx context.Context, batch []host.ConsumerRecord, f *pipeline.RecordFailure) (report, error) {
	if f.Record >= len(batch) {
		return report{}, fmt.Errorf("%w: an error of record %d of a batch of %d", guest.ErrGarbage, f.Record, len(batch))
	}
	record := consumed{&batch[f.Record]}
	r := t.config.report(f, record)
	if t.letters == nil {
		return r, nil
	}
	tp, at := host.TopicPartition{Topic: record.Topic, Partition: record.Partition}, record.Offset
	t.unsettled.add(tp, at)
	err := t.letters.send(ctx, r.letter(&t.config), record.where(), func(err error) { t.unsettled.answered(tp, at, err) })
	return r, err
}

// advance counts records as put.
func (t *Sink) advance(records []host.ConsumerRecord) {
	for i := range records {
		r := &records[i]
		if i+1 < len(records) && records[i+1].Partition == r.Partition && records[i+1].Topic == r.Topic {
			continue // the last one of a sequence says it for all
		}
		if tp := (host.TopicPartition{Topic: r.Topic, Partition: r.Partition}); t.assigned[tp] {
			t.current[tp] = r.Offset + 1
		}
	}
	t.config.Meters.Written(int64(len(records)))
	t.config.Flow.Out(len(records), consumedBytes(records))
}

// awaitLetters waits until Kafka has all that was given up on, at most offset.flush.timeout.ms.
func (t *Sink) awaitLetters(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, t.config.FlushTimeout)
	defer cancel()
	return t.unsettled.await(ctx)
}

func (t *Sink) useTopics(records []host.ConsumerRecord) {
	now := time.Now()
	for i := range records {
		topic := records[i].Topic
		if i > 0 && topic == records[i-1].Topic {
			continue
		}
		if now.Sub(t.topics[topic]) >= topicReportInterval {
			t.topics[topic] = now
			t.config.TopicUsed(topic)
		}
	}
}

// errInstance marks the failures after which the connector's instance is gone.
var errInstance = errors.New("instance failed")

// putError is a failure of the connector or of a stage's instance.
type putError struct {
	cause error
	where string
}

func (e *putError) Error() string   { return "Exiting WorkerSinkTask due to unrecoverable exception." }
func (e *putError) Unwrap() []error { return []error{e.cause, errInstance} }

func (t *Sink) putFailed(err error, records []host.ConsumerRecord) error {
	var stage *pipeline.StageError
	where := ""
	if errors.As(err, &stage) && stage.Record >= 0 && len(records) > 0 {
		where = sinkRecord(records, stage.Record)
	} else if len(records) > 0 {
		where = fmt.Sprintf("a batch of %d records from %s", len(records), sinkRecord(records, 0))
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &putError{err, where}
}
