package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

func TestE2EMalformedRecordFailsItsTaskByName(t *testing.T) {
	p := startProcess(t)
	topic, name, output := p.name("json"), p.name("out"), p.file("out.txt")
	p.CreateTopic(t, topic, 1)
	for _, text := range []string{`{"a":1}`, `{"a":`, `{"a":3}`} {
		p.Produce(t, kafkatest.Record{Topic: topic, Value: []byte(text)})
	}
	config := p.sink(output, topic).with(keys{"value.converter": asJSON, "value.converter.schemas.enable": "false"})
	p.put(name, config)
	trace := p.awaitFailure(name)
	first, rest, _ := strings.Cut(trace, "\n")
	if want := "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler"; first != want {
		t.Errorf("the trace begins with\n%s\nwant\n%s", first, want)
	}
	contains(t, rest, "VALUE_CONVERTER", asJSON, "version 4.1.1", topic+"-0@1",
		"Caused by: org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to")
	if got := string(read(t, output)); got != "{a=1}\n" {
		t.Errorf("the file holds %q: what comes behind a record that failed is not written", got)
	}
	p.put(name, config.with(keys{"errors.tolerance": "all"}))
	p.awaitRunningAgain(name)
	p.awaitCommitted(name, topic, 3)
	if got := string(read(t, output)); got != "{a=1}\n{a=3}\n" {
		t.Errorf("the file holds %q, want the first and the third record, once each", got)
	}
}

func TestE2EFilesThatCannotBeRead(t *testing.T) {
	p := startProcess(t)
	if err := os.Mkdir(p.file("folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.file("plain"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "in.txt")
	writeNumbered(t, outside, 1)
	cases := []struct {
		name   string
		config keys
		says   []string
	}{
		{"folder", p.source(p.file("folder"), p.name("none")), []string{p.file("folder"), "Is a directory"}},
		{"below-a-file", p.sink(p.file("plain/out"), p.name("none")), []string{p.file("plain/out"), "Not a directory"}},
		{"outside", p.source(outside, p.name("none")), []string{"ConfigException", outside, p.files,
			"--allow-dir " + filepath.Dir(outside), "allow.dirs=" + filepath.Dir(outside),
			"BERTH_ALLOW_DIRS=" + filepath.Dir(outside)}},
		{"outside-by-dots", p.source(p.files+"/../x", p.name("none")), []string{"ConfigException", "--allow-dir"}},
		{"sink-outside", p.sink(outside, p.name("none")), []string{"ConfigException", "--allow-dir"}},
	}
	p.CreateTopic(t, p.name("none"), 1)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p.put(p.name(c.name), c.config)
			contains(t, p.awaitFailure(p.name(c.name)), c.says...)
		})
	}
	if text := string(read(t, outside)); text != string(numbered(nil, 0))+"\n" {
		t.Errorf("the file outside now holds %q", text)
	}
}

// A file that is not there yet is no error: Connect waits for it.
func TestE2EMissingFileIsWaitedFor(t *testing.T) {
	outside := t.TempDir()
	p := startProcess(t, "BERTH_ALLOW_DIRS="+outside) // the variable that the message about ungranted files names
	input, topic, name := filepath.Join(outside, "later.txt"), p.name("lines"), p.name("in")
	p.put(name, p.source(input, topic))
	p.awaitState(name, "RUNNING", 1)
	p.awaitPosition(name, writeNumbered(t, input, 1000))
	p.checkTopic(topic, 1000)
}

// checkTopic expects the numbered lines, each once.
func (p *process) checkTopic(topic string, n int) {
	p.t.Helper()
	check := sequence{t: p.t}
	p.Each(p.t, topic, func(r kafkatest.Record) { check.add(r.Value) })
	check.finish(ending{}, n)
}

// checkFile expects the numbered lines, each once.
func (p *process) checkFile(file string, n int) {
	p.t.Helper()
	check := sequence{t: p.t}
	eachLine(p.t, file, check.add)
	check.finish(ending{}, n)
}

func (p *process) produceNumbered(topic string, from, to int) {
	p.t.Helper()
	p.ProduceEach(p.t, func(yield func(kafkatest.Record) bool) {
		for k := from; k < to && yield(kafkatest.Record{Topic: topic, Value: numbered(nil, k)}); k++ {
		}
	})
}

func TestE2ESinkWaitsForItsTopic(t *testing.T) {
	p := startProcess(t)
	topic, name, output := p.name("later"), p.name("out"), p.file("out.txt")
	p.put(name, p.sink(output, topic).with(keys{"consumer.override.allow.auto.create.topics": "false",
		"consumer.override.metadata.max.age.ms": "500"}))
	p.awaitState(name, "RUNNING", 1)
	if n := len(p.Ends(t, topic)); n != 0 {
		t.Fatalf("topic %s is there already, with %d partitions", topic, n)
	}
	p.CreateTopic(t, topic, 1)
	p.produceNumbered(topic, 0, 1000)
	p.awaitCommitted(name, topic, 1000)
	p.checkFile(output, 1000)
}

// diskFull is what the trace of a file sink says that has no room.
func diskFull(output, topic string) []string {
	return []string{
		"org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.",
		output, "No space left on device", "TASK_PUT", fileSink, topic + "-0@",
	}
}

func TestE2EFullDevice(t *testing.T) {
	p := newProcess(t)
	p.args = append(p.args, "-allow-dir", "/dev")
	p.start()
	topic, name, output := p.name("lines"), p.name("out"), p.file("out.txt")
	p.CreateTopic(t, topic, 1)
	p.produceNumbered(topic, 0, 1000)
	p.put(name, p.sink("/dev/full", topic))
	contains(t, p.awaitFailure(name), diskFull("/dev/full", topic)...)
	if committed := p.Committed(t, "connect-"+name, topic); len(committed) > 0 && committed[0] > 0 {
		t.Errorf("offset %d is committed and nothing is written", committed[0])
	}
	p.put(name, p.sink(output, topic))
	p.awaitRunningAgain(name)
	p.awaitCommitted(name, topic, 1000)
	p.checkFile(output, 1000)
}

// awaitRunningAgain waits for a connector that had failed.
func (p *process) awaitRunningAgain(name string) {
	p.t.Helper()
	p.await(name+" running again", func() bool {
		_, answer := p.call("GET", "/connectors/"+name+"/status", nil)
		return bytes.Count(answer, []byte(`"RUNNING"`)) == 2
	})
}

func TestE2EModulesThatAreNone(t *testing.T) {
	p := startProcess(t)
	courier := buildModule(t, "courier", "./testdata/guests/courier")
	status, answer := p.upload("readme", []byte("# no module\n"))
	contains(t, p.refused(http.StatusBadRequest, status, answer), `"readme" can't run here: it is no WebAssembly module`)
	status, answer = p.upload("half", courier[:len(courier)/2])
	contains(t, p.refused(http.StatusBadRequest, status, answer), `"half"`)
	status, answer = p.upload("empty", []byte("\x00asm\x01\x00\x00\x00"))
	contains(t, p.refused(http.StatusBadRequest, status, answer), `"empty"`)
	for _, want := range []int{http.StatusCreated, http.StatusOK} { // the same bytes twice are the same module
		if status, answer = p.upload("courier", courier); status != want {
			t.Fatalf("upload: %d %s", status, answer)
		}
	}
	other := append(bytes.Clone(courier), 0, 3, 1, 'x', 0) // a custom section: other bytes, the same plugins
	status, answer = p.upload("other", other)
	contains(t, p.refused(http.StatusConflict, status, answer), `"other"`, "test.Letters version 1.0.0", `"courier"`)
	var modules []struct{ Name string }
	p.ask("GET", "/plugins", nil, &modules)
	uploaded := slices.DeleteFunc(modules, func(m struct{ Name string }) bool {
		return slices.Contains([]string{"expr", "mirror", "registry", "stock"}, m.Name)
	})
	if got := fmt.Sprint(uploaded); got != "[{courier}]" {
		t.Errorf("beside the bundled modules there are %s", got)
	}
}
