package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// clientRules is a worker with a connector of one task, asked as known clients of Kafka Connect ask. Each rule names
// whom a worker breaks that does not keep it.
type clientRules struct {
	*process
	name, path string
	config     keys
}

func TestE2ERulesThatClientsRelyOn(t *testing.T) {
	p := startProcess(t)
	r := &clientRules{process: p, name: p.name("rules"), path: "/connectors/" + p.name("rules")}
	r.config = keys{"connector.class": "berth.Datagen", "kind": "line", "topic": p.name("t"), "rate": "1",
		"tasks.max": "1", "unknown.key": "${env:HOME_OF_NOBODY:x}", "transforms": ""}
	for _, rule := range []struct {
		name  string
		check func(t *testing.T)
	}{
		{"scalars of JSON are taken as texts: Console, Strimzi", r.scalars},
		{"errors are JSON with their code, for paths that nobody knows too: kcctl, Console", r.errors},
		{"a slash at the end is no other path: kcctl, lenses, debezium-ui, Strimzi", r.slashes},
		{"bodies, media types and accepted types of actions do not matter: ansible, terraform, AKHQ", r.bodies},
		{"booleans of queries are what Java takes them for: kc", r.booleans},
		{"restart answers by its flags: ansible, kcctl, kc, Strimzi", r.restarts},
		{"a configuration is shown as it was sent: Strimzi, terraform, go-kafka-connect", r.shown},
		{"a status has texts, numbers of tasks and known states only: go-kafka-connect, kafbat", r.status},
		{"the version is one of Kafka's: kcctl", r.version},
		{"types are told of every connector: kcctl", r.types},
		{"each plugin validates with its class alone: AKHQ, lenses, Console", r.validates},
		{"an offer of HTTP/2 is passed over: Strimzi", r.upgrade},
		{"what was deleted is not found: Strimzi, terraform", r.deleted},
	} {
		if !t.Run(rule.name, rule.check) {
			return // the next ones need what this one has made
		}
	}
}

// as sends a request with headers, "Name: value" each.
func (r *clientRules) as(t *testing.T, method, path, body string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, answer
}

func (r *clientRules) scalars(t *testing.T) {
	config := map[string]any{"tasks.max": 1, "rate": 1}
	for key, value := range r.config {
		if config[key] == nil {
			config[key] = value
		}
	}
	var made struct{ Config keys }
	r.ask("POST", "/connectors", map[string]any{"name": r.name, "config": config}, &made)
	if want := r.config.with(keys{"name": r.name}); fmt.Sprint(made.Config) != fmt.Sprint(want) {
		t.Errorf("made with %v, want %v", made.Config, want)
	}
	r.awaitState(r.name, "RUNNING", 1)
}

func (r *clientRules) errors(t *testing.T) {
	for _, path := range []string{"/nothing/here", "/connectors/nobody", "/connectors/nobody/status",
		"/connector-plugins/nobody/config", "/admin/loggers/nobody"} {
		response, answer := r.as(t, "GET", path, "", "Accept: application/json")
		r.refused(404, response.StatusCode, answer)
		if kind := response.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
			t.Errorf("%s: the error is %s", path, kind)
		}
	}
	_, answer := r.as(t, "GET", "/nothing/here", "")
	contains(t, string(answer), "HTTP 404 Not Found")
}

func (r *clientRules) slashes(t *testing.T) {
	for _, path := range []string{"/connectors/", "/connector-plugins/", "/admin/loggers/", r.path + "/status/"} {
		if response, answer := r.as(t, "GET", path, ""); response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, response.StatusCode, answer)
		}
	}
}

func (r *clientRules) bodies(t *testing.T) {
	for _, body := range []string{"", "{}", `""`} {
		for _, headers := range [][]string{
			{"Accept: application/json", "Content-Type: application/json"},
			{"Accept: */*", "Content-Type: application/json; charset=utf-8"},
			{"Content-Type: application/json; charset=UTF-8"},
		} {
			for _, action := range []string{"pause", "resume"} {
				response, answer := r.as(t, "PUT", r.path+"/"+action, body, headers...)
				if response.StatusCode != http.StatusAccepted || len(answer) > 0 {
					t.Errorf("%s with %q and %v: %d %s", action, body, headers, response.StatusCode, answer)
				}
			}
		}
	}
	r.awaitState(r.name, "RUNNING", 1)
}

func (r *clientRules) booleans(t *testing.T) {
	for text, want := range map[string]int{"true": 202, "True": 202, "TRUE": 202, "false": 204, "False": 204, "yes": 204,
		"1": 204, "": 204} {
		response, answer := r.as(t, "POST", r.path+"/restart?includeTasks="+text, "")
		if response.StatusCode != want {
			t.Errorf("includeTasks=%s: %d %s, want %d", text, response.StatusCode, answer, want)
		}
		r.awaitState(r.name, "RUNNING", 1)
	}
}

func (r *clientRules) restarts(t *testing.T) {
	for query, code := range map[string]int{"": 204, "?includeTasks=false&onlyFailed=false": 204, "?onlyFailed=true": 202,
		"?includeTasks=true": 202} {
		response, answer := r.as(t, "POST", r.path+"/restart"+query, "")
		var s status
		switch {
		case response.StatusCode != code:
			t.Errorf("restart%s: %d %s, want %d", query, response.StatusCode, answer, code)
		case code == http.StatusNoContent && len(answer) > 0:
			t.Errorf("restart%s has the body %s", query, answer)
		case code == http.StatusAccepted && (json.Unmarshal(answer, &s) != nil || len(s.Tasks) != 1):
			t.Errorf("restart%s: %s, want a status", query, answer)
		}
		r.awaitState(r.name, "RUNNING", 1)
	}
}

func (r *clientRules) shown(t *testing.T) {
	var config keys
	r.ask("GET", r.path+"/config", nil, &config)
	if want := r.config.with(keys{"name": r.name}); fmt.Sprint(config) != fmt.Sprint(want) {
		t.Errorf("shown as %v, want %v", config, want)
	}
}

func (r *clientRules) status(t *testing.T) {
	var s struct {
		Connector map[string]any
		Tasks     []map[string]any
	}
	r.ask("GET", r.path+"/status", nil, &s)
	for member, value := range s.Connector {
		if member == "version" && value == nil {
			continue // as Kafka's workers write it while a connector restarts
		}
		if _, isText := value.(string); !isText {
			t.Errorf("connector's %s is %v", member, value)
		}
	}
	states := []string{"RUNNING", "PAUSED", "STOPPED", "FAILED", "UNASSIGNED", "RESTARTING"}
	if state, _ := s.Connector["state"].(string); !slices.Contains(states, state) {
		t.Errorf("the connector is %s", state)
	}
	for _, task := range s.Tasks {
		if _, isNumber := task["id"].(float64); !isNumber {
			t.Errorf("a task's id is %v", task["id"])
		}
	}
	r.ask("PUT", r.path+"/stop", nil, nil)
	r.awaitState(r.name, "STOPPED", 0) // a task is never STOPPED
	r.ask("PUT", r.path+"/resume", nil, nil)
	r.awaitState(r.name, "RUNNING", 1)
}

func (r *clientRules) version(t *testing.T) {
	var root struct {
		Version, Commit string
		Cluster         string `json:"kafka_cluster_id"`
	}
	r.ask("GET", "/", nil, &root)
	var major, minor, patch int
	if n, err := fmt.Sscanf(root.Version, "%d.%d.%d", &major, &minor, &patch); n != 3 || err != nil || major < 4 ||
		root.Version != fmt.Sprintf("%d.%d.%d", major, minor, patch) || root.Commit == "" || root.Cluster == "" {
		t.Errorf("%+v", root)
	}
}

func (r *clientRules) types(t *testing.T) {
	var all map[string]struct {
		Status struct{ Type string }
		Info   struct{ Type string }
	}
	r.ask("GET", "/connectors?expand=status&expand=info", nil, &all)
	if one := all[r.name]; one.Status.Type != "source" || one.Info.Type != "source" {
		t.Errorf("%+v", all)
	}
}

func (r *clientRules) validates(t *testing.T) {
	var plugins []struct{ Class, Type string }
	r.ask("GET", "/connector-plugins", nil, &plugins)
	if len(plugins) == 0 {
		t.Fatal("no plugins")
	}
	for _, plugin := range plugins {
		var answer struct {
			Name    string
			Configs []struct{ Value struct{ Errors []string } }
		}
		simple := plugin.Class[strings.LastIndexByte(plugin.Class, '.')+1:]
		r.await("the validation of "+simple, func() bool { // for which a module may be compiled first, for long
			return r.try("PUT", "/connector-plugins/"+simple+"/config/validate",
				keys{"connector.class": plugin.Class, "topics": "t"}, &answer)
		})
		if len(answer.Configs) == 0 {
			t.Errorf("%s: no keys", plugin.Class)
		}
		for _, config := range answer.Configs {
			if config.Value.Errors == nil {
				t.Errorf("%s: errors that are null", plugin.Class)
			}
		}
	}
}

func (r *clientRules) upgrade(t *testing.T) {
	response, answer := r.as(t, "GET", "/health", "", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
		"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA")
	if response.StatusCode != http.StatusOK {
		t.Errorf("%d %s", response.StatusCode, answer)
	}
}

func (r *clientRules) deleted(t *testing.T) {
	if response, answer := r.as(t, "DELETE", r.path, ""); response.StatusCode != 204 || len(answer) > 0 {
		t.Fatalf("%d %s", response.StatusCode, answer)
	}
	for _, path := range []string{r.path, r.path + "/status", r.path + "/config", r.path + "/tasks"} {
		r.await(path+" being gone", func() bool {
			response, _ := r.as(t, "GET", path, "")
			return response.StatusCode == http.StatusNotFound
		})
	}
}
