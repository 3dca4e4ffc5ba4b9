package fair

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// precedenceMax is how long precedence lasts at most each time it is given: a guest that takes longer, or sleeps,
	// does not hold up others for it.
	precedenceMax = 10 * time.Millisecond
	// precedencePerSecond is how much of each second somebody may have precedence: whoever asks for it all the time
	// leaves the cores to others nevertheless.
	precedencePerSecond = 100 * time.Millisecond
)

// Preceding is who has precedence on a worker. All others stand aside meanwhile, so that neither a turn nor a thread
// nor a core has to be waited for. The zero value is nobody.
type Preceding struct {
	any atomic.Bool

	mu     sync.Mutex
	count  int           // of those that have it; guarded by mu
	over   chan struct{} // closed when nobody has it any more; guarded by mu
	since  time.Time     // when somebody began to have it; guarded by mu
	lapses time.Time     // when nobody has it any more, whoever does not end it; guarded by mu
	second time.Time     // when the present second began; guarded by mu
	used   time.Duration // in it; guarded by mu
}

// New is precedence of a guest, which it has not been given yet.
func (p *Preceding) New() *Precedence { return &Precedence{all: p, came: make(chan struct{}, 1)} }

// StandAside waits until nobody has precedence. False: nobody had, so it did not wait.
func (p *Preceding) StandAside(ctx context.Context) bool {
	if !p.any.Load() {
		return false
	}
	p.mu.Lock()
	over, left := p.over, time.Until(p.lapses)
	p.mu.Unlock()
	if left <= 0 {
		return false
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}

// begin tells until when there may be one more; the zero time: there may not.
func (p *Preceding) begin() (lapses time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.second) >= time.Second {
		p.second, p.used = now, 0
	}
	if p.used >= precedencePerSecond {
		return time.Time{}
	}
	p.lapses = now.Add(precedenceMax)
	if p.count++; p.count == 1 {
		p.since, p.over = now, make(chan struct{})
		p.any.Store(true)
	}
	return p.lapses
}

func (p *Preceding) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count--; p.count == 0 {
		p.used += min(time.Since(p.since), p.lapses.Sub(p.since))
		p.any.Store(false)
		close(p.over)
	}
}

// Precedence lets a guest compute without a turn, before all others, while records wait for what it does. Safe for
// concurrent use; nil is one that is never given. It lapses without a timer: to start one is to wake a thread, to which
// the kernel may give the core.
type Precedence struct {
	all   *Preceding
	came  chan struct{}             // a token when it was given
	until atomic.Pointer[time.Time] // when it lapses; nil: it is not given; written under mu

	mu     sync.Mutex
	closed bool // guarded by mu
}

// Give lets the guest compute at once, also if it waits for a turn.
func (p *Precedence) Give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.until.Load() != nil {
		return
	}
	lapses := p.all.begin()
	if lapses.IsZero() {
		return
	}
	p.until.Store(&lapses)
	p.came <- struct{}{}
}

// End lets the guest need turns again.
func (p *Precedence) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
}

// Close ends it for good: the guest has ended.
func (p *Precedence) Close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.end()
}

// end is called with mu held.
func (p *Precedence) end() {
	if p.until.Load() == nil {
		return
	}
	p.until.Store(nil)
	p.all.end()
	select {
	case <-p.came:
	default:
	}
}

// Given tells whether the guest needs no turn.
func (p *Precedence) Given() bool {
	if p == nil {
		return false
	}
	until := p.until.Load()
	return until != nil && time.Now().Before(*until)
}

// arrival gets a token when precedence is given.
func (p *Precedence) arrival() <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.came
}
