package usage

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/host"
)

// slowed counts what quotas did to a tenant.
type slowed struct{ waits, waited, memory, tasks, lines atomic.Int64 }

func (s *slowed) snapshot() host.Slowed {
	return host.Slowed{Waits: s.waits.Load(), Millis: time.Duration(s.waited.Load()).Milliseconds(),
		MemoryRefusals: s.memory.Load(), TaskRefusals: s.tasks.Load(), LogLinesDropped: s.lines.Load()}
}

// rates are what a tenant may do in a second, over all its tasks on this worker.
type rates struct{ records, bytes, network, lines pace }

// pace spreads what is spent over time: what was spent at once is waited for afterwards. A second's worth may be spent
// ahead.
type pace struct {
	mu   sync.Mutex
	free time.Time // when all that was spent is paid for; guarded by mu
}

// spend notes n of what perSecond may be spent of; 0 is no limit.
func (p *pace) spend(now time.Time, n, perSecond float64) {
	if perSecond <= 0 || n <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free.Before(now) {
		p.free = now
	}
	const longest = float64(time.Hour) // so that a rate that is far too low is noticed when it has been raised
	p.free = p.free.Add(time.Duration(min(n/perSecond*float64(time.Second), longest)))
	if latest := now.Add(time.Hour); p.free.After(latest) {
		p.free = latest
	}
}

// wait is how long nothing may be spent.
func (p *pace) wait(now time.Time, perSecond float64) time.Duration {
	if perSecond <= 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free.Before(now) { // perhaps so long ago that no Duration holds it
		return 0
	}
	return max(p.free.Sub(now)-time.Second, 0)
}

// line takes one line of the log.
func (t *Tenant) line(now time.Time) bool {
	perSecond := t.quota().LogLinesPerSecond
	if t.rates.lines.wait(now, perSecond) > 0 {
		return false
	}
	t.rates.lines.spend(now, 1, perSecond)
	return true
}

// In counts what a task took in, and charges it to the tenant's rates.
func (c *Connector) In(records int, bytes int64) {
	c.flow.recordsIn.Add(int64(records))
	c.flow.bytesIn.Add(bytes)
	q, now := c.Tenant.quota(), time.Now()
	c.Tenant.Share.SetWeight(q.CPUShare) // which may have changed
	c.Tenant.rates.records.spend(now, float64(records), q.RecordsPerSecond)
	c.Tenant.rates.bytes.spend(now, float64(bytes), q.BytesPerSecond)
}

// Out counts what a task gave out.
func (c *Connector) Out(records int, bytes int64) {
	c.flow.recordsOut.Add(int64(records))
	c.flow.bytesOut.Add(bytes)
}

// Wait is how long the tenant's tasks may take nothing in; 0: they may.
func (c *Connector) Wait() time.Duration {
	q, now := c.Tenant.quota(), time.Now()
	return max(c.Tenant.rates.records.wait(now, q.RecordsPerSecond), c.Tenant.rates.bytes.wait(now, q.BytesPerSecond))
}

// Waited counts that a task waited.
func (c *Connector) Waited(d time.Duration) {
	c.Tenant.slowed.waits.Add(1)
	c.Tenant.slowed.waited.Add(int64(d))
}

// RecordsMax is how many records a task should take at a time, at most most: a second's worth.
func (c *Connector) RecordsMax(most int) int {
	perSecond := c.Tenant.quota().RecordsPerSecond
	if perSecond <= 0 || perSecond >= float64(most) {
		return most
	}
	return int(math.Ceil(perSecond))
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// displayName is how a message names a tenant.
func displayName(tenant string) string {
	if tenant == "" {
		return "(default)"
	}
	return tenant
}
