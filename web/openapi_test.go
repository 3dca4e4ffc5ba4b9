package web

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/berth-connect/berth/host"
)

// unusedUsage is there, so that its route is.
type unusedUsage struct{}

func (unusedUsage) Usage(*string) host.Usage { return host.Usage{} }

// allRoutes has what some routes are there with only.
func allRoutes() Config {
	return Config{Metrics: http.NotFoundHandler(), Preview: struct{ host.Previewer }{}, Usage: unusedUsage{},
		OpenAPI: true}
}

// Every route is described, and everything that is described is routed.
func TestOpenAPIIsWhatIsRouted(t *testing.T) {
	s, err := New(allRoutes(), &fakeHerder{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	routed := map[string]bool{}
	for _, route := range s.main.Routes() {
		if route.Method != http.MethodHead && route.Method != http.MethodOptions {
			routed[route.Method+" "+route.Path] = true
		}
	}
	for route := range routed {
		if operations[route].summary == "" || len(operations[route].answers) == 0 {
			t.Errorf("%s is served and not described", route)
		}
	}
	for route := range operations {
		if !routed[route] {
			t.Errorf("%s is described and not served", route)
		}
	}
}

// The description is whole: what it refers to is there.
func TestOpenAPIRefersToWhatIsThere(t *testing.T) {
	answer := call(newServer(t, &fakeHerder{}, Config{Version: "1", OpenAPI: true}), "GET", "/openapi.json", "", nil)
	var described struct {
		OpenAPI    string
		Paths      map[string]map[string]json.RawMessage
		Components struct {
			Schemas map[string]struct{ Required []string }
		}
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &described); err != nil || described.OpenAPI != "3.1.0" {
		t.Fatalf("%v: %.200s", err, answer.Body)
	}
	if _, ok := described.Paths["/connectors/{connector}/tasks/{task}/status"]["get"]; !ok {
		t.Errorf("no status of a task among %d paths", len(described.Paths))
	}
	task := described.Components.Schemas["TaskState"].Required
	if want := []string{"id", "state", "worker_id"}; !slices.Equal(task, want) {
		t.Errorf("a task's state has always %v, want %v", task, want)
	}
	for _, name := range schemaReferences(answer.Body.Bytes()) {
		if _, ok := described.Components.Schemas[name]; !ok {
			t.Errorf("schema %s is not there", name)
		}
	}
}

// A worker that does not describe its API answers as for any path that is not there, whatever is asked.
func TestOpenAPIThatIsOffIsAnUnknownPath(t *testing.T) {
	server := newServer(t, &fakeHerder{}, Config{})
	for _, tenant := range []string{"", "/tenants/blue"} {
		for _, method := range methodOrder {
			known := call(server, method, tenant+"/nowhere.json", "", nil)
			answer := call(server, method, tenant+"/openapi.json", "", nil)
			if answer.Code != http.StatusNotFound || answer.Body.String() != known.Body.String() ||
				!reflect.DeepEqual(answer.Header(), known.Header()) {
				t.Errorf("%s %s: got %d %s %v, want %d %s %v", method, tenant, answer.Code, answer.Body, answer.Header(),
					known.Code, known.Body, known.Header())
			}
		}
	}
}

func schemaReferences(text []byte) (names []string) {
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if name, ok := v["$ref"].(string); ok {
				names = append(names, name[len("#/components/schemas/"):])
			}
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	var document any
	if json.Unmarshal(text, &document) == nil {
		walk(document)
	}
	return names
}
