package engine

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/fair"
	"github.com/berth-connect/berth/host/metering"
)

// Metered code calls yield when a slice of units is spent. There the guest's time is accounted, limits are held, Go's
// collector may stop the world, and a guest that was killed ends.

const (
	// sliceUnitsMin and sliceUnitsMax bound a slice. A unit is about an operation; the longest slice is 0.03 ms of
	// ordinary code, and about 1.5 ms of the worst that can be written.
	sliceUnitsMin, sliceUnitsMax = 2_000, 100_000
	// sliceDuration is what a slice should take: code that needs longer gets fewer units.
	sliceDuration = 100 * time.Microsecond
	// sliceCountedMax is what a slice counts at most: when the machine is crowded, a thread may be off its core in the
	// middle of one, and nobody is to be killed for that.
	sliceCountedMax = 2 * time.Millisecond
)

func instantiateMeter(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(metering.YieldModule)
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, _ api.Module, stack []uint64) {
		stack[0] = uint64(instanceOf(ctx).clock.yield(ctx))
	}), nil, []api.ValueType{i32}).Export(metering.YieldName)
	_, err := b.Instantiate(ctx)
	return err
}

// clock measures the time that a guest computes, and holds the limits on it. It belongs to the instance's goroutine.
type clock struct {
	limits    host.Limits
	sleepless bool // the guest has nothing to wait for, so its sleep is limited
	queue     *queues
	kill      context.CancelCauseFunc
	share     *fair.Tenant                        // on whose behalf it computes
	computed  func(d time.Duration, units uint32) // hears what it computed

	counted time.Duration // up to when its time is accounted for
	units   uint32        // of the slice that runs
	batch   time.Duration // computed since the last answer, or since a sleep that ends the account
	asleep  time.Duration // since the last answer
	awaited time.Duration // of sleep, since the last answer, for replies of the host
	burst   time.Duration // computed since it slept or got a turn
	unasked time.Duration // computed since it was last asked whether its tenant has had more than others
	turn    *fair.Queue   // of which it holds a turn; nil: none

	precedence *fair.Precedence // over those that wait for turns; nil: it never has it

	seconds []*cpuBudget // what it may compute in a second, by itself and with others
}

// count accounts for the time since it was last called, and for the units that were spent. What the host does for a
// guest counts as the guest's own: only sleep does not.
func (c *clock) count(units uint32) time.Duration {
	now := time.Duration(nanotime())
	elapsed := now - c.counted
	c.counted = now
	spent := min(elapsed, sliceCountedMax)
	c.batch += spent
	c.burst += spent
	c.computed(spent, units)
	if c.share.Shares() {
		c.unasked += spent
		c.share.Spend(now, spent, c.queue.contended(now))
	}
	for _, b := range c.seconds {
		b.spend(now, spent)
	}
	return elapsed
}

// check counts, and kills a guest that is over its limit.
func (c *clock) check(units uint32) time.Duration {
	elapsed := c.count(units)
	if c.batch > c.limits.BatchCPU {
		c.kill(&host.LimitError{Name: host.LimitBatchCPU, Limit: c.limits.BatchCPU.String(),
			What: "computed without an answer"})
	}
	return elapsed
}

// restart forgets the time since the last count: the guest slept or waited.
func (c *clock) restart() { c.counted = time.Duration(nanotime()) }

// yield returns how many units may be spent until the next call.
func (c *clock) yield(ctx context.Context) uint32 {
	elapsed := c.check(c.units)
	if ctx.Err() == nil {
		c.wait(ctx)
	}
	if ctx.Err() != nil {
		panic(sys.NewExitError(sys.ExitCodeContextCanceled))
	}
	c.units = nextSlice(c.units, elapsed)
	return c.units
}

// nextSlice adapts the units to the time that the last ones took; it shrinks at once and grows step by step.
func nextSlice(units uint32, elapsed time.Duration) uint32 {
	want := uint64(units) * uint64(sliceDuration) / uint64(max(elapsed, 1))
	return uint32(min(max(want, sliceUnitsMin), 2*uint64(max(units, sliceUnitsMin)), sliceUnitsMax))
}

// answered starts a new account: the guest handed something over.
func (c *clock) answered() { c.batch, c.asleep, c.awaited = 0, 0, 0 }

// sleepAtMost shortens a sleep to what is left of the limit, if the guest has nothing to wait for but the host's reply;
// last tells that it did.
func (c *clock) sleepAtMost(owes, awaits bool, timeout time.Duration) (at time.Duration, last bool) {
	left := c.limits.BatchSleep - c.asleep
	if awaits {
		left = host.RequestWaitMax - c.awaited
	}
	if !c.sleepless || !owes || timeout >= 0 && timeout < left {
		return timeout, false
	}
	return max(left, 0), true
}

// slept ends a burst; a guest that owes nothing may compute anew. So may one that has waited for others to go on with
// what it owes: a start takes as many steps as a system has answers, and what it owes has a limit of time. Stages that
// have nothing to wait for but replies of the host owe their answer for the same CPU, however often they ask.
func (c *clock) slept(owes, awaits bool) {
	began := c.counted
	c.restart()
	c.burst = 0
	switch {
	case owes && awaits:
		c.awaited += c.counted - began
		if !c.sleepless {
			c.batch = 0
		}
	case owes:
		c.asleep += c.counted - began
	default:
		c.answered()
	}
}

func (c *clock) overslept() {
	c.kill(&host.LimitError{Name: host.LimitBatchSleep, Limit: c.limits.BatchSleep.String(),
		What: "slept while it owed an answer"})
}

// wait lets others run when the guest has had its share, and at once for one that has precedence: the kernel may have
// taken the core from that one's thread, and gives it back when there are fewer that compute.
func (c *clock) wait(ctx context.Context) {
	c.throttle(ctx)
	if c.precedence.Given() {
		return
	}
	if c.queue.preceding.StandAside(ctx) {
		c.restart()
	}
	c.cede(ctx)
}

// throttle makes a guest wait for the next second when its share of this one is used up, by itself or by others.
func (c *clock) throttle(ctx context.Context) {
	for _, b := range c.seconds {
		if left := b.wait(c.counted); left > 0 {
			c.leave()
			rest(ctx, left)
			c.restart()
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// cede takes a turn when the guest has computed for a while, or its tenant more than others, and hands it on when
// others wait for one.
func (c *clock) cede(ctx context.Context) {
	if c.burst < turnDuration && !c.ahead() {
		return
	}
	c.burst = 0
	turns, long := c.queue.ordinary, c.batch > longBatchCPU
	if long {
		c.yieldTo(ctx, c.queue.load)
	}
	if long && !c.share.Shares() { // else it is at the cost of its tenant alone
		turns = c.queue.long
	}
	if c.turn == turns && !turns.Due(c.share) {
		return
	}
	c.leave()
	if turns.Enter(ctx, c.share, long, c.precedence) {
		c.turn = turns
	}
	c.restart()
}

// ahead tells whether the guest's tenant has had more than others want to have: then many short bursts are no way
// around the turns. It looks once a slice.
func (c *clock) ahead() bool {
	if c.unasked < sliceDuration {
		return false
	}
	c.unasked = 0
	return c.turn == nil && c.queue.contended(c.counted) && c.share.Ahead(c.counted)
}

// yieldTo pauses a guest that computes for long as long as somebody else may want its core.
func (c *clock) yieldTo(ctx context.Context, l *load) {
	if !l.crowded(c.counted) {
		return
	}
	c.leave()
	rest(ctx, crowdedPause)
	c.restart()
}

// leave gives the turn back.
func (c *clock) leave() {
	if c.turn != nil {
		c.turn.Leave()
		c.turn = nil
	}
}

const (
	// turnDuration is how long a guest computes before it needs a turn, and how long a turn is while others wait.
	turnDuration = time.Millisecond
	// longBatchCPU is from when on a guest counts as one that computes for long: few honest batches get there.
	longBatchCPU = 100 * time.Millisecond
	// crowdedPause is how long a guest that computes for long rests after a turn while the cores are busy: with it such
	// a guest has about a third of a core.
	crowdedPause = 2 * time.Millisecond
)

// queues are what guests that compute wait in: there are as many turns as cores. Those that compute for long on one
// batch leave a core to the others, and with several tenants most of their tenant's turns. Go runs one thread more than
// there are cores (see main), so that its own goroutines, network and timers never queue behind guests.
type queues struct {
	ordinary, long *fair.Queue
	load           *load
	preceding      *fair.Preceding
}

func newQueues(cores int) *queues {
	return &queues{fair.NewQueue(cores), fair.NewQueue(cores - 1), &load{cores: cores}, &fair.Preceding{}}
}

// contended tells whether somebody may want a core that somebody else has.
func (q *queues) contended(now time.Duration) bool {
	return q.ordinary.Wanted() || q.long.Wanted() || q.load.crowded(now)
}
