package store

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// recordLog is where a store's records lie: a topic, a file, or this process' memory. It hands each record that was
// written, now or before the start, to the store.
type recordLog interface {
	// run makes the log usable, hands over what it holds, closes the channel of ready and goes on until ctx ends.
	run(ctx context.Context) error
	ready() <-chan struct{}
	// write returns when the records are kept.
	write(ctx context.Context, records ...*kgo.Record) error
	// readToEnd returns when the store has got all that was there at the call.
	readToEnd(ctx context.Context) error
}

// memoryLog keeps nothing but what the store makes of the records: a standalone worker's configurations and statuses
// end with its process, as in Connect.
type memoryLog struct {
	apply    func(*kgo.Record)
	caughtUp func() error // called once, before the first record
	readied  chan struct{}

	mu   sync.Mutex
	next int64
}

func newMemoryLog(apply func(*kgo.Record), caughtUp func() error) *memoryLog {
	return &memoryLog{apply: apply, caughtUp: caughtUp, readied: make(chan struct{})}
}

func (l *memoryLog) run(ctx context.Context) error {
	if l.caughtUp != nil {
		if err := l.caughtUp(); err != nil {
			return err
		}
	}
	close(l.readied)
	<-ctx.Done()
	return nil
}

func (l *memoryLog) ready() <-chan struct{} { return l.readied }

func (l *memoryLog) readToEnd(context.Context) error { return nil }

func (l *memoryLog) write(_ context.Context, records ...*kgo.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		r.Offset, r.Timestamp = l.next, time.Now()
		l.next++
		l.apply(r)
	}
	return nil
}

// NewMemoryConfigStore makes the config store of a standalone worker.
func NewMemoryConfigStore(log *slog.Logger) *ConfigStore {
	s := newConfigStore(log)
	s.records = newMemoryLog(s.apply, s.begin)
	return s
}

// NewMemoryStatusStore makes the status store of a standalone worker.
func NewMemoryStatusStore(log *slog.Logger) *StatusStore {
	s := newStatusStore(log)
	s.records = newMemoryLog(s.apply, nil)
	return s
}
