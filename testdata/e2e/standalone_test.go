package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newStandalone prepares a standalone worker with connector files; more are properties of the worker.
func newStandalone(t *testing.T, more keys) *process {
	t.Helper()
	p := newProcess(t)
	properties := keys{"bootstrap.servers": p.bootstrap, "listeners": p.url, "berth.data.dir": p.data,
		"berth.allow.dirs": p.files, "offset.storage.file.filename": p.offsetFile(),
		"key.converter":   "org.apache.kafka.connect.json.JsonConverter",
		"value.converter": "org.apache.kafka.connect.json.JsonConverter"}
	p.args = append(p.args, p.writeProperties("worker.properties", properties.with(more)))
	at := slices.Index(p.args, "-kafka-port")
	if p.args = append([]string{"standalone"}, p.args[len(p.args)-1]); at >= 0 {
		_, port, _ := strings.Cut(p.bootstrap, ":")
		p.args = append(p.args, "-embedded-kafka", "-kafka-port", port)
	}
	return p
}

func (p *process) offsetFile() string { return filepath.Join(p.data, "offsets") }

func (p *process) writeProperties(name string, properties keys) string {
	p.t.Helper()
	var text strings.Builder
	for key, value := range properties {
		fmt.Fprintf(&text, "%s=%s\n", key, value)
	}
	return p.writeConnector(name, text.String())
}

// writeConnector writes a file beside those that plugins may reach.
func (p *process) writeConnector(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.data, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *process) appendTo(name string, lines ...string) {
	p.t.Helper()
	f, err := os.OpenFile(p.file(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		p.t.Fatal(err)
	}
}

// The connectors of files in all three forms run; what they have read stands in the offset file, so that each line
// arrives once although the worker starts again, and after a crash none is missing.
func TestE2EStandaloneConnectorsOfFiles(t *testing.T) {
	p := newStandalone(t, nil)
	topic := p.name("lines")
	p.args = append(p.args,
		p.writeProperties("in.properties", p.source(p.file("in.txt"), topic).with(keys{"name": p.name("in")})),
		p.writeConnector("out.json", p.sink(p.file("out.txt"), topic).with(keys{"name": p.name("out")}).json(t)),
		p.writeConnector("late.json", fmt.Sprintf(`{"name": %q, "initial_state": "STOPPED", "more": [], "config": %s}`,
			p.name("late"), p.source(p.file("late.txt"), topic).json(t))))
	p.appendTo("in.txt", "one", "two")
	p.start()
	p.awaitState(p.name("in"), "RUNNING", 1)
	p.awaitState(p.name("late"), "STOPPED", 0)
	p.awaitPosition(p.name("in"), 8)
	p.awaitState(p.name("out"), "RUNNING", 1)
	p.awaitCommitted(p.name("out"), topic, 2)
	p.terminate()

	p.appendTo("in.txt", "three")
	p.start()
	p.awaitState(p.name("in"), "RUNNING", 1)
	p.awaitPosition(p.name("in"), 14)
	p.awaitState(p.name("out"), "RUNNING", 1)
	p.awaitCommitted(p.name("out"), topic, 3)
	if text := string(read(t, p.file("out.txt"))); text != "one\ntwo\nthree\n" {
		t.Errorf("out.txt has %q", text)
	}
	p.kill9()
	p.appendTo("in.txt", "four")
	p.start()
	p.awaitState(p.name("in"), "RUNNING", 1)
	p.awaitPosition(p.name("in"), 19)
	if n := p.Count(t, topic); n != 4 {
		t.Errorf("the topic has %d records, want 4: all were committed before the crash", n)
	}
}

// The recorded life of a connector on Connect's standalone worker.
func TestE2EStandaloneRecordedExchanges(t *testing.T) {
	p := newStandalone(t, keys{"offset.flush.interval.ms": "1000"})
	if err := os.WriteFile(p.offsetFile(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.replay("standalone")
}

// A connector that can't be created ends the worker, with a message that names its file.
func TestE2EStandaloneRefusedConnector(t *testing.T) {
	p := newStandalone(t, nil)
	file := p.writeProperties("bad.properties", keys{"name": "bad", "connector.class": fileSource, "tasks.max": "0"})
	p.args = append(p.args, file)
	if code := p.runToEnd(); code != 1 {
		t.Errorf("the worker ended with %d, want 1", code)
	}
	contains(t, string(read(t, p.log.Name())), "create connector bad of "+file,
		"Invalid value 0 for configuration tasks.max: Value must be at least 1")
}
