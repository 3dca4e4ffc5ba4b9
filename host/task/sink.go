package task

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
)

// Sink is a running sink task. An iteration is the path of a record: consume, convert and transform, put; between
// batches it commits. It mirrors Source. It is the host.Rebalancer of its consumer, whose calls come on the same
// goroutine.
type Sink struct {
	config   Config
	consumer host.Consumer

	chain chain          // the stages before the connector's instance
	sink  *pipeline.Link // the instance with the connector, and the stages that are fused with it

	assigned  map[host.TopicPartition]bool
	current   map[host.TopicPartition]int64 // next offsets of what was put
	committed map[host.TopicPartition]int64
	lastFlush time.Time
	lastPut   time.Time
	topics    map[string]time.Time // when each was last reported
	paused    bool
	failed    error // in a call of the consumer

	letters   *deadLetters // nil: none
	unsettled *unsettled   // records whose letters Kafka does not have yet
	attempts  attempts
}

// NewSink returns a sink task; Run makes its consumer.
func NewSink(config Config) *Sink {
	return &Sink{config: config, assigned: map[host.TopicPartition]bool{}, topics: map[string]time.Time{},
		current: map[host.TopicPartition]int64{}, committed: map[host.TopicPartition]int64{}, unsettled: newUnsettled()}
}

// Run runs the task until ctx is cancelled, which stops it softly: what was put is flushed and committed before Run
// returns nil. Any other return is the failure of the task.
func (t *Sink) Run(ctx context.Context) error {
	hard, cancel := t.config.hardContext(ctx)
	defer cancel()
	err := t.open(hard)
	if err == nil {
		if !t.paused {
			t.config.Started()
		}
		t.chain.begins(t.position())
		err = t.loop(ctx, hard)
	}
	t.close(hard, failure(err))
	return err
}

func (t *Sink) loop(ctx, hard context.Context) error {
	t.lastFlush = time.Now()
	for ctx.Err() == nil {
		if err := t.iterate(ctx, hard); err != nil {
			return err
		}
	}
	return nil
}

func (t *Sink) iterate(ctx, hard context.Context) error {
	if err := t.chain.boundary(hard); err != nil {
		return err
	}
	records, err := t.consume(ctx)
	if err != nil {
		return err
	}
	if len(records) > 0 {
		t.lastPut = time.Now()
		t.config.tapConsumed(records)
		if err := t.config.wake(hard, t.chain.links); err != nil {
			return err
		}
		if err := t.put(ctx, hard, records); err != nil {
			return err
		}
	}
	if time.Since(t.lastFlush) < t.config.FlushInterval {
		return nil
	}
	t.config.rest(hard, t.chain.links, t.lastPut)
	return t.flush(hard, nil)
}

// open starts the connector's instance first: the mirror of Source.open.
func (t *Sink) open(ctx context.Context) error {
	var err error
	if t.letters, err = t.config.openDeadLetters(ctx); err != nil {
		return err
	}
	groups := pipeline.Groups(t.config.Stages, t.config.Errors.retries() || t.config.outlivesStages())
	last := len(groups) - 1
	if t.sink, err = t.config.Start(ctx, groups[last], nil); err != nil {
		return err
	}
	links, err := t.config.startAll(ctx, groups[:last])
	if err != nil {
		return err
	}
	t.chain.begin(&t.config, groups[last], links, t.position)
	t.chain.connector = t.sink
	if t.consumer, err = t.config.Clients.Consumer(t.config.ID, t.config.Connector, t); err != nil {
		return fmt.Errorf("make consumer: %w", err)
	}
	t.setPaused(t.config.Target.paused.Load())
	return nil
}

// consume polls Kafka until the next flush is due.
func (t *Sink) consume(ctx context.Context) ([]host.ConsumerRecord, error) {
	select {
	case <-t.config.Target.changed:
		t.setPaused(t.config.Target.paused.Load())
	case err := <-t.letters.failures():
		return nil, err
	case <-t.sink.Instance.Done():
		return nil, t.putFailed(t.sink.Group.Failed(t.sink.Instance.Err()), nil)
	default:
	}
	if err := t.giveUpLate(ctx); err != nil {
		return nil, err
	}
	wait := min(max(t.config.FlushInterval-time.Since(t.lastFlush), 0), targetLookInterval)
	if over := min(t.config.Flow.Wait(), rateLookInterval); over > 0 && !t.paused {
		t.config.Flow.Waited(over)
		return nil, t.standBy(ctx, over)
	}
	records, err := t.consumer.Poll(ctx, t.config.Flow.RecordsMax(host.BatchRecordsMax), wait)
	if t.failed != nil {
		return nil, t.failed
	}
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("consume: %w", err)
	}
	if ctx.Err() != nil {
		return nil, nil // what came with the end is consumed again by the next task
	}
	t.config.Meters.Polled(int64(len(records)))
	t.config.Flow.In(len(records), consumedBytes(records))
	return records, nil
}

// targetLookInterval bounds how long a pause, a resume or the end of the guest goes unnoticed while no records come.
const targetLookInterval = 250 * time.Millisecond

func (t *Sink) setPaused(paused bool) {
	if paused == t.paused {
		return
	}
	t.paused = paused
	if paused {
		t.consumer.Pause()
		t.sink.Instance.Send(abi.EventPause, nil)
		t.config.PausedNow()
		return
	}
	t.consumer.Resume()
	t.sink.Instance.Send(abi.EventResume, nil)
	t.config.Started()
}

// flush asks the connector to make durable what it was given, and commits what it answers. only restricts it to some
// partitions (nil: all). A failed commit is tried again next time; the error returned is a connector's that failed.
func (t *Sink) flush(ctx context.Context, only []host.TopicPartition) error {
	t.lastFlush = time.Now()
	due := map[host.TopicPartition]int64{}
	for tp, next := range t.current {
		if t.committed[tp] != next && (only == nil || slices.Contains(only, tp)) {
			due[tp] = next
		}
	}
	if len(due) == 0 {
		return nil
	}
	answered, err := t.preCommit(ctx, due)
	if err != nil {
		return t.putFailed(err, nil)
	}
	if err := t.giveUpLate(ctx); err != nil {
		return err
	}
	safe := t.safe(answered, due)
	if len(safe) == 0 {
		return nil
	}
	t.chain.awaitRecord(ctx)
	commitCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.config.FlushTimeout)
	defer cancel()
	err = t.consumer.Commit(commitCtx, safe)
	t.config.Meters.Committed(err == nil)
	if err != nil {
		t.config.Log.Error("offsets were not committed; they are tried again", "error", err)
		return nil
	}
	maps.Copy(t.committed, safe)
	return nil
}

// preCommit sends FLUSH and reads the offsets that the connector calls safe.
func (t *Sink) preCommit(ctx context.Context, due map[host.TopicPartition]int64) ([]abi.PartitionOffset, error) {
	t.sink.Instance.Send(abi.EventFlush, guest.Bytes(abi.EncodePartitionOffsets(partitionOffsets(due))))
	m, err := t.sink.Instance.Expect(ctx, guest.CommitMessage, t.sink.Limit)
	if err != nil {
		return nil, t.sink.Group.Failed(err)
	}
	answered, err := abi.ParsePartitionOffsets(m.Body)
	if err != nil {
		err = fmt.Errorf("%w: offsets to commit: %w", guest.ErrGarbage, err)
		t.sink.Instance.Kill(err)
		return nil, t.sink.Group.Failed(err)
	}
	return answered, nil
}

// safe are the offsets that may be committed, at most those that were asked for.
func (t *Sink) safe(answered []abi.PartitionOffset,
	due map[host.TopicPartition]int64) map[host.TopicPartition]int64 {
	safe := map[host.TopicPartition]int64{}
	for _, p := range answered {
		tp := host.TopicPartition{Topic: p.Topic, Partition: p.Partition}
		next, asked := due[tp]
		if !asked {
			t.config.Log.Warn("the connector wants to commit a partition that it was not asked for; ignored",
				"topic", p.Topic, "partition", p.Partition, "offset", p.Offset)
			continue
		}
		// It may know of more than what counts as put: the records behind one that failed.
		if safe[tp] = t.unsettled.limit(tp, min(p.Offset, next)); safe[tp] == t.committed[tp] {
			delete(safe, tp)
		}
	}
	return safe
}

func partitionOffsets(offsets map[host.TopicPartition]int64) []abi.PartitionOffset {
	var all []abi.PartitionOffset
	for tp, next := range offsets {
		all = append(all, abi.PartitionOffset{Topic: tp.Topic, Partition: tp.Partition, Offset: next})
	}
	return all
}

// Assigned implements host.Rebalancer.
func (t *Sink) Assigned(_ context.Context, partitions map[host.TopicPartition]int64) {
	for tp := range partitions {
		t.assigned[tp] = true
	}
	t.sink.Instance.Send(abi.EventOpen, guest.Bytes(abi.EncodePartitionOffsets(partitionOffsets(partitions))))
	if t.paused {
		t.consumer.Pause()
	}
}

// Revoked implements host.Rebalancer. What was given up on is in the dead-letter topic before its offset is committed.
func (t *Sink) Revoked(ctx context.Context, partitions []host.TopicPartition) {
	if err := t.awaitLetters(ctx); err != nil {
		t.config.Log.Error("not every dead letter was written; its record is consumed again", "error", err)
	}
	if err := t.flush(ctx, partitions); err != nil {
		t.failed = err
	}
	t.Lost(ctx, partitions)
}

// Lost implements host.Rebalancer.
func (t *Sink) Lost(_ context.Context, partitions []host.TopicPartition) {
	closed := map[host.TopicPartition]int64{}
	for _, tp := range partitions {
		closed[tp] = -1
		if next, ok := t.current[tp]; ok {
			closed[tp] = next
		}
		delete(t.assigned, tp)
		delete(t.current, tp)
		delete(t.committed, tp)
		t.unsettled.forget(tp)
	}
	t.sink.Instance.Send(abi.EventClose, guest.Bytes(abi.EncodePartitionOffsets(partitionOffsets(closed))))
}

// close drains: releasing the partitions flushes and commits what was put. The task leaves its group when the connector
// has stopped, as in Connect: until then it may still be writing, and nobody else may have the partitions.
func (t *Sink) close(ctx context.Context, failure error) {
	if t.consumer != nil {
		if failure != nil && errors.Is(failure, errInstance) {
			t.current = map[host.TopicPartition]int64{} // nobody is left to say what is durable
		}
		t.consumer.Release(ctx)
	}
	t.letters.close()
	links := t.chain.close()
	if t.sink != nil {
		links = append(links, t.sink)
	}
	stopLinks(ctx, links, t.config.grace())
	if t.consumer != nil {
		t.leave(ctx)
	}
}

// leaveDurationMax is what a task has to leave its group when its time is over.
const leaveDurationMax = 2 * time.Second

func (t *Sink) leave(ctx context.Context) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), leaveDurationMax)
		defer cancel()
	}
	t.consumer.Close(ctx)
}
