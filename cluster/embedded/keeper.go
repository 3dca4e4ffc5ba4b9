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

func (k *keeper) boot(ctx context.Context, cluster *kfake.Cluster) error {
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
