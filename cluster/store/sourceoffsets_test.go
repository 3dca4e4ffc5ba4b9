package store

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/host"
)

func offset(partition, offset string) host.SourceOffset {
	o := host.SourceOffset{Partition: []byte(partition)}
	if offset != "" {
		o.Offset = []byte(offset)
	}
	return o
}

func offsetTexts(offsets []host.SourceOffset) string {
	var texts []string
	for _, o := range offsets {
		texts = append(texts, string(o.Partition)+string(o.Offset))
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

// offsetTopicsOf runs the worker's store.
func offsetTopicsOf(t *testing.T, worker map[string]string) (*OffsetTopics, *kafka.Clients, *OffsetStore) {
	t.Helper()
	clients, err := kafka.NewClients(worker, discard())
	if err != nil {
		t.Fatal(err)
	}
	shared, err := NewOffsetStore(worker, discard())
	start(t, shared, err)
	return NewOffsetTopics(worker, clients, shared, discard()), clients, shared
}

// TestOffsetsInATopicOfTheConnectorsOwn: the offsets API, and tasks, see the connector's topic before the worker's, and
// write to both; what is deleted is deleted in both.
func TestOffsetsInATopicOfTheConnectorsOwn(t *testing.T) {
	for _, support := range []string{"disabled", "enabled"} {
		t.Run(support, func(t *testing.T) {
			worker := workerFor(t, brokertest.Bootstrap(t))
			worker["exactly.once.source.support"] = support
			topics, _, shared := offsetTopicsOf(t, worker)
			ctx, own := within(t), brokertest.Name(t, "own")
			err := shared.Store(ctx, "c", []host.SourceOffset{offset(`{"p":1}`, `{"o":1}`), offset(`{"p":2}`, `{"o":1}`)})
			if err != nil {
				t.Fatal(err)
			}
			c := config("offsets.storage.topic", own)
			if err := topics.Of("c", c).Store(ctx, []host.SourceOffset{offset(`{"p":1}`, `{"o":5}`)}); err != nil {
				t.Fatal(err)
			}
			listed, err := topics.Of("c", c).List(ctx)
			if got := offsetTexts(listed); err != nil || got != `{"p":1}{"o":5} {"p":2}{"o":1}` {
				t.Errorf("listed %s, %v", got, err)
			}
			behind, err := shared.Load(ctx, "c")
			if got := offsetTexts(behind); err != nil || got != `{"p":1}{"o":5} {"p":2}{"o":1}` {
				t.Errorf("the worker's topic has %s, %v", got, err)
			}
			stored, err := topics.read(ctx, host.TaskID{Connector: "c"}, c, own)
			if err != nil || offsetTexts(stored.reader.list("c")) != `{"p":1}{"o":5}` {
				t.Errorf("the connector's topic holds %s, %v", offsetTexts(stored.reader.list("c")), err)
			}
			gone := []host.SourceOffset{offset(`{"p":1}`, ""), offset(`{"p":2}`, "")}
			if err := topics.Of("c", c).Store(ctx, gone); err != nil {
				t.Fatal(err)
			}
			left, err := topics.Of("c", c).Load(ctx)
			behind, err2 := shared.Load(ctx, "c")
			if err := errors.Join(err, err2); err != nil || len(left)+len(behind) > 0 {
				t.Errorf("left %s, behind %s, %v", offsetTexts(left), offsetTexts(behind), err)
			}
		})
	}
}

// TestTaskOffsetsInATopicOfTheConnectorsOwn is about tasks without transactions, whose producer writes them.
func TestTaskOffsetsInATopicOfTheConnectorsOwn(t *testing.T) {
	worker := workerFor(t, brokertest.Bootstrap(t))
	topics, clients, shared := offsetTopicsOf(t, worker)
	ctx, own, id := within(t), brokertest.Name(t, "own"), host.TaskID{Connector: "c"}
	producer, err := clients.Producer(id, config())
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	store, err := topics.Open(ctx, id, config(), own, producer)
	if err == nil {
		err = store.Store(ctx, "c", []host.SourceOffset{offset(`{"p":1}`, `{"o":1}`)})
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := topics.Open(ctx, id, config(), own, producer)
	if err != nil {
		t.Fatal(err)
	}
	found, err := again.Load(ctx, "c")
	behind, err2 := shared.Load(ctx, "c")
	if err := errors.Join(err, err2); err != nil || offsetTexts(found) != `{"p":1}{"o":1}` || len(behind) != 1 {
		t.Errorf("found %s, behind %s, %v", offsetTexts(found), offsetTexts(behind), err)
	}
	same, err := topics.Open(ctx, id, config(), worker["offset.storage.topic"], producer)
	if err != nil || same != shared {
		t.Errorf("the worker's topic as the connector's own is %v, %v", same, err)
	}
}

// TestAlteringFencesTheFirstTask: a producer of the first task that is still open commits nothing afterwards.
func TestAlteringFencesTheFirstTask(t *testing.T) {
	worker := workerFor(t, brokertest.Bootstrap(t))
	worker["exactly.once.source.support"] = "enabled"
	topics, clients, shared := offsetTopicsOf(t, worker)
	ctx := within(t)
	zombie, err := clients.TransactionalProducer(ctx, host.TaskID{Connector: "c"}, config())
	if err == nil {
		defer zombie.Close()
		err = zombie.Begin()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := topics.Of("c", config()).Store(ctx, []host.SourceOffset{offset(`{"p":1}`, `{"o":7}`)}); err != nil {
		t.Fatal(err)
	}
	stored, err := topics.read(ctx, host.TaskID{Connector: "c"}, config(), "")
	if err == nil {
		err = stored.write(ctx, []host.SourceOffset{offset(`{"p":1}`, `{"o":3}`)}, zombie.Commit)
	}
	if err == nil {
		t.Error("a producer that was fenced has committed")
	}
	left, err := shared.Load(ctx, "c")
	if got := offsetTexts(left); err != nil || got != `{"p":1}{"o":7}` {
		t.Errorf("stored %s, %v", got, err)
	}
}
