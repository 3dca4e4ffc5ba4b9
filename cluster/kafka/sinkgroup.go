package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/berth-connect/berth/host"
)

// SinkGroup is the consumer group of a sink connector, in the Kafka cluster that the connector's clients use.
type SinkGroup struct {
	id    string
	admin *Admin
}

// SinkGroup opens the group with the connector's admin client (Admin). The caller closes it. It does no I/O.
func (c *Clients) SinkGroup(connector string, config host.Config) (*SinkGroup, error) {
	admin, err := c.Admin(connector, config)
	if err != nil {
		return nil, err
	}
	return &SinkGroup{c.sinkGroupID(connector, config), admin}, nil
}

// sinkGroupID is the worker's consumer.group.id, stronger the connector's consumer.override.group.id, else
// connect-<name>.
func (c *Clients) sinkGroupID(connector string, config host.Config) string {
	layers := withPrefix(c.worker, "consumer.")
	maps.Copy(layers, overrides(config, "consumer.override."))
	if group := layers["group.id"]; group != "" {
		return group
	}
	return "connect-" + connector
}

// Close frees the client.
func (g *SinkGroup) Close() { g.admin.Close() }

// Offsets returns the next offsets that the group has stored, none for a group that does not exist.
func (g *SinkGroup) Offsets(ctx context.Context) (map[host.TopicPartition]int64, error) {
	fetched, err := retried(ctx, func() (kadm.OffsetResponses, error) { return g.admin.admin.FetchOffsets(ctx, g.id) })
	if errors.Is(err, kerr.GroupIDNotFound) {
		return map[host.TopicPartition]int64{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the offsets of group %s: %w", g.id, err)
	}
	out := map[host.TopicPartition]int64{}
	for topic, partitions := range fetched {
		for partition, r := range partitions {
			if r.Err != nil {
				return nil, fmt.Errorf("reading the offset of group %s in %s-%d: %w", g.id, topic, partition, r.Err)
			}
			if r.At >= 0 {
				out[host.TopicPartition{Topic: topic, Partition: partition}] = r.At
			}
		}
	}
	return out, nil
}

// SetOffsets stores next offsets. Errors: host.ErrGroupInUse.
func (g *SinkGroup) SetOffsets(ctx context.Context, offsets map[host.TopicPartition]int64) error {
	commit := kadm.Offsets{}
	for tp, offset := range offsets {
		commit.AddOffset(tp.Topic, tp.Partition, offset, -1)
	}
	return g.changed("altering the offsets", g.admin.admin.CommitAllOffsets(ctx, g.id, commit))
}

// DeleteOffsets makes the group forget partitions. Errors: host.ErrGroupInUse.
func (g *SinkGroup) DeleteOffsets(ctx context.Context, partitions []host.TopicPartition) error {
	set := kadm.TopicsSet{}
	for _, tp := range partitions {
		set.Add(tp.Topic, tp.Partition)
	}
	deleted, err := g.admin.admin.DeleteOffsets(ctx, g.id, set)
	if err == nil {
		err = deleted.Error()
	}
	return g.changed("deleting offsets", err)
}

// Delete deletes the group; one that is not there is no error. Errors: host.ErrGroupInUse.
func (g *SinkGroup) Delete(ctx context.Context) error {
	_, err := g.admin.admin.DeleteGroup(ctx, g.id)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil
	}
	return g.changed("removal", err)
}

// changed explains the error of a change; nil for none.
func (g *SinkGroup) changed(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.GroupSubscribedToTopic),
		errors.Is(err, kerr.NonEmptyGroup):
		return fmt.Errorf("%s of group %s: %w: %w", doing, g.id, host.ErrGroupInUse, err)
	}
	return fmt.Errorf("%s of group %s: %w", doing, g.id, err)
}
