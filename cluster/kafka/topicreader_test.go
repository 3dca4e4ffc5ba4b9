package kafka

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// A reader that was stopped in the middle of what it fetched goes on with the next record.
func TestTopicReaderGoesOnWhereItEnded(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	topic, broker := newTopic(t, addr, 1), kafkatest.Open(t, addr)
	reader, err := NewTopicReader(addr, topic)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	const n = 20
	for i := range n {
		broker.Produce(t, kafkatest.Record{Topic: topic, Timestamp: int64(1000 + i), Value: fmt.Append(nil, i)})
	}
	if count, err := reader.Count(t.Context()); err != nil || count != n {
		t.Errorf("%d records, %v", count, err)
	}
	var next int64
	for _, until := range []int64{1, 7, n} {
		err := reader.Follow(t.Context(), func(r TopicRecord) bool {
			if r.Offset != next || r.TimestampMs != 1000+next || string(r.Value) != fmt.Sprint(next) {
				t.Fatalf("%+v, want record %d", r, next)
			}
			next++
			return next < until
		})
		if err != nil || next != until {
			t.Fatalf("%d records until %d: %v", next, until, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := reader.Follow(ended, func(TopicRecord) bool { return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}
