package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// shadowAnswer is what GET of a shadow tells.
type shadowAnswer struct {
	host.ShadowWish
	host.ShadowCounts
	CPURatio    float64 `json:"cpu_ratio"`
	Unreached   []string
	Tasks       []struct{ WorkerID, State, Problem string }
	Differences []host.ShadowDifference
}

func (p *process) awaitShadow(connector, alias string, tasks int) {
	p.t.Helper()
	p.await("the shadow of "+connector, func() bool {
		var a shadowAnswer
		p.ask("GET", shadowURL(connector, alias), nil, &a)
		running := 0
		for _, task := range a.Tasks {
			if task.State == host.ShadowRunning {
				running++
			}
		}
		return running == tasks && len(a.Unreached) == 0
	})
}

// compared waits until the shadow has compared so many records.
func (p *process) compared(connector, alias string, records int64) shadowAnswer {
	p.t.Helper()
	var a shadowAnswer
	p.await(fmt.Sprintf("%d compared records of %s", records, connector), func() bool {
		a = shadowAnswer{}
		p.ask("GET", shadowURL(connector, alias), nil, &a)
		return a.Compared+a.Dropped >= records
	})
	return a
}

func shadowURL(connector, alias string) string {
	return "/connectors/" + connector + "/transforms/" + alias + "/shadow"
}

// One tasks' shadow runs on each of two workers; either tells of both. What the candidate makes stays in the report
// until it is promoted.
func TestE2EShadowInAGroupOfWorkers(t *testing.T) {
	c := startCluster(t, 2)
	first, second := c.workers[0], c.workers[1]
	topic, name, output := first.name("in"), first.name("out"), first.file("out.txt")
	first.CreateTopic(t, topic, 2)
	config := first.sink(output, topic).with(keys{"tasks.max": "2", "connector.class": "blackhole",
		"transforms": "hoist,route", "transforms.hoist.type": transformsOf + "HoistField$Value",
		"transforms.hoist.field": "line", "transforms.route.type": transformsOf + "RegexRouter",
		"transforms.route.regex": "(.*)", "transforms.route.replacement": "$1"})
	first.put(name, config)
	workers := map[string]bool{}
	for _, task := range first.awaitState(name, "RUNNING", 2).Tasks {
		workers[task.WorkerID] = true
	}
	if len(workers) != 2 {
		t.Fatalf("both tasks run on %v", slices.Collect(maps.Keys(workers)))
	}
	second.ask("PUT", shadowURL(name, "hoist"), map[string]any{"config": keys{"field": "text"}}, nil)
	first.awaitShadow(name, "hoist", 2)
	produce := func(from, to int) {
		for k := from; k < to; k++ {
			first.Produce(t, kafkatest.Record{Topic: topic, Partition: int32(k % 2), Key: fmt.Append(nil, k),
				Value: numbered(nil, k)})
		}
	}
	produce(0, 40)
	for _, p := range c.workers {
		a := p.compared(name, "hoist", 40)
		if a.Compared+a.Dropped != 40 || a.Different != a.Compared || a.Equal != 0 || a.Traps != 0 ||
			len(a.Differences) != 20 || a.CPURatio <= 0 {
			t.Errorf("%+v", a)
		}
		d := a.Differences[0]
		contains(t, string(d.Live.Records[0].Value), `"line":`)
		contains(t, string(d.Candidate.Records[0].Value), `"text":`)
		if d.Record.Topic != topic || d.Record.Offset == nil {
			t.Errorf("%+v", d.Record)
		}
	}
	var stored keys
	first.ask("GET", "/connectors/"+name+"/config", nil, &stored)
	if stored["transforms.hoist.field"] != "line" {
		t.Errorf("the configuration has changed before the promotion: %v", stored)
	}
	var swapped struct {
		State host.SwapState
		Tasks []struct{ State host.SwapState }
	}
	first.ask("POST", "/connectors/"+name+"/transforms/hoist/promote", nil, &swapped)
	if swapped.State != host.SwapDone || len(swapped.Tasks) != 2 {
		t.Errorf("promoted: %+v", swapped)
	}
	second.await("the promoted configuration", func() bool {
		second.ask("GET", "/connectors/"+name+"/config", nil, &stored)
		return stored["transforms.hoist.field"] == "text"
	})
	status, answer := second.call("GET", shadowURL(name, "hoist"), nil)
	contains(t, second.refused(404, status, answer), `Transformation "hoist" of connector `+name+" has no shadow")
	second.awaitState(name, "RUNNING", 2)
}

// A shadow holds after a restart of the worker, does not hold up its task, and ends with its connector.
func TestE2EShadowIsKept(t *testing.T) {
	p := startProcess(t)
	topic, name, file := p.name("topic"), p.name("source"), p.file("in.txt")
	size := writeNumbered(t, file, 5000)
	p.put(name, p.source(file, topic).with(keys{"transforms": "route", "transforms.route.type": transformsOf +
		"RegexRouter", "transforms.route.regex": "(.*)", "transforms.route.replacement": "$1"}))
	p.awaitPosition(name, size)
	url := shadowURL(name, "route")
	p.ask("PUT", url, map[string]any{"config": keys{"replacement": "elsewhere"}}, nil)
	p.awaitShadow(name, "route", 1)
	p.terminate()
	p.start()
	p.awaitShadow(name, "route", 1)
	more, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer more.Close()
	for k := 5000; k < 20000; k++ {
		if _, err := more.Write(append(numbered(nil, k), '\n')); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitPosition(name, fileSize(t, file))
	a := p.compared(name, "route", 15000)
	if a.Different == 0 || a.Equal != 0 || a.Compared+a.Dropped != 15000 {
		t.Errorf("%+v", a.ShadowCounts)
	}
	if text := string(a.Differences[0].Record.SourceOffset); !strings.Contains(text, `"position":`) {
		t.Errorf("source offset %q", text)
	}
	p.checkTopic(topic, 20000)
	if ends := p.Ends(t, "elsewhere"); len(ends) != 0 {
		t.Errorf("the candidate has produced: %v", ends)
	}
	for _, c := range []struct {
		status     int
		path, says string
		body       any
	}{
		{404, shadowURL("gone", "route"), "Connector gone not found", keys{"version": "1"}},
		{404, shadowURL(name, "gone"), `has no transformation "gone"`, keys{"version": "1"}},
		{400, url, "give version, config or both", keys{}},
		{400, url, `unknown field "versions"`, keys{"versions": "1"}},
		{400, url, "transforms.route.plugin.version: ", keys{"version": "99"}},
		{400, url, "transforms.route.regex: ", map[string]any{"config": keys{"regex": "("}}},
		{400, url, "config: a string is expected", map[string]any{"config": map[string]any{"regex": keys{}}}},
	} {
		status, answer := p.call("PUT", c.path, c.body)
		contains(t, p.refused(c.status, status, answer), strings.TrimPrefix(c.says, "config: "))
	}
	status, answer := p.call("GET", url+"/here", nil)
	contains(t, p.refused(400, status, answer), "Internal request missing required signature")
	p.ask("DELETE", "/connectors/"+name, nil, nil)
	p.put(name, p.source(file, topic).with(keys{"transforms": "route", "transforms.route.type": transformsOf +
		"RegexRouter", "transforms.route.regex": "(.*)", "transforms.route.replacement": "$1"}))
	status, answer = p.call("GET", url, nil)
	contains(t, p.refused(404, status, answer), "has no shadow")
}

// A version is tried in the shadow of another one while records flow, then made live without a restart; its shadow goes
// on beside each swap until then.
func TestE2EShadowOfANewVersionIsPromoted(t *testing.T) {
	p := startProcess(t)
	p.addStamps(guests.Stamp)
	topic, name := p.name("flow"), p.name("flow")
	stop := p.appendForever(p.file("in.txt"))
	p.put(name, p.source(p.file("in.txt"), topic).with(keys{"transforms": "stamp", "transforms.stamp.type": "test.Stamp",
		"transforms.stamp.plugin.version": "1.0.0"}))
	p.awaitMore(topic)
	contains(t, p.berth("shadow", "-url", p.url, name, "stamp", "2.0.0"), "stamp of "+name+": version 2.0.0")
	a := p.compared(name, "stamp", 1000)
	if a.Different == 0 || a.Equal != 0 || a.Version != "2.0.0" {
		t.Errorf("%+v", a.ShadowCounts)
	}
	contains(t, p.berth("shadow", "-url", p.url, name, "stamp"), "difference of task 0: record to "+topic+" from ")
	contains(t, p.berth("shadow", "-url", p.url, "-promote", name, "stamp"), "done", "2.0.0")
	swapped := p.swaps(name)[0]
	if swapped.State != "done" || len(swapped.Tasks) != 1 || swapped.Tasks[0].Restarted {
		t.Errorf("promoted: %+v", swapped)
	}
	status, answer := p.call("GET", shadowURL(name, "stamp"), nil)
	contains(t, p.refused(404, status, answer), "has no shadow")
	p.awaitMore(topic)
	n := stop()
	p.awaitPosition(name, fileSize(t, p.file("in.txt")))
	seen := 0
	p.Each(t, topic, func(kafkatest.Record) { seen++ })
	if seen != n {
		t.Errorf("%d records of %d lines", seen, n)
	}
}
