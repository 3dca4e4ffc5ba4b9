package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// keeper does from outside what the broker itself leaves undone.
type keeper struct {
	client *kgo.Client
	admin  *kadm.Client
	addr   string
	log    *slog.Logger
}

func newKeeper(addr string, log *slog.Logger) (*keeper, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ClientID("embedded-keeper"), kgo.DisableClientMetrics())
	if err != nil {
		return nil, fmt.Errorf("making the embedded broker's own client: %w", err)
	}
	return &keeper{client, kadm.NewClient(client), addr, log}, nil
}

func (k *keeper) close() { k.client.Close() }

func (k *keeper) boot(ctx context.Context, cluster *kfake.Cluster, clean bool) error {
	if !clean {
		if err := k.abortDangling(ctx); err != nil {
			return fmt.Errorf("ending the transactions that a crash cut off: %w", err)
		}
	}
	if err := k.protectCompacted(ctx); err != nil {
		return err
	}
	ongoing, err := k.admin.ListTransactions(ctx, nil, []string{"Ongoing"})
	if err != nil {
		return fmt.Errorf("listing transactions: %w", err)
	}
	if len(ongoing) == 0 {
		cluster.Compact()
	}
	return nil
}

// abortDangling writes the abort markers that a crash has kept from being written. The broker counts such transactions
// as aborted, but without a marker a read_committed reader goes on to drop everything of that producer.
func (k *keeper) abortDangling(ctx context.Context) error {
	known, err := k.admin.ListTransactions(ctx, nil, nil)
	if err != nil || len(known) == 0 {
		return err
	}
	open, err := k.findOpen(ctx)
	if err != nil {
		return err
	}
	for producer, topics := range open {
		k.log.Info("embedded broker: aborting a transaction that a crash cut off", "producer_id", producer.id)
		responses, err := k.admin.WriteTxnMarkers(ctx, kadm.TxnMarkers{
			ProducerID: producer.id, ProducerEpoch: producer.epoch, Topics: topics,
		})
		if err != nil {
			return err
		}
		for _, partition := range responses.SortedPartitions() {
			if partition.Err != nil {
				return fmt.Errorf("%s-%d: %w", partition.Topic, partition.Partition, partition.Err)
			}
		}
	}
	return nil
}

type producer struct {
	id    int64
	epoch int16
}

// findOpen reads all logs and returns the transactions that have records but no end.
func (k *keeper) findOpen(ctx context.Context) (map[producer]kadm.TopicsSet, error) {
	starts, err := k.admin.ListStartOffsets(ctx)
	if err != nil {
		return nil, err
	}
	ends, err := k.admin.ListEndOffsets(ctx)
	if err != nil {
		return nil, err
	}
	left, from := kadm.Offsets{}, map[string]map[int32]kgo.Offset{}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		if start.Offset >= end.Offset {
			return
		}
		left.AddOffset(end.Topic, end.Partition, end.Offset, -1)
		if from[end.Topic] == nil {
			from[end.Topic] = map[int32]kgo.Offset{}
		}
		from[end.Topic][end.Partition] = kgo.NewOffset().At(start.Offset)
	})
	return k.scan(ctx, from, left)
}

func (k *keeper) scan(ctx context.Context, from map[string]map[int32]kgo.Offset,
	left kadm.Offsets) (map[producer]kadm.TopicsSet, error) {
	open := map[producer]kadm.TopicsSet{}
	if len(left) == 0 {
		return open, nil
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(k.addr), kgo.ConsumePartitions(from), kgo.KeepControlRecords(),
		kgo.DisableClientMetrics())
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	for len(left) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			note(open, r)
			if end, ok := left.Lookup(r.Topic, r.Partition); ok && r.Offset+1 >= end.At {
				delete(left[r.Topic], r.Partition)
				if len(left[r.Topic]) == 0 {
					delete(left, r.Topic)
				}
			}
		})
	}
	return open, nil
}

// note keeps account of one record: a control record ends its producer's transaction in that partition.
func note(open map[producer]kadm.TopicsSet, r *kgo.Record) {
	p := producer{r.ProducerID, r.ProducerEpoch}
	switch {
	case r.Attrs.IsControl():
		for other, topics := range open {
			if other.id == p.id {
				delete(topics[r.Topic], r.Partition)
				if len(topics[r.Topic]) == 0 {
					delete(topics, r.Topic)
				}
				if len(topics) == 0 {
					delete(open, other)
				}
			}
		}
	case r.Attrs.IsTransactional():
		topics := open[p]
		topics.Add(r.Topic, r.Partition)
		open[p] = topics
	}
}

// protectCompacted keeps compacted topics from losing records by age or size: the broker applies retention to every
// topic, Kafka only to those whose policy is delete.
func (k *keeper) protectCompacted(ctx context.Context) error {
	topics, err := k.admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("listing topics: %w", err)
	}
	if len(topics) == 0 {
		return nil
	}
	configs, err := k.admin.DescribeTopicConfigs(ctx, topics.Names()...)
	if err != nil {
		return fmt.Errorf("reading the configurations of topics: %w", err)
	}
	for _, topic := range configs {
		values := map[string]string{}
		for _, c := range topic.Configs {
			if c.Value != nil {
				values[c.Key] = *c.Value
			}
		}
		policy := values["cleanup.policy"]
		if !strings.Contains(policy, "compact") || strings.Contains(policy, "delete") ||
			values["retention.ms"] == "-1" && values["retention.bytes"] == "-1" {
			continue
		}
		if err := k.keepForEver(ctx, topic.Name); err != nil {
			return err
		}
	}
	return nil
}

func (k *keeper) keepForEver(ctx context.Context, topic string) error {
	forEver := kmsg.StringPtr("-1")
	_, err := k.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "retention.ms", Value: forEver},
		{Op: kadm.SetConfig, Name: "retention.bytes", Value: forEver},
	}, topic)
	if err != nil {
		return fmt.Errorf("turning retention off for %s: %w", topic, err)
	}
	return nil
}
