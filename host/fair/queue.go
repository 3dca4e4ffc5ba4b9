package fair

import (
	"context"
	"sync"
	"sync/atomic"
)

// Queue lets so many compute at a time as it has turns. When one is free, it goes to the tenant with the least virtual
// time, and among its guests to the one that came first.
type Queue struct {
	waiting atomic.Int32

	mu      sync.Mutex
	free    int       // turns that nobody has; guarded by mu
	waiters []*waiter // in the order in which they came; guarded by mu
}

type waiter struct {
	tenant *Tenant
	turn   chan struct{} // gets a token with the turn
}

// NewQueue makes a queue with at least one turn.
func NewQueue(turns int) *Queue { return &Queue{free: max(turns, 1)} }

// Wanted tells whether somebody waits for a turn.
func (q *Queue) Wanted() bool { return q.waiting.Load() > 0 }

// Due tells whether a guest of the tenant that has had its turn should leave it to somebody: to another one of the same
// tenant, or to one of a tenant that has had no more.
func (q *Queue) Due(t *Tenant) bool {
	if !q.Wanted() {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.waiters {
		if w.tenant == t || w.tenant.virtual.Load() <= t.virtual.Load() {
			return true
		}
	}
	return false
}

// Enter waits for a turn; false: ctx ended first.
func (q *Queue) Enter(ctx context.Context, t *Tenant) bool {
	w := q.join(t)
	if w == nil {
		return true
	}
	select {
	case <-w.turn:
		return true
	case <-ctx.Done():
		q.giveUp(w)
		return false
	}
}

// join takes a free turn, for which nil stands, or waits for one.
func (q *Queue) join(t *Tenant) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free > 0 {
		q.free--
		return nil
	}
	w := &waiter{t, make(chan struct{}, 1)}
	q.waiters = append(q.waiters, w)
	q.waiting.Store(int32(len(q.waiters)))
	return w
}

func (q *Queue) giveUp(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.waiters {
		if other == w {
			q.remove(i)
			return
		}
	}
	q.handOn() // the turn had come meanwhile
}

// Leave gives a turn back.
func (q *Queue) Leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handOn()
}

func (q *Queue) handOn() {
	if len(q.waiters) == 0 {
		q.free++
		return
	}
	next := 0
	for i, w := range q.waiters {
		if w.tenant.virtual.Load() < q.waiters[next].tenant.virtual.Load() {
			next = i
		}
	}
	w := q.waiters[next]
	q.remove(next)
	w.turn <- struct{}{}
}

func (q *Queue) remove(i int) {
	q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
	q.waiting.Store(int32(len(q.waiters)))
}
