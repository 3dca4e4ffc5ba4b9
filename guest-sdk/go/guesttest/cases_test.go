package guesttest

import (
	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/guest-sdk/go/guesttest/kit"
)

// script writes the steps of a case; events are numbered as they are added.
type script struct {
	Case
	seq uint32
}

func newScript(name, doc string) *script { return &script{Case: Case{Name: name, Doc: doc}} }

func (s *script) event(kind abi.EventKind, body []byte) *script {
	s.seq++
	s.Steps = append(s.Steps, Step{Event: abi.AppendEvent(nil, kind, s.seq, body)})
	return s
}

func (s *script) put(kind abi.MessageKind, seq uint32, body []byte) *script {
	s.Steps = append(s.Steps, Step{Put: &Message{kind, seq, body}})
	return s
}

func (s *script) commit(seq uint32, body []byte) *script {
	s.Steps = append(s.Steps, Step{Commit: &Message{Seq: seq, Body: body}})
	return s
}

func (s *script) exit(status int32) Case {
	s.Steps = append(s.Steps, Step{Exit: &status})
	return s.Case
}

// task hands a plan of these stages over and expects READY.
func (s *script) task(stages ...abi.Stage) *script {
	return s.event(abi.EventPlan, abi.Plan{Role: abi.RoleTask, Connector: "c", Task: 7, Stages: stages}.Encode()).
		put(abi.MessageReady, 1, nil)
}

// strict is task with a plan that tolerates no errors.
func (s *script) strict(stages ...abi.Stage) *script {
	plan := abi.Plan{Role: abi.RoleTask, Connector: "c", Task: 7, Stages: stages, Strict: true}
	return s.event(abi.EventPlan, plan.Encode()).put(abi.MessageReady, 1, nil)
}

// batch hands a batch over and expects the answer.
func (s *script) batch(in, out *batch) *script {
	s.event(abi.EventBatch, in.b.AppendTo(nil))
	out.b.SetInputCount(in.b.Len())
	return s.put(abi.MessageResult, s.seq, out.b.AppendTo(nil))
}

func (s *script) stop() Case { return s.event(abi.EventStop, nil).exit(0) }

func (s *script) failed(f abi.Failure) Case {
	return s.put(abi.MessageFailed, 1, f.Encode()).exit(1)
}

// batch writes batches of one topic.
type batch struct{ b abi.BatchBuilder }

// field changes a record before it is added.
type field func(b *batch, f *abi.RecordFields)

func (b *batch) add(origin uint32, fields ...field) *batch {
	f := abi.RecordFields{Topic: b.b.AddTopic("t"), Partition: 0, Timestamp: abi.NoTimestamp, Offset: int64(origin),
		Origin: origin, SourcePartition: abi.None, Key: abi.Cell{Schema: abi.None}, Value: abi.Cell{Schema: abi.None}}
	for _, change := range fields {
		change(b, &f)
	}
	b.b.Add(&f)
	return b
}

func (b *batch) fail(record, stage uint32, code abi.Code, message string) *batch {
	return b.failWith(abi.RecordError{Record: record, Stage: stage, Code: code, Message: message})
}

func (b *batch) failWith(e abi.RecordError) *batch {
	b.b.AddError(e)
	return b
}

func (b *batch) cell(s *abi.Schema, x any) abi.Cell {
	if raw, ok := x.(guest.Raw); ok {
		return abi.Cell{Schema: abi.None, Tag: abi.TagRaw, Bytes: raw}
	}
	v, err := abi.ToValueOf(s, x)
	if err != nil {
		panic(err)
	}
	c := abi.Cell{Schema: abi.None, Tag: v.Tag, Bytes: v.Payload}
	if s != nil {
		c.Schema = b.b.AddSchema(abi.AppendSchema(nil, s))
	}
	return c
}

func value(s *abi.Schema, x any) field {
	return func(b *batch, f *abi.RecordFields) { f.Value = b.cell(s, x) }
}

func key(s *abi.Schema, x any) field {
	return func(b *batch, f *abi.RecordFields) { f.Key = b.cell(s, x) }
}

func header(name string, s *abi.Schema, x any) field {
	return func(b *batch, f *abi.RecordFields) {
		c := b.cell(s, x)
		f.Headers = append(f.Headers, abi.Header{Key: []byte(name), Schema: c.Schema, Tag: c.Tag, Value: c.Bytes})
	}
}

func flagged(_ *batch, f *abi.RecordFields) { f.Flags = abi.FlagPredicate }

// moved sets the fields that no kit plugin touches.
func moved(b *batch, f *abi.RecordFields) {
	f.Topic, f.Partition, f.Offset = b.b.AddTopic("u"), 3, 99
	f.Timestamp, f.TimestampType = 1_700_000_000_123, abi.TimestampTypeLogAppend
}

// counted is what kit.Counter of task 7 makes of number i.
func counted(i int64, origin uint32) func(b *batch) *batch {
	return func(b *batch) *batch {
		partition, _ := abi.ToValue(map[string]any{"task": int64(7)})
		offset, _ := abi.ToValue(map[string]any{"position": i})
		fields := []field{key(int32Schema, int32(i)), value(textSchema, "n"+string(rune('0'+i))),
			func(b *batch, f *abi.RecordFields) {
				f.Topic, f.Partition, f.Offset = b.b.AddTopic("numbers"), -1, -1
				f.Timestamp, f.TimestampType = 1000+i, abi.TimestampTypeCreate
				f.SourcePartition = b.b.AddPartition(partition.Payload)
				f.SourceOffset = abi.Block{Bytes: offset.Payload}
			}}
		if i%2 == 0 {
			fields = append(fields, header("even", nil, true))
		}
		return b.add(origin, fields...)
	}
}

func numbers(list ...int64) *batch {
	b := &batch{}
	for i, n := range list {
		counted(n, uint32(i))(b)
	}
	return b
}

var (
	int32Schema = &abi.Schema{Type: abi.TypeInt32}
	textSchema  = &abi.Schema{Type: abi.TypeString, Optional: true}
	listSchema  = &abi.Schema{Type: abi.TypeArray, Elem: int32Schema}
)

func stageOf(kind, plugin string, config ...string) abi.Stage {
	s := abi.Stage{Kind: kind, Plugin: plugin, Alias: "a", Config: map[string]*string{}}
	for i := 0; i < len(config); i += 2 {
		s.Config[config[i]] = &config[i+1]
	}
	return s
}

func counter(config ...string) abi.Stage {
	return stageOf(abi.KindSource, "kit.Counter", append([]string{"topic", "numbers"}, config...)...)
}

func transform(plugin string) abi.Stage { return stageOf(abi.KindTransform, plugin) }

func guarded(plugin string, negate bool) abi.Stage {
	s := transform(plugin)
	s.Guarded, s.Negate = true, negate
	return s
}

func from(s abi.Stage) abi.Stage {
	s.From = true
	return s
}

func allCases() []Case {
	var cases []Case
	for _, group := range [][]Case{roleCases(), transformCases(), converterCases(), errorCases(), sinkCases(),
		sourceCases(), stateCases(), aloneCases()} {
		cases = append(cases, group...)
	}
	return cases
}

// kitManifest is what CONFORMANCE.md says that the kit is.
func kitManifest() abi.Manifest {
	m := abi.Manifest{ABI: abi.Version, SDK: "any"}
	for _, p := range kit.Plugins() {
		kinds := []string{abi.KindTransform}
		switch p.Class {
		case "kit.Counter":
			kinds = []string{abi.KindSource}
		case "kit.Collect":
			kinds = []string{abi.KindSink}
		case "kit.IsTombstone":
			kinds = []string{abi.KindPredicate}
		case "kit.Hex":
			kinds = []string{abi.KindConverter, abi.KindHeaderConverter}
		}
		for _, kind := range kinds {
			m.Plugins = append(m.Plugins, abi.Plugin{Class: p.Class, Kind: kind, Version: "1.0.0", Doc: p.Doc, Config: p.Config,
				KeepsState: p.Class == "kit.Number", GoesAlone: kind == abi.KindSource || kind == abi.KindSink})
		}
	}
	return m
}
