package worker

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// addStamps adds two versions of a transformation, of which the second may be bad at something.
func (b *bench) addStamps(t *testing.T) {
	t.Helper()
	for _, version := range []string{"1.0.0", "2.0.0"} {
		wasm := guests.Stamp(t, version)
		if _, err := b.add(t, "stamp-"+version, wasm); err != nil {
			t.Fatalf("add stamp %s: %v", version, err)
		}
	}
}

// swap asks a task for another version of its stamp and returns the last word about it.
func (b *bench) swap(t *testing.T, c host.Config, revision int64, version string) host.SwapReport {
	t.Helper()
	id := host.TaskID{Connector: c.Get("name")}
	now := maps.Clone(c)
	now["transforms.s.plugin.version"] = &version
	b.SwapTask(id, host.SwapOrder{Revision: revision, Connector: now, Task: now, VersionsOnly: true})
	return b.lastSwap(t, id, revision)
}

func (b *bench) lastSwap(t *testing.T, id host.TaskID, revision int64) host.SwapReport {
	t.Helper()
	var last host.SwapReport
	eventually(t, fmt.Sprintf("an end of swap %d", revision), func() bool {
		b.status.mu.Lock()
		defer b.status.mu.Unlock()
		for _, told := range b.status.swaps[id] {
			if told.Revision == revision {
				last = told
			}
		}
		return last.State != "" && last.State != host.SwapPending
	})
	return last
}

// datagen is a source of numbered lines without end that a stamp of that version changes.
func datagen(name, version string, more ...string) host.Config {
	return config(append([]string{"name", name, "connector.class", "Datagen", "kind", "line", "rate", "20000",
		"batch.size", "100", "topic", name, "transforms", "s", "transforms.s.type", "test.Stamp",
		"transforms.s.plugin.version", version}, more...)...)
}

// stamped tells of each record in order by which version it was stamped, and that none is missing or there twice. Each
// was counted, by one version after the other, unless something was forgotten on the way.
func (b *bench) stamped(t *testing.T, topic string, forgets bool) []string {
	t.Helper()
	var versions []string
	for i, r := range b.kafka.records(topic) {
		fields := strings.Fields(string(r.Value))
		if fields[0] != fmt.Sprint(i) || fields[len(fields)-2] != fmt.Sprint(i+1) && !forgets {
			t.Fatalf("record %d of %s is %q", i, topic, r.Value)
		}
		versions = append(versions, strings.TrimPrefix(fields[len(fields)-1], "0/"))
	}
	return versions
}

// at reads the index in the only position of a report: how many records Datagen had made.
func at(t *testing.T, report host.SwapReport) int {
	t.Helper()
	var index int
	if len(report.After) != 1 || len(report.After) == 1 &&
		must(fmt.Sscanf(string(report.After[0].Offset), `{"index":%d}`, &index)) != 1 {
		t.Fatalf("positions of %+v", report)
	}
	return index
}

func must(n int, _ error) int { return n }

func TestSwapIsExact(t *testing.T) {
	b := newBench(t)
	b.addStamps(t)
	c := datagen("exact", "1.0.0")
	b.start(t, c)
	eventually(t, "records", func() bool { return len(b.kafka.records("exact")) > 1000 })
	var ends []int
	for revision := range int64(6) {
		report := b.swap(t, c, revision, []string{"2.0.0", "1.0.0"}[revision%2])
		if report.State != host.SwapDone || report.Restarted || len(report.Changes) != 1 {
			t.Fatalf("swap %d: %+v", revision, report)
		}
		ends = append(ends, at(t, report))
		last := len(b.kafka.records("exact"))
		eventually(t, "more records", func() bool { return len(b.kafka.records("exact")) > last+500 })
	}
	b.StopTasks(t.Context(), host.TaskID{Connector: "exact"})
	for i, version := range b.stamped(t, "exact", false) {
		swaps := len(slices.DeleteFunc(slices.Clone(ends), func(end int) bool { return i < end }))
		if want := []string{"1.0.0", "2.0.0"}[swaps%2]; version != want {
			t.Fatalf("record %d behind %d of the swaps at %v was stamped by %s", i, swaps, ends, version)
		}
	}
}

// A version on probation that does harm gives the records back, and none of them is lost, twice or harmed.
func TestSwapRollsBackByItself(t *testing.T) {
	cases := []struct{ does, tolerance, reason string }{
		{"panic", "none", "an instance ended: "},
		{"panic", "all", "an instance ended: "},
		{"fail", "none", "a record failed, which would have ended the task"},
		{"fail", "all", "over berth.swap.error.rate.max=0.001"},
		{"slow", "none", "over berth.swap.latency.ratio.max=5"},
	}
	for _, c := range cases {
		t.Run(c.does+" "+c.tolerance, func(t *testing.T) {
			b := newBench(t)
			b.addStamps(t)
			name := c.does + c.tolerance
			source := datagen(name, "1.0.0", "errors.tolerance", c.tolerance, "berth.swap.error.rate.max", "0.001",
				"berth.swap.latency.ratio.max", "5", "transforms.s.does", c.does)
			b.start(t, source)
			eventually(t, "records", func() bool { return len(b.kafka.records(name)) > 2000 })
			b.swap(t, source, 7, "2.0.0")
			var report host.SwapReport
			eventually(t, "a rollback", func() bool {
				report = b.lastSwap(t, host.TaskID{Connector: name}, 7)
				return report.State == host.SwapRolledBack
			})
			if !strings.Contains(report.Reason, c.reason) || len(report.Changes) != 1 ||
				report.Changes[0].Old.Version != "1.0.0" || report.Changes[0].New.Version != "2.0.0" {
				t.Errorf("report: %+v", report)
			}
			back := at(t, report)
			eventually(t, "more records", func() bool { return len(b.kafka.records(name)) > back+1000 })
			b.StopTasks(t.Context(), host.TaskID{Connector: name})
			versions := b.stamped(t, name, c.does != "slow")
			turn := slices.Index(versions, "2.0.0")
			for i, version := range versions {
				if want := turn >= 0 && i >= turn && i < back; (version == "2.0.0") != want {
					t.Fatalf("record %d was stamped by %s; the new version had %d to %d", i, version, turn, back)
				}
			}
		})
	}
}

func TestSwapThatFails(t *testing.T) {
	cases := []struct{ does, version, reason string }{
		{"start", "2.0.0", "the new stages do not start: this version does not start, on purpose"},
		{"", "3.0.0", "Plugin test.Stamp not found that matches the version range"},
		{"import", "2.0.0", "take over state: this version does not take state, on purpose"},
	}
	b := newBench(t)
	b.addStamps(t)
	for i, fails := range cases {
		name := fmt.Sprint("fails", i)
		c := datagen(name, "1.0.0", "transforms.s.does", fails.does)
		b.start(t, c)
		eventually(t, "records", func() bool { return len(b.kafka.records(name)) > 500 })
		report := b.swap(t, c, 1, fails.version)
		if report.State != host.SwapFailed || !strings.Contains(report.Reason, fails.reason) {
			t.Errorf("%s: %+v", fails.reason, report)
		}
		last := len(b.kafka.records(name))
		eventually(t, "more records", func() bool { return len(b.kafka.records(name)) > last+500 })
		b.StopTasks(t.Context(), host.TaskID{Connector: name})
		if got := b.stamped(t, name, false); slices.Contains(got, "2.0.0") {
			t.Error("the version that does not start has stamped a record")
		}
	}
}

// A version that keeps its state to itself does not hinder the way back.
func TestSwapBackWithoutState(t *testing.T) {
	b := newBench(t)
	b.addStamps(t)
	c := datagen("back", "1.0.0", "transforms.s.does", "export")
	b.start(t, c)
	for revision, version := range []string{"2.0.0", "1.0.0"} {
		if report := b.swap(t, c, int64(revision), version); report.State != host.SwapDone || report.Restarted {
			t.Errorf("swap to %s: %+v", version, report)
		}
	}
}

// As part of a new configuration a version that does not start is what the connector is to run with: Connect's task
// would fail.
func TestConfigurationThatDoesNotStart(t *testing.T) {
	b := newBench(t)
	b.addStamps(t)
	c := datagen("config", "1.0.0")
	b.start(t, c)
	now := maps.Clone(c)
	now["transforms.s.plugin.version"], now["transforms.s.does"] = text("2.0.0"), text("start")
	id := host.TaskID{Connector: "config"}
	b.SwapTask(id, host.SwapOrder{Revision: 1, Connector: now, Task: now})
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	if report := b.lastSwap(t, id, 1); report.State != host.SwapFailed || !report.Restarted {
		t.Errorf("report: %+v", report)
	}
}

func text(s string) *string { return &s }
