package e2e

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/guests"
)

// e2eSwaps is how often the tests of swaps swap; BERTH_E2E_SWAPS overrides it.
const e2eSwaps = 50

// swapAnswer is a swap as the REST API tells it.
type swapAnswer struct {
	Revision int64   `json:"revision"`
	State    string  `json:"state"`
	Stage    *string `json:"stage"`
	Reason   *string `json:"reason"`
	Tasks    []struct {
		ID       int     `json:"id"`
		WorkerID *string `json:"worker_id"`
		State    string  `json:"state"`
		Reason   *string `json:"reason"`
		PauseUs  *int64  `json:"pause_us"`

		Restarted bool `json:"restarted"`
		Changes   []struct {
			Stage    string
			Old, New *struct{ Class, Version, Digest string }
		} `json:"changes"`
		After []struct{ Partition, Offset map[string]any } `json:"after"`
	} `json:"tasks"`
}

// stamps builds a version of a transformation that says in each record which one it is.
type stamps func(t testing.TB, version string) []byte

// swapStamps are those that take turns under load: in Rust, which is for what every record passes; BERTH_E2E_STAMP=go
// has those in Go.
func swapStamps(t *testing.T) stamps {
	t.Helper()
	switch sdk := os.Getenv("BERTH_E2E_STAMP"); sdk {
	case "", "rust":
		return guests.RustStamp
	case "go":
		return guests.Stamp
	default:
		t.Fatalf("BERTH_E2E_STAMP=%s must be rust or go", sdk)
		return nil
	}
}

// addStamps uploads the two versions.
func (p *process) addStamps(build stamps) {
	p.t.Helper()
	for _, version := range []string{"1.0.0", "2.0.0"} {
		if status, answer := p.upload("stamp-"+version, build(p.t, version)); status >= http.StatusMultipleChoices {
			p.t.Fatalf("upload of stamp %s: %d %s", version, status, answer)
		}
	}
}

// swap asks for another version of the stamp and returns when all tasks have it.
func (p *process) swap(connector, version string) swapAnswer {
	p.t.Helper()
	var answer swapAnswer
	p.ask("PUT", "/connectors/"+connector+"/transforms/stamp/version", keys{"version": version}, &answer)
	if answer.State != "done" {
		p.t.Fatalf("swap of %s to %s: %+v", connector, version, answer)
	}
	return answer
}

// swapLog is what the swaps of a connector said: for each partition, by its text, the positions behind which a version
// began.
type swapLog map[string][]turn

type turn struct {
	after   int64
	version string
}

// add notes the positions of a swap to a version; place makes a partition's text and a position out of an entry.
func (l swapLog) add(s swapAnswer, version string, place func(partition, offset map[string]any) (string, int64)) {
	for _, task := range s.Tasks {
		for _, at := range task.After {
			partition, position := place(at.Partition, at.Offset)
			// A task that has sent nothing names all that is stored: another task's, by the numbers of Datagen's.
			if (task.Restarted || len(task.After) > 1) && partition != strconv.Itoa(task.ID) {
				continue
			}
			l[partition] = append(l[partition], turn{position, version})
		}
	}
}

// version is the one that the log names for a position.
func (l swapLog) version(first, partition string, position int64) string {
	version := first
	for _, t := range l[partition] {
		if position > t.after {
			version = t.version
		}
	}
	return version
}

// Datagen's offset is the number of the next record, so the last one has one less.
func datagenPlace(partition, offset map[string]any) (string, int64) {
	return fmt.Sprint(partition["task"]), int64(offset["index"].(float64)) - 1
}

func kafkaPlace(partition, offset map[string]any) (string, int64) {
	return fmt.Sprint(partition["kafka_partition"]), int64(offset["kafka_offset"].(float64))
}

// Versions of a transformation take turns under load, before and behind Kafka. What comes out tells that each record
// was processed once, in order, by the version that the answers name for its offset.
func TestE2ESwapsAreExact(t *testing.T) {
	p := startProcess(t)
	p.addStamps(swapStamps(t))
	const tasks = 2
	topic := p.name("stamped")
	p.CreateTopic(t, topic, 1)
	stamp := keys{"transforms": "stamp", "transforms.stamp.type": "test.Stamp",
		"transforms.stamp.plugin.version": "1.0.0", "key.converter": asText, "value.converter": asText}
	p.put("in", stamp.with(keys{"connector.class": "Datagen", "kind": "line", "line.bytes": "16", "rate": swapRate("3000"),
		"tasks.max": strconv.Itoa(tasks), "topic": topic}))
	p.put("out", stamp.with(keys{"connector.class": fileSink, "topics": topic, "file": p.file("out.txt")}))
	p.awaitState("in", "RUNNING", tasks)
	p.awaitState("out", "RUNNING", 1)
	p.await("records", func() bool { return fileSize(t, p.file("out.txt")) > 0 })
	sources, sinks := swapLog{}, swapLog{}
	var pauses []int64
	for i := range swapCount(t) {
		version := []string{"2.0.0", "1.0.0"}[i%2]
		in, out := p.swap("in", version), p.swap("out", version)
		sources.add(in, version, datagenPlace)
		sinks.add(out, version, kafkaPlace)
		pauses = append(pauses, append(in.pauses(), out.pauses()...)...)
	}
	logPauses(t, pauses)
	p.ask("PUT", "/connectors/in/stop", nil, nil)
	p.await("the end of the source", func() bool { return p.status("in").Connector.State == "STOPPED" })
	checkSource(t, p.Each, topic, tasks, true, sources)
	checkSink(t, p, topic, sinks)
	p.checkUndisturbed("out", "in")
}

// checkUndisturbed reads in the status topic that each task of connectors was started once.
func (p *process) checkUndisturbed(connectors ...string) {
	p.t.Helper()
	started := map[string]int{}
	p.Each(p.t, "status-"+p.id, func(r kafkatest.Record) {
		if strings.Contains(string(r.Value), `"state":"RUNNING"`) {
			started[string(r.Key)]++
		}
	})
	for _, connector := range connectors {
		if n := started["status-task-"+connector+"-0"]; n != 1 {
			p.t.Errorf("task 0 of %s was started %d times", connector, n)
		}
	}
}

func swapCount(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("BERTH_E2E_SWAPS"), strconv.Itoa(e2eSwaps)))
	if err != nil || n < 1 {
		t.Fatalf("BERTH_E2E_SWAPS=%s must be a number, 1 or more", os.Getenv("BERTH_E2E_SWAPS"))
	}
	return n
}

// swapRate is how many records a second each task makes; BERTH_E2E_SWAP_RATE overrides it, 0 is all that it can.
func swapRate(paced string) string { return cmp.Or(os.Getenv("BERTH_E2E_SWAP_RATE"), paced) }

func (p *process) status(connector string) (s status) {
	p.t.Helper()
	p.ask("GET", "/connectors/"+connector+"/status", nil, &s)
	return s
}

// checkSource reads what source tasks have written: each task's numbers in order, each stamped by the right version
// and, where no task was started anew, counted by one version after the other.
func checkSource(t *testing.T, each func(testing.TB, string, func(kafkatest.Record)), topic string, tasks int,
	counted bool, log swapLog) {
	t.Helper()
	next := make([]int64, tasks)
	times := map[int64]int{}
	each(t, topic, func(r kafkatest.Record) {
		fields := strings.Fields(string(r.Value))
		number, err := strconv.ParseInt(fields[0], 10, 64)
		task, version, _ := strings.Cut(fields[len(fields)-1], "/")
		i, taskErr := strconv.Atoi(task)
		if err != nil || taskErr != nil || i >= tasks || number != next[i] {
			t.Fatalf("record %q at offset %d, where numbers %v are due", r.Value, r.Offset, next)
		}
		if count := fields[len(fields)-2]; counted && count != strconv.FormatInt(number+1, 10) {
			t.Fatalf("record %q was counted as %s", r.Value, count)
		}
		next[i]++
		times[r.Timestamp/dipMs]++
		if want := log.version("1.0.0", task, number); version != want {
			t.Fatalf("record %q of task %d was to be stamped by %s: %v", r.Value, i, want, log[task])
		}
	})
	t.Logf("tasks have written %v records, in %d turns of the first", next, len(log["0"]))
	logDip(t, times)
}

// dipMs is the length of the times in which records are counted.
const dipMs = 100

// logDip tells how many records were made in the slowest of such times, beside half of them; the first and the last one
// are no whole ones.
func logDip(t *testing.T, times map[int64]int) {
	t.Helper()
	made := slices.Sorted(maps.Keys(times))
	var counts []int
	for at := made[0] + 1; at < made[len(made)-1]; at++ {
		counts = append(counts, times[at])
	}
	slices.Sort(counts)
	if len(counts) > 0 {
		t.Logf("records in %d ms: fewest %d, a hundredth of the times up to %d, half of them up to %d", dipMs, counts[0],
			counts[len(counts)/100], counts[len(counts)/2])
	}
}

// pauses are those of tasks that were not started anew.
func (s swapAnswer) pauses() (pauses []int64) {
	for _, task := range s.Tasks {
		if !task.Restarted {
			pauses = append(pauses, *task.PauseUs)
		}
	}
	return pauses
}

// logPauses tells how long swaps held up records.
func logPauses(t *testing.T, pauses []int64) {
	t.Helper()
	slices.Sort(pauses)
	at := func(share float64) int64 { return pauses[int(share*float64(len(pauses)-1))] }
	t.Logf("%d pauses: p50 %d µs, p90 %d µs, p99 %d µs, longest %d µs", len(pauses), at(0.5), at(0.9), at(0.99), at(1))
	from := 0
	for _, limit := range []int64{100, 200, 500, 1000, 2000, 5000, 10_000, max(at(1), 10_000) + 1} {
		to, _ := slices.BinarySearch(pauses, limit)
		t.Logf("  below %8d µs: %5d %s", limit, to-from, strings.Repeat("#", (to-from)*60/len(pauses)))
		from = to
	}
}

// checkSink reads the file that the sink has written and compares it with the topic.
func checkSink(t *testing.T, p *process, topic string, log swapLog) {
	t.Helper()
	var read []kafkatest.Record
	p.Each(t, topic, func(r kafkatest.Record) { read = append(read, r) })
	var lines []string
	p.await("all lines", func() bool {
		lines = readLines(t, p.file("out.txt"))
		return len(lines) >= len(read)
	})
	if len(lines) != len(read) {
		t.Fatalf("%d lines of %d records", len(lines), len(read))
	}
	for i, r := range read {
		want := fmt.Sprintf("%s %d 0/", r.Value, i+1) + log.version("1.0.0", fmt.Sprint(r.Partition), r.Offset)
		if lines[i] != want {
			t.Fatalf("line %d is %q, want %q", i, lines[i], want)
		}
	}
	t.Logf("the sink has written %d lines in %d turns", len(lines), len(log["0"]))
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	var lines []string
	for scanner := bufio.NewScanner(text); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	return lines
}

// The log of swaps stays when the worker ends, and so does the version.
func TestE2ESwapSurvivesARestart(t *testing.T) {
	p := startProcess(t)
	p.addStamps(guests.Stamp)
	p.put("in", keys{"connector.class": "Datagen", "kind": "line", "topic": p.name("kept"), "rate": "100",
		"transforms": "stamp", "transforms.stamp.type": "test.Stamp", "transforms.stamp.plugin.version": "1.0.0"})
	p.awaitState("in", "RUNNING", 1)
	swapped := p.swap("in", "2.0.0")
	p.terminate()
	p.start()
	p.awaitState("in", "RUNNING", 1)
	log := p.swaps("in")
	want, _ := json.Marshal(swapped)
	got, _ := json.Marshal(log[0])
	if len(log) != 1 || string(got) != string(want) {
		t.Errorf("the log is %s, want %s", got, want)
	}
	if got := p.stampVersion("in"); got != "2.0.0" {
		t.Errorf("version %q is stored", got)
	}
}

func (p *process) swaps(connector string) (log []swapAnswer) {
	p.t.Helper()
	p.ask("GET", "/connectors/"+connector+"/swaps", nil, &log)
	return log
}

func (p *process) stampVersion(connector string) string {
	p.t.Helper()
	var config keys
	p.ask("GET", "/connectors/"+connector+"/config", nil, &config)
	return config["transforms.stamp.plugin.version"]
}

// A version that fails in one task goes away in all of them, and from the configuration; a user takes one back at once.
func TestE2ESwapGoesBack(t *testing.T) {
	p := startProcess(t)
	p.addStamps(guests.Stamp)
	const tasks = 2
	topic := p.name("back")
	p.CreateTopic(t, topic, 1)
	connector := keys{"connector.class": "Datagen", "kind": "line", "line.bytes": "16", "topic": topic, "rate": "500",
		"tasks.max": strconv.Itoa(tasks), "key.converter": asText, "value.converter": asText,
		"transforms": "stamp", "transforms.stamp.type": "test.Stamp"}
	p.put("in", connector)
	p.awaitState("in", "RUNNING", tasks) // with the newest version, as none is named
	swap := func(method, what string, body keys) swapAnswer {
		t.Helper()
		var answer swapAnswer
		p.ask(method, "/connectors/in/transforms/stamp/"+what, body, &answer)
		return answer
	}
	if s := swap("PUT", "version", keys{"version": "1.0.0"}); s.State != "done" || len(s.Tasks) != tasks {
		t.Fatalf("swap: %+v", s)
	}
	if s := swap("POST", "rollback", nil); s.State != "done" || p.stampVersion("in") != "2.0.0" {
		t.Fatalf("rollback: %+v", s)
	}
	swap("PUT", "version", keys{"version": "1.0.0"})
	p.put("in", connector.with(keys{"transforms.stamp.plugin.version": "1.0.0", "transforms.stamp.does": "panic"}))
	p.await("the other setting in all tasks", func() bool {
		log := p.swaps("in")
		return len(log) == 4 && log[0].State == "done"
	})
	for _, task := range p.swaps("in")[0].Tasks {
		if task.Restarted || len(task.Changes) != 1 {
			t.Errorf("another setting: %+v", task)
		}
	}
	swap("PUT", "version", keys{"version": "2.0.0"})
	p.await("the version of before in all tasks", func() bool {
		log := p.swaps("in")
		return p.stampVersion("in") == "1.0.0" && log[0].Reason != nil && log[0].State == "done" &&
			log[1].State == "rolled back"
	})
	last := p.Count(t, topic)
	p.await("more records", func() bool { return p.Count(t, topic) > last+1000 })
	for _, task := range p.status("in").Tasks {
		if task.State != "RUNNING" {
			t.Errorf("task: %+v", task)
		}
	}
	for path, want := range map[string]int{
		"in/transforms/other/version":   http.StatusNotFound,
		"no/transforms/stamp/version":   http.StatusNotFound,
		"in/converters/header/version":  http.StatusNotFound,
		"in/converters/middle/version":  http.StatusNotFound,
		"in/transforms/stamp/version":   http.StatusBadRequest,
		"in/predicates/stamp/version":   http.StatusNotFound,
		"in/converters/value/version":   http.StatusBadRequest,
		"in/transforms/stamp/otherwise": http.StatusNotFound,
	} {
		status, answer := p.call("PUT", "/connectors/"+path, keys{"version": "9.9.9"})
		p.refused(want, status, answer)
	}
	p.ask("PUT", "/connectors/in/stop", nil, nil)
	p.await("the end", func() bool { return p.status("in").Connector.State == "STOPPED" })
	numbersInOrder(t, p.Broker, topic, tasks)
	p.checkUndisturbed("in")
}

// numbersInOrder reads what source tasks have written: each task's numbers, all of them, once.
func numbersInOrder(t *testing.T, broker *kafkatest.Broker, topic string, tasks int) {
	t.Helper()
	next := make([]int64, tasks)
	broker.Each(t, topic, func(r kafkatest.Record) {
		fields := strings.Fields(string(r.Value))
		task, _, _ := strings.Cut(fields[len(fields)-1], "/")
		i, err := strconv.Atoi(task)
		if err != nil || i >= tasks || fields[0] != strconv.FormatInt(next[i], 10) {
			t.Fatalf("record %q at offset %d, where numbers %v are due", r.Value, r.Offset, next)
		}
		next[i]++
	})
	t.Logf("tasks have written %v records", next)
}
