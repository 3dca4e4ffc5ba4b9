package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// addKit adds the Go SDK's kit of plugins, so that chains cross from one module to the other and back.
func (b *bench) addKit(t *testing.T) {
	t.Helper()
	if _, err := b.add(t, "kit", guests.Go(t, "guest-sdk/go/guesttest/kitmain", "")); err != nil {
		t.Fatalf("add kit: %v", err)
	}
}

func writeLines(t *testing.T, file string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) values(topic string) string {
	var all []string
	for _, r := range b.kafka.records(topic) {
		if r.Value == nil {
			all = append(all, "<null>")
			continue
		}
		all = append(all, string(r.Value))
	}
	return strings.Join(all, " ")
}

const regexRouter = "org.apache.kafka.connect.transforms.RegexRouter"

func TestFileToTopicInOneInstanceAndAcrossTwoModules(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.txt")
	writeLines(t, file, "alpha", "beta", "gamma")
	b := newBench(t, dir)
	b.addKit(t)
	for name, chain := range map[string]string{"fused": "route", "crossed": "up,route"} {
		c := config("name", name, "connector.class", "FileStreamSource", "file", file, "topic", "in-"+name,
			"transforms", chain, "transforms.up.type", "kit.Upper", "transforms.route.type", regexRouter,
			"transforms.route.regex", "in-(.*)", "transforms.route.replacement", "out-$1")
		b.start(t, c)
		want := "alpha beta gamma"
		if name == "crossed" {
			want = "ALPHA BETA GAMMA"
		}
		eventually(t, want, func() bool { return b.values("out-"+name) == want })
		id := host.TaskID{Connector: name}
		eventually(t, "the offset is stored", func() bool {
			stored, err := b.kafka.Load(t.Context(), name)
			return err == nil && len(stored) == 1 && string(stored[0].Offset) == `{"position":17}` &&
				string(stored[0].Partition) == fmt.Sprintf(`{"filename":%q}`, file)
		})
		b.StopTasks(t.Context(), id)
	}
}

func TestSourceGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.txt")
	writeLines(t, file, "one", "two")
	b := newBench(t, dir)
	c := config("name", "again", "connector.class", "FileStreamSource", "file", file, "topic", "again")
	b.start(t, c)
	eventually(t, "two records", func() bool { return b.values("again") == "one two" })
	b.StopTasks(t.Context(), host.TaskID{Connector: "again"})
	writeLines(t, file, "one", "two", "three")
	b.start(t, c)
	eventually(t, "the third only", func() bool { return b.values("again") == "one two three" })
}

func TestFailingRecordStopsTheTaskBehindTheRecordsBeforeIt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.txt")
	writeLines(t, file, "good", "data", "after")
	b := newBench(t, dir)
	b.addKit(t)
	chain := []string{"connector.class", "FileStreamSource", "file", file,
		"transforms", "f", "transforms.f.type", "kit.Fail"}
	b.start(t, config(append([]string{"name", "strict", "topic", "strict"}, chain...)...))
	id := host.TaskID{Connector: "strict"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	trace := b.status.task(id).trace
	for _, want := range []string{
		"org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n",
		"stage TRANSFORMATION f, plugin kit.Fail, version 1.0.0", `source offset {"position":10}`,
		"Caused by: org.apache.kafka.connect.errors.DataException: bad data"} {
		if !strings.Contains(trace, want) {
			t.Errorf("trace lacks %q:\n%s", want, trace)
		}
	}
	if got := b.values("strict"); got != "good" {
		t.Errorf("sent: %s", got)
	}
	if stored, _ := b.kafka.Load(t.Context(), "strict"); len(stored) != 1 || string(stored[0].Offset) != `{"position":5}` {
		t.Errorf("stored: %s", stored)
	}
	b.start(t, config(append([]string{"name", "tolerant", "topic", "tolerant", "errors.tolerance", "all"}, chain...)...))
	eventually(t, "the others", func() bool { return b.values("tolerant") == "good after" })
}

func TestSinkDropsExplodesAndCommits(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out.txt")
	b := newBench(t, dir)
	b.addKit(t)
	b.kafka.produce("words", "a", "b", "c")
	b.start(t, config("name", "words", "connector.class", "FileStreamSink", "file", file, "topics", "words",
		"transforms", "up,drop", "transforms.up.type", "kit.Upper", "transforms.drop.type", "kit.Drop",
		"transforms.drop.predicate", "tomb", "predicates", "tomb", "predicates.tomb.type", "kit.IsTombstone"))
	eventually(t, "all is committed", func() bool { return b.kafka.committed("words") == 3 })
	if got, err := os.ReadFile(file); err != nil || string(got) != "A\nB\nC\n" {
		t.Errorf("file: %q, %v", got, err)
	}
}

func TestSinkOffersABatchAgain(t *testing.T) {
	b := newBench(t)
	b.addKit(t)
	b.kafka.produce("again", "a", "retry", "b")
	b.start(t, config("name", "again", "connector.class", "kit.Collect", "topics", "again"))
	eventually(t, "all is committed", func() bool { return b.kafka.committed("again") == 3 })
}

func TestSinkFailsOnARecordAndCommitsThoseBeforeIt(t *testing.T) {
	b := newBench(t)
	b.addKit(t)
	b.kafka.produce("bad", "good", "data", "after")
	b.start(t, config("name", "bad", "connector.class", "kit.Collect", "topics", "bad", "transforms", "f",
		"transforms.f.type", "kit.Fail"))
	id := host.TaskID{Connector: "bad"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	if trace := b.status.task(id).trace; !strings.Contains(trace, "bad-0@1") || !strings.Contains(trace, "bad data") {
		t.Errorf("trace: %s", trace)
	}
	if got := b.kafka.committed("bad"); got != 1 {
		t.Errorf("committed %d", got)
	}
}

func TestPausedTaskMovesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.txt")
	writeLines(t, file, "one")
	b := newBench(t, dir)
	b.start(t, config("name", "p", "connector.class", "FileStreamSource", "file", file, "topic", "p"))
	eventually(t, "the first", func() bool { return b.values("p") == "one" })
	b.SetTarget("p", host.TargetPaused)
	eventually(t, "PAUSED", func() bool { return b.status.task(host.TaskID{Connector: "p"}).state == host.Paused })
	writeLines(t, file, "one", "two")
	b.kafka.produce("s", "x")
	b.start(t, config("name", "s", "connector.class", "blackhole", "topics", "s"))
	eventually(t, "a sink works meanwhile", func() bool { return b.kafka.committed("s") == 1 })
	if got := b.values("p"); got != "one" {
		t.Errorf("a paused source moved: %s", got)
	}
	b.SetTarget("p", host.TargetStarted)
	eventually(t, "the second", func() bool { return b.values("p") == "one two" })
}

// A connector polls as soon as it runs, which may be before it can hear of a pause; of many, some do.
func TestTaskStartedPausedMovesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.txt")
	writeLines(t, file, "one")
	b := newBench(t, dir)
	var ids []host.TaskID
	for i := range 40 {
		id := host.TaskID{Connector: fmt.Sprint("p", i)}
		c := config("name", id.Connector, "connector.class", "FileStreamSource", "file", file, "topic", id.Connector)
		b.StartTask(id, 1, c, c, host.TargetPaused)
		ids = append(ids, id)
	}
	for _, id := range ids {
		eventually(t, "PAUSED", func() bool { return b.status.task(id).state == host.Paused })
	}
	b.kafka.produce("s", "x")
	b.start(t, config("name", "s", "connector.class", "blackhole", "topics", "s"))
	eventually(t, "a sink works meanwhile", func() bool { return b.kafka.committed("s") == 1 })
	for _, id := range ids {
		if got := b.values(id.Connector); got != "" {
			t.Errorf("a source that started paused moved: %s", got)
		}
	}
	b.SetTarget("p0", host.TargetStarted)
	eventually(t, "the first", func() bool { return b.values("p0") == "one" })
}

// A task set of somebody else, or of before the limit, does not run around it.
func TestTasksOfASetThatIsTooLargeFail(t *testing.T) {
	tests := []struct {
		of      int
		max     string
		enforce string
		want    host.State
	}{
		{2, "1", "true", host.Failed},
		{2, "2", "true", host.Running},
		{2, "1", "false", host.Running},
		{1, "1", "true", host.Running},
	}
	for i, test := range tests {
		b := newBench(t)
		id := host.TaskID{Connector: fmt.Sprint("many", i)}
		c := config("name", id.Connector, "connector.class", "Datagen", "kind", "line", "rate", "1", "topic", "t",
			"tasks.max", test.max, "tasks.max.enforce", test.enforce)
		b.StartTask(id, test.of, c, c, host.TargetStarted)
		eventually(t, "a state", func() bool { return b.status.task(id).state != "" })
		got := b.status.task(id)
		if got.state != test.want {
			t.Errorf("%+v: %s: %s", test, got.state, got.trace)
		}
		want := "org.apache.kafka.connect.runtime.TooManyTasksException: The connector " + id.Connector +
			" has generated 2 tasks, which is greater than 1, the maximum number of tasks it is configured to create."
		if got.state == host.Failed && !strings.HasPrefix(got.trace, want) {
			t.Errorf("trace: %s", got.trace)
		}
	}
}

func TestFileOutsideTheGrantNamesTheSetting(t *testing.T) {
	b := newBench(t, t.TempDir())
	c := config("name", "o", "connector.class", "FileStreamSource", "file", "/etc/hostname", "topic", "o")
	_, err := b.StartConnector(t.Context(), "o", c, host.TargetStarted, func() {})
	if err == nil {
		b.StartTask(host.TaskID{Connector: "o"}, 1, c, c, host.TargetStarted)
		eventually(t, "FAILED", func() bool { return b.status.task(host.TaskID{Connector: "o"}).state == host.Failed })
		err = fmt.Errorf("%s", b.status.task(host.TaskID{Connector: "o"}).trace)
	}
	for _, want := range []string{"/etc/hostname", "--allow-dir", "BERTH_ALLOW_DIRS"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named: %v", want, err)
		}
	}
}

func TestUploadedModulesSurviveARestartAndConflictsAreRefused(t *testing.T) {
	b := newBench(t)
	first := guests.Go(t, "testdata/guests/hostile", "")
	info, err := b.add(t, "one.wasm", first)
	if err != nil || info.Name != "one" || len(info.Plugins) != 4 {
		t.Fatalf("%+v, %v", info, err)
	}
	if again, err := b.add(t, "two", first); err != nil || again.Digest != info.Digest {
		t.Errorf("the same bytes again: %+v, %v", again, err)
	}
	other := guests.Go(t, "testdata/guests/hostile", "-X main.unused=1")
	other = append(append([]byte(nil), other...), 0, 3, 1, 'x', 'y') // a custom section: other bytes, same plugins
	_, err = b.add(t, "other", other)
	if err == nil || !strings.Contains(err.Error(), "provides already") {
		t.Errorf("the same plugins again: %v", err)
	}
}
