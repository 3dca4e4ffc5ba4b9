package store

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

func withQuirks(worker map[string]string) map[string]string {
	worker[host.KafkaQuirksKey] = "true"
	return worker
}

// TestDeletionsInAHashMapsOrder: with quirks a deletion has the key of Connect's offsets API, whatever is stored, and
// the partition is listed no more, though its offset stays. Anything else has the key that is stored.
func TestDeletionsInAHashMapsOrder(t *testing.T) {
	for _, c := range []struct{ stored, offset, key, keyAsKafka, left, leftAsKafka string }{
		{`{"z":1,"a":2}`, "", `["c",{"z":1,"a":2}]`, `["c",{"a":2,"z":1}]`, ``, `{"z":1,"a":2}{"p":1}`},
		{`{"a":2,"z":1}`, "", `["c",{"a":2,"z":1}]`, `["c",{"a":2,"z":1}]`, ``, ``},
		{`{}`, "", `["c",{}]`, `["c",{}]`, ``, ``},
		{`{"z":1,"a":2}`, `{"p":2}`, `["c",{"z":1,"a":2}]`, `["c",{"z":1,"a":2}]`, `{"z":1,"a":2}{"p":2}`,
			`{"z":1,"a":2}{"p":2}`},
	} {
		for quirks, want := range map[bool][2]string{false: {c.key, c.left}, true: {c.keyAsKafka, c.leftAsKafka}} {
			worker := map[string]string{}
			if quirks {
				withQuirks(worker)
			}
			reader := newOffsetReader(worker, slog.New(slog.DiscardHandler))
			reader.apply(&kgo.Record{Key: []byte(`["c",` + c.stored + `]`), Value: []byte(`{"p":1}`)})
			change := offset(c.stored, c.offset)
			key, err := reader.keyFor("c", change)
			if err != nil || string(key) != want[0] {
				t.Errorf("quirks %t: %s is written to %s, %v, want %s", quirks, c.stored, key, err, want[0])
			}
			reader.apply(&kgo.Record{Key: key, Value: change.Offset, Offset: 1})
			if left := offsetTexts(reader.list("c")); left != want[1] {
				t.Errorf("quirks %t: left %q, want %q", quirks, left, want[1])
			}
			if shown := reader.shown("c"); (len(shown) == 0) != (c.offset == "") {
				t.Errorf("quirks %t: %s is listed as %s", quirks, c.stored, offsetTexts(shown))
			}
			reader.apply(&kgo.Record{Key: []byte(`["c",` + c.stored + `]`), Value: []byte(`{"p":3}`), Offset: 2})
			if shown := reader.shown("c"); len(shown) != 1 {
				t.Errorf("quirks %t: %s that was written again is listed as %s", quirks, c.stored, offsetTexts(shown))
			}
		}
	}
}

// TestDeletingBehindATopicOfTheConnectorsOwn: with quirks and transactions what is deleted stays in the connector's
// topic, and the request does not end by itself.
func TestDeletingBehindATopicOfTheConnectorsOwn(t *testing.T) {
	worker := withQuirks(workerFor(t, brokertest.Bootstrap(t)))
	worker["exactly.once.source.support"] = "enabled"
	topics, _, shared := offsetTopicsOf(t, worker)
	ctx, c := within(t), config("offsets.storage.topic", brokertest.Name(t, "own"))
	both := []host.SourceOffset{offset(`{"p":1}`, `{"o":5}`), offset(`{"p":2}`, `{"o":6}`)}
	if err := topics.Of("c", c).Store(ctx, both); err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	changes := []host.SourceOffset{offset(`{"p":1}`, ""), offset(`{"p":2}`, `{"o":7}`)}
	if err := topics.Of("c", c).Store(brief, changes); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deleting ends with %v", err)
	}
	left, err := topics.Of("c", c).Load(ctx)
	behind, err2 := shared.Load(ctx, "c")
	got := strings.Join([]string{offsetTexts(left), offsetTexts(behind)}, "; ")
	if err := errors.Join(err, err2); err != nil || got != `{"p":1}{"o":5} {"p":2}{"o":6}; {"p":2}{"o":6}` {
		t.Errorf("left %s, %v", got, err)
	}
}
