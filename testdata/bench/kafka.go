package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// broker is the Kafka under the measured programs, as this program looks at it.
type broker struct {
	bootstrap string
	admin     *kadm.Client
}

func connectBroker(bootstrap string) (*broker, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return nil, err
	}
	return &broker{bootstrap, kadm.NewClient(client)}, nil
}

func (b *broker) close() { b.admin.Close() }

// createTopic makes a topic of one partition whose records stay. The rows of P4 have timestamps of years ago, so a broker
// with its usual retention deletes them the next time it looks, every few minutes.
func (b *broker) createTopic(ctx context.Context, topic string) error {
	forever := "-1"
	if _, err := b.admin.CreateTopic(ctx, 1, 1, map[string]*string{"retention.ms": &forever}, topic); err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}

// deleteTopics removes the topics whose names begin with prefix.
func (b *broker) deleteTopics(ctx context.Context, prefix string) error {
	topics, err := b.admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	var ours []string
	for _, topic := range topics.Names() {
		if strings.HasPrefix(topic, prefix) {
			ours = append(ours, topic)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	_, err = b.admin.DeleteTopics(ctx, ours...)
	return err
}

// endOffset is the number of records in a topic of one partition that nothing was deleted from. A topic that was just
// made may not have its partition yet.
func (b *broker) endOffset(ctx context.Context, topic string) (int64, error) {
	offsets, err := b.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	end, found := offsets.Lookup(topic, 0)
	if !found {
		return 0, nil
	}
	return end.Offset, end.Err
}

// committed is how far a group has come in a topic of one partition.
func (b *broker) committed(ctx context.Context, group, topic string) (int64, error) {
	offsets, err := b.admin.FetchOffsets(ctx, group)
	if kerr.IsRetriable(err) {
		return 0, nil // a broker that was just started has no coordinator yet
	}
	if err != nil {
		return 0, err
	}
	at, found := offsets.Lookup(topic, 0)
	if !found {
		return 0, nil
	}
	return at.At, at.Err
}

// fill writes records 0 to n-1 into a topic.
func (b *broker) fill(ctx context.Context, topic string, n int, text record) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.bootstrap), kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(floorBatchBytes))
	if err != nil {
		return err
	}
	defer client.Close()
	for i := range uint64(n) {
		client.Produce(ctx, &kgo.Record{Value: text(nil, i)}, nil)
	}
	if err := client.Flush(ctx); err != nil {
		return fmt.Errorf("fill topic %s: %w", topic, err)
	}
	end, err := b.endOffset(ctx, topic)
	if err == nil && end != int64(n) {
		err = fmt.Errorf("topic %s holds %d of %d records", topic, end, n)
	}
	return err
}

// readTopic gives the n records of a topic to a check, and reports the first that is not in order: a duplicate, a gap,
// a change.
func (b *broker) readTopic(ctx context.Context, topic string, n int, check func(i uint64, r *kgo.Record) error) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.bootstrap), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	for next := uint64(0); next < uint64(n); {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read topic %s: %w", topic, err)
		}
		for record := range fetches.RecordsAll() {
			if err := check(next, record); err != nil {
				return fmt.Errorf("topic %s, offset %d: %w", topic, record.Offset, err)
			}
			next++
		}
	}
	end, err := b.endOffset(ctx, topic)
	if err == nil && end != int64(n) {
		err = fmt.Errorf("topic %s holds %d records, not %d", topic, end, n)
	}
	return err
}

// same is a check that each record has the generator's text.
func (text record) same() func(i uint64, r *kgo.Record) error {
	var want []byte
	return func(i uint64, r *kgo.Record) error {
		if want = text(want[:0], i); !bytes.Equal(want, r.Value) {
			return fmt.Errorf("%q instead of %q", r.Value, want)
		}
		return nil
	}
}
