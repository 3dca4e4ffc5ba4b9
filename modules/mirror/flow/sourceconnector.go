package flow

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/modules/mirror/clients"
	"github.com/berth-connect/berth/modules/mirror/replication"
	"github.com/berth-connect/berth/modules/mirror/syncs"
)

// Keys that connectors give their tasks.
const (
	assignedPartitions = "task.assigned.partitions"
	assignedGroups     = "task.assigned.groups"
	taskIndex          = "task.index"
)

// SourceConnector finds the topics to copy, makes their copies and keeps them alike.
type SourceConnector struct {
	settings
	copied         replication.Topics
	properties     properties
	atSource       *clients.Client
	atTarget       *clients.Client
	aclsImpossible bool // a cluster has no authorizer
	unfinished     bool // the last refresh had no time for all copies

	mu    sync.Mutex
	known []syncs.TopicPartition // that are copied, sorted; guarded by mu
}

// Start implements guest.Starter.
func (c *SourceConnector) Start(ctx context.Context, config guest.Config) (err error) {
	if c.settings, err = newSettings(config); err != nil || !c.enabled {
		return err
	}
	if c.copied, err = c.topics(); err != nil {
		return err
	}
	if c.properties, err = propertiesOf(&c.settings); err != nil {
		return err
	}
	if c.atSource, err = c.client(clients.SourceSide, clients.Admin); err != nil {
		return err
	}
	if c.atTarget, err = c.client(clients.TargetSide, clients.Admin); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := c.ensureOffsetSyncs(ctx); err != nil {
		return err
	}
	_, err = c.refresh(ctx)
	return err
}

// Close implements guest.Closer.
func (c *SourceConnector) Close() error {
	for _, client := range []*clients.Client{c.atSource, c.atTarget} {
		if client != nil {
			client.Close()
		}
	}
	return nil
}

func (c *SourceConnector) ensureOffsetSyncs(ctx context.Context) error {
	if !c.Bool("emit.offset-syncs.enabled") {
		return nil
	}
	side, topic := c.offsetSyncs()
	client := c.atSource
	if side == clients.TargetSide {
		client = c.atTarget
	}
	const key = "offset-syncs.topic.replication.factor"
	return ensureCompacted(ctx, client, side, topic, key, c.Int(key))
}

// taskPartitions is how many partitions a task surely can have: of all of them the library learns at once where they
// are, in one go, and 5,000 may take longer than the CPU that a guest has by default.
const taskPartitions = 2500

// TaskConfigs implements guest.Connector.
func (c *SourceConnector) TaskConfigs(ctx context.Context, most int) ([]map[string]*string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.known); n > most*taskPartitions {
		guest.Log(ctx, abi.LogWarn, "%d partitions are many for %d tasks, which may fail at berth.limits.batch.cpu.ms: set "+
			"tasks.max to %d or more", n, most, (n+taskPartitions-1)/taskPartitions)
	}
	var configs []map[string]*string
	for i, partitions := range dealt(c.known, most) {
		configs = append(configs, c.taskConfig(map[string]string{taskIndex: strconv.Itoa(i),
			assignedPartitions: joined(partitions, partitionText)}))
	}
	return configs, nil
}

func partitionText(p syncs.TopicPartition) string {
	return p.Topic + "-" + strconv.Itoa(int(p.Partition))
}

// Watch implements guest.Watcher.
func (c *SourceConnector) Watch(ctx context.Context, reconfigure func()) error {
	if !c.enabled {
		return nil
	}
	refresh := func(ctx context.Context) error {
		changed, err := c.refresh(ctx)
		if changed {
			reconfigure()
		}
		return err
	}
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		const what = "refresh of topics"
		if c.unfinished {
			attempt(ctx, what, refresh)
		}
		repeat(ctx, c.every("refresh.topics.enabled", "refresh.topics.interval.seconds"), what, refresh)
	})
	all.Go(func() {
		const what = "synchronisation of topic configurations"
		if every := c.every("sync.topic.configs.enabled", "sync.topic.configs.interval.seconds"); every > 0 {
			attempt(ctx, what, c.syncConfigs)
			repeat(ctx, every, what, c.syncConfigs)
		}
	})
	all.Go(func() {
		const what = "synchronisation of topic ACLs"
		if every := c.every("sync.topic.acls.enabled", "sync.topic.acls.interval.seconds"); every > 0 {
			attempt(ctx, what, c.syncACLs)
			repeat(ctx, every, what, c.syncACLs)
		}
	})
	return nil
}

// refresh looks for topics and partitions, makes their copies, and tells whether others are copied than before. A copy
// that can't be made is an error, beside which the others are copied; the first time there must be none.
func (c *SourceConnector) refresh(ctx context.Context) (changed bool, err error) {
	found, err := partitionCounts(ctx, c.atSource)
	if err != nil {
		return false, fmt.Errorf("list the topics of the source cluster %s: %w", c.source, err)
	}
	there, err := partitionCounts(ctx, c.atTarget)
	if err != nil {
		return false, fmt.Errorf("list the topics of the target cluster %s: %w", c.target, err)
	}
	topics := c.copied.Copies(sortedKeys(found))
	err = c.makeCopies(ctx, topics, found, there)
	var now []syncs.TopicPartition
	for _, topic := range topics {
		for p := range min(found[topic], there[c.remote(topic)]) {
			now = append(now, syncs.TopicPartition{Topic: topic, Partition: int32(p)})
		}
	}
	slices.SortFunc(now, func(a, b syncs.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	changed = !slices.Equal(now, c.known)
	c.known = now
	return changed, err
}

func (c *SourceConnector) remote(topic string) string { return c.policy.Remote(c.source, topic) }

// copies are the topics that are copied now.
func (c *SourceConnector) copies() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var topics []string
	for _, p := range c.known {
		if n := len(topics); n == 0 || topics[n-1] != p.Topic {
			topics = append(topics, p.Topic)
		}
	}
	return topics
}
