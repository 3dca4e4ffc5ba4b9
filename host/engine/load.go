package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// loadWindow is over what time the use of the cores is measured.
	loadWindow = 20 * time.Millisecond
	// crowdedPercent is from what use of all cores on somebody may be waiting for one.
	crowdedPercent = 85
)

// load tells whether this process keeps all its cores busy. It has no goroutine: who asks, measures.
type load struct {
	cores int

	busy     atomic.Bool
	measured atomic.Int64 // when the present window began, in ns of the monotonic clock

	mu   sync.Mutex
	used time.Duration // by the process when the window began
}

// crowded is what the last whole window showed; now is the monotonic clock's.
func (l *load) crowded(now time.Duration) bool {
	if now-time.Duration(l.measured.Load()) >= loadWindow && l.mu.TryLock() {
		// Somebody else may have ended the window since the look at it.
		if window := now - time.Duration(l.measured.Load()); window >= loadWindow {
			l.measure(now, window, processCPU())
		}
		l.mu.Unlock()
	}
	return l.busy.Load()
}

// measure ends a window; used is by the process since its start. A window that nobody ended for long says nothing about
// the present.
func (l *load) measure(now, window, used time.Duration) {
	spent := used - l.used
	l.used = used
	l.measured.Store(int64(now))
	l.busy.Store(window < 10*loadWindow && spent*100 >= window*time.Duration(l.cores*crowdedPercent))
}
