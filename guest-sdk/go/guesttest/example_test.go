package guesttest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/guest-sdk/go/guesttest"
)

// lines is a source of three lines; it remembers which of them Connect has stored.
type lines struct {
	next   int64
	stored int
}

func (s *lines) Start(_ context.Context, c guest.Config) error {
	if offset, ok := c.Offset(map[string]any{"file": c.String("file")}); ok {
		s.next, _ = offset["line"].(int64)
	}
	return nil
}

func (s *lines) Poll(ctx context.Context) ([]*guest.Record, error) {
	text := []string{"one", "two", "three"}
	if s.next == int64(len(text)) {
		<-ctx.Done() // nothing more; a real source waits for its foreign system
		return nil, ctx.Err()
	}
	r := guest.NewRecord("lines")
	r.SetValue(&abi.Schema{Type: abi.TypeString}, text[s.next])
	s.next++
	r.SourcePartition = map[string]any{"file": "a.txt"}
	r.SourceOffset = map[string]any{"line": s.next}
	return []*guest.Record{r}, nil
}

func (s *lines) Commit(_ context.Context, records []*guest.Record) error {
	s.stored += len(records)
	return nil
}

// A source, started behind a stored offset.
func Example_source() {
	plugin := guest.Plugin{Class: "example.Lines", Version: "1.0.0", NewSource: func() guest.Source { return &lines{} },
		Config: abi.ConfigDef{Keys: []abi.ConfigKey{{Name: "file", Type: abi.ConfigString, Importance: abi.High, Order: -1}}}}
	file := "a.txt"
	partition, _ := abi.ToValue(map[string]any{"file": file})
	offset, _ := abi.ToValue(map[string]any{"line": int64(1)})
	task := guesttest.Start(printer{}, abi.Plan{Role: abi.RoleTask,
		Stages:  []abi.Stage{{Kind: abi.KindSource, Plugin: "example.Lines", Config: map[string]*string{"file": &file}}},
		Offsets: []abi.SourceOffset{{Partition: partition, Offset: offset}}}, plugin)
	for range 2 {
		batch := task.Records()
		fmt.Printf("%s\n", batch.Entry(0).Value().Bytes)
	}
	fmt.Println(task.Stop())
	// Output:
	// two
	// three
	// <nil>
}

// table is a sink that keeps rows and refuses some.
type table struct{ rows []string }

func (s *table) Start(context.Context, guest.Config) error { return nil }

func (s *table) Put(_ context.Context, records []*guest.Record) error {
	var errant []error
	for _, r := range records {
		text, ok := r.Value().(string)
		if !ok {
			errant = append(errant, guest.Errant(r, errors.New("no text")))
			continue
		}
		s.rows = append(s.rows, text)
	}
	return errors.Join(errant...)
}

// A sink gives single records up with Errant; the others are written.
func Example_sink() {
	sink := &table{}
	plugin := guest.Plugin{Class: "example.Table", NewSink: func() guest.Sink { return sink }}
	task := guesttest.Start(printer{}, stage(abi.KindSink, "example.Table"), plugin)
	answer := task.Apply(batchOf("a", int64(1), "b"))
	fmt.Println(answer.Error(0).Record, answer.Error(0).Message)
	fmt.Println(task.Flush(abi.PartitionOffset{Topic: "t", Partition: 0, Offset: 3}))
	fmt.Println(task.Stop(), sink.rows)
	// Output:
	// 1 no text
	// [{t 0 3}]
	// <nil> [a b]
}

// mask hides a field. It reads that one field only, and leaves records without it as the bytes they are.
type mask struct{ field string }

func (m *mask) Start(_ context.Context, c guest.Config) error {
	m.field = c.Text("field")
	return nil
}

func (m *mask) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	if _, ok := r.ValueView().Get(m.field); !ok {
		return guest.Keep, nil
	}
	fields := r.Value().(*abi.OrderedMap)
	fields.Set(m.field, "***")
	r.SetValue(r.ValueSchema(), fields)
	return guest.Keep, nil
}

func Example_transform() {
	plugin := guest.Plugin{Class: "example.Mask", NewTransform: func() guest.Transform { return &mask{} }}
	plan := stage(abi.KindTransform, "example.Mask")
	field := "card"
	plan.Stages[0].Config = map[string]*string{"field": &field}
	task := guesttest.Start(printer{}, plan, plugin)
	answer := task.Apply(batchOf(map[string]any{"card": "1234", "name": "Ann"}, map[string]any{"name": "Bob"}))
	for i := range answer.Len() {
		v := answer.Entry(i).Value()
		fmt.Println(guesttest.TextOfValue(abi.Value{Tag: v.Tag, Payload: v.Bytes}))
	}
	// Output:
	// {"card": "***", "name": "Ann"}
	// {"name": "Bob"}
}

type long struct{}

func (long) Test(_ context.Context, r *guest.Record) (bool, error) {
	return len(r.ValueView().Bytes()) > 3, nil
}

type shout struct{}

func (shout) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	copied := r.Copy()
	copied.SetValue(nil, strings.ToUpper(r.ValueView().String()))
	return guest.Many(r, copied), nil
}

// A predicate decides which records a guarded transform sees; the transform makes two records of one.
func Example_predicate() {
	plugins := []guest.Plugin{
		{Class: "example.Long", NewPredicate: func() guest.Predicate { return long{} }},
		{Class: "example.Shout", NewTransform: func() guest.Transform { return shout{} }},
	}
	plan := stage(abi.KindPredicate, "example.Long")
	plan.Stages = append(plan.Stages, abi.Stage{Kind: abi.KindTransform, Plugin: "example.Shout", Guarded: true})
	task := guesttest.Start(printer{}, plan, plugins...)
	answer := task.Apply(batchOf("one", "three"))
	for i := range answer.Len() {
		fmt.Printf("%d %s\n", answer.Entry(i).Origin(), answer.Entry(i).Value().Bytes)
	}
	// Output:
	// 0 one
	// 1 three
	// 1 THREE
}

// text converts bytes to text and back.
type text struct{}

func (text) ToConnect(_ string, data []byte) (*abi.Schema, any, error) {
	if data == nil {
		return nil, nil, nil
	}
	return nil, string(data), nil
}

func (text) FromConnect(_ string, _ *abi.Schema, value any) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	return []byte(fmt.Sprint(value)), nil
}

func Example_converter() {
	plugin := guest.Plugin{Class: "example.Text", NewConverter: func() guest.Converter { return text{} }}
	plan := stage(abi.KindValueConverter, "example.Text")
	plan.Stages[0].From = true
	task := guesttest.Start(printer{}, plan, plugin)
	answer := task.Apply(batchOf(int64(42), nil))
	for i := range answer.Len() {
		v := answer.Entry(i).Value()
		fmt.Println(v.Tag, string(v.Bytes))
	}
	// Output:
	// RAW 42
	// NULL
}

func stage(kind, class string) abi.Plan {
	return abi.Plan{Role: abi.RoleTask, Stages: []abi.Stage{{Kind: kind, Plugin: class}}}
}

// batchOf makes a batch of schemaless values.
func batchOf(values ...any) *abi.BatchBuilder {
	b := &abi.BatchBuilder{}
	for i, x := range values {
		v, err := abi.ToValue(x)
		if err != nil {
			panic(err)
		}
		b.Add(&abi.RecordFields{Topic: b.AddTopic("t"), Timestamp: abi.NoTimestamp, Offset: int64(i), Origin: uint32(i),
			Key: abi.Cell{Schema: abi.None}, Value: abi.Cell{Schema: abi.None, Tag: v.Tag, Bytes: v.Payload},
			SourcePartition: abi.None})
	}
	return b
}

// printer stands for the test where an example has none.
type printer struct{ testing.TB }

func (printer) Helper()                   {}
func (printer) Cleanup(func())            {}
func (printer) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (printer) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
