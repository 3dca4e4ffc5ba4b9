package pipeline

import (
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/plugin"
)

var null = abi.Cell{Schema: abi.None}

// polled is a batch of two records of a source, from partitions {"p": 0} and {"p": 1}.
func polled(t *testing.T) abi.Batch {
	t.Helper()
	var b abi.BatchBuilder
	topic := b.AddTopic("t")
	for i := range int64(2) {
		partition, err := abi.ToValue(map[string]any{"p": i})
		if err != nil {
			t.Fatal(err)
		}
		b.Add(&abi.RecordFields{Topic: topic, Origin: uint32(i), Key: null, Value: null,
			SourcePartition: b.AddPartition(partition.Payload), SourceOffset: abi.Block{Bytes: partition.Payload}})
	}
	batch, err := abi.ParseBatch(b.AppendTo(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// answer is what a stage of another module made of one of two records alone.
func answer(t *testing.T, origin uint32) abi.Batch {
	t.Helper()
	var b abi.BatchBuilder
	b.Add(&abi.RecordFields{Topic: b.AddTopic("t"), Origin: origin, Key: null, Value: null, SourcePartition: abi.None})
	b.SetInputCount(2)
	batch, err := abi.ParseBatch(b.AppendTo(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// given is the batch that the instance of a group would be given.
func given(t *testing.T, wants bool, in Result) abi.Batch {
	t.Helper()
	l := &Link{Group: Group{Stages: []Stage{{Found: plugin.Plugin{Plugin: abi.Plugin{WantsSource: wants}}}}}}
	if err := l.compact(&in, in.Len()); err != nil {
		t.Fatal(err)
	}
	batch, err := abi.ParseBatch(l.builder.AppendTo(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestStagesSeeTheSourceIfTheyWant(t *testing.T) {
	whole := Result{Batch: polled(t)}
	for name, c := range map[string]struct {
		in   Result
		want int64 // the partition of the first record
	}{
		"first link":    {whole, 0},
		"a window":      {whole.Window(1, 2), 1},
		"a second link": {compose(whole, Result{Batch: answer(t, 1)}), 1},
		"a third link":  {compose(compose(whole, Result{Batch: answer(t, 1)}), Result{Batch: answer(t, 0)}), 1},
	} {
		batch := given(t, true, c.in)
		e := batch.Entry(0)
		offset, _ := e.SourceOffset()
		partition := batch.Partition(int(e.SourcePartition()))
		for what, v := range map[string]abi.Value{"partition": partition, "offset": offset} {
			if p, ok := v.Get("p"); !ok || p.Int64() != c.want {
				t.Errorf("%s: %s %d, want %d", name, what, p.Int64(), c.want)
			}
		}
		unasked := given(t, false, c.in)
		if _, has := unasked.Entry(0).SourceOffset(); has || unasked.Entry(0).SourcePartition() != abi.None {
			t.Errorf("%s: a stage that does not ask was told the source", name)
		}
	}
}
