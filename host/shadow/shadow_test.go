package shadow

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
)

// until waits for a condition; the time is there to end a broken test, not to measure.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func batchOf(records int) func() []byte {
	return func() []byte {
		var b abi.BatchBuilder
		for range records {
			b.Add(&abi.RecordFields{Topic: b.AddTopic("t"), Partition: -1, Offset: -1, Timestamp: abi.NoTimestamp,
				SourcePartition: abi.None, Key: abi.Cell{Schema: abi.None}, Value: abi.Cell{Schema: abi.None}})
		}
		return b.AppendTo(nil)
	}
}

var oneStage = []pipeline.Stage{{Stage: abi.Stage{Kind: abi.KindTransform, Alias: "a"}}}

// Whatever the shadow does, who offers goes on: what finds no room is counted and not even copied.
func TestOfferNeverWaits(t *testing.T) {
	release := make(chan struct{})
	s := Run(Config{Live: oneStage, Candidate: oneStage,
		Start: func(ctx context.Context, _ pipeline.Group, _ *atomic.Int64) (*pipeline.Link, error) {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil, errors.New("refused")
		}})
	copies := 0
	for range host.ShadowQueueBatches + 3 {
		s.Offer(7, func() []byte { copies++; return batchOf(7)() })
	}
	if r := s.Report(); copies != host.ShadowQueueBatches || r.Dropped != 3*7 || r.State != host.ShadowStarting {
		t.Errorf("%d copies, %+v", copies, r)
	}
	close(release)
	until(t, "the shadow has failed and counts what it was given", func() bool {
		r := s.Report()
		return r.State == host.ShadowFailed && strings.Contains(r.Problem, "refused") &&
			r.Dropped == (host.ShadowQueueBatches+3)*7
	})
	s.Offer(5, batchOf(5))
	until(t, "what comes later counts as dropped", func() bool {
		return s.Report().Dropped == (host.ShadowQueueBatches+3)*7+5
	})
	s.Stop()
}

// change makes another record of one.
type change func(*abi.BatchBuilder, *abi.RecordFields)

func record(t *testing.T, apply change) *abi.Batch {
	t.Helper()
	var b abi.BatchBuilder
	r := abi.RecordFields{Topic: b.AddTopic("t"), Partition: 1, Offset: 5, Timestamp: 9, SourcePartition: abi.None,
		Key: abi.Cell{Schema: abi.None}, Value: abi.Cell{Schema: abi.None, Tag: abi.TagRaw, Bytes: []byte("v")}}
	apply(&b, &r)
	b.Add(&r)
	batch, err := abi.ParseBatch(b.AppendTo(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &batch
}

func text(s string, schema uint32) abi.Cell {
	return abi.Cell{Tag: abi.TagString, Bytes: []byte(s), Schema: schema}
}

func TestWhatCountsAsTheSameRecord(t *testing.T) {
	header := func(value string) change {
		return func(_ *abi.BatchBuilder, r *abi.RecordFields) {
			r.Headers = []abi.Header{{Key: []byte("h"), Schema: abi.None, Tag: abi.TagRaw, Value: []byte(value)}}
		}
	}
	schema := func(before int, s abi.Schema) change {
		return func(b *abi.BatchBuilder, r *abi.RecordFields) {
			for range before { // so that its number is another one
				b.AddSchema(abi.AppendSchema(nil, &abi.Schema{Type: abi.TypeInt8}))
			}
			r.Value = text("x", b.AddSchema(abi.AppendSchema(nil, &s)))
		}
	}
	declared := func(before int, s abi.Schema) change {
		return func(b *abi.BatchBuilder, r *abi.RecordFields) {
			schema(before, s)(b, r)
			r.Headers = []abi.Header{{Key: []byte("h"), Schema: r.Value.Schema, Tag: abi.TagString, Value: []byte("x")}}
			r.Value = text("x", abi.None)
		}
	}
	plain, optional := abi.Schema{Type: abi.TypeString}, abi.Schema{Type: abi.TypeString, Optional: true}
	none := func(*abi.BatchBuilder, *abi.RecordFields) {}
	null := func(_ *abi.BatchBuilder, r *abi.RecordFields) { r.Value = abi.Cell{Schema: abi.None} }
	schemaless := func(_ *abi.BatchBuilder, r *abi.RecordFields) { r.Value = text("x", abi.None) }
	for name, c := range map[string]struct {
		a, b change
		same bool
	}{
		"as it is":         {none, none, true},
		"offset in Kafka":  {none, func(_ *abi.BatchBuilder, r *abi.RecordFields) { r.Offset = 6 }, true},
		"topic":            {none, func(b *abi.BatchBuilder, r *abi.RecordFields) { r.Topic = b.AddTopic("u") }, false},
		"partition":        {none, func(_ *abi.BatchBuilder, r *abi.RecordFields) { r.Partition = 2 }, false},
		"timestamp":        {none, func(_ *abi.BatchBuilder, r *abi.RecordFields) { r.Timestamp = 8 }, false},
		"value":            {none, func(_ *abi.BatchBuilder, r *abi.RecordFields) { r.Value.Bytes = []byte("w") }, false},
		"null":             {none, null, false},
		"a header more":    {none, header("x"), false},
		"header":           {header("x"), header("y"), false},
		"same header":      {header("x"), header("x"), true},
		"header's schema":  {declared(0, plain), declared(0, optional), false},
		"its number":       {declared(0, plain), declared(1, plain), true},
		"schema's number":  {schema(0, plain), schema(1, plain), true},
		"schema":           {schema(0, plain), schema(0, optional), false},
		"with and without": {schema(0, plain), schemaless, false},
	} {
		if got := sameRecord(record(t, c.a), 0, record(t, c.b), 0, &dictionaries{}); got != c.same {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	long := []byte(`{"text":"` + strings.Repeat("ä", host.ShadowDatumBytesMax) + `"}`)
	short := cut(long)
	if len(short) > 2*host.ShadowDatumBytesMax || !strings.Contains(string(short), "bytes of JSON, beginning with") {
		t.Errorf("%d bytes: %.80s", len(short), short)
	}
	if same := []byte(`{"text":"a"}`); string(cut(same)) != string(same) {
		t.Errorf("a short text became %s", cut(same))
	}
}
