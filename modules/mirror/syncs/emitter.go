package syncs

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/berth-connect/berth/modules/mirror/wire"
)

// Emitter decides which copied records become offset syncs. Safe for concurrent use.
type Emitter struct {
	lagMax int64 // offset.lag.max

	mu         sync.Mutex
	partitions map[TopicPartition]*progress // guarded by mu
}

// progress of one partition.
type progress struct {
	flying  []flight // copied, in order; the first is not written yet
	last    pair     // that was written
	began   bool     // there is a last
	synced  int64    // downstream offset of the last sync that was due by itself
	delayed bool     // last says more than the last sync
}

// flight is a record on its way.
type flight struct {
	pair
	done bool
}

// NewEmitter returns one for a new life of a task.
func NewEmitter(lagMax int64) *Emitter {
	return &Emitter{lagMax: lagMax, partitions: map[TopicPartition]*progress{}}
}

// Copy notes that a record is on its way. Offsets of a partition rise, or begin anew.
func (e *Emitter) Copy(at TopicPartition, upstream int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.partitions[at]
	if p == nil {
		p = &progress{}
		e.partitions[at] = p
	}
	p.flying = append(p.flying, flight{pair: pair{upstream, notWritten}})
}

// notWritten is the downstream offset of a record that was dropped on its way.
const notWritten = -1

// Written notes where a record lies; downstream is -1 if it was dropped. It returns the syncs that are due now, in
// order: batches may be written in another order than that in which they were copied, so one may make others count.
func (e *Emitter) Written(at TopicPartition, upstream, downstream int64) []wire.OffsetSync {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.partitions[at]
	if p == nil {
		return nil
	}
	if i := p.find(upstream); i >= 0 {
		p.flying[i].downstream, p.flying[i].done = downstream, true
	}
	var due []wire.OffsetSync
	for len(p.flying) > 0 && p.flying[0].done {
		next := p.flying[0].pair
		p.flying = p.flying[1:]
		if next.downstream != notWritten && p.update(next, e.lagMax) {
			due = append(due, wire.OffsetSync{Topic: at.Topic, Partition: at.Partition, Upstream: next.upstream,
				Downstream: next.downstream})
		}
	}
	return due
}

// find is the index of a record on its way; -1: there is none.
func (p *progress) find(upstream int64) int {
	i := sort.Search(len(p.flying), func(i int) bool { return p.flying[i].upstream >= upstream })
	if i < len(p.flying) && p.flying[i].upstream == upstream && !p.flying[i].done {
		return i
	}
	return slices.IndexFunc(p.flying, func(f flight) bool { return f.upstream == upstream && !f.done })
}

// update tells whether a written record makes a sync: the first one, one that lies lagMax behind where the last sync
// leads, one behind a gap at the source, or one before what was written last in the copy, which was truncated then.
func (p *progress) update(next pair, lagMax int64) bool {
	due := !p.began || next.downstream-(p.synced+1) >= lagMax || next.upstream-p.last.upstream != 1 ||
		next.downstream < p.last.downstream
	p.last, p.began, p.delayed = next, true, !due
	if due {
		p.synced = next.downstream
	}
	return due
}

// Delayed returns syncs for the last records that made none, so that partitions with little traffic don't stay behind.
func (e *Emitter) Delayed() []wire.OffsetSync {
	e.mu.Lock()
	defer e.mu.Unlock()
	var due []wire.OffsetSync
	for _, at := range slices.SortedFunc(maps.Keys(e.partitions), compare) {
		if p := e.partitions[at]; p.delayed {
			p.delayed = false
			due = append(due, wire.OffsetSync{Topic: at.Topic, Partition: at.Partition, Upstream: p.last.upstream,
				Downstream: p.last.downstream})
		}
	}
	return due
}

func compare(a, b TopicPartition) int {
	if c := strings.Compare(a.Topic, b.Topic); c != 0 {
		return c
	}
	return int(a.Partition) - int(b.Partition)
}
