package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/guests"
)

// A connector whose manifest asks for topics uses those alone, and of them what its tenant is granted: the upload says
// what is not, a configuration that names another topic is refused, and a record that goes to one ends the task.
func TestE2ETopicsAreACapability(t *testing.T) {
	for name, environment := range map[string][]string{"at least once": nil, "exactly once": {exactlyOnceOn}} {
		t.Run(name, func(t *testing.T) { useTopics(t, startProcess(t, environment...)) })
	}
}

func useTopics(t *testing.T, p *process) {
	a := p.tenant("a")
	asked, foreign := "a.asked-"+p.id, "b.asked-"+p.id
	p.uploadNeedy(a, "1.0.0", asked+"*,"+foreign, []string{"write:" + foreign, "read:" + foreign})
	p.uploadNeedy(a, "2.0.0", foreign, []string{"write:" + foreign, "read:" + foreign})

	source := keys{"connector.class": "needy.Source", "connector.plugin.version": "1.0.0", "value.converter": asText}
	a.put("own", source.with(keys{"topic": asked, "offsets.storage.topic": "a.offsets-" + p.id}))
	p.await("the record", func() bool { return len(p.Ends(t, asked)) > 0 && p.Count(t, asked) > 0 })
	a.awaitState("own", "RUNNING", 1)
	a.put("beside", source.with(keys{"topic": "a.other"}))
	contains(t, a.awaitFailure("beside"), "TopicAuthorizationException", "needy.Source may not write the topic a.other",
		"[write:"+asked+"*, write:"+foreign+"]")
	a.put("foreign", source.with(keys{"topic": foreign}))
	contains(t, a.awaitFailure("foreign"), "Tenant a may not use the topic "+foreign)
	a.put("routed", source.with(keys{"topic": asked, "transforms": "r", "transforms.r.type": transformsOf +
		"RegexRouter", "transforms.r.regex": ".*", "transforms.r.replacement": "a.routed"}))
	contains(t, a.awaitFailure("routed"), "may not write the topic a.routed")
	for _, by := range []string{"manifest", "tenant"} {
		status, metrics := p.call("GET", "/metrics", nil)
		if status != http.StatusOK || !slices.ContainsFunc(strings.Split(string(metrics), "\n"), func(line string) bool {
			return strings.HasPrefix(line, "berth_topics_refused_total{") && strings.Contains(line, `by="`+by+`"`)
		}) {
			t.Errorf("GET /metrics: %d, no refusal by the %s", status, by)
		}
	}
	useTopicsAsSink(t, a, asked, foreign)
	for _, topic := range []string{"a.other", "a.routed", foreign} {
		if ends := p.Ends(t, topic); len(ends) != 0 {
			t.Errorf("topic %s has %v", topic, ends)
		}
	}
}

func useTopicsAsSink(t *testing.T, a *process, asked, foreign string) {
	sink := keys{"connector.class": "needy.Sink", "connector.plugin.version": "1.0.0", "value.converter": asText,
		"topics": asked}
	for _, c := range []struct {
		config keys
		says   string
	}{
		{sink.with(keys{"topics": asked + ",a.other"}), "needy.Sink may not read the topic a.other"},
		{sink.with(keys{"topics": foreign}), "Tenant a may not use the topic " + foreign},
		{sink.with(keys{"connector.plugin.version": "2.0.0"}),
			"Plugin needy.Sink needs topics [read:" + foreign + "], of which the topics of the tenant's record allows none"},
	} {
		status, answer := a.call("PUT", "/connectors/refused/config", c.config)
		contains(t, a.refused(http.StatusBadRequest, status, answer), c.says)
	}
	a.put("sink", sink)
	a.awaitState("sink", "RUNNING", 1)
	a.Produce(t, kafkatest.Record{Topic: asked, Value: []byte("more")})
	a.awaitCommitted("a::sink", asked, a.Count(t, asked))
	a.CreateTopic(t, "a.beside-"+a.id, 1)
	a.Produce(t, kafkatest.Record{Topic: "a.beside-" + a.id, Value: []byte("more")})
	regex := sink.with(keys{"topics.regex": "a\\.(asked|beside)-" + a.id})
	delete(regex, "topics")
	a.put("regex", regex)
	contains(t, a.awaitFailure("regex"), "needy.Sink may not read the topic a.beside-"+a.id)
}

// uploadNeedy uploads connectors that need topics, and checks what the answer says that they are not granted.
func (p *process) uploadNeedy(who *process, version, needs string, missing []string) {
	p.t.Helper()
	wasm := guests.Go(p.t, "testdata/guests/needy", "-X main.version="+version+" -X main.needs="+needs)
	status, answer := who.upload("needy-"+version, wasm)
	var module struct {
		Grants []struct {
			Capability, Property string
			Missing              []string
			Granted              bool
		}
	}
	if err := json.Unmarshal(answer, &module); err != nil || status != http.StatusCreated || len(module.Grants) != 1 {
		p.t.Fatalf("upload: %d %s", status, answer)
	}
	g := module.Grants[0]
	if g.Capability != "topics" || !slices.Equal(g.Missing, missing) || g.Granted != (version == "1.0.0") {
		p.t.Errorf("the upload says of its topics: %+v, want %v missing", g, missing)
	}
}
