package web

import (
	"encoding/json"
	"net/http"

	"github.com/berth-connect/berth/host"
)

// Bodies that are read member by member, for the description alone.
type (
	createBody struct {
		Name         string      `json:"name"`
		Config       host.Config `json:"config"`
		InitialState string      `json:"initial_state,omitempty" enum:"RUNNING,PAUSED,STOPPED"`
	}
	levelBody struct {
		Level string `json:"level" enum:"TRACE,DEBUG,INFO,WARN,ERROR,FATAL,OFF"`
	}
	versionBody struct {
		Version string `json:"version"`
	}
	offsetBody struct {
		Partition *map[string]json.RawMessage `json:"partition"`
		Offset    *map[string]json.RawMessage `json:"offset"`
	}
	shadowBody struct {
		Version string      `json:"version,omitempty"`
		Config  host.Config `json:"config,omitempty"`
		Network bool        `json:"network,omitempty"`
	}
	offsetsBody struct {
		Offsets []offsetBody `json:"offsets"`
	}
)

func flag(name, doc string) parameter { return parameter{name, doc, schema{"type": "boolean"}} }

func words(name, doc string) parameter { return parameter{name, doc, schema{"type": "string"}} }

// acts answers without a body.
func acts(status int) map[int]any { return map[int]any{status: nil} }

func answers(body any) map[int]any { return map[int]any{http.StatusOK: body} }

func putsVersion(stage string) operation {
	return operation{summary: "Swap a " + stage + " of a running connector", body: versionBody{},
		answers: map[int]any{http.StatusOK: swap{}, http.StatusAccepted: swap{}}}
}

func rollsBack(stage string) operation {
	return operation{summary: "Put back the version that a " + stage + " had before its newest swap",
		answers: map[int]any{http.StatusOK: swap{}, http.StatusAccepted: swap{}}}
}

// operations describe every route, by method and path as they are routed; a test holds that they are the same.
var operations = map[string]operation{
	"GET /":             {summary: "Version of the API and id of the Kafka cluster", answers: answers(serverInfo{})},
	"GET /openapi.json": {summary: "This description", answers: answers(map[string]json.RawMessage{})},
	"GET /health": {summary: "Whether the worker can do its work", answers: map[int]any{http.StatusOK: workerStatus{},
		http.StatusInternalServerError: workerStatus{}, http.StatusServiceUnavailable: workerStatus{}}},
	"GET /connectors": {summary: "Names of connectors, or with expand what is known of them",
		query: []parameter{{"expand", "status, info, or both", schema{"type": "array",
			"items": schema{"type": "string", "enum": []string{"status", "info"}}}}},
		answers: answers(json.RawMessage{})},
	"POST /connectors": {summary: "Create a connector", body: createBody{},
		answers: map[int]any{http.StatusCreated: connectorInfo{}}},
	"GET /connectors/:connector":        {summary: "A connector", answers: answers(connectorInfo{})},
	"DELETE /connectors/:connector":     {summary: "Delete a connector", answers: acts(http.StatusNoContent)},
	"GET /connectors/:connector/config": {summary: "A connector's configuration", answers: answers(host.Config{})},
	"PUT /connectors/:connector/config": {summary: "Create a connector or change its configuration",
		body: host.Config{}, answers: map[int]any{http.StatusOK: connectorInfo{}, http.StatusCreated: connectorInfo{}}},
	"PATCH /connectors/:connector/config": {summary: "Change some keys of a configuration; null removes one",
		body: host.Config{}, answers: answers(connectorInfo{})},
	"GET /connectors/:connector/status": {summary: "State of a connector and its tasks",
		answers: answers(connectorState{})},
	"PUT /connectors/:connector/pause":  {summary: "Pause a connector", answers: acts(http.StatusAccepted)},
	"PUT /connectors/:connector/resume": {summary: "Resume a connector", answers: acts(http.StatusAccepted)},
	"PUT /connectors/:connector/stop":   {summary: "Stop a connector", answers: acts(http.StatusNoContent)},
	"POST /connectors/:connector/restart": {summary: "Restart a connector, or parts of it",
		query:   []parameter{flag("includeTasks", "its tasks too"), flag("onlyFailed", "what has failed alone")},
		answers: map[int]any{http.StatusNoContent: nil, http.StatusAccepted: connectorState{}}},
	"PUT /connectors/:connector/fence": {summary: "For workers: fence earlier tasks", answers: acts(http.StatusNoContent)},
	"GET /connectors/:connector/tasks": {summary: "Configurations of a connector's tasks", answers: answers([]taskInfo{})},
	"POST /connectors/:connector/tasks": {summary: "For workers: configurations that a connector has made",
		body: []host.Config{}, answers: acts(http.StatusNoContent)},
	"GET /connectors/:connector/tasks/:task/status":   {summary: "State of a task", answers: answers(taskState{})},
	"POST /connectors/:connector/tasks/:task/restart": {summary: "Restart a task", answers: acts(http.StatusNoContent)},
	"GET /connectors/:connector/tasks/:task/failures": {summary: "Last failures of a task",
		answers: answers([]host.TaskFailure{})},
	"GET /usage": {summary: "What guests of this worker used",
		query: []parameter{words("tenant", "of one tenant alone")}, answers: answers(host.Usage{})},
	"GET /connectors/:connector/topics": {summary: "Topics that a connector has used",
		answers: answers(map[string]activeTopics{})},
	"PUT /connectors/:connector/topics/reset": {summary: "Forget them", answers: acts(http.StatusAccepted)},
	"GET /connectors/:connector/offsets":      {summary: "A connector's offsets", answers: answers(connectorOffsets{})},
	"PATCH /connectors/:connector/offsets": {summary: "Change offsets of a stopped connector", body: offsetsBody{},
		answers: answers(message{})},
	"DELETE /connectors/:connector/offsets": {summary: "Reset offsets of a stopped connector",
		answers: answers(message{})},
	"GET /connector-plugins": {summary: "Plugins",
		query:   []parameter{flag("connectorsOnly", "no transformations, predicates and converters; true unless given")},
		answers: answers([]pluginInfo{})},
	"GET /connector-plugins/:plugin/config": {summary: "What a plugin can be configured with",
		query:   []parameter{words("version", "a version or range of the plugin")},
		answers: answers([]host.ConfigKeyInfo{})},
	"PUT /connector-plugins/:plugin/config/validate": {summary: "Check a configuration", body: host.Config{},
		answers: answers(host.ConfigInfos{})},
	"GET /admin/loggers":         {summary: "Levels of loggers", answers: answers(map[string]loggerLevel{})},
	"GET /admin/loggers/:logger": {summary: "Level of a logger", answers: answers(loggerLevel{})},
	"PUT /admin/loggers/:logger": {summary: "Set a level", body: levelBody{},
		query:   []parameter{words("scope", "worker, or cluster: on all workers")},
		answers: map[int]any{http.StatusOK: []string{}, http.StatusNoContent: nil}},

	"PUT /connectors/:connector/transforms/:alias/version":   putsVersion("transformation"),
	"POST /connectors/:connector/transforms/:alias/rollback": rollsBack("transformation"),
	"PUT /connectors/:connector/predicates/:alias/version":   putsVersion("predicate"),
	"POST /connectors/:connector/predicates/:alias/rollback": rollsBack("predicate"),
	"PUT /connectors/:connector/converters/:alias/version":   putsVersion("converter (key, value or header)"),
	"POST /connectors/:connector/converters/:alias/rollback": rollsBack("converter (key, value or header)"),
	"GET /connectors/:connector/swaps": {summary: "Swaps of a connector",
		answers: answers([]swap{})},
	"GET /connectors/:connector/transforms/:alias/shadow": {summary: "What a candidate makes of the live records",
		answers: answers(shadowStatus{})},
	"PUT /connectors/:connector/transforms/:alias/shadow": {summary: "Run a candidate beside a transformation",
		body: shadowBody{}, answers: answers(shadowStatus{})},
	"DELETE /connectors/:connector/transforms/:alias/shadow": {summary: "End a candidate",
		answers: acts(http.StatusNoContent)},
	"POST /connectors/:connector/transforms/:alias/promote": {summary: "Swap a candidate in",
		answers: map[int]any{http.StatusOK: swap{}, http.StatusAccepted: swap{}}},
	"GET /connectors/:connector/transforms/:alias/shadow/here": {summary: "For workers: a candidate beside own tasks",
		answers: answers([]host.ShadowReport{})},
	"POST /preview": {summary: "What a chain makes of records", body: host.PreviewRequest{},
		answers: answers(host.Preview{})},

	"GET /tenants":         {summary: "Names of tenants", answers: answers([]string{})},
	"GET /tenants/:tenant": {summary: "A tenant's record", answers: answers(host.Tenant{})},
	"PUT /tenants/:tenant": {summary: "Create a tenant or change its record", body: host.Tenant{},
		answers: map[int]any{http.StatusOK: host.Tenant{}, http.StatusCreated: host.Tenant{}}},
	"DELETE /tenants/:tenant": {summary: "Delete a tenant",
		query: []parameter{flag("force", "with all that it has")}, answers: acts(http.StatusNoContent)},

	"GET /plugins": {summary: "Modules", answers: answers([]module{})},
	"POST /plugins": {summary: "Add a module, sent or pulled from a registry, or check it", body: wasmModule{},
		query: []parameter{words("name", "its name"), flag("dry_run", "check it and that is all")},
		answers: map[int]any{http.StatusOK: module{}, http.StatusCreated: module{},
			http.StatusBadGateway: errorMessage{}}},
	"GET /plugins/:name/:version":        {summary: "A module", answers: answers(module{})},
	"GET /plugins/:name/:version/module": {summary: "A module itself", answers: answers(wasmModule{})},
	"DELETE /plugins/:name/:version":     {summary: "Delete a module", answers: acts(http.StatusNoContent)},
	"GET /metrics":                       {summary: "Metrics in Prometheus's text", answers: answers(plainText{})},
}
