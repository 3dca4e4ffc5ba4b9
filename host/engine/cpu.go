package engine

import (
	"sync/atomic"
	"time"
)

// cpuBudget is how much of each second may be computed by those who share it: an instance, all instances of a module,
// or all guests. Who finds it used up waits for the next second. A second begins with the first use after the last one.
type cpuBudget struct {
	perSecond time.Duration // 0: no limit
	began     atomic.Int64  // when the present second began, by nanotime
	used      atomic.Int64  // in it
}

func (b *cpuBudget) spend(now, spent time.Duration) {
	began := b.began.Load()
	if now-time.Duration(began) >= time.Second && b.began.CompareAndSwap(began, int64(now)) {
		b.used.Store(0)
	}
	b.used.Add(int64(spent))
}

// wait returns how long it is until there is something to spend again.
func (b *cpuBudget) wait(now time.Duration) time.Duration {
	if time.Duration(b.used.Load()) < b.perSecond {
		return 0
	}
	return max(time.Duration(b.began.Load())+time.Second-now, 0)
}

// limited returns the budgets that can ever be used up by a single thread or, if they are shared, by several.
func limited(own *cpuBudget, shared ...*cpuBudget) []*cpuBudget {
	var all []*cpuBudget
	if own.perSecond < time.Second {
		all = append(all, own)
	}
	for _, b := range shared {
		if b.perSecond > 0 {
			all = append(all, b)
		}
	}
	return all
}
