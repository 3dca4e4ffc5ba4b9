package fair

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"
)

const slice = 100 * time.Microsecond

// simulated is a worker whose guests compute in slices and hand their turn on after ten of them, as the engine's do.
type simulated struct {
	*Shares
	queue   *Queue
	now     time.Duration
	running []*simulatedGuest // who have a turn
	tenants []*simulatedTenant
}

type simulatedTenant struct {
	*Tenant
	used  time.Duration
	wants func(now time.Duration) bool // nil: always
}

type simulatedGuest struct {
	tenant *simulatedTenant
	slices int
	waits  *waiter
}

func newSimulated(cores int) *simulated { return &simulated{Shares: &Shares{}, queue: NewQueue(cores)} }

func (s *simulated) tenant(weight float64, guests int, wants func(time.Duration) bool) *simulatedTenant {
	t := &simulatedTenant{Tenant: s.Join(), wants: wants}
	t.SetWeight(weight)
	s.tenants = append(s.tenants, t)
	for range guests {
		s.running = append(s.running, &simulatedGuest{tenant: t, slices: -1})
	}
	return t
}

// run lets time pass: in each slice, who has a turn computes.
func (s *simulated) run(d time.Duration) {
	for end := s.now + d; s.now < end; s.now += slice {
		for _, g := range s.running {
			g.handOn(s)
		}
		for _, g := range s.running {
			g.compute(s)
		}
	}
}

// handOn is what a guest does between slices.
func (g *simulatedGuest) handOn(s *simulated) {
	wants := g.tenant.wants == nil || g.tenant.wants(s.now)
	if g.slices >= 0 && (!wants || g.slices >= 10 && s.queue.Due(g.tenant.Tenant)) {
		g.slices = -1
		s.queue.Leave()
	}
	if g.slices < 0 && g.waits == nil && wants {
		if g.waits = s.queue.join(g.tenant.Tenant, false); g.waits == nil {
			g.slices = 0
		}
	}
}

func (g *simulatedGuest) compute(s *simulated) {
	if g.waits != nil {
		select {
		case <-g.waits.turn:
			g.waits, g.slices = nil, 0
		default:
		}
	}
	if g.slices < 0 {
		return
	}
	if g.slices >= 10 { // nobody wanted its turn
		g.slices = 0
	}
	g.slices++
	g.tenant.used += slice
	g.tenant.Spend(s.now, slice, s.queue.Wanted())
}

func TestTenantsShareByWeight(t *testing.T) {
	type tenant struct {
		weight float64
		guests int
		want   float64 // of all that was computed
	}
	for _, c := range []struct {
		name    string
		cores   int
		tenants []tenant
	}{
		{"one has all", 2, []tenant{{1, 8, 1}}},
		{"eight tasks have no more than one", 1, []tenant{{1, 8, 0.5}, {1, 1, 0.5}}},
		{"two cores, one task beside eight", 2, []tenant{{1, 8, 0.5}, {1, 1, 0.5}}},
		{"what one task can't use goes to the others", 4, []tenant{{1, 8, 0.75}, {1, 1, 0.25}}},
		{"three to one", 2, []tenant{{1, 8, 0.25}, {3, 8, 0.75}}},
		{"a hundred tenants", 4, append(make([]tenant, 0), slicesOf(100, tenant{1, 3, 0.01})...)},
		{"a light one", 2, []tenant{{0.1, 8, 1. / 11}, {1, 8, 10. / 11}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSimulated(c.cores)
			for _, tenant := range c.tenants {
				s.tenant(tenant.weight, tenant.guests, nil)
			}
			s.run(4 * time.Second)
			total := time.Duration(0)
			for _, tenant := range s.tenants {
				total += tenant.used
			}
			for i, tenant := range s.tenants {
				got := float64(tenant.used) / float64(total)
				if math.Abs(got-c.tenants[i].want) > 0.05*c.tenants[i].want {
					t.Errorf("tenant %d has %.3f of the processor, want %.3f", i, got, c.tenants[i].want)
				}
			}
		})
	}
}

func slicesOf[T any](n int, of T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = of
	}
	return all
}

// Neither who had the worker for itself owes for that, nor who slept may make up for it.
func TestThePastIsNotMadeUpFor(t *testing.T) {
	for _, alone := range []int{1, 8} { // without and with contention among its own
		t.Run(fmt.Sprint(alone), func(t *testing.T) {
			s := newSimulated(2)
			first := s.tenant(1, alone, nil)
			s.run(5 * time.Second)
			second := s.tenant(1, 8, nil)
			before := first.used
			s.run(time.Second)
			if got := (first.used - before).Seconds(); math.Abs(got-1) > 0.05 {
				t.Errorf("who was there first has %.2f s of a second of two cores", got)
			}
			if got := second.used.Seconds(); math.Abs(got-1) > 0.05 {
				t.Errorf("who came later has %.2f s", got)
			}
		})
	}
}

func TestOneThatSleptComesBackAtOnce(t *testing.T) {
	s := newSimulated(1)
	busy := s.tenant(1, 8, nil)
	sleeper := s.tenant(1, 1, func(now time.Duration) bool { return now%time.Second >= 900*time.Millisecond })
	s.run(10 * time.Second)
	if got := sleeper.used.Seconds(); math.Abs(got-0.5) > 0.05 { // half of each tenth that it wanted
		t.Errorf("who wants a tenth of each second has %.2f s of 10", got)
	}
	if got := busy.used.Seconds(); math.Abs(got-9.5) > 0.1 {
		t.Errorf("the other one has %.2f s of 10", got)
	}
}

func TestShortBurstsWaitWhenTheirTenantIsAhead(t *testing.T) {
	var s Shares
	greedy, modest := s.Join(), s.Join()
	for now := slice; now < 10*time.Millisecond; now += slice {
		greedy.Spend(now, slice, true)
	}
	now := 10 * time.Millisecond
	if greedy.Ahead(now) {
		t.Error("ahead of nobody")
	}
	modest.Spend(now, slice, true)
	modest.Spend(now, slice, true)
	for range 30 {
		greedy.Spend(now, slice, true)
	}
	if !greedy.Ahead(now) || modest.Ahead(now) {
		t.Errorf("greedy %v, modest %v", greedy.Ahead(now), modest.Ahead(now))
	}
	now += 2 * idleAfter
	greedy.Spend(now, slice, true)
	if greedy.Ahead(now) {
		t.Error("ahead of one that has gone")
	}
}

func TestATurnIsNotLostWithOneWhoGivesUp(t *testing.T) {
	var s Shares
	tenant, q := s.Join(), NewQueue(0)
	if !q.Enter(t.Context(), tenant, false, nil) {
		t.Fatal("no turn though one is free")
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := q.join(tenant, false)
	late := q.join(tenant, false)
	q.giveUp(gone)
	cancel()
	if q.Enter(ctx, tenant, false, nil) {
		t.Fatal("a turn for one who has ended, though none is free")
	}
	q.Leave()
	q.giveUp(late) // which has it by now
	if q.Wanted() || !q.Enter(t.Context(), tenant, false, nil) {
		t.Fatal("the turn is lost")
	}
}

func TestWeightsAreBounded(t *testing.T) {
	var s Shares
	tenant := s.Join()
	for set, want := range map[float64]float64{0: 1, 2.5: 2.5, 1e-9: WeightMin, 1e9: WeightMax} {
		if tenant.SetWeight(set); tenant.Weight() != want {
			t.Errorf("%v became %v, want %v", set, tenant.Weight(), want)
		}
	}
}

func TestWhoComputesForLongHasAPartOfItsTenantsTurns(t *testing.T) {
	var s Shares
	one, other, q := s.Join(), s.Join(), NewQueue(1)
	other.virtual.Store(int64(time.Second))
	if !q.Enter(t.Context(), one, false, nil) {
		t.Fatal("no turn though one is free")
	}
	var waits []*waiter
	for _, long := range []bool{true, true, false, false, false, false, false} {
		waits = append(waits, q.join(one, long))
	}
	waits = append(waits, q.join(other, false))
	var got []int
	for range waits {
		q.Leave()
		for i, w := range waits {
			select {
			case <-w.turn:
				got = append(got, i)
			default:
			}
		}
	}
	if want := "[2 3 4 0 5 6 1 7]"; fmt.Sprint(got) != want {
		t.Errorf("turns went to %v, want %s", got, want)
	}
}
