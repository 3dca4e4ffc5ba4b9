// Package kafkatest lets a test look at a broker, and write to it, with nothing of the code that it tests in between.
package kafkatest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// patience ends a test whose broker does not answer; it says nothing about how fast it is.
const patience = 3 * time.Minute

// Record is a record as Kafka holds it; a nil Key or Value is null.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Timestamp int64 // ms since the epoch; 0 in Produce: now
	Key       []byte
	Value     []byte
	Headers   []Header

	ProducerEpoch int16 // of what was read: each producer of a transactional id has a greater one than those before
}

// Header is a header of a record; a nil Value is null.
type Header struct {
	Key   string
	Value []byte
}

// Broker is a broker to look at.
type Broker struct {
	client *kgo.Client
	admin  *kadm.Client
}

// Open connects to HOST:PORT on the first use, and again when the broker was away; the test's end closes it.
// How to log in is told by more, which is stronger than what it does else.
func Open(t testing.TB, bootstrap string, more ...kgo.Opt) *Broker {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(10 * time.Millisecond),
		kgo.ProducerBatchMaxBytes(256 << 10), kgo.MaxBufferedRecords(100_000), kgo.RetryTimeout(patience)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &Broker{client, kadm.NewClient(client)}
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// CreateTopic creates a topic without replicas, which keeps all that it gets, and waits until it can be written to.
func (b *Broker) CreateTopic(t testing.TB, topic string, partitions int32) {
	t.Helper()
	ctx, keeps := within(t), map[string]*string{"retention.bytes": kadm.StringPtr("-1")}
	if _, err := b.admin.CreateTopic(ctx, partitions, 1, keeps, topic); err != nil {
		t.Fatalf("create topic %s: %v", topic, err)
	}
	for {
		ends, err := b.admin.ListEndOffsets(ctx, topic)
		if err == nil && ends.Error() == nil && len(ends[topic]) == int(partitions) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("topic %s can't be used: %v", topic, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// CreateTopics creates many topics with one partition each.
func (b *Broker) CreateTopics(t testing.TB, topics ...string) {
	t.Helper()
	for some := range slices.Chunk(topics, 500) {
		answers, err := b.admin.CreateTopics(within(t), 1, 1, nil, some...)
		if err = errors.Join(err, answers.Error()); err != nil {
			t.Fatalf("create %d topics: %v", len(some), err)
		}
	}
}

// DeleteTopics deletes those topics that begin with a prefix: a test that makes thousands would let all tests behind it
// wait for them.
func (b *Broker) DeleteTopics(t testing.TB, prefix string) {
	t.Helper()
	theirs := slices.DeleteFunc(b.Topics(t), func(topic string) bool { return !strings.HasPrefix(topic, prefix) })
	for some := range slices.Chunk(theirs, 500) {
		answers, err := b.admin.DeleteTopics(within(t), some...)
		if err = errors.Join(err, answers.Error()); err != nil {
			t.Errorf("delete %d topics: %v", len(some), err)
		}
	}
}

// Produce writes records, in order within each partition, and waits until the broker has them.
func (b *Broker) Produce(t testing.TB, records ...Record) {
	t.Helper()
	b.ProduceEach(t, func(yield func(Record) bool) {
		for _, r := range records {
			if !yield(r) {
				return
			}
		}
	})
}

// ProduceEach is Produce for records that are made on the way.
func (b *Broker) ProduceEach(t testing.TB, records func(yield func(Record) bool)) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(within(t))
	defer cancel(nil)
	for r := range records {
		k := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value}
		if r.Timestamp != 0 {
			k.Timestamp = time.UnixMilli(r.Timestamp)
		}
		for _, h := range r.Headers {
			k.Headers = append(k.Headers, kgo.RecordHeader(h))
		}
		b.client.Produce(ctx, k, func(_ *kgo.Record, err error) {
			if err != nil {
				cancel(err)
			}
		})
	}
	err := b.client.Flush(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		t.Fatalf("produce: %v", err)
	}
}

// Ends returns the offset behind the last record of each partition; a topic that is not there has none.
func (b *Broker) Ends(t testing.TB, topic string) map[int32]int64 {
	t.Helper()
	ends, err := b.admin.ListEndOffsets(within(t), topic)
	if err != nil {
		t.Fatalf("list the offsets of %s: %v", topic, err)
	}
	offsets := map[int32]int64{}
	for partition, end := range ends[topic] {
		if end.Err == nil {
			offsets[partition] = end.Offset
		}
	}
	return offsets
}

// Count is how many offsets a topic has, over all partitions.
func (b *Broker) Count(t testing.TB, topic string) int64 {
	t.Helper()
	var n int64
	for _, end := range b.Ends(t, topic) {
		n += end
	}
	return n
}

// Committed returns a consumer group's offset of each partition of a topic.
func (b *Broker) Committed(t testing.TB, group, topic string) map[int32]int64 {
	t.Helper()
	fetched, err := b.admin.FetchOffsets(within(t), group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		t.Fatalf("read the offsets of group %s: %v", group, err)
	}
	offsets := map[int32]int64{}
	for partition, o := range fetched[topic] {
		if o.Err == nil && o.At >= 0 {
			offsets[partition] = o.At
		}
	}
	return offsets
}

// Each hands over every record that is in the topic at the call, from the first on, in order within each partition.
// A record's bytes are valid during the call only.
func (b *Broker) Each(t testing.TB, topic string, each func(Record)) {
	t.Helper()
	b.each(t, topic, each)
}

// EachCommitted is Each without what transactions have aborted; it waits for the end of open ones.
func (b *Broker) EachCommitted(t testing.TB, topic string, each func(Record)) {
	t.Helper()
	b.each(t, topic, each, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
}

func (b *Broker) each(t testing.TB, topic string, each func(Record), opts ...kgo.Opt) {
	t.Helper()
	ends := b.Ends(t, topic)
	maps.DeleteFunc(ends, func(_ int32, end int64) bool { return end == 0 })
	from := map[int32]kgo.Offset{}
	for partition := range ends {
		from[partition] = kgo.NewOffset().AtStart()
	}
	reader, err := kgo.NewClient(append(opts, kgo.SeedBrokers(b.seeds()...), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for len(ends) > 0 {
		ctx, cancel := context.WithTimeout(t.Context(), patience) // for the next records: there may be very many
		fetches := reader.PollFetches(ctx)
		cancel()
		if err := fetches.Err0(); err != nil {
			t.Fatalf("read topic %s: %v", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			end, wanted := ends[r.Partition]
			if !wanted {
				return
			}
			if !r.Attrs.IsControl() {
				each(record(r))
			}
			if r.Offset+1 >= end {
				delete(ends, r.Partition)
			}
		})
	}
}

func (b *Broker) seeds() []string {
	return b.client.OptValue(kgo.SeedBrokers).([]string)
}

func record(r *kgo.Record) Record {
	out := Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(),
		Key: r.Key, Value: r.Value, ProducerEpoch: r.ProducerEpoch}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, Header(h))
	}
	return out
}

// Read returns every record of a topic, sorted by partition and offset.
func (b *Broker) Read(t testing.TB, topic string) []Record {
	t.Helper()
	var all []Record
	b.Each(t, topic, func(r Record) { all = append(all, r) })
	slices.SortFunc(all, func(x, y Record) int {
		if x.Partition != y.Partition {
			return int(x.Partition - y.Partition)
		}
		return int(x.Offset - y.Offset)
	})
	return all
}

// Commit sets a consumer group, which has no members, to an offset of a topic's partition.
func (b *Broker) Commit(t testing.TB, group, topic string, partition int32, offset int64) {
	t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: offset, LeaderEpoch: -1})
	if err := b.admin.CommitAllOffsets(within(t), group, offsets); err != nil {
		t.Fatalf("commit offset %d of %s-%d for %s: %v", offset, topic, partition, group, err)
	}
}

// Topics lists the names of all topics, internal ones too.
func (b *Broker) Topics(t testing.TB) []string {
	t.Helper()
	topics, err := b.admin.ListTopicsWithInternal(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return topics.Names()
}

// Groups lists the ids of all consumer groups.
func (b *Broker) Groups(t testing.TB) []string {
	t.Helper()
	groups, err := b.admin.ListGroups(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return groups.Groups()
}

// OpenTransactions lists the transactional ids whose transaction has not ended.
func (b *Broker) OpenTransactions(t testing.TB) []string {
	t.Helper()
	listed, err := b.admin.ListTransactions(within(t), nil, []string{"Ongoing", "PrepareCommit", "PrepareAbort"})
	if err != nil {
		t.Fatal(err)
	}
	return listed.TransactionalIDs()
}
