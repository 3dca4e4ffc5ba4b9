package kafka

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
)

// TestFencedProducersWriteNoMore: a transaction that was open is over, and its producer is told so.
func TestFencedProducersWriteNoMore(t *testing.T) {
	bootstrap, id, topic := brokertest.Bootstrap(t), brokertest.Name(t, "group-c-0"), brokertest.Name(t, "fenced")
	admin := newAdminFor(t, bootstrap)
	if err := admin.CreateTopic(t.Context(), topic, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	zombie, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.TransactionalID(id), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer zombie.Close()
	if err := zombie.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	write := func() error { return zombie.ProduceSync(t.Context(), kgo.StringRecord("x")).FirstErr() }
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if err := admin.FenceProducers(t.Context(), []string{id, brokertest.Name(t, "nobody")}); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(write(), zombie.EndTransaction(t.Context(), kgo.TryCommit))
	if !errors.Is(err, kerr.InvalidProducerEpoch) && !errors.Is(err, kerr.ProducerFenced) {
		t.Errorf("a fenced producer's transaction ended with: %v", err)
	}
}
