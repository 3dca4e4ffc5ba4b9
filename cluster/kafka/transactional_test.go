package kafka

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

func openTransactional(t *testing.T, clients *Clients, id host.TaskID, config host.Config) *TransactionalProducer {
	t.Helper()
	p, err := clients.TransactionalProducer(within(t), id, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func valueRecord(topic, value string) []host.ProducerRecord {
	return []host.ProducerRecord{{Topic: topic, Partition: -1, TimestampMs: abi.NoTimestamp, Value: []byte(value)}}
}

// committedValues reads a topic of one partition up to a record that is committed last.
func committedValues(t *testing.T, addr, topic, last string) string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var values []string
	for len(values) == 0 || values[len(values)-1] != last {
		fetches := client.PollFetches(within(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return strings.Join(values, " ")
}

// TestTransactionsCommitRecordsAndOffsetsTogether: what was aborted, and what a producer left open whose successor has
// come, no consumer of committed records sees.
func TestTransactionsCommitRecordsAndOffsetsTogether(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	topic, offsets := newTopic(t, addr, 1), newTopic(t, addr, 1)
	clients := newClients(t, addr, map[string]string{"group.id": brokertest.Name(t, "w")})
	id := host.TaskID{Connector: "c", Task: 3}
	p := openTransactional(t, clients, id, nil)
	begin := func(p *TransactionalProducer, value string) {
		t.Helper()
		if err := p.Begin(); err != nil {
			t.Fatal(err)
		}
		if err := send(t, p, valueRecord(topic, value))[0]; err != nil {
			t.Fatal(err)
		}
	}
	commit := func(p *TransactionalProducer, offset string) error {
		return p.Commit(within(t), &kgo.Record{Topic: offsets, Key: []byte("k"), Value: []byte(offset)})
	}
	begin(p, "a")
	if err := commit(p, "1"); err != nil {
		t.Fatal(err)
	}
	begin(p, "aborted")
	if err := p.Abort(within(t)); err != nil {
		t.Fatal(err)
	}
	begin(p, "zombie's")
	next := openTransactional(t, clients, id, nil)
	err := commit(p, "2")
	if !errors.Is(err, kerr.InvalidProducerEpoch) && !errors.Is(err, kerr.ProducerFenced) {
		t.Errorf("a fenced producer commits with: %v", err)
	}
	_ = p.Abort(within(t)) // it may fail; it must not take the id back
	begin(next, "b")
	if err := commit(next, "3"); err != nil {
		t.Fatal(err)
	}
	if got := committedValues(t, addr, topic, "b"); got != "a b" {
		t.Errorf("committed records: %s", got)
	}
	if got := committedValues(t, addr, offsets, "3"); got != "1 3" {
		t.Errorf("committed offsets: %s", got)
	}
}

func TestTransactionsNeedAllAcks(t *testing.T) {
	clients := newClients(t, "localhost:1", nil)
	one := config("producer.override.acks", "1")
	_, err := clients.TransactionalProducer(t.Context(), host.TaskID{Connector: "c"}, one)
	if !errors.Is(err, host.ErrBadRequest) || !strings.Contains(err.Error(), "acks") {
		t.Errorf("acks=1: %v", err)
	}
}

// TestFencedProducersLearnOfIt: of its first record in a transaction as of any other.
func TestFencedProducersLearnOfIt(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	topic := newTopic(t, addr, 1)
	clients := newClients(t, addr, map[string]string{"group.id": brokertest.Name(t, "w")})
	id := host.TaskID{Connector: "c"}
	p := openTransactional(t, clients, id, nil)
	if err := p.Begin(); err != nil {
		t.Fatal(err)
	}
	openTransactional(t, clients, id, nil)
	err := send(t, p, valueRecord(topic, "zombie's"))[0]
	if !errors.Is(err, kerr.InvalidProducerEpoch) && !errors.Is(err, kerr.ProducerFenced) {
		t.Errorf("a fenced producer sends with: %v", err)
	}
}
