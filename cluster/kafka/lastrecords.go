package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// lastIdleMax ends the reading of a topic's last records when none comes: those at its end may have been compacted or
// deleted meanwhile.
const lastIdleMax = 2 * time.Second

// Last implements host.RecordReader, with consumer.* and consumer.override.*, and a client of its own that is in no
// group.
func (c *Clients) Last(ctx context.Context, config host.Config, topic string, n, maxBytes int) (
	[]host.ConsumerRecord, error) {
	p := newProperties(c.base("connector-preview"), withPrefix(c.worker, "consumer."),
		overrides(config, "consumer.override."))
	opts := append(commonOptions(p), kgo.WithLogger(clientLog{c.log}), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.FetchMaxBytes(int32(maxBytes)))
	if err := p.err(); err != nil {
		return nil, fmt.Errorf("configuring the consumer that reads %s: %w", topic, err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("making the consumer that reads %s: %w", topic, err)
	}
	defer client.Close()
	tail, err := tailOf(ctx, client, topic, n)
	if err != nil || len(tail.left) == 0 {
		return nil, err
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: tail.from})
	if err := tail.read(ctx, client); err != nil {
		return nil, fmt.Errorf("reading topic %s: %w", topic, err)
	}
	return tail.newest(n, maxBytes), nil
}

// tail is the end of a topic.
type tail struct {
	from    map[int32]kgo.Offset
	left    map[int32]int64 // last offsets of the partitions that are not read to their end
	records []*kgo.Record
}

// tailOf finds the last n offsets of each partition.
func tailOf(ctx context.Context, client *kgo.Client, topic string, n int) (*tail, error) {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, host.NotFound(fmt.Sprintf("Topic %s is not there, or the worker may not see it", topic))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the offsets of topic %s: %w", topic, err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the offsets of topic %s: %w", topic, err)
	}
	t := &tail{from: map[int32]kgo.Offset{}, left: map[int32]int64{}}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(topic, end.Partition)
		if end.Offset > start.Offset {
			t.from[end.Partition] = kgo.NewOffset().At(max(start.Offset, end.Offset-int64(n)))
			t.left[end.Partition] = end.Offset - 1
		}
	})
	return t, nil
}

// read takes records until each partition is read to its end.
func (t *tail) read(ctx context.Context, client *kgo.Client) error {
	for len(t.left) > 0 {
		waiting, cancel := context.WithTimeout(ctx, lastIdleMax)
		fetches := client.PollFetches(waiting)
		idle := waiting.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fetches.Err(); err != nil && !idle {
			return err
		}
		if fetches.NumRecords() == 0 && idle {
			return nil
		}
		fetches.EachRecord(t.take)
	}
	return nil
}

func (t *tail) take(r *kgo.Record) {
	last, open := t.left[r.Partition]
	if !open || r.Offset > last {
		delete(t.left, r.Partition)
		return
	}
	if r.Offset == last {
		delete(t.left, r.Partition)
	}
	if !r.Attrs.IsControl() {
		t.records = append(t.records, r)
	}
}

// newest are the last n records by timestamp that have at most maxBytes, in order of their offsets within partitions.
func (t *tail) newest(n, maxBytes int) []host.ConsumerRecord {
	slices.SortStableFunc(t.records, func(a, b *kgo.Record) int {
		if a.Partition == b.Partition {
			return cmp.Compare(a.Offset, b.Offset)
		}
		return cmp.Compare(a.Timestamp.UnixMilli(), b.Timestamp.UnixMilli())
	})
	first, bytes := len(t.records), 0
	for first > max(0, len(t.records)-n) {
		r := t.records[first-1]
		if bytes += len(r.Key) + len(r.Value); bytes > maxBytes {
			break
		}
		first--
	}
	var all []host.ConsumerRecord
	for _, r := range t.records[first:] {
		all = append(all, consumerRecord(r, headersOf(nil, r)))
	}
	return all
}
