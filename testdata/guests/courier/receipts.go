package main

import (
	"context"
	"sync"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// receipts is a source that hears of what becomes of its records: its value is "early" when a record's offset was
// stored before Kafka was said to have it, else "kept".
type receipts struct {
	topic string
	next  int64

	mu      sync.Mutex
	durable map[int64]bool // guarded by mu
	early   bool           // guarded by mu
}

// Start implements guest.Starter.
func (s *receipts) Start(_ context.Context, config guest.Config) error {
	s.topic, s.durable = config.String("topic"), map[int64]bool{}
	return nil
}

// Poll implements guest.Source.
func (s *receipts) Poll(ctx context.Context) ([]*guest.Record, error) {
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	value := "kept"
	if s.early {
		value = "early"
	}
	r := guest.NewRecord(s.topic)
	r.SetValue(&abi.Schema{Type: abi.TypeString}, value)
	s.next++
	r.SourcePartition, r.SourceOffset = letterBox, map[string]any{"next": s.next}
	return []*guest.Record{r}, nil
}

// Durable implements guest.Acknowledger.
func (s *receipts) Durable(_ context.Context, records []*guest.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		s.durable[r.SourceOffset["next"].(int64)] = true
	}
	return nil
}

// Commit implements guest.Committer.
func (s *receipts) Commit(_ context.Context, records []*guest.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		if next := r.SourceOffset["next"].(int64); !s.durable[next] {
			s.early = true
		}
		delete(s.durable, r.SourceOffset["next"].(int64))
	}
	return nil
}
