package fair

import (
	"context"
	"sync"
	"sync/atomic"
)

// longEvery is which turn of a tenant goes to a guest that computes for long, while others of the tenant wait as well.
const longEvery = 4

// Queue lets so many compute at a time as it has turns. When one is free, it goes to the tenant with the least virtual
// time, and among its guests to the one that came first; those that compute for long have a part of their tenant's
// turns.
type Queue struct {
	waiting atomic.Int32

	mu      sync.Mutex
	free    int       // turns that nobody has; guarded by mu
	waiters []*waiter // in the order in which they came; guarded by mu
}

type waiter struct {
	tenant *Tenant
	long   bool          // it computes for long
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

// Enter waits for a turn; long: the guest computes for long. False: there is none, since ctx ended first or precedence
// was given, with which the guest needs none.
func (q *Queue) Enter(ctx context.Context, t *Tenant, long bool, precedence *Precedence) bool {
	if precedence.Given() {
		return false
	}
	w := q.join(t, long)
	if w == nil {
		return true
	}
	select {
	case <-w.turn:
		return true
	case <-precedence.arrival():
	case <-ctx.Done():
	}
	q.giveUp(w)
	return false
}

// join takes a free turn, for which nil stands, or waits for one.
func (q *Queue) join(t *Tenant, long bool) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free > 0 {
		q.free--
		return nil
	}
	w := &waiter{t, long, make(chan struct{}, 1)}
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
	next := q.next()
	w := q.waiters[next]
	q.remove(next)
	w.turn <- struct{}{}
}

// next is the index of who gets the turn that is free.
func (q *Queue) next() int {
	tenant := q.waiters[0].tenant
	for _, w := range q.waiters {
		if w.tenant.virtual.Load() < tenant.virtual.Load() {
			tenant = w.tenant
		}
	}
	first := map[bool]int{} // of the tenant, by whether it computes for long
	for i, w := range q.waiters {
		if _, has := first[w.long]; w.tenant == tenant && !has {
			first[w.long] = i
		}
	}
	if len(first) == 1 {
		return max(first[false], first[true])
	}
	n := tenant.turns.Add(1)
	return first[n%longEvery == 0]
}

func (q *Queue) remove(i int) {
	q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
	q.waiting.Store(int32(len(q.waiters)))
}
