package task

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/host"
)

// TestTopicsInUseAreReportedAgain: what is known of them may have been reset; a topic that is no longer used stays out.
func TestTopicsInUseAreReportedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reported []string
		sink := NewSink(Config{TopicUsed: func(topic string) { reported = append(reported, topic) }})
		both := []host.ConsumerRecord{{Topic: "a"}, {Topic: "a"}, {Topic: "b"}, {Topic: "a"}}
		sink.useTopics(both)
		sink.useTopics(both)
		if want := []string{"a", "b"}; !slices.Equal(reported, want) {
			t.Fatalf("reported %v, want %v", reported, want)
		}
		time.Sleep(topicReportInterval)
		sink.useTopics(both[:1])
		if want := []string{"a", "b", "a"}; !slices.Equal(reported, want) {
			t.Errorf("reported %v, want %v", reported, want)
		}
	})
}
