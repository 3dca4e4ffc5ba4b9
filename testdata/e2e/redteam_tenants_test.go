package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// One tenant wants what is another's: connectors, transformations, topics, offsets, groups, values of providers, the
// worker itself.
func TestRedTeamTenants(t *testing.T) {
	secrets := t.TempDir()
	if err := os.WriteFile(secrets+"/secret.properties", []byte("key=of-b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := startFortress(t, "CONNECT_CONFIG_PROVIDERS=file", "CONNECT_CONFIG_PROVIDERS_FILE_CLASS="+
		"org.apache.kafka.common.config.provider.FileConfigProvider")
	a, b := f.tenant("a"), f.tenant("b")
	topic := "b." + f.name("t")
	f.CreateTopic(t, topic, 1)
	f.Produce(t, kafkatest.Record{Topic: topic, Value: []byte("secret")})
	b.put("mine", b.sink(f.file("b.out"), topic).with(keys{"transforms": "r", "transforms.r.type": transformsOf +
		"RegexRouter", "transforms.r.regex": "x", "transforms.r.replacement": "y"}))
	b.awaitState("mine", "RUNNING", 1)
	for _, c := range crossings() {
		f.attack(t, c.name, func(p *process) { c.try(p, a) })
	}
	for name, config := range f.stolenConfigs(topic, secrets) {
		f.attack(t, "connector-that-"+name, func(p *process) {
			status, answer := p.in("a").call("PUT", "/connectors/thief/config", config)
			p.checkStatus(status, answer, []int{http.StatusBadRequest, http.StatusForbidden})
			if strings.Contains(string(answer), "of-b") {
				p.t.Errorf("a value came back: %s", answer)
			}
		})
	}
	b.awaitState("mine", "RUNNING", 1)
	if names := a.connectors(); len(names) > 0 {
		t.Errorf("the attacker has %v", names)
	}
	b.ask("DELETE", "/connectors/mine", nil, nil)
	f.finish()
}

// crossing is a request of tenant a, or of nobody's, for what is tenant b's or the worker's.
type crossing struct {
	name, method, path string
	body               any
	outside            bool // of /tenants/a
	statuses           []int
}

func (c crossing) try(p, a *process) {
	p.t.Helper()
	who := p
	if !c.outside {
		who = p.in("a")
	}
	status, answer := who.call(c.method, c.path, c.body)
	want := c.statuses
	if want == nil {
		want = []int{http.StatusNotFound, http.StatusBadRequest, http.StatusForbidden}
	}
	p.checkStatus(status, answer, want)
	if strings.Contains(string(answer), "RegexRouter") || strings.Contains(string(answer), `"secret"`) {
		p.t.Errorf("something of the other tenant came back: %s", answer)
	}
}

func crossings() []crossing {
	swap := keys{"version": "latest"}
	return []crossing{
		{name: "connector-by-its-full-name", method: "GET", path: "/connectors/b::mine"},
		{name: "connector-by-its-own-name", method: "GET", path: "/connectors/mine"},
		{name: "connector-by-dots", method: "GET", path: "/../b/connectors/mine"},
		{name: "connector-by-escaped-dots", method: "GET", path: "/%2e%2e/b/connectors/mine"},
		{name: "connector-by-an-escaped-slash", method: "GET", path: "/connectors/..%2f..%2fb%2fconnectors%2fmine"},
		{name: "connector-by-a-tenant-in-a-tenant", method: "GET", path: "/tenants/b/connectors/mine"},
		{name: "connector-by-path-parameters", method: "GET", path: "/tenants/a;/../b/connectors/mine", outside: true},
		{name: "connector-by-capitals", method: "GET", path: "/tenants/B/connectors/mine", outside: true},
		{name: "connector-by-an-escaped-tenant", method: "GET", path: "/tenants/%00b/connectors/mine", outside: true},
		{name: "connector-by-the-default-tenant", method: "GET", path: "/connectors/b::mine/config", outside: true},
		{name: "connector-made-in-another-tenant", method: "PUT", path: "/connectors/b::evil/config", outside: true,
			body: keys{"connector.class": fileSource, "topic": "b.x", "file": "/x"}},
		{name: "connector-of-nobody", method: "PUT", path: "/connectors/%00::evil/config", outside: true,
			body: keys{"connector.class": fileSource, "topic": "b.x", "file": "/x"}},
		{name: "connector-deleted-elsewhere", method: "DELETE", path: "/connectors/mine"},
		{name: "offsets-read", method: "GET", path: "/connectors/mine/offsets"},
		{name: "offsets-reset", method: "DELETE", path: "/connectors/b::mine/offsets"},
		{name: "transformation-swapped", method: "PUT", path: "/connectors/mine/transforms/r/version", body: swap},
		{name: "transformation-swapped-by-the-full-name", method: "PUT",
			path: "/connectors/b::mine/transforms/r/version", body: swap},
		{name: "transformation-rolled-back", method: "POST", path: "/connectors/mine/transforms/r/rollback"},
		{name: "swaps-read", method: "GET", path: "/connectors/b::mine/swaps"},
		{name: "tasks-forged", method: "POST", path: "/connectors/b::mine/tasks", body: []keys{}},
		{name: "metrics-of-all-tenants", method: "GET", path: "/metrics"},
		{name: "tenants-listed", method: "GET", path: "/tenants"},
		{name: "record-of-another-tenant", method: "GET", path: "/tenants/b"},
		{name: "own-record-widened", method: "PUT", path: "/tenants/a", body: map[string]any{"topics": []string{"*"}}},
		{name: "log-levels-of-the-worker", method: "PUT", path: "/admin/loggers/root", body: keys{"level": "OFF"}},
		{name: "preview-of-a-topic", method: "POST", path: "/preview", body: map[string]any{"topic": "b.t", "last": 1,
			"config": keys{"value.converter": asText}}},
		{name: "tenant-with-a-separator", method: "PUT", path: "/tenants/a::b", outside: true, body: keys{}},
		{name: "tenant-by-dots", method: "PUT", path: "/tenants/..%2f", outside: true, body: keys{}},
		{name: "tenant-of-a-giant-name", method: "PUT", path: "/tenants/" + strings.Repeat("t", 30_000), outside: true,
			body: keys{}},
	}
}

// stolenConfigs are configurations of tenant a that reach for what is not its own.
func (f *fortress) stolenConfigs(topic, secrets string) map[string]keys {
	own := "a." + f.name("t")
	sink, source := f.sink(f.file("thief"), own), f.source(f.file("in.txt"), own)
	return map[string]keys{
		"reads-another-tenants-topic": f.sink(f.file("thief"), topic),
		"reads-the-configurations":    f.sink(f.file("thief"), "configs-"+f.id),
		"reads-the-modules":           f.sink(f.file("thief"), "worker-"+f.id+"-modules"),
		"has-dead-letters-elsewhere":  sink.with(keys{"errors.tolerance": "all", "errors.deadletterqueue.topic.name": topic}),
		"joins-another-tenants-group": sink.with(keys{"consumer.override.group.id": "connect-b::mine"}),
		"joins-the-workers-group":     sink.with(keys{"consumer.override.group.id": "worker-" + f.id}),
		"has-another-cluster":         source.with(keys{"producer.override.bootstrap.servers": "evil:9092"}),
		"fences-another-producer":     source.with(keys{"producer.override.transactional.id": "worker"}),
		"reads-files-as-keys":         source.with(keys{"producer.override.ssl.keystore.location": "/etc/shadow"}),
		"stores-offsets-elsewhere":    source.with(keys{"offsets.storage.topic": topic}),
		"reads-a-file-by-a-provider":  source.with(keys{"topic": "${file:" + secrets + "/secret.properties:key}"}),
		"reads-a-file-by-a-nested-provider": source.with(keys{"transforms": "${file:" + secrets +
			"/secret.properties:key}"}),
	}
}
