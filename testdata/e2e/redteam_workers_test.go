package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/cluster/sessionkey"
)

// Somebody claims to be a worker of the group, or writes what only workers write.
func TestRedTeamWorkers(t *testing.T) {
	f := startFortress(t)
	for _, a := range signatureAttacks(t) {
		for _, path := range []string{"POST /connectors/{neighbour}/tasks", "PUT /connectors/{neighbour}/fence"} {
			method, path, _ := strings.Cut(path, " ")
			f.attack(t, "internal-request-"+a.name+"-"+method, func(p *process) { p.forge(a, method, path) })
		}
	}
	for topic, property := range map[string]string{"configs-" + f.id: "config.storage.topic",
		"offsets-" + f.id: "offset.storage.topic", "status-" + f.id: "status.storage.topic",
		"worker-" + f.id + "-modules": "berth.modules.storage.topic"} {
		name := strings.Split(property, ".")[0]
		f.attack(t, "source-that-writes-to-the-workers-own-topic-"+name, func(p *process) {
			p.writeOwn(topic, property,
				false)
		})
		f.attack(t, "router-to-the-workers-own-topic-"+name, func(p *process) { p.writeOwn(topic, property, true) })
	}
	f.attack(t, "dead-letters-to-the-workers-own-topic", (*process).deadLetterOwn)
	f.attack(t, "garbage-in-the-workers-own-topics", func(p *process) { f.litter(p) })
	f.finish()
}

// signatureAttack is what stands in the headers of an internal request.
type signatureAttack struct{ name, algorithm, signature string }

const forgedTasks = `[{"task.class":"evil","file":"/etc/passwd","topic":"stolen"}]`

func signatureAttacks(t *testing.T) []signatureAttack {
	signed := func(algorithm string, key []byte) string {
		s, err := sessionkey.Sign(key, algorithm, []byte(forgedTasks))
		if err != nil {
			t.Fatal(err)
		}
		return s.Authorization()
	}
	zero := make([]byte, 32)
	return []signatureAttack{
		{"without-a-signature", "", ""},
		{"without-an-algorithm", "", signed("HmacSHA256", zero)},
		{"of-algorithm-none", "none", ""},
		{"of-no-algorithm", "\t", signed("HmacSHA256", zero)},
		{"with-a-key-of-zeros", "HmacSHA256", signed("HmacSHA256", zero)},
		{"with-the-algorithm-as-key", "HmacSHA256", signed("HmacSHA256", []byte("HmacSHA256"))},
		{"of-a-weak-algorithm", "HmacMD5", signed("HmacMD5", zero)},
		{"of-a-broken-algorithm", "HmacSHA1", signed("HmacSHA1", zero)},
		{"of-lower-case", "hmacsha256", signed("HmacSHA256", zero)},
		{"with-an-empty-signature", "HmacSHA256", "="},
		{"with-half-a-signature", "HmacSHA256", signed("HmacSHA256", zero)[:20]},
		{"with-a-long-signature", "HmacSHA256", base64.StdEncoding.EncodeToString(make([]byte, 30_000))},
		{"with-no-base64", "HmacSHA256", "***"},
		{"of-a-path", "../../HmacSHA256", signed("HmacSHA256", zero)},
	}
}

func (p *process) forge(a signatureAttack, method, path string) {
	p.t.Helper()
	path = strings.ReplaceAll(path, "{neighbour}", p.name("neighbour-in"))
	_, before := p.call("GET", "/connectors/"+p.name("neighbour-in")+"/tasks", nil)
	request, err := http.NewRequest(method, p.url+path, strings.NewReader(forgedTasks))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if a.signature != "" {
		request.Header.Set(sessionkey.AuthorizationHeader, a.signature)
	}
	if a.algorithm != "" {
		request.Header[sessionkey.AlgorithmHeader] = []string{a.algorithm}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	p.checkStatus(response.StatusCode, nil, []int{http.StatusBadRequest, http.StatusForbidden})
	if _, after := p.call("GET", "/connectors/"+p.name("neighbour-in")+"/tasks", nil); string(after) != string(before) {
		p.t.Errorf("the tasks have become %s, they were %s", after, before)
	}
}

// writeOwn has a source write to a topic of the worker: by its configuration, or by a transformation.
func (p *process) writeOwn(topic, property string, routed bool) {
	p.t.Helper()
	name := p.name("own-" + strings.Split(property, ".")[0] + fmt.Sprint(routed))
	file := p.file(name)
	p.appendTo(name, `{"properties":{"connector.class":"evil"}}`)
	config := p.source(file, topic)
	if routed {
		config = p.source(file, "harmless").with(keys{"transforms": "r", "transforms.r.type": transformsOf + "RegexRouter",
			"transforms.r.regex": ".*", "transforms.r.replacement": topic})
	}
	p.put(name, config)
	contains(p.t, p.awaitFailure(name), topic, property)
	p.ask("DELETE", "/connectors/"+name, nil, nil)
}

func (p *process) deadLetterOwn() {
	name := p.name("letters")
	p.CreateTopic(p.t, name, 1)
	p.Produce(p.t, kafkatest.Record{Topic: name, Key: []byte("connector-evil"), Value: []byte(`{"no":"schema"`)})
	p.put(name, p.sink(p.file(name), name).with(deadLettersTo("configs-"+p.id)).with(keys{"value.converter": asJSON}))
	contains(p.t, p.awaitFailure(name), "configs-"+p.id, "config.storage.topic")
	p.ask("DELETE", "/connectors/"+name, nil, nil)
}

// litter writes to the worker's own topics what a broken or hostile member of the cluster could, and has the worker
// start on it.
func (f *fortress) litter(p *process) {
	neighbour, long := p.name("neighbour-in"), strings.Repeat("n", 40_000)
	deep := strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)
	values := []string{"", "null", "{}", "[]", "1", `"x"`, "{", "\x00\xff", deep, `{"tasks":2147483647}`, `{"tasks":-1}`,
		`{"tasks":9e999}`, `{"properties":{"a":{"b":[1]}}}`, `{"properties":[]}`, `{"state":"WEIRD"}`, `{"state.v2":7}`,
		`{"key":"!!!","algorithm":"none","creation-timestamp":-1}`, `{"level":"LOUD"}`, `{"restart":1}`}
	keys := []string{"", "connector-", "connector-" + long, "task--1", "task-" + long + "-0",
		"task-x-99999999999999999999",
		"commit-" + long, "commit-x", "target-state-" + long, "target-state-x", "session-key-x",
		"restart-connector-" + long,
		"restart-connector-x", "logger-cluster-" + long, "tasks-fencing-x", "berth-tenant-" + long, "berth-tenant-../x",
		"\x00\xff", "status-connector-x", "status-task-x-1", `["x",{}]`, `["` + neighbour + `",`, `[[[[`}
	for _, topic := range []string{"configs-", "offsets-", "status-"} {
		var all []kafkatest.Record
		for _, key := range keys {
			for _, value := range values {
				all = append(all, kafkatest.Record{Topic: topic + p.id, Key: []byte(key), Value: []byte(value)})
			}
		}
		p.Produce(p.t, all...)
		f.stands(p.t)
	}
	f.restart()
}
