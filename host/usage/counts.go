package usage

import (
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/host"
)

// counts only ever grow. They are added to where something happens, and only there: all sums are made by who reads.
type counts struct {
	cpu, fuel                                atomic.Int64 // ns, units
	recordsIn, recordsOut, bytesIn, bytesOut atomic.Int64
	networkRead, networkWritten, connections atomic.Int64
	lines, linesDropped, traps               atomic.Int64
}

// addTo adds up; CPU is summed in ns, so that many small uses are not lost.
func (c *counts) addTo(sum *total) {
	sum.cpu += time.Duration(c.cpu.Load())
	u := &sum.Used
	u.Fuel += c.fuel.Load()
	u.RecordsIn += c.recordsIn.Load()
	u.RecordsOut += c.recordsOut.Load()
	u.BytesIn += c.bytesIn.Load()
	u.BytesOut += c.bytesOut.Load()
	u.NetworkReadBytes += c.networkRead.Load()
	u.NetworkWrittenBytes += c.networkWritten.Load()
	u.Connections += c.connections.Load()
	u.LogLines += c.lines.Load()
	u.LogLinesDropped += c.linesDropped.Load()
	u.Traps += c.traps.Load()
}

// total is a sum of counts.
type total struct {
	host.Used
	cpu time.Duration
}

// add adds what was summed up before.
func (t *total) add(other *total) {
	t.cpu += other.cpu
	u, o := &t.Used, &other.Used
	u.Fuel += o.Fuel
	u.RecordsIn += o.RecordsIn
	u.RecordsOut += o.RecordsOut
	u.BytesIn += o.BytesIn
	u.BytesOut += o.BytesOut
	u.NetworkReadBytes += o.NetworkReadBytes
	u.NetworkWrittenBytes += o.NetworkWrittenBytes
	u.Connections += o.Connections
	u.LogLines += o.LogLines
	u.LogLinesDropped += o.LogLinesDropped
	u.Traps += o.Traps
}

// used closes the sum, with a level of memory.
func (t *total) used(m *level) host.Used {
	u := t.Used
	u.CPUMillis = t.cpu.Milliseconds()
	u.MemoryBytes, u.MemoryPeakBytes = m.now.Load(), m.peak.Load()
	return u
}

// level is how much there is, and was at most, at one time.
type level struct{ now, peak atomic.Int64 }

// Take implements engine.MemoryBudget: it only watches.
func (l *level) Take(n int64) bool { return l.takeUpTo(n, 0) }

// takeUpTo refuses what would go over the limit; 0: there is none.
func (l *level) takeUpTo(n, limit int64) bool {
	now := l.now.Add(n)
	if n > 0 && limit > 0 && now > limit {
		l.now.Add(-n)
		return false
	}
	for peak := l.peak.Load(); now > peak && !l.peak.CompareAndSwap(peak, now); {
		peak = l.peak.Load()
	}
	return true
}

// Refusal implements engine.MemoryBudget.
func (l *level) Refusal() *host.LimitError { return nil }
