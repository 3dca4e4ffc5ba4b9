package kafka

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

func TestTakeIsBoundByRecordsAndBytes(t *testing.T) {
	large := make([]byte, host.BatchBytesMax/2)
	for _, c := range []struct {
		limit  int
		values [][]byte
		want   int
	}{
		{3, [][]byte{nil, nil, nil, nil}, 3},
		{9, [][]byte{nil, nil}, 2},
		{0, [][]byte{nil, nil}, 1},
		{9, [][]byte{large, large, nil, large}, 3},
		{9, [][]byte{make([]byte, 2*host.BatchBytesMax), nil}, 1},
	} {
		consumer := &Consumer{asked: true}
		for i, value := range c.values {
			consumer.ready = append(consumer.ready, &kgo.Record{Topic: "t", Offset: int64(i), Value: value})
		}
		taken := consumer.take(c.limit)
		if len(taken) != c.want || len(consumer.ready) != len(c.values)-c.want {
			t.Fatalf("took %d and left %d of %d, want %d", len(taken), len(consumer.ready), len(c.values), c.want)
		}
		for i, r := range taken {
			if r.Offset != int64(i) || len(r.Value) != len(c.values[i]) {
				t.Errorf("record %d: %+v", i, r)
			}
		}
	}
}

// What a Send took of the buffer is given back, whether it was taken for all records together or for each.
func TestBufferIsGivenBack(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	topic := newTopic(t, addr, 2)
	for _, memory := range []string{"33554432", "3000"} {
		p := newProducerFor(t, newClients(t, addr, map[string]string{"producer.buffer.memory": memory}))
		for from := range 20 {
			for i, err := range send(t, p, numbered(topic, int32(from%2), from*10, from*10+10)) {
				if err != nil {
					t.Fatalf("record %d: %v", i, err)
				}
			}
		}
		errs := send(t, p, []host.ProducerRecord{{Topic: topic, Partition: 7, TimestampMs: abi.NoTimestamp}})
		if errs[0] == nil || errors.Is(errs[0], ErrClosed) {
			t.Errorf("a partition that is not there: %v", errs[0])
		}
		p.Close() // returns when the last answers have been dealt with
		if used := p.(*Producer).buffer.used.Load(); used != 0 {
			t.Errorf("buffer.memory=%s: %d bytes are still taken", memory, used)
		}
	}
}

// Who wants to know where a record lies finds it noted once the record is acknowledged.
func TestOffsetsAreNotedWhereTheyAreWanted(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	topic := newTopic(t, addr, 1)
	p := newProducerFor(t, newClients(t, addr, nil))
	for round := range int64(3) {
		records, offsets := numbered(topic, 0, 0, 10), make([]int64, 10)
		if round != 1 { // the memory of a Send that wanted none is used again
			for i := range records {
				records[i].Offset = &offsets[i]
			}
		}
		for i, err := range send(t, p, records) {
			if want := round*10 + int64(i); err != nil || round != 1 && offsets[i] != want {
				t.Errorf("round %d, record %d: %v, offset %d, want %d", round, i, err, offsets[i], want)
			}
		}
	}
}

func BenchmarkTake(b *testing.B) {
	const records = 4000
	polled := make([]*kgo.Record, records)
	for i := range polled {
		polled[i] = &kgo.Record{Topic: "t", Value: make([]byte, 100)}
	}
	c := &Consumer{asked: true}
	b.ReportAllocs()
	for b.Loop() {
		c.ready = polled
		if n := len(c.take(records)); n != records {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}

func BenchmarkFill(b *testing.B) {
	records := make([]host.ProducerRecord, 2000)
	for i := range records {
		records[i] = host.ProducerRecord{Topic: "t", Partition: -1, TimestampMs: 1, Value: make([]byte, 100)}
	}
	s := newSent(nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		s.fill(records)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(records)), "ns/record")
}
