// Package fair shares the processor between tenants by virtual time: under contention each has of it what its weight
// says, whatever the number of its tasks and whatever they do; and it lets a guest precede others for a moment. Only
// Precedence has a clock of its own.
package fair

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// idleAfter is how long a tenant that computes nothing counts as one that wants to. Time that it did not want is not
	// made up for later (start-time fair queueing).
	idleAfter = 100 * time.Millisecond
	// aheadBy is how far, in virtual time, a tenant may be ahead of the others before even its short bursts wait.
	aheadBy = 2 * time.Millisecond
)

// WeightMin and WeightMax bound weights, so that nobody's virtual time stands still or runs away.
const WeightMin, WeightMax = 0.01, 1000

// Shares are the tenants of one worker. Safe for concurrent use.
type Shares struct {
	several atomic.Bool // there is more than one tenant

	mu      sync.Mutex
	tenants []*Tenant     // guarded by mu
	floor   time.Duration // the virtual time of the one that has had least, never less than before; guarded by mu
}

// Tenant is one of those who share. Its virtual time is what it computed under contention, by its weight.
type Tenant struct {
	shares  *Shares
	weight  atomic.Uint64 // bits of a float64
	virtual atomic.Int64  // ns
	turns   atomic.Int64  // that were given out while both kinds of its guests waited
	spent   atomic.Int64  // when it last computed, ns of the monotonic clock
}

// Join adds a tenant with the weight 1.
func (s *Shares) Join() *Tenant {
	t := &Tenant{shares: s}
	t.SetWeight(1)
	t.spent.Store(math.MinInt64 / 2)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenants = append(s.tenants, t)
	s.several.Store(len(s.tenants) > 1)
	return t
}

// Leave takes a tenant away, which goes on as one that is alone.
func (t *Tenant) Leave() {
	s := t.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenants = slices.DeleteFunc(s.tenants, func(other *Tenant) bool { return other == t })
	s.several.Store(len(s.tenants) > 1)
}

// Shares tells whether there is anybody to share with.
func (t *Tenant) Shares() bool { return t.shares.several.Load() }

// SetWeight sets how much of the processor a tenant gets in proportion to others; 0 stands for 1.
func (t *Tenant) SetWeight(weight float64) {
	if weight == 0 {
		weight = 1
	}
	t.weight.Store(math.Float64bits(min(max(weight, WeightMin), WeightMax)))
}

// Weight is the one that was set.
func (t *Tenant) Weight() float64 { return math.Float64frombits(t.weight.Load()) }

// Spend notes that the tenant computed for d up to now. It is charged for it only while others wait: what nobody else
// wanted is free.
func (t *Tenant) Spend(now, d time.Duration, contended bool) {
	idle := now - time.Duration(t.spent.Swap(int64(now)))
	if !contended {
		return
	}
	if idle > idleAfter {
		t.shares.comeBack(t, now)
	}
	t.virtual.Add(int64(float64(d) / t.Weight()))
}

// comeBack takes a tenant that wanted nothing for a while to where the others are.
func (s *Shares) comeBack(t *Tenant, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(t, now)
	if behind := int64(s.floor) - t.virtual.Load(); behind > 0 {
		t.virtual.Add(behind)
	}
}

// advance moves the floor to the least virtual time of those who compute; except is not one of them.
func (s *Shares) advance(except *Tenant, now time.Duration) {
	least := time.Duration(math.MaxInt64)
	for _, t := range s.tenants {
		if t != except && now-time.Duration(t.spent.Load()) <= idleAfter {
			least = min(least, time.Duration(t.virtual.Load()))
		}
	}
	if least != math.MaxInt64 {
		s.floor = max(s.floor, least)
	}
}

// Ahead tells whether the tenant has had clearly more than somebody else who computes.
func (t *Tenant) Ahead(now time.Duration) bool {
	s := t.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(nil, now)
	return time.Duration(t.virtual.Load())-s.floor > aheadBy
}
