package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// How often a task that still misses a topic says so, and how long a failed commit rests between attempts.
const (
	missingTopicCheck = 30 * time.Second
	commitRetryDelay  = 200 * time.Millisecond
)

// Consumer implements host.Consumer. All methods but Close's waiting run on the task's goroutine; two goroutines of
// its own work beside it: one that polls the client, as a poll can wait for a rebalance that in turn waits for the
// task, and one that looks out for missing topics.
type Consumer struct {
	client     *kgo.Client   // for callbacks: once made is closed
	made       chan struct{} // the client calls back before its maker has returned it
	rebalancer host.Rebalancer
	settings   consumerSettings
	log        *slog.Logger

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	own    sync.WaitGroup // its goroutines
	start  sync.Once

	want   chan context.Context // the task asks for what was fetched; it ends when the answer is wanted at once
	got    chan kgo.Fetches     // the answer
	events chan *rebalancing    // from the client's group goroutine

	asked  bool               // a want without its got
	hurry  context.CancelFunc // of the last want
	paused bool

	released bool // the task has heard the last of its partitions

	member string // the group member that the assignment belongs to
	held   map[host.TopicPartition]struct{}
	seeks  map[host.TopicPartition]int64 // asked for, not yet done
	ready  []*kgo.Record                 // polled, not yet returned
	space  []*kgo.Record                 // ready's memory, used again and again
	out    []host.ConsumerRecord
	heads  []host.Header
	reason map[string]bool // errors that were already logged
}

// rebalancing is a change of partitions that waits to be handled on the task's goroutine.
type rebalancing struct {
	kind       rebalanceKind
	partitions []host.TopicPartition
	offsets    map[host.TopicPartition]int64 // assigned only; what it holds afterwards is what is read next
	done       chan struct{}
}

type rebalanceKind int

const (
	assigned rebalanceKind = iota
	revoked
	lost
)

func newConsumer(settings consumerSettings, rebalancer host.Rebalancer, log *slog.Logger) (*Consumer, error) {
	c := &Consumer{
		made: make(chan struct{}), rebalancer: rebalancer, settings: settings, log: log,
		want: make(chan context.Context), got: make(chan kgo.Fetches, 1), events: make(chan *rebalancing),
		held: map[host.TopicPartition]struct{}{}, seeks: map[host.TopicPartition]int64{}, reason: map[string]bool{},
		hurry: func() {},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	opts := append(settings.opts,
		kgo.WithPools(recordPool{}),
		kgo.AdjustFetchOffsetsFn(c.onOffsets),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { c.onGone(revoked, m) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { c.onGone(lost, m) }))
	client, err := kgo.NewClient(opts...)
	if err != nil {
		c.cancel()
		return nil, err
	}
	c.client = client
	close(c.made)
	return c, nil
}

// Poll implements host.Consumer.
func (c *Consumer) Poll(ctx context.Context, limit int, wait time.Duration) ([]host.ConsumerRecord, error) {
	c.start.Do(c.run)
	c.handleWaiting(ctx)
	limit = min(limit, c.settings.maxRecords)
	var timeout <-chan time.Time // made when there is something to wait for
	for {
		if len(c.seeks) > 0 {
			c.seek()
		}
		if len(c.ready) > 0 && !c.paused && len(c.seeks) == 0 {
			return c.take(limit), nil
		}
		if !c.asked && !c.paused {
			c.ask()
		}
		if timeout == nil {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case fetches := <-c.got:
			c.asked = false
			c.hurry()
			if err := c.keep(fetches); err != nil {
				return nil, err
			}
			c.client.AllowRebalance() // what was polled will be dropped if its partition goes
		case change := <-c.events:
			c.handle(ctx, change)
		case <-timeout:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// handleWaiting handles a change of partitions that came while the task worked, before it is given more records.
func (c *Consumer) handleWaiting(ctx context.Context) {
	select {
	case change := <-c.events:
		c.handle(ctx, change)
	default:
	}
}

func (c *Consumer) ask() {
	ctx, hurry := context.WithCancel(c.ctx)
	select {
	case c.want <- ctx: // taken at once: the other side waits when nothing is asked
		c.asked, c.hurry = true, hurry
	case <-c.ctx.Done():
		hurry()
	}
}

func (c *Consumer) run() {
	c.own.Go(c.poll)
	if len(c.settings.topics) > 0 {
		c.own.Go(c.watchTopics)
	}
}

func (c *Consumer) poll() {
	for {
		select {
		case ctx := <-c.want:
			c.got <- c.client.PollFetches(ctx)
		case <-c.ctx.Done():
			return
		}
	}
}

// keep stores what a poll brought, or returns the error that a task can't go on with.
func (c *Consumer) keep(fetches kgo.Fetches) error {
	var fatal error
	fetches.EachError(func(topic string, partition int32, err error) {
		if fatal == nil {
			fatal = c.judge(topic, partition, err)
		}
	})
	if fatal != nil {
		return fatal
	}
	if len(c.ready) == 0 {
		c.ready = c.space[:0]
	}
	if fetches.NumRecords() > 0 {
		fetches.EachRecord(func(r *kgo.Record) { c.ready = append(c.ready, r) })
		clear(c.reason)
		c.space = c.ready[:0]
	}
	return nil
}

// judge tells errors that end the task from those that the client gets over, which are logged once until records come.
func (c *Consumer) judge(topic string, partition int32, err error) error {
	switch {
	case errors.Is(err, kgo.ErrClientClosed):
		return ErrClosed
	case errors.Is(err, context.Canceled): // hurried
		return nil
	case errors.Is(err, kerr.UnknownTopicID):
		c.rediscover(topic)
	}
	var broker *kerr.Error
	if errors.As(err, &broker) && !broker.Retriable && !temporary[broker.Code] {
		if topic == "" {
			return fmt.Errorf("consuming as member of group %s: %w", c.settings.group, err)
		}
		return fmt.Errorf("consuming %s-%d: %w", topic, partition, err)
	}
	if text := err.Error(); !c.reason[text] {
		c.reason[text] = true
		c.log.Warn("consuming is held up, the client tries again", "topic", topic, "partition", partition, "error", err)
	}
	return nil
}

// temporary are errors without Kafka's retriable mark that a group member gets over by joining again.
var temporary = map[int16]bool{
	kerr.UnknownMemberID.Code: true, kerr.IllegalGeneration.Code: true, kerr.RebalanceInProgress.Code: true,
	kerr.FencedLeaderEpoch.Code: true, kerr.OffsetOutOfRange.Code: false,
}

// take turns up to limit polled records, and no more bytes than are worth one crossing, into the host's form; the
// slices are used again by the next call.
func (c *Consumer) take(limit int) []host.ConsumerRecord {
	c.out, c.heads = c.out[:0], c.heads[:0]
	size := 0
	for _, r := range c.ready[:min(max(limit, 1), len(c.ready))] {
		if size += len(r.Key) + len(r.Value); size > host.BatchBytesMax && len(c.out) > 0 {
			break
		}
		first := len(c.heads)
		c.heads = headersOf(c.heads, r)
		c.out = append(c.out, consumerRecord(r, c.heads[first:len(c.heads):len(c.heads)]))
		r.Recycle() // the bytes stay: they lie in the answer to the fetch, or where it was decompressed
	}
	c.ready = c.ready[len(c.out):]
	if len(c.ready) == 0 && !c.asked {
		c.ask() // the next fetch is taken over while the task works on this one
	}
	return c.out
}

func headersOf(dst []host.Header, r *kgo.Record) []host.Header {
	for _, h := range r.Headers {
		dst = append(dst, host.Header(h))
	}
	return dst
}

func consumerRecord(r *kgo.Record, headers []host.Header) host.ConsumerRecord {
	return host.ConsumerRecord{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		TimestampMs: r.Timestamp.UnixMilli(), TimestampType: timestampType(r.Attrs.TimestampType()),
		Key: r.Key, Value: r.Value, Headers: headers,
	}
}

// recordPool keeps the memory of fetched records, of all consumers. The collector empties it, so that idle ones hold
// nothing.
type recordPool struct{}

var fetched sync.Pool

// GetRecords implements kgo.PoolRecords.
func (recordPool) GetRecords(n int) []kgo.Record {
	if records, ok := fetched.Get().(*[]kgo.Record); ok && cap(*records) >= n {
		return *records
	}
	return make([]kgo.Record, 0, n)
}

// PutRecords implements kgo.PoolRecords.
func (recordPool) PutRecords(records []kgo.Record) { fetched.Put(&records) }

func timestampType(t int8) host.TimestampType {
	switch t {
	case 0:
		return host.CreateTime
	case 1:
		return host.LogAppendTime
	}
	return host.NoTimestampType
}

// Commit implements host.Consumer. Transient errors are tried again until ctx ends.
func (c *Consumer) Commit(ctx context.Context, offsets map[host.TopicPartition]int64) error {
	if len(offsets) == 0 {
		return nil
	}
	for {
		err := c.commitOnce(ctx, offsets)
		if err == nil || !passing(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(commitRetryDelay):
		case <-ctx.Done():
			return fmt.Errorf("%w, last attempt: %w", ctx.Err(), err)
		}
	}
}

// passing tells errors that a later attempt may not meet: the network's, and those that Kafka calls retriable.
func passing(err error) bool {
	var broker *kerr.Error
	return kerr.IsRetriable(err) || !errors.As(err, &broker) && !errors.Is(err, kgo.ErrClientClosed)
}

// Pause implements host.Consumer. What the client has fetched stays with it; it just isn't asked any more, which keeps
// it from throwing its buffers away and fetching the same again on Resume.
func (c *Consumer) Pause() { c.paused = true }

// Resume implements host.Consumer.
func (c *Consumer) Resume() { c.paused = false }
