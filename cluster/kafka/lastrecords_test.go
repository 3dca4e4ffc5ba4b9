package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/host"
)

func TestLastRecordsOfATopic(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	clients, broker := newClients(t, addr, nil), kafkatest.Open(t, addr)
	topic := newTopic(t, addr, 3)
	if last, err := clients.Last(t.Context(), config(), topic, 5, 1<<20); err != nil || len(last) != 0 {
		t.Errorf("an empty topic: %v, %v", last, err)
	}
	for i := range 20 { // one partition stays empty
		broker.Produce(t, kafkatest.Record{Topic: topic, Partition: int32(i % 2), Timestamp: int64(1000 + i),
			Value: fmt.Appendf(nil, "%02d", i)})
	}
	for _, c := range []struct {
		n, bytes int
		want     string
	}{
		{1, 1 << 20, "19"},
		{3, 1 << 20, "17 18 19"},
		{3, 5, "18 19"},
		{100, 1 << 20, "00 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19"},
	} {
		last, err := clients.Last(t.Context(), config(), topic, c.n, c.bytes)
		var values []string
		for _, r := range last {
			values = append(values, string(r.Value))
		}
		if err != nil || strings.Join(values, " ") != c.want {
			t.Errorf("the last %d of at most %d bytes: %v, %v", c.n, c.bytes, values, err)
		}
	}
	_, err := clients.Last(t.Context(), config(), brokertest.Name(t, "gone"), 1, 1<<20)
	if !errors.Is(err, host.ErrNotFound) {
		t.Errorf("no such topic: %v", err)
	}
}

// What a transaction leaves at the end of a log, or what compaction takes from it, keeps nobody waiting for ever.
func TestLastRecordsBehindAnAbortedTransaction(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	clients, broker := newClients(t, addr, nil), kafkatest.Open(t, addr)
	topic := newTopic(t, addr, 1)
	broker.Produce(t, kafkatest.Record{Topic: topic, Value: []byte("seen")})
	id := host.TaskID{Connector: brokertest.Name(t, "c")}
	producer := openTransactional(t, clients, id, config())
	if err := errors.Join(producer.Begin(), producer.Send(t.Context(), valueRecord(topic, "aborted"), func(int, error) {}),
		producer.Abort(t.Context())); err != nil {
		t.Fatal(err)
	}
	last, err := clients.Last(t.Context(), config(), topic, 5, 1<<20)
	if err != nil || len(last) != 1 || !slices.Equal(last[0].Value, []byte("seen")) {
		t.Errorf("%v, %v", last, err)
	}
}
