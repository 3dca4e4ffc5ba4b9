package embedded

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestCutTransactions(t *testing.T) {
	const commit, abort, data = 1, 0, -1
	type entry struct {
		partition int32
		epoch     int16
		kind      int
	}
	for _, c := range []struct {
		name    string
		log     []entry
		want    map[int16]int // epoch to its number of open partitions
		commits bool
	}{
		{"ended", []entry{{0, 1, data}, {1, 1, data}, {0, 1, commit}, {1, 1, commit}}, nil, false},
		{"no marker", []entry{{0, 1, data}, {1, 1, data}}, map[int16]int{1: 2}, false},
		{"one commit marker", []entry{{0, 1, data}, {1, 1, data}, {1, 1, commit}}, map[int16]int{1: 1}, true},
		{"one abort marker", []entry{{0, 1, data}, {1, 1, data}, {1, 1, abort}}, map[int16]int{1: 1}, false},
		{"a commit of the one before", []entry{{0, 1, data}, {0, 1, commit}, {0, 2, data}}, map[int16]int{2: 1}, false},
		{"ended by a successor", []entry{{0, 1, data}, {0, 2, abort}}, nil, false},
		{"an epoch of several", []entry{{0, 1, data}, {0, 1, commit}, {0, 1, data}}, map[int16]int{1: 1}, false},
	} {
		a := newAccount()
		for _, e := range c.log {
			a.note(record(e.partition, e.epoch, e.kind))
		}
		cut := a.cut()
		if len(cut) != len(c.want) {
			t.Errorf("%s: cut off = %v, want %v", c.name, cut, c.want)
		}
		for epoch, partitions := range c.want {
			p := producer{7, epoch}
			if got := len(cut[p]["t"]); got != partitions || a.commits(p) != c.commits {
				t.Errorf("%s: epoch %d is open in %d partitions, commits: %v; want %d, %v", c.name, epoch, got,
					a.commits(p), partitions, c.commits)
			}
		}
	}
}

// record is one of producer 7's; a kind of 0 and above is a marker's.
func record(partition int32, epoch int16, kind int) *kgo.Record {
	r := &kgo.Record{Topic: "t", Partition: partition, ProducerID: 7, ProducerEpoch: epoch}
	if kind >= 0 {
		r.Key = []byte{0, 0, 0, byte(kind)}
	}
	r.Attrs = kgo.NewRecordAttrs(kgo.RecordAttrsOpts{Transactional: true, Control: kind >= 0})
	return r
}
