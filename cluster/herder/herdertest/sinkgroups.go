package herdertest

import (
	"context"
	"maps"
	"sync"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

// SinkGroups are the consumer groups of sink connectors, by name of the connector.
type SinkGroups struct {
	mu        sync.Mutex
	Committed map[string]map[host.TopicPartition]int64
	Err       error // of every change
}

// Open implements herder.OpenSinkGroup.
func (g *SinkGroups) Open(connector string, _ host.Config) (herder.SinkGroup, error) {
	return sinkGroup{g, connector}, nil
}

type sinkGroup struct {
	all       *SinkGroups
	connector string
}

// Offsets implements herder.SinkGroup.
func (g sinkGroup) Offsets(context.Context) (map[host.TopicPartition]int64, error) {
	g.all.mu.Lock()
	defer g.all.mu.Unlock()
	return maps.Clone(g.all.Committed[g.connector]), nil
}

// SetOffsets implements herder.SinkGroup.
func (g sinkGroup) SetOffsets(_ context.Context, offsets map[host.TopicPartition]int64) error {
	g.all.mu.Lock()
	defer g.all.mu.Unlock()
	if g.all.Err != nil {
		return g.all.Err
	}
	if g.all.Committed == nil {
		g.all.Committed = map[string]map[host.TopicPartition]int64{}
	}
	if g.all.Committed[g.connector] == nil {
		g.all.Committed[g.connector] = map[host.TopicPartition]int64{}
	}
	maps.Copy(g.all.Committed[g.connector], offsets)
	return nil
}

// DeleteOffsets implements herder.SinkGroup.
func (g sinkGroup) DeleteOffsets(_ context.Context, partitions []host.TopicPartition) error {
	g.all.mu.Lock()
	defer g.all.mu.Unlock()
	if g.all.Err != nil {
		return g.all.Err
	}
	for _, at := range partitions {
		delete(g.all.Committed[g.connector], at)
	}
	return nil
}

// Delete implements herder.SinkGroup.
func (g sinkGroup) Delete(context.Context) error {
	g.all.mu.Lock()
	defer g.all.mu.Unlock()
	if g.all.Err != nil {
		return g.all.Err
	}
	delete(g.all.Committed, g.connector)
	return nil
}

// Close implements herder.SinkGroup.
func (g sinkGroup) Close() {}
