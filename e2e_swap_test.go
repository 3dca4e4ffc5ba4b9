package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
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
		Changes  []struct {
			Stage    string
			Old, New *struct{ Class, Version, Digest string }
		} `json:"changes"`
		After []struct{ Partition, Offset map[string]any } `json:"after"`
	} `json:"tasks"`
}

// addStamps uploads versions of a transformation that says in each record which one it is.
func (p *process) addStamps(versions ...string) {
	p.t.Helper()
	for _, version := range versions {
		wasm := guests.Go(p.t, "testdata/guests/stamp", "-X main.version="+version)
		status, answer := p.upload("stamp-"+version, wasm)
		if status >= http.StatusMultipleChoices {
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

// add notes the positions of a swap; place makes a partition's text and a position out of an entry.
func (l swapLog) add(s swapAnswer, place func(partition, offset map[string]any) (string, int64)) {
	for _, task := range s.Tasks {
		for _, at := range task.After {
			partition, position := place(at.Partition, at.Offset)
			l[partition] = append(l[partition], turn{position, task.Changes[0].New.Version})
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
	p.addStamps("1.0.0", "2.0.0")
	const tasks = 2
	topic := p.name("stamped")
	p.CreateTopic(t, topic, 1)
	stamp := keys{"transforms": "stamp", "transforms.stamp.type": "test.Stamp",
		"transforms.stamp.plugin.version": "1.0.0", "key.converter": asText, "value.converter": asText}
	p.put("in", stamp.with(keys{"connector.class": "Datagen", "kind": "line", "line.bytes": "16", "rate": "3000",
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
		sources.add(in, datagenPlace)
		sinks.add(out, kafkaPlace)
		for _, task := range append(in.Tasks, out.Tasks...) {
			pauses = append(pauses, *task.PauseUs)
		}
	}
	slices.Sort(pauses)
	t.Logf("%d pauses: median %d µs, p99 %d µs, longest %d µs", len(pauses), pauses[len(pauses)/2],
		pauses[len(pauses)*99/100], pauses[len(pauses)-1])
	p.ask("PUT", "/connectors/in/stop", nil, nil)
	p.await("the end of the source", func() bool { return p.status("in").Connector.State == "STOPPED" })
	checkSource(t, p.Broker, topic, tasks, sources)
	checkSink(t, p, topic, sinks)
}

func swapCount(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("BERTH_E2E_SWAPS"), strconv.Itoa(e2eSwaps)))
	if err != nil || n < 1 {
		t.Fatalf("BERTH_E2E_SWAPS=%s must be a number, 1 or more", os.Getenv("BERTH_E2E_SWAPS"))
	}
	return n
}

func (p *process) status(connector string) (s status) {
	p.t.Helper()
	p.ask("GET", "/connectors/"+connector+"/status", nil, &s)
	return s
}

// checkSource reads what source tasks have written: each task's numbers in order, each stamped by the right version.
func checkSource(t *testing.T, broker *kafkatest.Broker, topic string, tasks int, log swapLog) {
	t.Helper()
	next := make([]int64, tasks)
	broker.Each(t, topic, func(r kafkatest.Record) {
		fields := strings.Fields(string(r.Value))
		number, err := strconv.ParseInt(fields[0], 10, 64)
		task, version, _ := strings.Cut(fields[len(fields)-1], "/")
		i, taskErr := strconv.Atoi(task)
		if counted := fields[len(fields)-2]; counted != strconv.FormatInt(number+1, 10) {
			t.Fatalf("record %q was counted as %s", r.Value, counted)
		}
		if err != nil || taskErr != nil || i >= tasks || number != next[i] {
			t.Fatalf("record %q at offset %d, where numbers %v are due", r.Value, r.Offset, next)
		}
		next[i]++
		if want := log.version("1.0.0", task, number); version != want {
			t.Fatalf("record %q of task %d was to be stamped by %s: %v", r.Value, i, want, log[task])
		}
	})
	t.Logf("tasks have written %v records, in %d turns of the first", next, len(log["0"]))
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
	p.addStamps("1.0.0", "2.0.0")
	p.put("in", keys{"connector.class": "Datagen", "kind": "line", "topic": p.name("kept"), "rate": "100",
		"transforms": "stamp", "transforms.stamp.type": "test.Stamp", "transforms.stamp.plugin.version": "1.0.0"})
	p.awaitState("in", "RUNNING", 1)
	swapped := p.swap("in", "2.0.0")
	p.terminate()
	p.start()
	p.awaitState("in", "RUNNING", 1)
	var log []swapAnswer
	p.ask("GET", "/connectors/in/swaps", nil, &log)
	want, _ := json.Marshal(swapped)
	got, _ := json.Marshal(log[0])
	if len(log) != 1 || string(got) != string(want) {
		t.Errorf("the log is %s, want %s", got, want)
	}
	var config keys
	p.ask("GET", "/connectors/in/config", nil, &config)
	if config["transforms.stamp.plugin.version"] != "2.0.0" {
		t.Errorf("configuration: %v", config)
	}
}
