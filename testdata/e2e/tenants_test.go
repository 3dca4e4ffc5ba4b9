package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// in is the process as a client of a tenant's API sees it.
func (p *process) in(tenant string) *process {
	own := *p
	own.url += "/tenants/" + tenant
	return &own
}

// tenant makes a tenant that may use the topics whose names begin with its own, and returns its API.
func (p *process) tenant(name string) *process {
	p.t.Helper()
	p.ask("PUT", "/tenants/"+name, map[string]any{"topics": []string{name + ".*"}, "directories": []string{p.files}}, nil)
	p.await("the record of "+name+", which the leader has written, to be read", func() bool {
		code, _ := p.call("GET", "/tenants/"+name, nil)
		return code == http.StatusOK
	})
	return p.in(name)
}

func (p *process) connectors() (names []string) {
	p.t.Helper()
	p.ask("GET", "/connectors", nil, &names)
	return names
}

// Two tenants and the default one have a connector of the same name each; each sees its own.
func TestE2ETenantsAreApart(t *testing.T) {
	p := startProcess(t)
	a, b := p.tenant("a"), p.tenant("b")
	for space, who := range map[string]*process{"a": a, "b": b, "d": p} {
		p.appendTo(space+".txt", "line of "+space)
		who.put("files", p.source(p.file(space+".txt"), space+"."+p.name("t")))
	}
	for space, who := range map[string]*process{"a": a, "b": b, "d": p} {
		who.awaitPosition("files", int64(len("line of a\n")))
		if got := who.connectors(); !slices.Equal(got, []string{"files"}) {
			t.Errorf("%s sees %v", space, got)
		}
		status, text := who.call("GET", "/connectors?expand=info&expand=status", nil)
		if strings.Contains(string(text), "::") || status != http.StatusOK {
			t.Errorf("%s: %d %s", space, status, text)
		}
		if n := p.Count(t, space+"."+p.name("t")); n != 1 {
			t.Errorf("the topic of %s has %d records", space, n)
		}
	}
	a.put("only", p.source(p.file("a.txt"), "a."+p.name("more")))
	a.awaitState("only", "RUNNING", 1)
	b.checkStrange("only", "none")
	p.checkStrange("a::only", "a::none")
	p.checkStrange("a::only", "zz::none")
	a.ask("DELETE", "/connectors/files", nil, nil)
	for _, other := range []*process{b, p} {
		other.awaitState("files", "RUNNING", 1)
	}
}

// checkStrange checks that what is another tenant's answers like what does not exist, on every path with a connector.
func (p *process) checkStrange(strange, none string) {
	p.t.Helper()
	for _, route := range []struct {
		method, path string
		body         any
	}{
		{"GET", "", nil}, {"GET", "/config", nil}, {"GET", "/status", nil}, {"GET", "/tasks", nil},
		{"GET", "/tasks/0/status", nil}, {"GET", "/topics", nil}, {"GET", "/offsets", nil},
		{"PUT", "/pause", nil}, {"PUT", "/resume", nil}, {"PUT", "/stop", nil}, {"POST", "/restart", nil},
		{"POST", "/restart?includeTasks=true", nil}, {"POST", "/tasks/0/restart", nil}, {"PUT", "/topics/reset", nil},
		{"DELETE", "/offsets", nil}, {"PATCH", "/offsets", map[string]any{"offsets": []any{map[string]any{
			"partition": keys{"filename": "x"}, "offset": map[string]any{"position": 1}}}}},
		{"PATCH", "/config", keys{"tasks.max": "2"}}, {"DELETE", "", nil}, {"POST", "/tasks", []keys{}},
		{"PUT", "/fence", nil},
	} {
		status, text := p.call(route.method, "/connectors/"+strange+route.path, route.body)
		wantStatus, want := p.call(route.method, "/connectors/"+none+route.path, route.body)
		got := strings.ReplaceAll(string(text), strange, none)
		if status != wantStatus || got != string(want) {
			p.t.Errorf("%s %s of %s answers %d %s, of %s %d %s", route.method, route.path, strange, status, text, none,
				wantStatus, want)
		}
	}
}

// Each worker of a group serves each tenant: it forwards to the leader by the tenant's own path.
func TestE2ETenantsOnEveryWorker(t *testing.T) {
	c := startCluster(t, 2)
	for i, p := range c.workers {
		name := string(rune('a' + i))
		own := p.tenant(name)
		own.put("files", keys{"connector.class": "Datagen", "kind": "line", "rate": "1", "topic": name + "." + p.name("t")})
		for _, worker := range c.workers {
			worker.in(name).awaitState("files", "RUNNING", 1)
			status, header := worker.in(name).create("more" + worker.url[len(worker.url)-2:])
			if status != http.StatusCreated || !strings.HasPrefix(header.Get("Location"), worker.url+"/tenants/"+name+
				"/connectors/more") {
				t.Errorf("worker %s, tenant %s: %d, %v", worker.url, name, status, header)
			}
		}
	}
	for _, p := range c.workers {
		if names := p.connectors(); len(names) != 0 {
			t.Errorf("the default tenant sees %v", names)
		}
	}
}

// create makes a connector by POST /connectors and returns the headers of the answer.
func (p *process) create(name string) (int, http.Header) {
	p.t.Helper()
	text := `{"name":"` + name + `","config":{"connector.class":"Datagen","kind":"line","topic":"t","rate":"1"}}`
	response, err := http.Post(p.url+"/connectors", "application/json", strings.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header
}

// What a record does not grant is refused when a connector is stored, and where only the data tell, when it runs.
func TestE2ETenantUsesWhatItIsGranted(t *testing.T) {
	p := startProcess(t)
	a := p.tenant("a")
	own, other := "a."+p.name("t"), "b."+p.name("secret")
	p.CreateTopic(t, other, 1)
	p.Produce(t, kafkatest.Record{Topic: other, Value: []byte("secret")})
	for _, c := range []struct {
		config keys
		says   string
	}{
		{a.sink(p.file("out"), other), "may not use the topic " + other},
		{a.sink(p.file("out"), p.name("configs")), "may not use the topic"},
		{a.sink(p.file("out"), own).with(keys{"errors.tolerance": "all",
			"errors.deadletterqueue.topic.name": other}), "may not use the topic " + other},
		{a.sink(p.file("out"), own).with(keys{"consumer.override.group.id": "connect-b::x"}),
			"may not use the consumer group connect-b::x"},
		{a.sink(p.file("out"), own).with(keys{"consumer.override.bootstrap.servers": "other:9092"}),
			"may not override bootstrap.servers"},
	} {
		status, answer := a.call("PUT", "/connectors/refused/config", c.config)
		contains(t, a.refused(http.StatusBadRequest, status, answer), c.says)
	}
	regex := a.sink(p.file("out"), own).with(keys{"topics.regex": ".*"})
	delete(regex, "topics")
	p.appendTo("in.txt", "one")
	for name, config := range map[string]keys{
		"direct": a.source(p.file("in.txt"), other),
		"routed": a.source(p.file("in.txt"), own).with(keys{"transforms": "r",
			"transforms.r.type": transformsOf + "RegexRouter", "transforms.r.regex": ".*", "transforms.r.replacement": other}),
		"regex": regex,
	} {
		a.put(name, config)
		trace := a.awaitFailure(name)
		contains(t, trace, "TopicAuthorizationException", "the field topics of its record allows [a.*]")
		if name == "regex" && strings.Contains(trace, other) {
			t.Errorf("the trace names another tenant's topic: %s", trace)
		}
	}
	if n := p.Count(t, other); n != 1 || fileSize(t, p.file("out")) != 0 {
		t.Errorf("another's topic has %d records, the sink's file %d bytes", n, fileSize(t, p.file("out")))
	}
	p.ask("PUT", "/tenants/a", map[string]any{"topics": []string{"a.*", other}, "directories": []string{p.files}}, nil)
	p.await("the restart that a new record brings", func() bool { return a.position("direct") == 4 })
}

// A tenant that has something is not deleted, unless all of it is to go: then nothing of it is left in Kafka.
func TestE2EDeletedTenantLeavesNothing(t *testing.T) {
	p := startProcess(t)
	a := p.tenant("a")
	topic := "a." + p.name("t")
	p.appendTo("in.txt", "one")
	a.put("in", a.source(p.file("in.txt"), topic))
	a.put("gone", a.source(p.file("in.txt"), topic))
	a.awaitPosition("in", 4)
	a.awaitPosition("gone", 4)
	a.put("out", a.sink(p.file("out.txt"), topic))
	p.await("the sink's lines", func() bool { return fileSize(t, p.file("out.txt")) > 0 })
	a.ask("DELETE", "/connectors/gone", nil, nil) // its offsets stay, as in Connect
	if status, answer := a.upload("courier", buildModule(t, "courier", "./testdata/guests/courier")); status !=
		http.StatusCreated {
		t.Fatalf("upload: %d %s", status, answer)
	}
	if p.lists("courier") || !a.lists("courier") {
		t.Error("the tenant's module is not the tenant's alone")
	}
	status, answer := p.call("DELETE", "/tenants/a", nil)
	contains(t, p.refused(http.StatusConflict, status, answer),
		"the connector(s) in, out; the module(s) courier; the offsets of gone, in")
	p.ask("DELETE", "/tenants/a?force=true", nil, nil)
	status, answer = a.call("GET", "/connectors", nil)
	p.refused(http.StatusNotFound, status, answer)
	for _, state := range []string{"configs", "offsets", "status"} {
		for key, value := range p.latest(p.name(state)) {
			if strings.Contains(key, "a::") && value != nil || key == "berth-tenant-a" && value != nil {
				t.Errorf("topic %s still has %s = %s", state, key, value)
			}
		}
	}
	if committed := p.Committed(t, "connect-a::out", topic); len(committed) != 0 {
		t.Errorf("the sink's group still has %v", committed)
	}
	a = p.tenant("a") // a new one of the same name begins anew
	if names := a.connectors(); len(names) != 0 || a.lists("courier") {
		t.Errorf("the new tenant has %v", names)
	}
}

// latest returns the last value under each key of a topic.
func (p *process) latest(topic string) map[string][]byte {
	p.t.Helper()
	values := map[string][]byte{}
	for _, r := range p.Read(p.t, topic) {
		values[string(r.Key)] = r.Value
	}
	return values
}
