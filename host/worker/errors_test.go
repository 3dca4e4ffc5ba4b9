package worker

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

// letterOf finds the header of a dead letter.
func letterOf(r host.ProducerRecord, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// poison is a sink whose chain fails on some records.
func poison(name string, more ...string) host.Config {
	return config(append([]string{"name", name, "connector.class", "kit.Collect", "topics", name, "transforms", "f",
		"transforms.f.type", "kit.Fail", "errors.deadletterqueue.topic.name", "dlq-" + name,
		"errors.deadletterqueue.context.headers.enable", "true"}, more...)...)
}

func TestSinkWritesDeadLettersBeforeItCommits(t *testing.T) {
	b := newBench(t)
	b.addKit(t)
	b.kafka.mu.Lock()
	b.kafka.topics["s"] = []host.ProducerRecord{{Value: []byte("good")}, {Key: []byte("k"), Value: []byte("data"),
		TimestampMs: 1234, Headers: []host.Header{{Key: "own", Value: []byte("h")}}}, {Value: []byte("errant")},
		{Value: []byte("after")}}
	b.kafka.mu.Unlock()
	release := b.kafka.hold("dlq-s")
	b.start(t, poison("s", "errors.tolerance", "all"))
	eventually(t, "what came before the first letter is committed", func() bool { return b.kafka.committed("s") == 1 })
	eventually(t, "two letters", func() bool { return len(b.kafka.records("dlq-s")) == 2 })
	if at := b.kafka.committed("s"); at != 1 {
		t.Errorf("offset %d is committed, and the letter of offset 1 is not acknowledged", at)
	}
	release()
	eventually(t, "all is committed", func() bool { return b.kafka.committed("s") == 4 })
	letters := b.kafka.records("dlq-s")
	first := letters[0]
	if string(first.Key) != "k" || string(first.Value) != "data" || first.TimestampMs != 1234 || first.Partition != -1 ||
		letterOf(first, "own") != "h" {
		t.Errorf("letter: %+v", first)
	}
	for key, want := range map[string]string{"topic": "s", "partition": "0", "offset": "1", "connector.name": "s",
		"task.id": "0", "stage": "TRANSFORMATION", "class.name": "kit.Fail",
		"exception.class.name": "org.apache.kafka.connect.errors.DataException", "exception.message": "bad data"} {
		if got := letterOf(first, "__connect.errors."+key); got != want {
			t.Errorf("header %s = %q, want %q", key, got, want)
		}
	}
	for key, want := range map[string]string{"plugin.alias": "f", "plugin.version": "1.0.0", "plugin.module": "kit"} {
		if got := letterOf(first, "__berth.errors."+key); got != want {
			t.Errorf("header %s = %q, want %q", key, got, want)
		}
	}
	if digest := letterOf(first, "__berth.errors.plugin.digest"); len(digest) != 64 {
		t.Errorf("digest %q", digest)
	}
	if trace := letterOf(first, "__connect.errors.exception.stacktrace"); !strings.Contains(trace, "s-0@1") {
		t.Errorf("trace %q", trace)
	}
	errant := letters[1]
	if letterOf(errant, "__connect.errors.stage") != "TASK_PUT" || string(errant.Value) != "errant" ||
		letterOf(errant, "__connect.errors.class.name") != "org.apache.kafka.connect.sink.SinkTask" ||
		letterOf(errant, "__berth.errors.plugin.class") != "kit.Collect" {
		t.Errorf("letter of an errant record: %+v", errant)
	}
}

func TestSinkFailsWhenItsLetterIsRefusedAndCommitsNothingBehind(t *testing.T) {
	b := newBench(t)
	b.addKit(t)
	b.kafka.refuses = func(r host.ProducerRecord) error {
		if r.Topic == "dlq-s" {
			return errors.New("TOO_LARGE: raise the limit")
		}
		return nil
	}
	b.kafka.produce("s", "good", "data", "after")
	b.start(t, poison("s", "errors.tolerance", "all"))
	id := host.TaskID{Connector: "s"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	trace := b.status.task(id).trace
	for _, want := range []string{"Could not produce message to dead letter queue. topic=dlq-s", "s-0@1",
		"TOO_LARGE: raise the limit"} {
		if !strings.Contains(trace, want) {
			t.Errorf("trace lacks %q:\n%s", want, trace)
		}
	}
	if at := b.kafka.committed("s"); at != 1 {
		t.Errorf("offset %d is committed, want 1", at)
	}
}

func TestWithoutToleranceTheLetterIsWrittenAndTheTaskFails(t *testing.T) {
	b := newBench(t)
	b.addKit(t)
	b.kafka.produce("s", "good", "data", "after")
	b.start(t, poison("s"))
	id := host.TaskID{Connector: "s"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	if got := b.values("dlq-s"); got != "data" {
		t.Errorf("letters: %s", got)
	}
	if at := b.kafka.committed("s"); at != 1 {
		t.Errorf("offset %d is committed, want 1", at)
	}
}

// flaky is a sink into a file, or a source, behind the plugin of testdata/guests/flaky.
func flaky(name string, more ...string) host.Config {
	return config(append([]string{"name", name, "transforms", "l", "transforms.l.type", "flaky.Later",
		"errors.retry.delay.max.ms", "1", "errors.deadletterqueue.topic.name", "dlq-" + name,
		"errors.deadletterqueue.context.headers.enable", "true"}, more...)...)
}

func TestRetriesKeepTheOrder(t *testing.T) {
	dir := t.TempDir()
	lines := []string{"a", "later 1", "b", "later 2", "later 3", "c"}
	in, out := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.txt")
	writeLines(t, in, lines...)
	b := newBench(t, dir)
	b.addGuest(t, "flaky")
	b.kafka.produce("out", lines...)
	for _, tolerance := range []string{"none", "all"} {
		_ = os.Remove(out)
		b.start(t, flaky("out", "connector.class", "FileStreamSink", "file", out, "topics", "out",
			"errors.retry.timeout", "-1", "errors.tolerance", tolerance))
		want := strings.Join(lines, "\n") + "\n"
		eventually(t, "all is written, once and in order", func() bool {
			got, _ := os.ReadFile(out)
			return string(got) == want
		})
		b.StopTasks(t.Context(), host.TaskID{Connector: "out"})
		b.kafka.mu.Lock()
		b.kafka.commits = map[host.TopicPartition]int64{}
		b.kafka.mu.Unlock()
		b.start(t, flaky("in-"+tolerance, "connector.class", "FileStreamSource", "file", in, "topic", "in-"+tolerance,
			"errors.retry.timeout", "-1", "errors.tolerance", tolerance))
		eventually(t, "all is sent, once and in order", func() bool {
			return b.values("in-"+tolerance) == strings.Join(lines, " ")
		})
	}
	if letters := b.values("dlq-out"); letters != "" {
		t.Errorf("letters: %s", letters)
	}
}

func TestRetriesEndWithTheirTime(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "flaky")
	b.addKit(t)
	b.kafka.produce("s", "a", "never 1", "b", "never 2", "c")
	c := []string{"connector.class", "kit.Collect", "topics", "s", "errors.retry.timeout", "20"}
	b.start(t, flaky("s", c...))
	id := host.TaskID{Connector: "s"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	trace := b.status.task(id).trace
	for _, want := range []string{"Tolerance exceeded in error handler", "s-0@1", "flaky.Later",
		"Caused by: org.apache.kafka.connect.errors.RetriableException: never"} {
		if !strings.Contains(trace, want) {
			t.Errorf("trace lacks %q:\n%s", want, trace)
		}
	}
	b.start(t, flaky("s", append(c, "errors.tolerance", "all")...))
	eventually(t, "all is committed", func() bool { return b.kafka.committed("s") == 5 })
	if got := b.values("dlq-s"); got != "never 1 never 1 never 2" {
		t.Errorf("letters: %s", got)
	}
}

func TestATaskOutlivesInstancesThatEndOnARecord(t *testing.T) {
	dir := t.TempDir()
	lines := []string{"a", "panic 1", "b", "exit 2", "c", "loop 3", "d", "panic 4"}
	in, out := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.txt")
	writeLines(t, in, lines...)
	b := newBench(t, dir)
	b.addGuest(t, "flaky")
	b.kafka.produce("out", lines...)
	b.start(t, flaky("out", "connector.class", "FileStreamSink", "file", out, "topics", "out", "errors.tolerance", "all"))
	b.start(t, flaky("in", "connector.class", "FileStreamSource", "file", in, "topic", "in", "errors.tolerance", "all"))
	eventually(t, "all is committed", func() bool { return b.kafka.committed("out") == int64(len(lines)) })
	if got, _ := os.ReadFile(out); string(got) != "a\nb\nc\nd\n" {
		t.Errorf("file: %q", got)
	}
	eventually(t, "the good ones are sent", func() bool { return b.values("in") == "a b c d" })
	for _, topic := range []string{"dlq-out", "dlq-in"} {
		eventually(t, "the bad ones are in "+topic, func() bool {
			return b.values(topic) == "panic 1 exit 2 loop 3 panic 4"
		})
		for i, want := range []string{"panic: on panic 1", "exit code 7", host.LimitBatchCPU, "panic: on panic 4"} {
			if got := letterOf(b.kafka.records(topic)[i], "__berth.errors.trap"); !strings.Contains(got, want) {
				t.Errorf("%s, letter %d: trap %q, want %q", topic, i, got, want)
			}
		}
	}
	told := b.TaskFailures(host.TaskID{Connector: "out"})
	if len(told) != 8 {
		t.Fatalf("%d failures, want two of each record", len(told))
	}
	for i, want := range []string{host.FailureDeadLetter, host.FailureRetried} { // the latest first
		f := told[i]
		if f.Action != want || f.Class != "flaky.Later" || len(f.Module) != 64 ||
			f.Stage != "TRANSFORMATION" || f.Record != "record out-0@7 (topic, partition, offset)" || f.At.IsZero() ||
			!strings.Contains(f.Trace, "panic: on panic 4") || !strings.Contains(f.Trace, "main.") { // a function of the guest
			t.Errorf("failure %d: %+v, want %s", i, f, want)
		}
	}
}

func TestATaskWhoseInstancesEndTooOftenFails(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "flaky")
	b.addKit(t)
	b.kafka.produce("s", "panic 1", "a", "panic 2", "panic 3", "panic 4")
	b.start(t, flaky("s", "connector.class", "kit.Collect", "topics", "s", "errors.tolerance", "all",
		"errors.deadletterqueue.topic.name", "dlq", host.TrapMaxKey, "5"))
	id := host.TaskID{Connector: "s"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	const want = "6 instances of the task ended within a minute, at most 5 may (berth.trap.max.per.minute)"
	if trace := b.status.task(id).trace; !strings.Contains(trace, want) || !strings.Contains(trace, "flaky.Later") ||
		!strings.Contains(trace, "s-0@3") {
		t.Errorf("trace: %s", trace)
	}
	if got := b.values("dlq"); got != "panic 1 panic 2" {
		t.Errorf("letters: %s", got)
	}
	eventually(t, "all ends are counted", func() bool { return b.used(t, "").Used.Traps == 6 })
	failed := b.TaskFailures(id)
	if len(failed) != 6 || failed[0].Action != host.FailureFatal || failed[0].Class != "flaky.Later" ||
		!strings.Contains(failed[0].Record, "s-0@3") {
		t.Fatalf("failures: %+v", failed)
	}
	b.start(t, flaky("s", "connector.class", "kit.Collect", "topics", "s", host.TrapMaxKey, "x"))
	eventually(t, "a bad limit is named", func() bool {
		return strings.Contains(b.status.task(id).trace, "Invalid value x for configuration berth.trap.max.per.minute")
	})
	if after := b.TaskFailures(id); len(after) != 7 || after[1].At != failed[0].At {
		t.Errorf("a restart has changed what is known: %d failures", len(after))
	}
}

func TestSourceWritesDeadLettersBeforeItStoresOffsets(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.txt")
	writeLines(t, file, "good", "data", "after")
	b := newBench(t, dir)
	b.addKit(t)
	release := b.kafka.hold("dlq")
	b.start(t, config("name", "in", "connector.class", "FileStreamSource", "file", file, "topic", "in",
		"transforms", "f", "transforms.f.type", "kit.Fail", "errors.tolerance", "all",
		"errors.deadletterqueue.topic.name", "dlq", "errors.deadletterqueue.context.headers.enable", "true"))
	eventually(t, "the others are sent", func() bool { return b.values("in") == "good after" })
	eventually(t, "the letter is sent", func() bool { return b.values("dlq") == "data" })
	b.StopTasks(t.Context(), host.TaskID{Connector: "in"})
	for _, s := range stored(t, b, "in") {
		t.Errorf("stored before the letter is acknowledged: %s", s)
	}
	release()
	b.start(t, config("name", "in", "connector.class", "FileStreamSource", "file", file, "topic", "in",
		"transforms", "f", "transforms.f.type", "kit.Fail", "errors.tolerance", "all",
		"errors.deadletterqueue.topic.name", "dlq", "errors.deadletterqueue.context.headers.enable", "true"))
	eventually(t, "the offset behind all", func() bool {
		return slices.Equal(stored(t, b, "in"), []string{`{"position":16}`})
	})
	letter := b.kafka.records("dlq")[1]
	for key, want := range map[string]string{"__connect.errors.topic": "in", "__connect.errors.offset": "-1",
		"__berth.errors.source.offset": `{"position":10}`, "__berth.errors.value.encoding": "string",
		"__berth.errors.source.partition": `{"filename":"` + file + `"}`} {
		if got := letterOf(letter, key); got != want {
			t.Errorf("header %s = %q, want %q", key, got, want)
		}
	}
}

func stored(t *testing.T, b *bench, connector string) []string {
	t.Helper()
	offsets, err := b.kafka.Load(t.Context(), connector)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, o := range offsets {
		all = append(all, string(o.Offset))
	}
	return all
}

func TestSourceSkipsWhatTheProducerRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.txt")
	writeLines(t, file, "good", "huge", "after")
	b := newBench(t, dir)
	b.kafka.refuses = func(r host.ProducerRecord) error {
		if string(r.Value) == "huge" && r.Topic != "dlq" {
			return errors.New("MESSAGE_TOO_LARGE")
		}
		return nil
	}
	base := []string{"connector.class", "FileStreamSource", "file", file, "errors.deadletterqueue.topic.name", "dlq",
		"errors.deadletterqueue.context.headers.enable", "true"}
	b.start(t, config(append([]string{"name", "all", "topic", "all", "errors.tolerance", "all"}, base...)...))
	eventually(t, "the offset behind all", func() bool {
		return slices.Equal(stored(t, b, "all"), []string{`{"position":16}`})
	})
	if got := b.values("all") + "/" + b.values("dlq"); got != "good after/huge" {
		t.Errorf("sent: %s", got)
	}
	letter := b.kafka.records("dlq")[0]
	if letterOf(letter, "__connect.errors.stage") != "KAFKA_PRODUCE" ||
		letterOf(letter, "__connect.errors.class.name") != "org.apache.kafka.connect.runtime.WorkerSourceTask" {
		t.Errorf("headers: %v", letter.Headers)
	}
	b.start(t, config(append([]string{"name", "none", "topic", "none"}, base...)...))
	id := host.TaskID{Connector: "none"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	if trace := b.status.task(id).trace; !strings.Contains(trace, "Unrecoverable exception from producer send callback") {
		t.Errorf("trace: %s", trace)
	}
	for _, offset := range stored(t, b, "none") {
		if offset != `{"position":5}` {
			t.Errorf("stored: %s, behind the record that was not sent", offset)
		}
	}
}
