package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/host"
)

// A producer has records in its buffer when its worker loses its work: they do not go out any more.
func TestFencedWorkersSendNothingThatIsBuffered(t *testing.T) {
	bootstrap, topic := brokertest.Bootstrap(t), brokertest.Name(t, "fenced")
	broker := kafkatest.Open(t, bootstrap)
	broker.CreateTopic(t, topic, 1)
	clients, err := NewClients(map[string]string{"bootstrap.servers": bootstrap, "producer.linger.ms": "500"},
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var fenced atomic.Bool
	tried := make(chan struct{}, 1)
	clients.Fence(func() bool {
		if fenced.Load() {
			select {
			case tried <- struct{}{}:
			default:
			}
		}
		return fenced.Load()
	})
	producer, err := clients.Producer(host.TaskID{Connector: "c"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	send := func(value string) chan error {
		acks := make(chan error, 1)
		records := []host.ProducerRecord{{Topic: topic, Value: []byte(value)}}
		if err := producer.Send(t.Context(), records, func(_ int, err error) { acks <- err }); err != nil {
			t.Fatal(err)
		}
		return acks
	}
	if err := <-send("before"); err != nil {
		t.Fatal(err)
	}
	late := send("after")
	fenced.Store(true)
	<-tried
	producer.Close()
	if err := <-late; err == nil {
		t.Error("the record was acknowledged")
	}
	if n := broker.Count(t, topic); n != 1 {
		t.Errorf("%d records were written, want 1", n)
	}
	_, err = fencedDialer{fenced: fenced.Load}.dial(context.Background(), "tcp", bootstrap)
	if !errors.Is(err, errFenced) {
		t.Errorf("dialling ended with %v", err)
	}
}
