package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// appended follows what a worker writes to the state topics: the last value of each key, which the README says is what
// counts of it.
type appended struct {
	client *kgo.Client
	last   map[string]map[string]string // topic -> key -> value as canonical; "" for a tombstone
}

// followTopics begins at the present ends of the topics.
func followTopics(ctx context.Context, bootstrap string, topics map[string]string) (*appended, error) {
	asking, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return nil, err
	}
	defer asking.Close()
	ends, err := kadm.NewClient(asking).ListEndOffsets(ctx, slices.Collect(maps.Values(topics))...)
	if err != nil {
		return nil, fmt.Errorf("ask for the ends of the topics: %w", err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumePartitions(ends.Offsets().KOffsets()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	return &appended{client, map[string]map[string]string{}}, err
}

// missing tells the first key whose last value is not as recorded.
func (a *appended) missing(ctx context.Context, t takeover, id string) error {
	a.read(ctx)
	for kind, records := range t.Appended {
		last := map[string]recorded{}
		for _, r := range records {
			if r.Key != nil {
				last[*r.Key] = r
			}
		}
		for _, r := range last {
			record, err := r.record(t, t.Topics[kind])
			if err != nil {
				return err
			}
			want := strings.ReplaceAll(lastValue(record), t.recordedID(), id)
			if found, has := a.last[record.Topic][string(record.Key)]; !has || found != want {
				return fmt.Errorf("topic %s: last value of %s is %q (written: %t), recorded %q", kind, record.Key, found, has,
					want)
			}
		}
	}
	return nil
}

func (a *appended) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askInterval)
	defer cancel()
	a.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
		if a.last[r.Topic] == nil {
			a.last[r.Topic] = map[string]string{}
		}
		a.last[r.Topic][string(r.Key)] = lastValue(r)
	})
}

// lastValue leaves out what varies: generations, times, and all of a session key.
func lastValue(r *kgo.Record) string {
	var value any
	if r.Value == nil {
		return ""
	}
	if json.Unmarshal(r.Value, &value) != nil {
		return string(r.Value)
	}
	if string(r.Key) == "session-key" {
		return "(a key)"
	}
	fields, _ := value.(map[string]any)
	delete(fields, "generation")
	if use, is := fields["topic"].(map[string]any); is {
		delete(use, "discoverTimestamp")
		delete(use, "task") // whoever was first
	}
	return canonical("", value)
}
