package syncs

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/berth-connect/berth/modules/mirror/wire"
)

var at = TopicPartition{"t", 3}

func store(pairs ...pair) *Store {
	s := NewStore()
	for _, p := range pairs {
		s.Add(wire.OffsetSync{Topic: at.Topic, Partition: at.Partition, Upstream: p.upstream, Downstream: p.downstream})
	}
	return s
}

func TestTranslation(t *testing.T) {
	s := store(pair{100, 10}, pair{200, 110})
	for upstream, want := range map[int64]int64{99: -1, 100: 10, 101: 11, 199: 11, 200: 110, 201: 111, 9999: 111} {
		got, ok := s.Translate(at, upstream)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%d is %d downstream, want %d", upstream, got, want)
		}
	}
	if _, ok := s.Translate(TopicPartition{"t", 4}, 100); ok {
		t.Error("a partition without syncs is translated")
	}
}

func TestARewindMakesOlderSyncsVoid(t *testing.T) {
	s := store(pair{100, 10}, pair{200, 110}, pair{50, 400})
	for upstream, want := range map[int64]int64{50: 400, 100: 401, 250: 401} {
		if got, ok := s.Translate(at, upstream); got != want || !ok {
			t.Errorf("%d is %d downstream, want %d", upstream, got, want)
		}
	}
	s.Latest = true
	s.Add(wire.OffsetSync{Topic: "t", Partition: 3, Upstream: 60, Downstream: 410})
	if _, ok := s.Translate(at, 55); ok {
		t.Error("an older sync was kept")
	}
}

// However many syncs there were, few are kept, none leads behind records that were not read, and a group is set back by
// at most about its distance from the end.
func TestManySyncsAreThinnedOut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s, upstream := NewStore(), int64(0)
	for range 50_000 {
		upstream += 1 + random.Int64N(200)
		s.Add(wire.OffsetSync{Topic: at.Topic, Partition: at.Partition, Upstream: upstream, Downstream: upstream - 7})
	}
	if n := len(s.partitions[at]); n > 60 || n < 20 {
		t.Errorf("%d syncs are kept", n)
	}
	for lag := int64(0); lag < upstream; lag = 2*lag + 1 {
		got, ok := s.Translate(at, upstream-lag)
		if !ok {
			t.Fatalf("nothing %d before the end", lag)
		}
		if behind := upstream - lag - 7 - got; behind < 0 || behind > 2*lag+400 {
			t.Errorf("%d before the end, the translation is behind by %d", lag, behind)
		}
	}
}

func written(e *Emitter, upstream, downstream int64) []int64 {
	var syncs []int64
	for _, s := range e.Written(at, upstream, downstream) {
		syncs = append(syncs, s.Upstream, s.Downstream)
	}
	return syncs
}

func TestWhenSyncsAreDue(t *testing.T) {
	e := NewEmitter(5)
	for _, step := range []struct {
		upstream, downstream int64
		want                 []int64
	}{
		{10, 0, []int64{10, 0}},                                              // the first of this life
		{11, 1, nil}, {12, 2, nil}, {13, 3, nil}, {14, 4, nil}, {15, 5, nil}, // leads to 1 at least
		{16, 6, []int64{16, 6}}, // 5 behind it
		{17, 7, nil},
		{20, 8, []int64{20, 8}}, // behind a gap
		{21, 3, []int64{21, 3}}, // the copy was truncated
		{22, -1, nil},           // dropped
		{23, 4, []int64{23, 4}},
		{2, 5, []int64{2, 5}}, // the source began anew
	} {
		e.Copy(at, step.upstream)
		if got := written(e, step.upstream, step.downstream); !slices.Equal(got, step.want) {
			t.Errorf("%d at %d makes %v, want %v", step.upstream, step.downstream, got, step.want)
		}
	}
}

func TestRecordsCountInTheirOrder(t *testing.T) {
	e := NewEmitter(100)
	for upstream := range int64(4) {
		e.Copy(at, upstream)
	}
	for _, step := range []struct {
		upstream int64
		want     []int64
	}{{2, nil}, {1, nil}, {0, []int64{0, 0}}, {3, nil}, {9, nil}} {
		if got := written(e, step.upstream, step.upstream); !slices.Equal(got, step.want) {
			t.Errorf("%d makes %v, want %v", step.upstream, got, step.want)
		}
	}
	want := []wire.OffsetSync{{Topic: "t", Partition: 3, Upstream: 3, Downstream: 3}}
	if got := e.Delayed(); !slices.Equal(got, want) {
		t.Errorf("delayed %v, want %v", got, want)
	}
	if got := e.Delayed(); len(got) != 0 {
		t.Errorf("delayed twice: %v", got)
	}
}
