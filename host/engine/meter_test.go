package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/fair"
)

func TestSlicesFollowTheClock(t *testing.T) {
	for _, c := range []struct {
		name    string
		units   uint32
		elapsed time.Duration
		want    uint32
	}{
		{"the first one", 0, 0, sliceUnitsMin},
		{"as long as it should be", 50_000, sliceDuration, 50_000},
		{"quick code gets at most twice as much", 10_000, time.Microsecond, 20_000},
		{"never more than the longest", 90_000, time.Microsecond, sliceUnitsMax},
		{"slow code is cut at once", 100_000, 10 * sliceDuration, 10_000},
		{"never less than the shortest", 10_000, time.Second, sliceUnitsMin},
	} {
		if got := nextSlice(c.units, c.elapsed); got != c.want {
			t.Errorf("%s: %d units, want %d", c.name, got, c.want)
		}
	}
}

func TestSleepIsLimitedForThoseWhoOweAndHaveNothingToWaitFor(t *testing.T) {
	limits := host.Limits{BatchSleep: time.Second}.WithDefaults()
	for _, c := range []struct {
		name            string
		sleepless, owes bool
		slept, timeout  time.Duration
		want            time.Duration
		last            bool
	}{
		{"a connector", false, true, 0, time.Hour, time.Hour, false},
		{"a stage without work", true, false, 0, -1, -1, false},
		{"a stage that naps", true, true, 0, time.Millisecond, time.Millisecond, false},
		{"a stage that sleeps for ever", true, true, 0, -1, time.Second, true},
		{"a stage that naps too often", true, true, 900 * time.Millisecond, 200 * time.Millisecond, 100 * time.Millisecond,
			true},
		{"a stage that has slept enough", true, true, 2 * time.Second, time.Millisecond, 0, true},
	} {
		clock := clock{limits: limits, sleepless: c.sleepless, asleep: c.slept}
		if got, last := clock.sleepAtMost(c.owes, false, c.timeout); got != c.want || last != c.last {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, got, last, c.want, c.last)
		}
	}
}

func TestSleepForRepliesHasALimitOfItsOwn(t *testing.T) {
	limits := host.Limits{BatchSleep: time.Second}
	clock := clock{limits: limits, sleepless: true, asleep: time.Second, awaited: time.Minute}
	if got, last := clock.sleepAtMost(true, true, -1); got != host.RequestWaitMax-time.Minute || !last {
		t.Errorf("%v, %v", got, last)
	}
	clock.batch = time.Second
	clock.slept(true, true)
	if clock.batch != time.Second || clock.asleep != time.Second || clock.awaited <= time.Minute {
		t.Errorf("after a reply: computed %v, slept %v, awaited %v", clock.batch, clock.asleep, clock.awaited)
	}
}

func TestWaitingForOthersEndsTheAccount(t *testing.T) {
	for _, c := range []struct {
		name                    string
		sleepless, owes, awaits bool
		ends                    bool
	}{
		{"a connector that waits for its system", false, true, true, true},
		{"a connector that naps", false, true, false, false},
		{"a stage that waits for a reply", true, true, true, false},
		{"a stage without work", true, false, false, true},
		{"a source between batches", false, false, false, true},
	} {
		clock := clock{sleepless: c.sleepless, batch: time.Second}
		clock.slept(c.owes, c.awaits)
		if ends := clock.batch == 0; ends != c.ends {
			t.Errorf("%s: the account ends: %v", c.name, ends)
		}
	}
}

func TestCoresAreCrowdedWhenThisProcessKeepsThemBusy(t *testing.T) {
	for _, c := range []struct {
		name         string
		window, used time.Duration
		want         bool
	}{
		{"both cores", loadWindow, 2 * loadWindow, true},
		{"nearly both", loadWindow, 2 * loadWindow * crowdedPercent / 100, true},
		{"one of two", loadWindow, loadWindow, false},
		{"nobody has looked for long", 20 * loadWindow, 40 * loadWindow, false},
	} {
		l := load{cores: 2, used: time.Second}
		l.measure(time.Minute, c.window, time.Second+c.used)
		if got := l.busy.Load(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if l.crowded(time.Minute+loadWindow/2) != c.want {
			t.Errorf("%s: half a window changed it", c.name)
		}
	}
}

func TestBudgetsAreAskedAllOrNone(t *testing.T) {
	small, large := &memoryBudget{limit: host.LimitMemory, bytes: 100}, &memoryBudget{bytes: 1000}
	g := &guestMemory{budgets: []MemoryBudget{large, small}}
	if !g.take(80) || g.take(30) {
		t.Fatal("80 of 100 fit, 30 more do not")
	}
	if large.used.Load() != 80 || small.used.Load() != 80 || g.refused != small {
		t.Fatalf("used %d and %d, refused by %v", large.used.Load(), small.used.Load(), g.refused)
	}
	var limit *host.LimitError
	if err := error(g.refused.Refusal()); !errors.As(err, &limit) || limit.Name != host.LimitMemory {
		t.Fatalf("%v", err)
	}
	if g.take(-80); large.used.Load() != 0 || small.used.Load() != 0 {
		t.Fatal("not given back")
	}
}

// A guest with precedence needs no turn, not even one that others wait for, and the others stand aside.
func TestPrecedenceNeedsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues, shares := newQueues(1), &fair.Shares{}
		preceding, other := &clock{queue: queues, share: shares.Join(), precedence: queues.preceding.New()},
			&clock{queue: queues, share: shares.Join(), precedence: queues.preceding.New()}
		if !queues.ordinary.Enter(t.Context(), other.share, false, nil) {
			t.Fatal("no turn though one is free")
		}
		preceding.burst, other.burst = turnDuration, turnDuration
		preceding.precedence.Give()
		over := make(chan struct{})
		go func() {
			other.wait(t.Context())
			close(over)
		}()
		preceding.wait(t.Context())
		if preceding.turn != nil || queues.ordinary.Wanted() {
			t.Error("a guest with precedence has a turn, or one without waits for one and not for it")
		}
		synctest.Wait()
		select {
		case <-over:
			t.Error("a guest went on beside one with precedence")
		default:
		}
		preceding.precedence.End()
		synctest.Wait()
		if !queues.ordinary.Wanted() {
			t.Error("the other one does not go on")
		}
		queues.ordinary.Leave()
		<-over
	})
}
