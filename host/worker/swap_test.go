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

// addStamp adds a version of the stamp; does is what it is bad at.
func (b *bench) addStamp(t *testing.T, version, does string) {
	t.Helper()
	flags := "-X main.version=" + version
	if does != "" {
		flags += " -X main.does=" + does
	}
	if _, err := b.add(t, "stamp-"+version, guests.Go(t, "testdata/guests/stamp", flags)); err != nil {
		t.Fatalf("add stamp %s: %v", version, err)
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

// stamped tells of each record in order by which version it was stamped, and that none is missing or there twice.
func (b *bench) stamped(t *testing.T, topic string) []string {
	t.Helper()
	var versions []string
	for i, r := range b.kafka.records(topic) {
		fields := strings.Fields(string(r.Value))
		if fields[0] != fmt.Sprint(i) {
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
	b.addStamp(t, "1.0.0", "")
	b.addStamp(t, "2.0.0", "")
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
	for i, version := range b.stamped(t, "exact") {
		swaps := len(slices.DeleteFunc(slices.Clone(ends), func(end int) bool { return i < end }))
		if want := []string{"1.0.0", "2.0.0"}[swaps%2]; version != want {
			t.Fatalf("record %d behind %d of the swaps at %v was stamped by %s", i, swaps, ends, version)
		}
	}
}
