package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TopicRecord is a record as a topic has it; its bytes are valid during the call that hands it over only.
type TopicRecord struct {
	Partition   int32
	Offset      int64
	TimestampMs int64 // since the epoch
	Value       []byte
}

// TopicReader reads a topic as any consumer could: with nothing of a worker, in no group.
type TopicReader struct {
	client  *kgo.Client
	topic   string
	fetched *kgo.FetchesRecordIter // what of the last fetch is not handed over
}

// NewTopicReader makes one for a broker at HOST:PORT without authentication; the topic may come later.
func NewTopicReader(bootstrap, topic string) (*TopicReader, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(metadataMinAge),
		kgo.MetadataMaxAge(metadataMinAge))
	if err != nil {
		return nil, fmt.Errorf("making the reader of topic %s: %w", topic, err)
	}
	return &TopicReader{client: client, topic: topic, fetched: kgo.Fetches{}.RecordIter()}, nil
}

// Close ends its connections.
func (r *TopicReader) Close() { r.client.Close() }

// Follow hands over records in the order of their offsets within partitions, from where the call before has ended, as
// they come, until each returns false. What a partition can't give now is awaited. Errors: those of the client, of ctx.
func (r *TopicReader) Follow(ctx context.Context, each func(TopicRecord) bool) error {
	for {
		for !r.fetched.Done() {
			record := r.fetched.Next()
			if !each(TopicRecord{record.Partition, record.Offset, record.Timestamp.UnixMilli(), record.Value}) {
				return nil
			}
		}
		fetches := r.client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("reading topic %s: %w", r.topic, err)
		}
		r.fetched = fetches.RecordIter()
	}
}

// Count is how many records the topic has that no deletion has taken, on a topic without transactions.
func (r *TopicReader) Count(ctx context.Context) (int64, error) {
	admin := kadm.NewClient(r.client)
	starts, err := admin.ListStartOffsets(ctx, r.topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("reading the offsets of topic %s: %w", r.topic, err)
	}
	ends, err := admin.ListEndOffsets(ctx, r.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("reading the offsets of topic %s: %w", r.topic, err)
	}
	var n int64
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(r.topic, end.Partition)
		n += end.Offset - start.Offset
	})
	return n, nil
}
