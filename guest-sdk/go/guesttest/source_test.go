package guesttest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/guest-sdk/go/guesttest"
)

// feed is a source whose polls a test hands in; it notes what it was told.
type feed struct {
	polls     chan func() ([]*guest.Record, error)
	durable   chan []string
	committed chan []string
}

func newFeed() *feed {
	return &feed{make(chan func() ([]*guest.Record, error)), make(chan []string, 9), make(chan []string, 9)}
}

func (f *feed) Start(context.Context, guest.Config) error { return nil }

func (f *feed) Poll(ctx context.Context) ([]*guest.Record, error) {
	select {
	case poll := <-f.polls:
		return poll()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func names(records []*guest.Record) []string {
	var list []string
	for _, r := range records {
		list = append(list, r.Value().(string))
	}
	return list
}

func (f *feed) Durable(_ context.Context, records []*guest.Record) error {
	f.durable <- names(records)
	return nil
}

func (f *feed) Commit(_ context.Context, records []*guest.Record) error {
	f.committed <- names(records)
	return nil
}

func (f *feed) give(values ...string) {
	f.polls <- func() ([]*guest.Record, error) {
		var records []*guest.Record
		for _, v := range values {
			r := guest.NewRecord("t")
			r.SetValue(nil, v)
			r.SourcePartition, r.SourceOffset = map[string]any{"p": "q"}, map[string]any{"at": v}
			records = append(records, r)
		}
		return records, nil
	}
}

// meddler changes all that it may, and tries to change what it may not.
type meddler struct{}

func (meddler) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	r.SourcePartition, r.SourceOffset = map[string]any{"other": true}, nil
	r.SetValue(nil, "changed")
	return guest.Keep, nil
}

func startFeed(t *testing.T, f *feed, more ...guest.Plugin) *guesttest.Task {
	plan := stage(abi.KindSource, "feed")
	for _, p := range more {
		plan.Stages = append(plan.Stages, abi.Stage{Kind: abi.KindTransform, Plugin: p.Class})
	}
	own := guest.Plugin{Class: "feed", NewSource: func() guest.Source { return f }}
	return guesttest.Start(t, plan, append(more, own)...)
}

func TestASourceIsToldOfItsOwnRecords(t *testing.T) {
	f := newFeed()
	task := startFeed(t, f, guest.Plugin{Class: "meddler", NewTransform: func() guest.Transform { return meddler{} }})
	for _, values := range [][]string{{"a", "b"}, {"c"}} {
		f.give(values...)
		task.Records()
	}
	task.Send(abi.EventDurable, abi.EncodeDurable([]int64{2, 1}))
	if got := <-f.durable; !slices.Equal(got, []string{"c"}) {
		t.Fatalf("durable first: %v", got)
	}
	if got := <-f.durable; !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("durable then: %v", got)
	}
	task.Send(abi.EventCommitted, abi.EncodeCommitted(1))
	task.Send(abi.EventCommitted, abi.EncodeCommitted(2))
	if got := slices.Concat(<-f.committed, <-f.committed); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Fatalf("committed: %v", got)
	}
	if err := task.Stop(); err != nil {
		t.Fatal(err)
	}
}

// placed is a source that wants to know where its records lie.
type placed struct {
	*feed
	offsets chan []int64
}

func (p placed) Durable(_ context.Context, records []*guest.Record) error {
	var offsets []int64
	for _, r := range records {
		offsets = append(offsets, r.Offset())
	}
	p.offsets <- offsets
	return nil
}

func TestASourceLearnsTheOffsetsThatItWants(t *testing.T) {
	p := placed{newFeed(), make(chan []int64, 9)}
	task := guesttest.Start(t, stage(abi.KindSource, "placed"), guest.Plugin{Class: "placed", WantsOffsets: true,
		NewSource: func() guest.Source { return p }})
	p.give("a", "b")
	task.Records()
	task.Send(abi.EventWritten, abi.EncodeWritten([]abi.Written{{Seq: 1, Offsets: []int64{7, abi.NotWritten}}, {Seq: 9}}))
	task.Send(abi.EventDurable, abi.EncodeDurable([]int64{1}))
	if got := <-p.offsets; !slices.Equal(got, []int64{7, abi.NotWritten}) {
		t.Fatalf("offsets %v", got)
	}
	if err := task.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestATransformCannotChangeTheSourceOffset(t *testing.T) {
	f := newFeed()
	task := startFeed(t, f, guest.Plugin{Class: "meddler", NewTransform: func() guest.Transform { return meddler{} }})
	f.give("a")
	batch := task.Records()
	e := batch.Entry(0)
	offset, _ := e.SourceOffset()
	if got := guesttest.TextOfValue(offset); got != `{"at": "a"}` || string(e.Value().Bytes) != "changed" {
		t.Fatalf("offset %s, value %s", got, e.Value().Bytes)
	}
}

// teller is a transform that puts where its record comes from into the value.
type teller struct{}

func (teller) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	r.SetValue(nil, fmt.Sprint(r.SourcePartition, r.SourceOffset))
	return guest.Keep, nil
}

func TestATransformReadsTheSourceThatTheHostGivesIt(t *testing.T) {
	task := guesttest.Start(t, stage(abi.KindTransform, "teller"), guest.Plugin{Class: "teller", WantsSource: true,
		NewTransform: func() guest.Transform { return teller{} }})
	var b abi.BatchBuilder
	at, err := abi.ToValue(map[string]any{"at": int32(7)})
	if err != nil {
		t.Fatal(err)
	}
	null := abi.Cell{Schema: abi.None}
	b.Add(&abi.RecordFields{Topic: b.AddTopic("t"), Key: null, Value: null, SourceOffset: abi.Block{Bytes: at.Payload},
		SourcePartition: b.AddPartition(at.Payload)})
	batch := task.Apply(&b)
	if got := string(batch.Entry(0).Value().Bytes); got != "map[at:7] map[at:7]" {
		t.Fatal(got)
	}
}

func TestARecordHasNoTopicUntilATransformSetsOne(t *testing.T) {
	f := newFeed()
	task := startFeed(t, f, guest.Plugin{Class: "router", NewTransform: func() guest.Transform { return router{} }})
	keyed := guest.NewRecord("")
	keyed.SetKey(nil, "k")
	f.polls <- func() ([]*guest.Record, error) { return []*guest.Record{keyed, guest.NewRecord("")}, nil }
	batch := task.Records()
	first, second := batch.Entry(0), batch.Entry(1)
	if first.Flags()&abi.FlagNoTopic != 0 || batch.Topic(int(first.Topic())) != "routed" {
		t.Errorf("the first has flags %d", first.Flags())
	}
	if second.Flags()&abi.FlagNoTopic == 0 {
		t.Errorf("the second has flags %d", second.Flags())
	}
}

// router gives records with a key a topic.
type router struct{}

func (router) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	if r.Key() != nil {
		r.Topic = "routed"
	}
	return guest.Keep, nil
}

func TestARetriablePollIsTriedAgain(t *testing.T) {
	f := newFeed()
	task := startFeed(t, f)
	f.polls <- func() ([]*guest.Record, error) { return nil, guest.Retriable(errors.New("not now")) }
	f.give("a")
	if batch := task.Records(); batch.Len() != 1 {
		t.Fatalf("%d records", batch.Len())
	}
	if logs := task.Logs(); len(logs) != 1 {
		t.Fatalf("logs %q", logs)
	}
}

func TestABrokenPollFailsTheTask(t *testing.T) {
	for name, c := range map[string]struct {
		poll func() ([]*guest.Record, error)
		code abi.Code
	}{
		"error": {func() ([]*guest.Record, error) { return nil, errors.New("gone") }, abi.CodeConnect},
		"panic": {func() ([]*guest.Record, error) { panic("gone") }, abi.CodeInternal},
	} {
		f := newFeed()
		task := startFeed(t, f)
		f.polls <- c.poll
		failure, err := abi.ParseFailure(task.Next(abi.MessageFailed).Body)
		if err != nil || failure.Code != c.code || failure.Stage != 0 || failure.Record != -1 {
			t.Errorf("%s: %+v, %v", name, failure, err)
		}
	}
}

// watcher asks for reconfiguration when the test says so.
type watcher struct{ changed chan struct{} }

func (w *watcher) Start(context.Context, guest.Config) error { return nil }

func (w *watcher) TaskConfigs(context.Context, int) ([]map[string]*string, error) { return nil, nil }

func (w *watcher) Watch(ctx context.Context, reconfigure func()) error {
	for {
		select {
		case <-w.changed:
			reconfigure()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestAWatcherAsksForReconfiguration(t *testing.T) {
	w := &watcher{make(chan struct{})}
	plan := stage(abi.KindSource, "feed")
	plan.Role = abi.RoleConnector
	task := guesttest.Start(t, plan, guest.Plugin{Class: "feed", Watches: true,
		NewSource: func() guest.Source { return newFeed() }, NewConnector: func() guest.Connector { return w }})
	w.changed <- struct{}{}
	task.Next(abi.MessageReconfigure)
	task.Send(abi.EventConfigs, abi.ConfigsRequest{MaxTasks: 1}.Encode())
	task.Next(abi.MessageConfigs)
	if err := task.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestUntouchedCellsAreNotWrittenAgain(t *testing.T) {
	plugin := guest.Plugin{Class: "long", NewPredicate: func() guest.Predicate { return long{} }}
	plan := stage(abi.KindPredicate, "long")
	task := guesttest.Start(t, plan, plugin)
	task.Send(abi.EventBatch, batchOf("a long value", "b").AppendTo(nil))
	m := task.Next(abi.MessageResult)
	if dataBytes := uint32(m.Body[8]) | uint32(m.Body[9])<<8; dataBytes != 0 {
		t.Fatalf("the answer carries %d bytes of data", dataBytes)
	}
}

func TestAValueThatCannotBeReadIsADataError(t *testing.T) {
	b := &abi.BatchBuilder{}
	b.Add(&abi.RecordFields{Topic: b.AddTopic("t"), Key: abi.Cell{Schema: abi.None}, SourcePartition: abi.None,
		Value: abi.Cell{Schema: b.AddSchema(abi.AppendSchema(nil, &abi.Schema{Type: abi.TypeInt8})), Tag: abi.TagString,
			Bytes: []byte("x")}})
	plugin := guest.Plugin{Class: "see", NewTransform: func() guest.Transform { return see{} }}
	task := guesttest.Start(t, stage(abi.KindTransform, "see"), plugin)
	answer := task.Apply(b)
	if answer.Len() != 0 || answer.ErrorCount() != 1 || answer.Error(0).Code != abi.CodeData {
		t.Fatalf("%s", guesttest.TextOfBatch(&answer))
	}
}

type see struct{}

func (see) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	_ = r.Value()
	return guest.Keep, nil
}
