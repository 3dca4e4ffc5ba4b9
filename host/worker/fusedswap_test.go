package worker

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// Stages that share an instance with the connector are given up by it, at a boundary that the report tells.
func TestSwapOfStagesInTheSourcesInstance(t *testing.T) {
	b := newBench(t)
	c := config("name", "fused", "connector.class", "Datagen", "kind", "line", "rate", "20000", "topic", "fused",
		"transforms", "r", "transforms.r.type", regexRouter, "transforms.r.regex", "(.*)", "transforms.r.replacement", "one")
	b.start(t, c)
	eventually(t, "records", func() bool { return len(b.kafka.records("one")) > 500 })
	id := host.TaskID{Connector: "fused"}
	first := b.reconfigure(t, c, 1, "transforms.r.replacement", "two")
	eventually(t, "records in the second topic", func() bool { return len(b.kafka.records("two")) > 500 })
	second := b.reconfigure(t, c, 2, "transforms.r.replacement", "three")
	eventually(t, "records in the third topic", func() bool { return len(b.kafka.records("three")) > 500 })
	b.StopTasks(t.Context(), id)
	all := slices.Concat(b.kafka.records("one"), b.kafka.records("two"), b.kafka.records("three"))
	for i, r := range all {
		if number, _, _ := strings.Cut(string(r.Value), " "); number != fmt.Sprint(i) {
			t.Fatalf("record %d is %q", i, r.Value)
		}
	}
	one, two := len(b.kafka.records("one")), len(b.kafka.records("two"))
	if one != at(t, first) || one+two != at(t, second) {
		t.Errorf("%d and %d records before, positions %s and %s", one, two, first.After, second.After)
	}
}

// reconfigure has a task go on with another setting and sees to it that it was not started anew.
func (b *bench) reconfigure(t *testing.T, c host.Config, revision int64, key, value string) host.SwapReport {
	t.Helper()
	report := b.change(t, c, revision, key, value)
	if report.State != host.SwapDone || report.Restarted || len(report.Changes) != 1 {
		t.Fatalf("swap %d: %+v", revision, report)
	}
	return report
}

// change has a task go on with another setting and returns the last word about it.
func (b *bench) change(t *testing.T, c host.Config, revision int64, key, value string) host.SwapReport {
	t.Helper()
	now := maps.Clone(c)
	now[key] = text(value)
	id := host.TaskID{Connector: c.Get("name")}
	b.SwapTask(id, host.SwapOrder{Revision: revision, Connector: now, Task: now})
	return b.lastSwap(t, id, revision)
}

func TestSwapOfStagesInTheSinksInstance(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	file := filepath.Join(dir, "out")
	c := config("name", "fusedsink", "connector.class", "FileStreamSink", "topics", "in", "file", file, "transforms", "h",
		"transforms.h.type", "HoistField$Value", "transforms.h.field", "f0")
	b.start(t, c)
	var want []string
	for revision := range 3 {
		field := fmt.Sprint("f", revision)
		if revision > 0 {
			report := b.reconfigure(t, c, int64(revision), "transforms.h.field", field)
			if got := fmt.Sprint(string(report.After[0].Offset)); !strings.Contains(got, fmt.Sprint(len(want)-1)) {
				t.Errorf("behind %s, not %d records", got, len(want))
			}
		}
		for i := range 50 {
			value := fmt.Sprintf("%d.%d", revision, i)
			b.kafka.produce("in", value)
			want = append(want, fmt.Sprintf("%s=%s", field, value))
		}
		eventually(t, "commits", func() bool { return b.kafka.committed("in") == int64(len(want)) })
	}
	b.StopTasks(t.Context(), host.TaskID{Connector: "fusedsink"})
	written, err := os.ReadFile(file)
	lines := strings.Fields(string(written))
	if err != nil || len(lines) != len(want) {
		t.Fatalf("%d lines, not %d: %v", len(lines), len(want), err)
	}
	for i, line := range lines {
		if !strings.Contains(line, want[i]) {
			t.Fatalf("line %d is %q, not %q", i, line, want[i])
		}
	}
}

// A source that is paused has nothing that a start anew could disturb.
func TestSwapOfStagesInAPausedSourcesInstance(t *testing.T) {
	b := newBench(t)
	c := config("name", "paused", "connector.class", "Datagen", "kind", "line", "rate", "20000", "topic", "paused",
		"transforms", "r", "transforms.r.type", regexRouter, "transforms.r.regex", "(.*)", "transforms.r.replacement", "p1")
	b.start(t, c)
	id := host.TaskID{Connector: "paused"}
	eventually(t, "records", func() bool { return len(b.kafka.records("p1")) > 0 })
	b.SetTarget("paused", host.TargetPaused)
	eventually(t, "task PAUSED", func() bool { return b.status.task(id).state == host.Paused })
	now := maps.Clone(c)
	now["transforms.r.replacement"] = text("p2")
	b.SwapTask(id, host.SwapOrder{Revision: 1, Connector: now, Task: now})
	if report := b.lastSwap(t, id, 1); report.State != host.SwapDone || !report.Restarted {
		t.Errorf("report: %+v", report)
	}
}

// numbers is a source without end whose stamp of the same version is in its instance.
func numbers(name, version string, more ...string) host.Config {
	return config(append([]string{"name", name, "connector.class", "test.Numbers", "connector.plugin.version", version,
		"rate", "20000", "topic", name, "transforms", "s", "transforms.s.type", "test.Stamp",
		"transforms.s.plugin.version", version}, more...)...)
}

// What the stages in the connector's instance have counted goes with the records, there, back and further.
func TestSwapFromTheConnectorsInstanceIsExact(t *testing.T) {
	b := newBench(t)
	b.addStamps(t)
	c := numbers("leaves", "1.0.0")
	b.start(t, c)
	var ends []int
	for revision := range int64(4) {
		last := len(b.kafka.records("leaves"))
		eventually(t, "records", func() bool { return len(b.kafka.records("leaves")) > last+500 })
		report := b.swap(t, c, revision, []string{"2.0.0", "1.0.0"}[revision%2])
		if report.State != host.SwapDone || report.Restarted || len(report.Changes) != 1 {
			t.Fatalf("swap %d: %+v", revision, report)
		}
		ends = append(ends, at(t, report))
	}
	b.StopTasks(t.Context(), host.TaskID{Connector: "leaves"})
	for i, version := range b.stamped(t, "leaves", false) {
		swaps := len(slices.DeleteFunc(slices.Clone(ends), func(end int) bool { return i < end }))
		if want := []string{"1.0.0", "2.0.0"}[swaps%2]; version != want {
			t.Fatalf("record %d behind %d of the swaps at %v was stamped by %s", i, swaps, ends, version)
		}
	}
}

// A source that never waits heeds what the host says nevertheless.
func TestSwapFromABusyConnectorsInstance(t *testing.T) {
	b := newBench(t)
	b.addStamps(t)
	c := numbers("busy", "1.0.0", "rate", "0")
	b.start(t, c)
	eventually(t, "records", func() bool { return len(b.kafka.records("busy")) > 500 })
	if report := b.swap(t, c, 1, "2.0.0"); report.State != host.SwapDone || report.Restarted {
		t.Errorf("report: %+v", report)
	}
	b.StopTasks(t.Context(), host.TaskID{Connector: "busy"})
}

// A task that has started with a version before anybody was told to swap to it says since which record it has it.
func TestSwapToWhatATaskHasStartedWith(t *testing.T) {
	b := newBench(t)
	b.addStamps(t)
	c := numbers("has", "1.0.0")
	id := host.TaskID{Connector: "has"}
	b.start(t, c)
	eventually(t, "records", func() bool { return len(b.kafka.records("has")) > 500 })
	b.StopTasks(t.Context(), id)
	end := len(b.kafka.records("has"))
	b.start(t, c)
	eventually(t, "more records", func() bool { return len(b.kafka.records("has")) > end+500 })
	b.SwapTask(id, host.SwapOrder{Revision: 7, Connector: c, Task: c, VersionsOnly: true})
	report := b.lastSwap(t, id, 7)
	if report.State != host.SwapDone || !report.Restarted || at(t, report) != end {
		t.Errorf("%d records before the start, report %+v, at %d", end, report, at(t, report))
	}
	b.StopTasks(t.Context(), id)
}

// A task that swaps before its first record says behind which record that is.
func TestSwapBeforeTheFirstRecord(t *testing.T) {
	b := newBench(t)
	b.addStamps(t)
	b.start(t, numbers("early", "1.0.0"))
	eventually(t, "records", func() bool { return len(b.kafka.records("early")) > 500 })
	id := host.TaskID{Connector: "early"}
	b.StopTasks(t.Context(), id)
	end := len(b.kafka.records("early"))
	slow := numbers("early", "1.0.0", "rate", "1")
	b.start(t, slow)
	report := b.swap(t, slow, 7, "2.0.0")
	if sent := len(b.kafka.records("early")) - end; report.Restarted || at(t, report) > end+sent || at(t, report) < end {
		t.Errorf("%d records before the start, %d since, report %+v", end, sent, report)
	}
	b.StopTasks(t.Context(), id)
}

// What is on probation gives the records back to stages that were in the connector's instance before.
func TestRollbackToStagesOfTheConnectorsInstance(t *testing.T) {
	b := newBench(t)
	b.addStamps(t)
	c := numbers("backagain", "1.0.0", "transforms.s.does", "panic")
	b.start(t, c)
	eventually(t, "records", func() bool { return len(b.kafka.records("backagain")) > 500 })
	b.swap(t, c, 7, "2.0.0")
	var report host.SwapReport
	eventually(t, "a rollback", func() bool {
		report = b.lastSwap(t, host.TaskID{Connector: "backagain"}, 7)
		return report.State == host.SwapRolledBack
	})
	back := at(t, report)
	eventually(t, "more records", func() bool { return len(b.kafka.records("backagain")) > back+1000 })
	b.StopTasks(t.Context(), host.TaskID{Connector: "backagain"})
	versions := b.stamped(t, "backagain", true)
	if turn := slices.Index(versions, "2.0.0"); turn >= 0 && slices.Contains(versions[back:], "2.0.0") {
		t.Errorf("the new version had records from %d on, although it had none from %d on", turn, back)
	}
}

// Stages that do not let go of what they keep, or do not take it back, cost the swap and no record.
func TestStagesThatCannotLeaveTheConnectorsInstance(t *testing.T) {
	cases := []struct {
		does, reason string
		state        host.SwapState
		restarted    bool
	}{
		{"export", "hand over state: stage TRANSFORMATION s, ", host.SwapFailed, false},
		{"import", "the stages of before go on without what they kept: take over state: ", host.SwapFailed, false},
		{"trap", "which ended when it was to give them up: panic: at the export of state, on purpose", host.SwapDone, true},
	}
	b := newBench(t)
	b.addStamps(t)
	for _, fails := range cases {
		name := "leaves" + fails.does
		c := numbers(name, "2.0.0", "transforms.s.does", fails.does)
		b.start(t, c)
		eventually(t, "records", func() bool { return len(b.kafka.records(name)) > 500 })
		report := b.swap(t, c, 1, "1.0.0")
		if report.State != fails.state || !strings.Contains(report.Reason, fails.reason) ||
			report.Restarted != fails.restarted {
			t.Errorf("%s: %+v", fails.does, report)
		}
		last := len(b.kafka.records(name))
		eventually(t, "more records", func() bool { return len(b.kafka.records(name)) > last+500 })
		b.StopTasks(t.Context(), host.TaskID{Connector: name})
		if versions := b.stamped(t, name, fails.does != "export"); versions[0] != "2.0.0" ||
			(versions[len(versions)-1] == "2.0.0") == fails.restarted {
			t.Errorf("%s: stamped by %s at last", fails.does, versions[len(versions)-1])
		}
	}
}

// A connector's instance that does anything else than it should when it is to give up its other stages is replaced, and
// nothing is lost.
func TestConnectorsThatGiveUpStagesWrongly(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	for _, c := range []struct{ misbehave, reason string }{
		{"trap", "out of bounds memory access"},
		{"exit", "exited early"},
		{"panic", "exit code 2"},
		{"loop", "limit cpu-per-batch"},
		{"garbage", "the module broke the ABI: read states"},
		{"stage", "the module broke the ABI: state of stage 17 of 2"},
		{"seq", "the module broke the ABI"},
		{"kind", "unknown kind 4711"},
	} {
		t.Run(c.misbehave, func(t *testing.T) {
			source, sink := "source"+c.misbehave, "sink"+c.misbehave
			from := config("name", source, "connector.class", "hostile.Source", "topic", source, "transforms", "x",
				"transforms.x.type", "hostile.Transform", "misbehave", "alone:"+c.misbehave)
			into := config("name", sink, "connector.class", "hostile.Sink", "topics", sink, "transforms", "x",
				"transforms.x.type", "hostile.Transform", "transforms.x.misbehave", "alone:"+c.misbehave)
			b.start(t, from)
			b.start(t, into)
			b.kafka.produce(sink, "a", "b", "c")
			eventually(t, "records", func() bool {
				return b.kafka.committed(sink) == 3 && len(b.kafka.records(source)) == 10
			})
			for _, connector := range []host.Config{from, into} {
				report := b.change(t, connector, 1, "transforms.x.other", "setting")
				if report.State != host.SwapDone || !report.Restarted || len(report.Changes) != 1 ||
					!strings.Contains(report.Reason, "which ended when it was to give them up: ") ||
					!strings.Contains(report.Reason, c.reason) {
					t.Errorf("report: %+v", report)
				}
			}
			b.kafka.produce(sink, "d", "e")
			eventually(t, "more records", func() bool { // a source without offsets begins anew
				return b.kafka.committed(sink) == 5 && len(b.kafka.records(source)) == 20
			})
		})
	}
}

// A module that was built before connectors could give up stages is started anew, and the report says why.
func TestStagesOfAModuleThatCannotGiveThemUp(t *testing.T) {
	b := newBench(t)
	wasm := guests.Go(t, "testdata/guests/hostile", "-X main.clings=yes")
	if _, err := b.add(t, "clings", wasm); err != nil {
		t.Fatal(err)
	}
	c := config("name", "clings", "connector.class", "hostile.Sink", "topics", "in", "transforms", "x",
		"transforms.x.type", "hostile.Transform")
	b.start(t, c)
	b.kafka.produce("in", "a", "b")
	eventually(t, "records", func() bool { return b.kafka.committed("in") == 2 })
	report := b.change(t, c, 1, "transforms.x.other", "setting")
	if report.State != host.SwapDone || !report.Restarted || len(report.Changes) != 1 || report.Reason !=
		"its stages share an instance with the connector, and its module can't give them up while it runs (goes_alone)" {
		t.Errorf("report: %+v", report)
	}
	b.kafka.produce("in", "c")
	eventually(t, "more records", func() bool { return b.kafka.committed("in") == 3 })
}

// A pause does not wait for a source that gives up its stages, and comes to no harm by it.
func TestPauseOfASourceThatIsToGiveUpStages(t *testing.T) {
	b := newBench(t)
	b.addGuest(t, "hostile")
	c := config("name", "asleep", "connector.class", "hostile.Source", "topic", "asleep", "transforms", "x",
		"transforms.x.type", "hostile.Transform", "misbehave", "alone:sleep")
	b.start(t, c)
	eventually(t, "records", func() bool { return len(b.kafka.records("asleep")) == 10 })
	id := host.TaskID{Connector: "asleep"}
	now := maps.Clone(c)
	now["transforms.x.other"] = text("setting")
	b.SwapTask(id, host.SwapOrder{Revision: 1, Connector: now, Task: now})
	eventually(t, "the swap has begun", func() bool {
		b.status.mu.Lock()
		defer b.status.mu.Unlock()
		return len(b.status.swaps[id]) > 0
	})
	b.SetTarget("asleep", host.TargetPaused)
	report := b.lastSwap(t, id, 1)
	if report.State != host.SwapDone || !report.Restarted || !strings.Contains(report.Reason, "and the source ") ||
		!strings.Contains(report.Reason, " paused") {
		t.Errorf("report: %+v", report)
	}
	eventually(t, "task PAUSED", func() bool { return b.status.task(id).state == host.Paused })
}

// A shadow of a stage that was in the connector's instance does not have the task started anew once it has left it.
func TestShadowOfAStageThatHasLeftTheConnectorsInstance(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	file := filepath.Join(dir, "lines")
	writeLines(t, file, "a", "b")
	c := config("name", "left", "connector.class", "FileStreamSource", "file", file, "topic", "left",
		"transforms", "route", "transforms.route.type", regexRouter, "transforms.route.regex", "(.*)",
		"transforms.route.replacement", "$1")
	b.start(t, c)
	eventually(t, "the first lines", func() bool { return len(b.kafka.records("left")) == 2 })
	b.reconfigure(t, c, 1, "transforms.route.replacement", "new-$1")
	w := wish("left", "route", "", "regex", "(.*)", "replacement", "to-$1")
	b.SetShadows("left", []host.ShadowWish{w})
	b.runsShadow(t, w)
	writeLines(t, file, "a", "b", "c", "d")
	r := b.shadowOf(t, w, 2)
	if r.Different != 2 || r.Differences[0].Live.Records[0].Topic != "new-left" ||
		r.Differences[0].Candidate.Records[0].Topic != "to-left" {
		t.Fatalf("%+v", r)
	}
	b.status.mu.Lock()
	defer b.status.mu.Unlock()
	if n := b.status.starts[host.TaskID{Connector: "left"}]; n != 1 {
		t.Errorf("the task was started %d times", n)
	}
}
