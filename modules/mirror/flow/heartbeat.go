package flow

import (
	"context"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/modules/mirror/clients"
	"github.com/berth-connect/berth/modules/mirror/wire"
)

// HeartbeatConnector makes the topic of heartbeats.
type HeartbeatConnector struct{ settings }

// Start implements guest.Starter.
func (c *HeartbeatConnector) Start(ctx context.Context, config guest.Config) (err error) {
	if c.settings, err = newSettings(config); err != nil || !c.enabled {
		return err
	}
	client, err := c.client(clients.TargetSide, clients.Admin)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	const key = "heartbeats.topic.replication.factor"
	return ensureCompacted(ctx, client, clients.TargetSide, c.policy.Heartbeats(), key, c.Int(key))
}

// TaskConfigs implements guest.Connector.
func (c *HeartbeatConnector) TaskConfigs(context.Context, int) ([]map[string]*string, error) {
	if !c.enabled || !c.Bool("emit.heartbeats.enabled") {
		return nil, nil
	}
	return []map[string]*string{c.config}, nil
}

// HeartbeatTask writes a heartbeat each interval.
type HeartbeatTask struct {
	settings
	interval time.Duration
	next     time.Time
}

// Start implements guest.Starter.
func (t *HeartbeatTask) Start(_ context.Context, config guest.Config) (err error) {
	if t.settings, err = newSettings(config); err != nil {
		return err
	}
	t.interval = t.seconds("emit.heartbeats.interval.seconds")
	t.next = time.Now().Add(t.interval)
	return nil
}

// Poll implements guest.Source.
func (t *HeartbeatTask) Poll(ctx context.Context) ([]*guest.Record, error) {
	if !pause(ctx, time.Until(t.next)) {
		return nil, ctx.Err()
	}
	now := time.Now()
	t.next = now.Add(t.interval)
	key, value, err := wire.Heartbeat{Source: t.source, Target: t.target, Timestamp: now.UnixMilli()}.Encode()
	if err != nil {
		return nil, err
	}
	r := internalRecord(t.policy.Heartbeats(), key, value, now)
	r.SourcePartition = map[string]any{"sourceClusterAlias": t.source, "targetClusterAlias": t.target}
	return []*guest.Record{r}, nil
}

// internalRecord is one for an internal topic: those have one partition, and the source offset tells nothing.
func internalRecord(topic string, key, value []byte, now time.Time) *guest.Record {
	r := guest.NewRecord(topic)
	r.Partition, r.Timestamp, r.TimestampType = 0, now.UnixMilli(), abi.TimestampTypeCreate
	r.SetKey(bytesSchema, key)
	r.SetValue(bytesSchema, value)
	r.SourceOffset = map[string]any{"offset": int64(0)}
	return r
}
