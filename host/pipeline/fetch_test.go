package pipeline

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

func randomBytes(rnd *rand.Rand) []byte {
	switch rnd.IntN(4) {
	case 0:
		return nil
	case 1:
		return []byte{}
	}
	b := make([]byte, rnd.IntN(200))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// What is written into guest memory is a batch that any reader takes, and says of every record what Kafka said.
func TestFetchIsABatch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	topics := []string{"orders", "", "übersicht", "a-topic-with-a-longer-name"}
	for range 100 {
		records := make([]host.ConsumerRecord, rnd.IntN(50))
		for i := range records {
			r := &records[i]
			*r = host.ConsumerRecord{Topic: topics[rnd.IntN(len(topics))], Partition: rnd.Int32N(9), Offset: rnd.Int64(),
				TimestampMs: rnd.Int64N(1000) - 1, TimestampType: host.TimestampType(rnd.IntN(3)),
				Key: randomBytes(rnd), Value: randomBytes(rnd)}
			for range rnd.IntN(3) {
				r.Headers = append(r.Headers, host.Header{Key: topics[rnd.IntN(4)], Value: randomBytes(rnd)})
			}
		}
		f := NewFetch(records)
		dst := bytes.Repeat([]byte{0xAA}, f.Size()) // stale bytes of earlier events
		f.WriteTo(dst)
		batch, err := abi.ParseBatch(dst, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.ValidateValues(); err != nil {
			t.Fatal(err)
		}
		if batch.Len() != len(records) || batch.InputCount() != len(records) {
			t.Fatalf("%d of %d records", batch.Len(), len(records))
		}
		for i := range records {
			compareRecord(t, &batch, i, &records[i])
		}
	}
}

func compareRecord(t *testing.T, batch *abi.Batch, i int, r *host.ConsumerRecord) {
	t.Helper()
	e := batch.Entry(i)
	timestamp := r.TimestampMs
	if timestamp == -1 {
		timestamp = abi.NoTimestamp
	}
	if batch.Topic(int(e.Topic())) != r.Topic || e.Partition() != r.Partition || e.Offset() != r.Offset ||
		e.Timestamp() != timestamp || e.TimestampType() != uint8(r.TimestampType) || int(e.Origin()) != i {
		t.Fatalf("record %d differs from %+v", i, r)
	}
	compareCell(t, e.Key().Tag, e.Key().Bytes, r.Key)
	compareCell(t, e.Value().Tag, e.Value().Bytes, r.Value)
	k := 0
	for h := range e.Headers() {
		if string(h.Key) != r.Headers[k].Key {
			t.Fatalf("header %q, want %q", h.Key, r.Headers[k].Key)
		}
		compareCell(t, h.Tag, h.Value, r.Headers[k].Value)
		k++
	}
	if k != len(r.Headers) {
		t.Fatalf("%d headers of %d", k, len(r.Headers))
	}
}

func compareCell(t *testing.T, tag abi.Tag, got, want []byte) {
	t.Helper()
	if (tag == abi.TagNull) != (want == nil) || !bytes.Equal(got, want) {
		t.Fatalf("%v %q, want %q", tag, got, want)
	}
}

func TestProducerRecordsAreViewsOfTheBatch(t *testing.T) {
	var b abi.BatchBuilder
	topic := b.AddTopic("t")
	b.Add(&abi.RecordFields{Topic: topic, Partition: 3, Timestamp: 5, Offset: -1, SourcePartition: abi.None,
		Key:     abi.Cell{Schema: abi.None},
		Value:   abi.Cell{Schema: abi.None, Tag: abi.TagRaw, Bytes: []byte("v")},
		Headers: []abi.Header{{Key: []byte("h"), Schema: abi.None, Tag: abi.TagRaw, Value: []byte("x")}}})
	b.Add(&abi.RecordFields{Topic: topic, Origin: 1, SourcePartition: abi.None, Key: abi.Cell{Schema: abi.None},
		Value: abi.Cell{Schema: abi.None, Tag: abi.TagString, Bytes: []byte("not serialised")}})
	batch, err := abi.ParseBatch(b.AppendTo(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	records, err := AppendProducerRecords(nil, &batch, 0, 1)
	if err != nil || len(records) != 1 {
		t.Fatalf("%v, %v", records, err)
	}
	r := records[0]
	if r.Topic != "t" || r.Partition != 3 || r.TimestampMs != 5 || r.Key != nil || string(r.Value) != "v" ||
		len(r.Headers) != 1 || r.Headers[0].Key != "h" || string(r.Headers[0].Value) != "x" {
		t.Fatalf("%+v", r)
	}
	if _, err := AppendProducerRecords(nil, &batch, 1, 2); err == nil {
		t.Fatal("a value that no converter serialised was taken")
	}
}

func TestGroupsAreAdjacentStagesOfOneModule(t *testing.T) {
	var stages []Stage
	for _, digest := range []string{"a", "a", "b", "a", "c", "c"} {
		s := Stage{}
		s.Found.Digest = digest
		stages = append(stages, s)
	}
	var got []int
	for _, g := range Groups(stages, false) {
		got = append(got, len(g.Stages))
	}
	if len(got) != 4 || got[0] != 2 || got[1] != 1 || got[2] != 1 || got[3] != 2 {
		t.Fatalf("%v", got)
	}
}

func TestAConnectorApartHasItsOwnInstance(t *testing.T) {
	for _, kinds := range [][]string{{abi.KindSource, abi.KindTransform, abi.KindTransform},
		{abi.KindTransform, abi.KindTransform, abi.KindSink}, {abi.KindSink}} {
		var stages []Stage
		for _, kind := range kinds {
			stages = append(stages, Stage{Stage: abi.Stage{Kind: kind}})
		}
		if n := len(Groups(stages, false)); n != 1 {
			t.Errorf("%v: %d groups", kinds, n)
		}
		groups := Groups(stages, true)
		for _, g := range groups {
			for _, s := range g.Stages {
				if s.IsConnector() && len(g.Stages) > 1 {
					t.Errorf("%v: %d stages with the connector", kinds, len(g.Stages))
				}
			}
		}
		if len(groups) > 2 {
			t.Errorf("%v: %d groups", kinds, len(groups))
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	records := make([]host.ConsumerRecord, 1000)
	for i := range records {
		records[i] = host.ConsumerRecord{Topic: "t", Offset: int64(i), Value: make([]byte, 100)}
	}
	dst := make([]byte, NewFetch(records).Size())
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		NewFetch(records).WriteTo(dst)
	}
}

func BenchmarkProducerRecords(b *testing.B) {
	const records = 2000
	var builder abi.BatchBuilder
	fields := abi.RecordFields{Topic: builder.AddTopic("t"), Partition: -1, Offset: -1, SourcePartition: abi.None,
		Key: abi.Cell{Schema: abi.None}, Value: abi.Cell{Schema: abi.None, Tag: abi.TagRaw, Bytes: make([]byte, 100)}}
	for range records {
		builder.Add(&fields)
	}
	batch, err := abi.ParseBatch(builder.AppendTo(nil), nil)
	if err != nil {
		b.Fatal(err)
	}
	var out []host.ProducerRecord
	b.ReportAllocs()
	for b.Loop() {
		if out, err = AppendProducerRecords(out[:0], &batch, 0, records); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}
