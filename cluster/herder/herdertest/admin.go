package herdertest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

// Admin is the workers' Kafka cluster.
type Admin struct {
	mu     sync.Mutex
	Fenced []string      // transactional ids
	Err    error         // of every change
	Delay  time.Duration // of every fencing
}

// ClusterID implements herder.Admin.
func (a *Admin) ClusterID(context.Context) (string, error) { return "cluster", nil }

// Open is a herder.OpenFencer: this client fences for all connectors.
func (a *Admin) Open(string, host.Config) (herder.Fencer, error) { return a, nil }

// Close implements herder.Fencer.
func (a *Admin) Close() {}

// FenceProducers implements herder.Fencer.
func (a *Admin) FenceProducers(_ context.Context, ids []string) error {
	time.Sleep(a.Delay)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Err == nil {
		a.Fenced = append(a.Fenced, ids...)
	}
	return a.Err
}

// Seen returns a copy of Fenced, while others fence.
func (a *Admin) Seen() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.Fenced)
}
