// Package offset keeps the books of a source task: which records Kafka has, and hence which source offsets may be
// stored; and the JSON text in which Connect stores them.
package offset

import (
	"bytes"
	"sort"
	"sync"
	"sync/atomic"
)

// Ledger decides which source offsets may be committed: of each source partition, the offset of the last record of the
// contiguous prefix that Kafka has acknowledged (SubmittedRecords in Connect). Safe for concurrent use.
type Ledger struct {
	changed chan struct{} // a token when a batch became durable

	mu         sync.Mutex
	partitions map[string]*partition // by encoded source partition; guarded by mu
	batches    []*Batch              // not yet committed, in order; guarded by mu
	durable    []uint32              // seqs that became durable since TakeDurable; guarded by mu
	inFlight   int                   // batches that are not durable; guarded by mu
}

// partition is one source partition's queue.
type partition struct {
	key     string // "": of records without a source partition
	runs    []*run // submitted, in order; the first is not acknowledged
	acked   *run   // the last acknowledged one, nil: nothing new
	changes uint64 // moved when acked changes, so that a commit can tell
}

// run is a sequence of records of one batch with the same source partition: all of them acknowledged, or none counts.
type run struct {
	partition *partition // nil: no offset to store
	offset    []byte     // of its last record; nil: null
	left      atomic.Int32
	end       int // index after its last record in the batch
	done      bool
}

// Batch is a batch of records on its way to Kafka.
type Batch struct {
	ledger *Ledger
	seq    uint32
	runs   []*run
	free   func()       // called once when all records are acknowledged
	left   atomic.Int32 // records without ack; +1 until Sealed
	done   bool         // guarded by ledger.mu
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{changed: make(chan struct{}, 1), partitions: map[string]*partition{}}
}

// Begin enters a batch under the seq that the source gave it; seqs rise. free is called once its last record is
// acknowledged, by that Ack or by Seal.
func (l *Ledger) Begin(seq uint32, free func()) *Batch {
	b := &Batch{ledger: l, seq: seq, free: free}
	b.left.Store(1)
	l.mu.Lock()
	l.batches = append(l.batches, b)
	l.inFlight++
	l.mu.Unlock()
	return b
}

// Add enters the next n records of the batch, which share an encoded source partition and of which the last has that
// encoded offset. Nil is null: as in Connect, a partition too, and an offset that is null deletes the one stored. To be
// called before any of them can be acknowledged.
func (b *Batch) Add(partitionKey, offset []byte, n int) {
	r := b.enter(n)
	r.offset = bytes.Clone(offset)
	l := b.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.partitions[string(partitionKey)]
	if p == nil {
		p = &partition{key: string(partitionKey)}
		l.partitions[p.key] = p
	}
	r.partition = p
	p.runs = append(p.runs, r)
}

// AddWithoutOffset enters the next n records of the batch, which move no offset. To be called as Add.
func (b *Batch) AddWithoutOffset(n int) { b.enter(n) }

func (b *Batch) enter(n int) *run {
	end := n
	if len(b.runs) > 0 {
		end += b.runs[len(b.runs)-1].end
	}
	r := &run{end: end}
	r.left.Store(int32(n))
	b.left.Add(int32(n))
	b.runs = append(b.runs, r)
	return r
}

// Seal says that the batch is complete; an empty one is durable at once.
func (b *Batch) Seal() { b.release(1) }

// Ack says that Kafka has the record with that index among those added (or that it was given up on purpose).
func (b *Batch) Ack(i int) {
	if len(b.runs) > 1 {
		r := b.runs[sort.Search(len(b.runs), func(k int) bool { return b.runs[k].end > i })]
		if r.left.Add(-1) == 0 {
			b.ledger.finish(r)
		}
	}
	b.release(1)
}

func (b *Batch) release(n int32) {
	if b.left.Add(-n) > 0 {
		return
	}
	l := b.ledger
	if len(b.runs) == 1 { // it ends with the batch, so one counter does for both
		l.finish(b.runs[0])
	}
	b.free()
	l.mu.Lock()
	b.done = true
	l.inFlight--
	l.durable = append(l.durable, b.seq)
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// finish moves the partition's committable offset over every run that is now acknowledged without a gap.
func (l *Ledger) finish(r *run) {
	if r.partition == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r.done = true
	p := r.partition
	for len(p.runs) > 0 && p.runs[0].done {
		p.acked = p.runs[0]
		p.changes++
		p.runs[0] = nil
		p.runs = p.runs[1:]
	}
}

// Changed gets a token when batches became durable.
func (l *Ledger) Changed() <-chan struct{} { return l.changed }

// TakeDurable returns the seqs of the batches that became durable since the last call.
func (l *Ledger) TakeDurable() []uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	seqs := l.durable
	l.durable = nil
	return seqs
}

// InFlight is the number of batches of which records are not acknowledged.
func (l *Ledger) InFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight
}

// Snapshot is what may be committed at one moment.
type Snapshot struct {
	Entries []Entry
	Seq     uint32 // every batch up to this one is covered by Entries or by earlier commits; 0: none new

	partitions []*partition
	changes    []uint64
	batches    int
}

// Entry is a source partition and its offset, both the payload of an encoded map; nil: null.
type Entry struct{ Partition, Offset []byte }

// Snapshot returns what may be committed now; Commit confirms it once it is stored.
func (l *Ledger) Snapshot() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	var s Snapshot
	for _, p := range l.partitions {
		if p.acked == nil {
			continue
		}
		s.Entries = append(s.Entries, p.entry())
		s.partitions = append(s.partitions, p)
		s.changes = append(s.changes, p.changes)
	}
	for s.batches < len(l.batches) && l.batches[s.batches].done {
		s.Seq = l.batches[s.batches].seq
		s.batches++
	}
	return s
}

func (p *partition) entry() Entry {
	if p.key == "" { // an encoded map has bytes
		return Entry{nil, p.acked.offset}
	}
	return Entry{[]byte(p.key), p.acked.offset}
}

// Commit says that a snapshot is stored: what has not changed since is not offered again.
func (l *Ledger) Commit(s Snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, p := range s.partitions {
		if p.changes != s.changes[i] {
			continue
		}
		p.acked = nil
		if len(p.runs) == 0 {
			delete(l.partitions, p.key)
		}
	}
	l.batches = append(l.batches[:0], l.batches[s.batches:]...)
}
