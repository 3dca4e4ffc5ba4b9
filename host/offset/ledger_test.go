package offset

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func committable(l *Ledger) map[string]string {
	all := map[string]string{}
	for _, e := range l.Snapshot().Entries {
		all[string(e.Partition)] = string(e.Offset)
	}
	return all
}

func TestOnlyAContiguousPrefixIsCommittable(t *testing.T) {
	l := NewLedger()
	first, second := l.Begin(1, func() {}), l.Begin(2, func() {})
	first.Add([]byte("a"), []byte("10"), 2)
	first.Add([]byte("b"), []byte("20"), 1)
	first.Seal()
	second.Add([]byte("a"), []byte("30"), 1)
	second.Seal()

	second.Ack(0)
	if got := committable(l); len(got) != 0 {
		t.Fatalf("the second batch overtook the first: %v", got)
	}
	first.Ack(0)
	first.Ack(2)
	if got := fmt.Sprint(committable(l)); got != "map[b:20]" {
		t.Fatalf("after a's first record and b's only one: %s", got)
	}
	if s := l.Snapshot(); s.Seq != 0 {
		t.Fatalf("seq %d although the first batch has an open record", s.Seq)
	}
	first.Ack(1)
	s := l.Snapshot()
	if got := fmt.Sprint(committable(l)); got != "map[a:30 b:20]" || s.Seq != 2 {
		t.Fatalf("all acknowledged: %s, seq %d", got, s.Seq)
	}
	l.Commit(s)
	if s := l.Snapshot(); len(s.Entries) != 0 || s.Seq != 0 || l.InFlight() != 0 {
		t.Fatalf("after the commit: %+v, %d in flight", s, l.InFlight())
	}
}

func TestNullsAreOffsetsToo(t *testing.T) {
	l := NewLedger()
	b := l.Begin(1, func() {})
	b.AddWithoutOffset(1)
	b.Add(nil, nil, 1)
	b.Add([]byte("a"), nil, 1)
	b.Seal()
	for i := range 3 {
		b.Ack(i)
	}
	s := l.Snapshot()
	if len(s.Entries) != 2 {
		t.Fatalf("of a record without and two with an offset: %q", s.Entries)
	}
	for _, e := range s.Entries {
		if e.Offset != nil || e.Partition != nil && string(e.Partition) != "a" {
			t.Errorf("partition %q, offset %q", e.Partition, e.Offset)
		}
	}
	l.Commit(s)
	if s := l.Snapshot(); len(s.Entries) != 0 {
		t.Errorf("offered again: %q", s.Entries)
	}
}

func TestCommitKeepsWhatWasAcknowledgedMeanwhile(t *testing.T) {
	l := NewLedger()
	for seq := range 2 {
		b := l.Begin(uint32(seq+1), func() {})
		b.Add([]byte("a"), []byte(fmt.Sprint(seq)), 1)
		b.Seal()
		if seq == 0 {
			b.Ack(0)
		}
	}
	s := l.Snapshot()
	third := l.Begin(3, func() {})
	third.Seal()
	l.batches[1].Ack(0)
	l.Commit(s)
	if got := fmt.Sprint(committable(l)); got != "map[a:1]" {
		t.Fatalf("acknowledged during the commit: %s", got)
	}
}

func TestDroppedBatchIsDurableAtOnce(t *testing.T) {
	l := NewLedger()
	l.Begin(7, func() {}).Seal()
	<-l.Changed()
	if got := l.TakeDurable(); len(got) != 1 || got[0] != 7 {
		t.Fatalf("durable: %v", got)
	}
}

// The invariant under any order of acknowledgements: what is committable never passes an open record.
func TestLedgerInRandomOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		l := NewLedger()
		type open struct {
			b *Batch
			i int
		}
		var pending []open
		var done []bool
		var freed [20]int
		for seq := range 20 {
			b := l.Begin(uint32(seq+1), func() { freed[seq]++ })
			n := 1 + rnd.IntN(4)
			b.Add([]byte("p"), []byte(fmt.Sprint(seq)), n)
			for i := range n {
				pending = append(pending, open{b, i})
			}
			b.Seal()
			done = append(done, false)
		}
		rnd.Shuffle(len(pending), func(i, j int) { pending[i], pending[j] = pending[j], pending[i] })
		for _, o := range pending {
			o.b.Ack(o.i)
			done[o.b.seq-1] = o.b.left.Load() == 0
			if (freed[o.b.seq-1] == 1) != done[o.b.seq-1] {
				t.Fatalf("memory freed %d times, done %t", freed[o.b.seq-1], done[o.b.seq-1])
			}
			want := ""
			for seq := 0; seq < len(done) && done[seq]; seq++ {
				want = fmt.Sprint(seq)
			}
			if got := committable(l)["p"]; got != want {
				t.Fatalf("committable %q, want %q", got, want)
			}
		}
	}
}
