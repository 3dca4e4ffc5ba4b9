package flow

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"

	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/modules/mirror/clients"
	"github.com/berth-connect/berth/modules/mirror/replication"
)

// CheckpointConnector finds the consumer groups to follow.
type CheckpointConnector struct {
	settings
	copied   replication.Topics
	followed replication.Filter // groups
	atSource *clients.Client

	mu    sync.Mutex
	known []string // groups, sorted; guarded by mu
}

// Start implements guest.Starter.
func (c *CheckpointConnector) Start(ctx context.Context, config guest.Config) (err error) {
	if c.settings, err = newSettings(config); err != nil || !c.follows() {
		return err
	}
	if c.copied, err = c.topics(); err != nil {
		return err
	}
	c.followed, err = replication.NewFilter("groups", c.List("groups"), "groups.exclude", c.List("groups.exclude"))
	if err != nil {
		return err
	}
	if c.atSource, err = c.client(clients.SourceSide, clients.Admin); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := c.ensureCheckpoints(ctx); err != nil {
		return err
	}
	_, err = c.refresh(ctx)
	return err
}

// follows tells whether there is anything to do.
func (c *CheckpointConnector) follows() bool {
	return c.enabled && (c.Bool("emit.checkpoints.enabled") || c.Bool("sync.group.offsets.enabled"))
}

func (c *CheckpointConnector) ensureCheckpoints(ctx context.Context) error {
	atTarget, err := c.client(clients.TargetSide, clients.Admin)
	if err != nil {
		return err
	}
	defer atTarget.Close()
	const key = "checkpoints.topic.replication.factor"
	return ensureCompacted(ctx, atTarget, clients.TargetSide, c.policy.Checkpoints(c.source), key, c.Int(key))
}

// Close implements guest.Closer.
func (c *CheckpointConnector) Close() error {
	if c.atSource != nil {
		c.atSource.Close()
	}
	return nil
}

// TaskConfigs implements guest.Connector.
func (c *CheckpointConnector) TaskConfigs(_ context.Context, most int) ([]map[string]*string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var configs []map[string]*string
	for _, groups := range dealt(c.known, most) {
		list := joined(groups, func(group string) string { return group })
		configs = append(configs, c.taskConfig(map[string]string{assignedGroups: list}))
	}
	return configs, nil
}

// Watch implements guest.Watcher.
func (c *CheckpointConnector) Watch(ctx context.Context, reconfigure func()) error {
	if !c.follows() {
		return nil
	}
	repeat(ctx, c.every("refresh.groups.enabled", "refresh.groups.interval.seconds"), "refresh of groups",
		func(ctx context.Context) error {
			changed, err := c.refresh(ctx)
			if changed {
				reconfigure()
			}
			return err
		})
	return nil
}

// refresh looks for groups that read topics which are copied, and tells whether they are others than before.
func (c *CheckpointConnector) refresh(ctx context.Context) (changed bool, err error) {
	listed, err := c.atSource.Admin.ListGroups(ctx)
	if err != nil {
		return false, fmt.Errorf("list the groups of the source cluster %s: %w", c.source, c.atSource.Explain(err))
	}
	var now []string
	for _, group := range sortedKeys(listed) {
		kind := listed[group].ProtocolType
		if kind != "" && kind != "consumer" || !c.followed.Passes(group) {
			continue
		}
		offsets, err := c.atSource.Admin.FetchOffsets(ctx, group)
		if err != nil {
			return false, fmt.Errorf("read the offsets of group %s of the source cluster: %w", group, c.atSource.Explain(err))
		}
		if c.reads(offsets) {
			now = append(now, group)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	changed = !slices.Equal(now, c.known)
	c.known = now
	return changed, nil
}

func (c *CheckpointConnector) reads(offsets kadm.OffsetResponses) bool {
	for topic := range offsets {
		if c.copied.Filter.Passes(topic) {
			return true
		}
	}
	return false
}
