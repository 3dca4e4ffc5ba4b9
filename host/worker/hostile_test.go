package worker

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// A guest that breaks the rules at any step of its life costs its own task only: FAILED, with a trace that names
// plugin, version and stage.
func TestHostileGuestFailsItsTaskOnly(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	neighbour := config("name", "neighbour", "connector.class", "hostile.Sink", "topics", "in")
	b.start(t, neighbour)
	for _, c := range []struct{ class, misbehave, says string }{
		{"hostile.Source", "start:trap", "out of bounds memory access"},
		{"hostile.Source", "start:panic", "on purpose"},
		{"hostile.Source", "start:exit3", "exit code 3"},
		{"hostile.Source", "start:exit", "exited early"},
		{"hostile.Source", "start:loop", "limit cpu-per-batch"},
		{"hostile.Source", "start:kind", "unknown kind 4711"},
		{"hostile.Source", "poll:trap", "out of bounds memory access"},
		{"hostile.Source", "poll:loop", "limit cpu-per-batch"},
		{"hostile.Source", "poll:spin", "limit cpu-per-batch"},
		{"hostile.Source", "poll:garbage", "read batch"},
		{"hostile.Source", "poll:memory", "out of memory"},
		{"hostile.Source", "poll:recursion", "limit "},
		{"hostile.Source", "poll:seq", "where records with seq 1 were due"},
		{"hostile.Sink", "batch:trap", "out of bounds memory access"},
		{"hostile.Sink", "batch:loop", "limit cpu-per-batch"},
		{"hostile.Sink", "batch:exit", "exited early"},
		{"hostile.Sink", "batch:garbage", "read batch"},
		{"hostile.Sink", "batch:seq", "which asks for none"},
		{"hostile.Sink", "flush:trap", "out of bounds memory access"},
		{"hostile.Sink", "flush:garbage", "unknown kind 99"},
	} {
		t.Run(c.class+" "+c.misbehave, func(t *testing.T) {
			t.Parallel()
			name := strings.ReplaceAll(c.class+"-"+c.misbehave, ":", "-")
			topic := "t-" + name
			b.kafka.produce(topic, "a", "b")
			b.start(t, config("name", name, "connector.class", c.class, "topics", topic, "topic", topic,
				"misbehave", c.misbehave))
			id := host.TaskID{Connector: name}
			eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
			trace := b.status.task(id).trace
			for _, want := range []string{c.says, "plugin " + c.class, "version 6.6.6", "stage TASK_"} {
				if !strings.Contains(trace, want) {
					t.Errorf("trace lacks %q:\n%s", want, trace)
				}
			}
			b.kafka.produce("in", "still here")
			eventually(t, "the neighbour commits", func() bool {
				return b.kafka.committed("in") == int64(len(b.kafka.records("in")))
			})
		})
	}
}

func TestHostileTransformFailsTheTask(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	for _, how := range []string{"trap", "loop", "garbage", "seq"} {
		name := "transform-" + how
		b.kafka.produce(name, "a", "b")
		b.start(t, config("name", name, "connector.class", "blackhole", "topics", name, "transforms", "bad",
			"transforms.bad.type", "hostile.Transform", "transforms.bad.misbehave", "batch:"+how))
		id := host.TaskID{Connector: name}
		eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
		trace := b.status.task(id).trace
		for _, want := range []string{"stage TRANSFORMATION bad", "plugin hostile.Transform", "version 6.6.6",
			name + "-0@0"} {
			if !strings.Contains(trace, want) {
				t.Errorf("%s: trace lacks %q:\n%s", how, want, trace)
			}
		}
	}
}

func TestHostileConnectorIsFailed(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	for _, misbehave := range []string{"connector:trap", "connector:loop", "connector:garbage", "configs:trap",
		"configs:loop", "configs:garbage", "configs:exit"} {
		name := strings.ReplaceAll(misbehave, ":", "-")
		_, err := b.StartConnector(t.Context(), name, config("name", name, "connector.class", "hostile.Source", "topic", "t",
			"misbehave", misbehave), host.TargetStarted, func() {})
		if err == nil {
			t.Errorf("%s: started", misbehave)
		}
		if s := b.status.connector(name); s.state != host.Failed || !strings.Contains(s.trace, "hostile.Source") {
			t.Errorf("%s: %+v", misbehave, s)
		}
	}
}

func TestHostileModuleIsRefused(t *testing.T) {
	b := newBench(t)
	for _, how := range []string{"trap", "loop", "garbage", "exit"} {
		wasm := guests.Go(t, "testdata/guests/hostile", fmt.Sprintf("-X main.describe=%s", how))
		_, err := b.add(t, how, wasm)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("module %q", how)) {
			t.Errorf("%s: %v", how, err)
		}
	}
	cut := []byte("\x00asm\x01\x00\x00\x00\x01")
	for name, wasm := range map[string][]byte{"text": []byte("hello"), "empty": nil, "cut": cut} {
		if _, err := b.add(t, name, wasm); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestHostileStopEndsInBoundedTime(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	for _, how := range []string{"loop", "spin", "sleep", "trap", "garbage"} {
		name := "stop-" + how
		b.start(t, config("name", name, "connector.class", "hostile.Source", "topic", name, "misbehave", "stop:"+how))
		eventually(t, "records", func() bool { return len(b.kafka.records(name)) == 10 })
		b.StopTasks(t.Context(), host.TaskID{Connector: name})
	}
}

func TestHostileValidateIsAnErrorForTheCaller(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	for _, how := range []string{"trap", "loop", "garbage", "exit"} {
		p, err := b.Registry.Find("hostile.Source", "")
		if err != nil {
			t.Fatal(err)
		}
		answers, err := b.Registry.Check(t.Context(), p, p.Kind, config("misbehave", "validate:"+how))
		if err == nil || !strings.Contains(err.Error(), "validate hostile.Source") {
			t.Errorf("%s: %v, %v", how, answers, err)
		}
	}
}

// A guest that says it ended on a record that the batch does not have: nobody is to blame, so the task ends.
func TestARecordThatIsNotThereIsNotBlamed(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	guest := guests.Text{How: "farrecord", Step: "batch", Kind: abi.KindTransform}
	if _, err := b.add(t, "farrecord", guest.Build(t)); err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(dir, "in.txt")
	writeLines(t, in, "a", "b")
	b.kafka.produce("s", "a", "b")
	for name, connector := range map[string]host.Config{
		"s": config("connector.class", "FileStreamSink", "topics", "s", "file", filepath.Join(dir, "out.txt")),
		"f": config("connector.class", "FileStreamSource", "topic", "f", "file", in),
	} {
		maps.Copy(connector, config("name", name, "errors.tolerance", "all", "transforms", "x", "transforms.x.type",
			guest.Class()))
		b.start(t, connector)
		id := host.TaskID{Connector: name}
		eventually(t, name+" FAILED", func() bool { return b.status.task(id).state == host.Failed })
		if trace := b.status.task(id).trace; !strings.Contains(trace, "trap: unreachable") ||
			strings.Contains(trace, "internal error") {
			t.Errorf("%s: %s", name, trace)
		}
		if got := b.TaskFailures(id); len(got) != 1 || got[0].Action != host.FailureFatal || got[0].Class != guest.Class() {
			t.Errorf("%s: failures %+v", name, got)
		}
	}
}
