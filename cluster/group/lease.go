package group

import (
	"sync"
	"sync/atomic"
	"time"
)

// lease is the time for which the coordinator keeps this member's place at least: the session timeout, counted from
// the sending of the last request that the coordinator answered. Past it, others may run the member's work.
type lease struct {
	timeout time.Duration
	now     func() time.Time

	mu   sync.Mutex // held by who changes from
	from atomic.Pointer[time.Time]
}

func newLease(timeout time.Duration, now func() time.Time) *lease {
	return &lease{timeout: timeout, now: now}
}

// begin starts the lease anew.
func (l *lease) begin(from time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from.Store(&from)
}

func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from.Store(nil)
}

// renew counts from a later time. A lease that has run out stays so: whoever saw it may have acted on it.
func (l *lease) renew(from time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.from.Load(); old != nil && !l.over(*old) && from.After(*old) {
		l.from.Store(&from)
	}
}

// expired is true when there is no lease.
func (l *lease) expired() bool {
	for {
		from := l.from.Load()
		if from == nil {
			return true
		}
		if !l.over(*from) {
			return false
		}
		if l.from.Load() == from { // else it was renewed while this goroutine, or the process, stood still
			return true
		}
	}
}

// over goes by the clock that counted more. The monotonic one stands still while a machine sleeps, the other may be
// set back.
func (l *lease) over(from time.Time) bool {
	now := l.now()
	return now.Sub(from) >= l.timeout || now.Round(0).Sub(from.Round(0)) >= l.timeout
}
