package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/kafka"
)

// retryDelay rests between attempts at what Kafka refuses for the time being.
const retryDelay = 200 * time.Millisecond

// topicLog reads a compacted topic from its start, for ever, and writes to it.
type topicLog struct {
	spec topicSpec
	log  *slog.Logger
	opts []kgo.Opt
	// adminOpts are those of the client that creates and checks the topic.
	adminOpts []kgo.Opt
	apply     func(*kgo.Record) // called in log order of each partition, by one goroutine
	client    *kgo.Client       // set before started is closed

	caughtUp func() error // called once, when what was there at the start has been read; an error ends the log

	started chan struct{}
	readied chan struct{} // what was there at the start has been read

	mu    sync.Mutex
	next  map[int32]int64 // offset after the last record of a partition that was read, control records too
	moved chan struct{}   // closed and renewed whenever next changes
}

func newTopicLog(spec topicSpec, worker map[string]string, log *slog.Logger, apply func(*kgo.Record)) (*topicLog,
	error) {
	log = log.With("topic", spec.topic)
	opts, err := kafka.WorkerOptions(worker, clientID(worker, spec.clientRole), log)
	if err != nil {
		return nil, err
	}
	return newOptionsLog(spec, opts, log, apply), nil
}

// newOptionsLog is newTopicLog with the options of another client than the worker's.
func newOptionsLog(spec topicSpec, opts []kgo.Opt, log *slog.Logger, apply func(*kgo.Record)) *topicLog {
	opts = append(opts,
		// One request in flight and no producer id, as Connect does: order is kept, a repeated record does no harm,
		// and no right to idempotent writes is needed.
		kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.UnknownTopicRetries(-1),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords(),
	)
	if spec.committedOnly {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	return &topicLog{
		spec: spec, log: log, opts: opts, adminOpts: opts, apply: apply,
		started: make(chan struct{}), readied: make(chan struct{}),
		next: map[int32]int64{}, moved: make(chan struct{}),
	}
}

// clientID is "<group.id>-[<client.id>-]role".
func clientID(worker map[string]string, role string) string {
	parts := []string{worker["group.id"], worker["client.id"], role}
	if parts[0] == "" {
		parts[0] = "connect"
	}
	if parts[1] == "" {
		parts = []string{parts[0], role}
	}
	return strings.Join(parts, "-")
}

// run makes sure of the topic, reads and goes on reading until ctx ends.
func (l *topicLog) run(ctx context.Context) error {
	partitions, err := l.spec.ensure(ctx, l.adminOpts, l.log)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	from := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		from[p] = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(append(l.opts,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.spec.topic: from}))...)
	if err != nil {
		return fmt.Errorf("making the client of topic %s: %w", l.spec.topic, err)
	}
	defer client.Close()
	l.client = client
	close(l.started)
	var reading sync.WaitGroup
	defer reading.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reading.Go(func() { l.read(ctx) })
	if err := l.readToEnd(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if l.caughtUp != nil {
		if err := l.caughtUp(); err != nil {
			return fmt.Errorf("reading topic %s: %w", l.spec.topic, err)
		}
	}
	close(l.readied)
	<-ctx.Done()
	return nil
}

func (l *topicLog) ready() <-chan struct{} { return l.readied }

func (l *topicLog) read(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := l.client.PollFetches(ctx)
		fetches.EachError(func(_ string, partition int32, err error) {
			if ctx.Err() == nil {
				l.log.Error("reading a state topic is held up", "partition", partition, "error", err)
			}
		})
		if fetches.NumRecords() == 0 {
			continue
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				l.apply(r)
			}
		})
		l.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) { l.next[r.Partition] = r.Offset + 1 })
		close(l.moved)
		l.moved = make(chan struct{})
		l.mu.Unlock()
	}
}

// readToEnd returns when everything that was in the topic at the call has been applied.
func (l *topicLog) readToEnd(ctx context.Context) error {
	select {
	case <-l.started:
	case <-ctx.Done():
		return fmt.Errorf("waiting for topic %s: %w", l.spec.topic, ctx.Err())
	}
	ends, err := l.ends(ctx)
	if err != nil {
		return fmt.Errorf("asking for the end of topic %s: %w", l.spec.topic, err)
	}
	for {
		l.mu.Lock()
		behind, moved := false, l.moved
		for p, end := range ends {
			behind = behind || l.next[p] < end
		}
		l.mu.Unlock()
		if !behind {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("reading topic %s to its end: %w", l.spec.topic, ctx.Err())
		}
	}
}

// ends returns the end of each partition that holds anything. Open transactions count, so that who reads committed
// records waits for them: what was committed before the call may lie behind the begin of somebody else's.
func (l *topicLog) ends(ctx context.Context) (map[int32]int64, error) {
	admin := kadm.NewClient(l.client)
	for {
		ends, err := endsOf(ctx, l.spec.topic, admin.ListEndOffsets, admin.ListStartOffsets)
		if err == nil || ctx.Err() != nil || !kerr.IsRetriable(err) && !transient(err) {
			return ends, err
		}
		l.log.Warn("the end of a state topic is not known yet", "error", err)
		select {
		case <-time.After(retryDelay):
		case <-ctx.Done():
		}
	}
}

type lister func(context.Context, ...string) (kadm.ListedOffsets, error)

func endsOf(ctx context.Context, topic string, list, listStart lister) (map[int32]int64, error) {
	ends, err := list(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, err
	}
	starts, err := listStart(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, err
	}
	out := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, _ := starts.Lookup(topic, end.Partition); start.Offset < end.Offset {
			out[end.Partition] = end.Offset
		}
	})
	return out, nil
}

// transient tells errors of the network from those of the broker.
func transient(err error) bool {
	var broker *kerr.Error
	return !errors.As(err, &broker)
}

// write returns when Kafka has all records; a record's topic is set here.
func (l *topicLog) write(ctx context.Context, records ...*kgo.Record) error {
	select {
	case <-l.started:
	case <-ctx.Done():
		return fmt.Errorf("waiting for topic %s: %w", l.spec.topic, ctx.Err())
	}
	for _, r := range records {
		r.Topic = l.spec.topic
	}
	if err := l.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("writing to topic %s: %w", l.spec.topic, err)
	}
	return nil
}
