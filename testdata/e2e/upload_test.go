package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// A plugin goes its author's way, from "berth plugin new" to a connector that uses it, while another connector of the
// same worker moves records.
func TestE2EUploadWhileRecordsFlow(t *testing.T) {
	p := startProcess(t)
	topic, flow := p.name("flow"), p.name("flow")
	stop := p.appendForever(p.file("flow.txt"))
	p.put(flow, p.source(p.file("flow.txt"), topic))
	p.awaitMore(topic)

	project := filepath.Join(t.TempDir(), "shout")
	p.berth("plugin", "new", "transform", project)
	p.berth("plugin", "build", project)
	contains(t, p.berth("plugin", "push", filepath.Join(project, "shout.wasm"), "-url", p.url), `"class":"Shout"`)
	out := p.name("out")
	p.put(out, p.sink(p.file("out.txt"), topic).with(keys{"transforms": "shout", "transforms.shout.type": "Shout",
		"transforms.shout.prefix": "!"}))
	p.await("lines from the new plugin", func() bool { return fileSize(t, p.file("out.txt")) > 1000 })
	p.awaitMore(topic)
	n := stop()
	p.awaitPosition(flow, fileSize(t, p.file("flow.txt")))
	p.checkTopic(topic, n)
	p.awaitCommitted(out, topic, int64(n))
	check := sequence{t: t}
	eachLine(t, p.file("out.txt"), func(line []byte) { check.add(bytes.TrimPrefix(line, []byte("!"))) })
	check.finish(ending{}, n)

	before := p.plugins()
	if !slices.Contains(before, "transformation Shout 0.1.0") {
		t.Errorf("the plugin is not listed in %v", before)
	}
	p.terminate()
	p.start()
	if after := p.plugins(); !slices.Equal(after, before) {
		t.Errorf("after a restart the plugins are\n%v\nand were\n%v", after, before)
	}
	p.awaitState(out, "RUNNING", 1)
	p.produceNumbered(topic, n, n+10)
	p.awaitCommitted(out, topic, int64(n)+10)
	if text := string(read(t, p.file("out.txt"))); !strings.HasSuffix(text, fmt.Sprintf("!%s\n", numbered(nil, n+9))) {
		t.Errorf("after a restart the plugin is not used; the file ends with %q", text[max(0, len(text)-100):])
	}
}

// awaitMore waits until a topic has grown.
func (p *process) awaitMore(topic string) {
	p.t.Helper()
	before := p.Count(p.t, topic)
	p.await("more records in "+topic, func() bool { return p.Count(p.t, topic) > before+100 })
}

func (p *process) plugins() []string {
	p.t.Helper()
	var all []struct{ Class, Type, Version string }
	p.ask("GET", "/connector-plugins?connectorsOnly=false", nil, &all)
	var names []string
	for _, one := range all {
		names = append(names, one.Type+" "+one.Class+" "+one.Version)
	}
	return names
}

// Transforms and predicates of three modules in one chain, on records that have all that a record can have.
func TestE2EChainAcrossModules(t *testing.T) {
	p := startProcess(t)
	p.mustUpload("courier", "./testdata/guests/courier")
	p.mustUpload("kit", "./guest-sdk/go/guesttest/kitmain")
	const n = 30
	letters, topic, journal := p.name("letters"), p.name("moved"), p.file("journal.txt")
	p.put(p.name("in"), keys{
		"connector.class": "test.Letters", "tasks.max": "1", "topic": letters, "count": fmt.Sprint(n),
		"key.converter": asText, "value.converter": asText, "header.converter": asText,
		"transforms":            "upper,move",
		"predicates":            "isTombstone",
		"transforms.upper.type": "kit.Upper", "transforms.upper.predicate": "isTombstone",
		"transforms.upper.negate": "true", "predicates.isTombstone.type": "kit.IsTombstone",
		"transforms.move.type":  transformsOf + "RegexRouter",
		"transforms.move.regex": "letters-(.*)", "transforms.move.replacement": "moved-$1",
	})
	p.await("all letters", func() bool { return p.Count(t, topic) >= n })
	all := p.Read(t, topic)
	if len(all) != n || p.Count(t, letters) != 0 {
		t.Fatalf("%d records were moved, %d were not", len(all), p.Count(t, letters))
	}
	for i, r := range all {
		checkLetter(t, i, r)
	}
	// And back out, without the tombstones: the filter is applied where the negated predicate does not hold.
	p.put(p.name("out"), keys{
		"connector.class": "test.Journal", "tasks.max": "1", "topics": topic, "file": journal,
		"key.converter": asText, "value.converter": asText, "header.converter": asText,
		"transforms":                  "drop,hold",
		"predicates":                  "isTombstone,isMoved",
		"predicates.isTombstone.type": "kit.IsTombstone",
		"predicates.isMoved.type":     transformsOf + "predicates.TopicNameMatches",
		"predicates.isMoved.pattern":  "moved-.*",
		"transforms.drop.type":        transformsOf + "Filter", "transforms.drop.predicate": "isTombstone",
		"transforms.hold.type": "kit.Drop", "transforms.hold.predicate": "isMoved", "transforms.hold.negate": "true",
	})
	p.awaitCommitted(p.name("out"), topic, n)
	var want strings.Builder
	for i := range n {
		if i%3 == 2 {
			continue
		}
		fmt.Fprintf(&want, `{"topic":"%s","partition":0,"offset":%d,"timestamp":%d,"key":"k%d","value":"V%d",`+
			`"headers":[["number","h%d"],["none",null]]}`+"\n", topic, i, 1_000_000_000_000+i, i, i, i)
	}
	if got := string(read(t, journal)); got != want.String() {
		t.Errorf("the journal holds\n%s\nwant\n%s", got, want.String())
	}
}

func checkLetter(t *testing.T, i int, r kafkatest.Record) {
	t.Helper()
	value := fmt.Sprintf("V%d", i)
	if i%3 == 2 {
		value = "<null>"
	}
	got := fmt.Sprintf("%d %s %s %v", r.Timestamp, r.Key, orNull(r.Value), r.Headers)
	want := fmt.Sprintf("%d k%d %s %v", 1_000_000_000_000+i, i, value,
		[]kafkatest.Header{{Key: "number", Value: fmt.Appendf(nil, "h%d", i)}, {Key: "none"}})
	if got != want || len(r.Headers) != 2 || r.Headers[1].Value != nil {
		t.Errorf("record %d is %s, want %s", i, got, want)
	}
}

func orNull(b []byte) string {
	if b == nil {
		return "<null>"
	}
	return string(b)
}

func (p *process) mustUpload(name, folder string) {
	p.t.Helper()
	if status, answer := p.upload(name, buildModule(p.t, name, folder)); status != http.StatusCreated {
		p.t.Fatalf("upload %s: %d %s", name, status, answer)
	}
}
