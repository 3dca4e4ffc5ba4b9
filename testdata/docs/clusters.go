package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What examples of connectors that copy clusters call these stands for brokers in memory.
const (
	sourceBroker = "source.example.com:9092"
	targetBroker = "target.example.com:9092"
)

// clusters are the two of them.
type clusters struct{ source, target *kfake.Cluster }

func newClusters() (clusters, error) {
	var c clusters
	var err error
	if c.source, err = kfake.NewCluster(kfake.NumBrokers(1)); err != nil {
		return c, err
	}
	if c.target, err = kfake.NewCluster(kfake.NumBrokers(1)); err != nil {
		c.source.Close()
	}
	return c, err
}

func (c clusters) close() {
	c.source.Close()
	c.target.Close()
}

// fill writes lines into a new topic of the source and returns how many.
func (c clusters) fill(ctx context.Context, topic, lines string) (int, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.source.ListenAddrs()...))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		return 0, fmt.Errorf("create topic %s of the source cluster: %w", topic, err)
	}
	var records []*kgo.Record
	for line := range strings.SplitSeq(lines, "\n") {
		records = append(records, &kgo.Record{Topic: topic, Value: []byte(line)})
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return 0, fmt.Errorf("fill topic %s of the source cluster: %w", topic, err)
	}
	return len(records), nil
}

// granted is where the brokers are: where examples may connect to.
func (c clusters) granted() []string {
	var entries []string
	for _, cluster := range []*kfake.Cluster{c.source, c.target} {
		for _, address := range cluster.ListenAddrs() {
			host, port, _ := net.SplitHostPort(address)
			entries = append(entries, net.JoinHostPort(host, port))
		}
	}
	return entries
}
