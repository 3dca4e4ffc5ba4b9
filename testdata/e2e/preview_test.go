package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// A preview shows the last records of a topic as a sink's chain makes them, by REST and by the command, and leaves
// nothing behind.
func TestE2EPreviewOfTheLastRecordsOfATopic(t *testing.T) {
	p := startProcess(t)
	topic, letters := p.name("orders"), p.name("letters")
	p.CreateTopic(t, topic, 3)
	for i := range 30 {
		p.Produce(t, kafkatest.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i),
			Value: fmt.Appendf(nil, `{"n":%d,"card":"4711"}`, i)})
	}
	p.Produce(t, kafkatest.Record{Topic: topic, Key: []byte("bad"), Value: []byte("no JSON")})
	config := p.sink("nowhere", topic).with(keys{"key.converter": asText, "value.converter": asJSON,
		"value.converter.schemas.enable": "false", "transforms": "mask",
		"transforms.mask.type": transformsOf + "MaskField$Value", "transforms.mask.fields": "card",
		"errors.tolerance": "all", "errors.deadletterqueue.topic.name": letters})
	request := map[string]any{"config": config, "topic": topic, "last": 4}
	var answer host.Preview
	p.ask("POST", "/preview", request, &answer)
	if len(answer.Records) != 4 || len(answer.Stages) != 4 {
		t.Fatalf("%d records through %d stages", len(answer.Records), len(answer.Stages))
	}
	seen := ""
	for _, r := range answer.Records {
		seen += string(r.Input.Key) + " " + r.Outcome + "\n"
		if r.Outcome == host.PreviewPassed && !strings.Contains(string(r.Output[0].Value), `"card":""`) {
			t.Errorf("not masked: %s", r.Output[0].Value)
		}
	}
	if !strings.Contains(seen, `{"text":"bad"} failed`) || strings.Count(seen, " passed") != 3 {
		t.Errorf("records:\n%s", seen)
	}
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(config.json(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	printed := p.berth("preview", "-config", file, "-topic", topic, "-last", "4", "-url", p.url)
	contains(t, printed, "transform mask (org.apache.kafka.connect.transforms.MaskField$Value", `"card":""`, "failed",
		"remedy: these bytes are no JSON: set value.converter")
	if n := p.Count(t, topic); n != 31 {
		t.Errorf("the topic has %d records now", n)
	}
	if ends := p.Ends(t, letters); len(ends) != 0 {
		t.Errorf("there is a dead-letter topic: %v", ends)
	}
	if committed := p.Committed(t, "connect-preview", topic); len(committed) != 0 {
		t.Errorf("offsets were committed: %v", committed)
	}
}

// What is wrong with a request, or with a module, is told and costs nothing else.
func TestE2EPreviewOfBadInput(t *testing.T) {
	p := startProcess(t)
	if status, answer := p.upload("hostile", guests.Go(t, "testdata/guests/hostile", "")); status != http.StatusCreated {
		t.Fatalf("upload: %d %s", status, answer)
	}
	record := []host.PreviewRecord{{Topic: "t", Value: json.RawMessage(`"a"`)}}
	for misbehave, says := range map[string]string{"batch:loop": "limit cpu-per-batch", "batch:memory": "out of memory",
		"batch:trap": "out of bounds memory access"} {
		var answer host.Preview
		p.ask("POST", "/preview", map[string]any{"chain": "transforms", "records": record, "config": keys{
			"transforms": "bad", "transforms.bad.type": "hostile.Transform", "transforms.bad.misbehave": misbehave}}, &answer)
		told, _ := json.Marshal(answer.Records)
		contains(t, string(told), `"outcome":"failed"`, says)
	}
	mask := keys{"transforms": "m", "transforms.m.type": "MaskField$Value", "transforms.m.fields": "a"}
	for _, c := range []struct {
		status int
		body   map[string]any
		says   string
	}{
		{404, map[string]any{"chain": "sink", "config": mask, "topic": "gone"}, "Topic gone is not there"},
		{400, map[string]any{"chain": "sink", "config": mask, "topic": "t", "last": 1001}, "limit preview-records (1000)"},
		{400, map[string]any{"chain": "sink", "records": record}, "has no config"},
		{400, map[string]any{"chain": "sink", "config": mask, "records": record, "dry": true}, `unknown field "dry"`},
		{400, map[string]any{"chain": "sink", "config": map[string]any{"transforms": []int{1}}, "records": record},
			`"transforms"`},
		{413, map[string]any{"chain": "sink", "config": mask, "records": strings.Repeat("x", 9<<20)}, "exceeds"},
	} {
		status, answer := p.call("POST", "/preview", c.body)
		contains(t, p.refused(c.status, status, answer), c.says)
	}
}
