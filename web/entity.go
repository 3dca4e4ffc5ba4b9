package web

import (
	"encoding/json"
	"slices"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// The JSON shapes of Connect's REST API (org.apache.kafka.connect.runtime.rest.entities), fields in Connect's order.
// Nulls are written except where noted.

type errorMessage struct {
	ErrorCode int    `json:"error_code"`
	Message   string `json:"message"`
}

type serverInfo struct {
	Version        string `json:"version"`
	Commit         string `json:"commit"`
	KafkaClusterID string `json:"kafka_cluster_id"`
}

type workerStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type message struct {
	Message string `json:"message"`
}

type taskID struct {
	Connector string `json:"connector"`
	Task      int    `json:"task"`
}

type connectorInfo struct {
	Name   string      `json:"name"`
	Config host.Config `json:"config"`
	Tasks  []taskID    `json:"tasks"`
	Type   string      `json:"type"`
}

func newConnectorInfo(info herder.ConnectorInfo) connectorInfo {
	tasks := make([]taskID, 0, len(info.Tasks))
	for _, id := range info.Tasks {
		tasks = append(tasks, taskID{id.Connector, id.Task})
	}
	return connectorInfo{info.Name, info.Config, tasks, info.Type}
}

type taskInfo struct {
	ID     taskID      `json:"id"`
	Config host.Config `json:"config"`
}

// state is a connector's state. Trace is left out when empty; Version only when it is "undefined" (KIP-891).
type state struct {
	State    host.State      `json:"state"`
	WorkerID string          `json:"worker_id"`
	Trace    string          `json:"trace,omitempty"`
	Version  json.RawMessage `json:"version,omitempty"`
}

func newState(status store.Status) state {
	s := state{State: status.State, WorkerID: status.WorkerID, Version: json.RawMessage("null")}
	if status.Trace != nil {
		s.Trace = *status.Trace
	}
	if status.Version != nil {
		s.Version = versionJSON(*status.Version)
	}
	return s
}

const undefinedVersion = "undefined"

// versionJSON is nil, which leaves the field out, for a plugin without a version.
func versionJSON(version string) json.RawMessage {
	if version == "" || version == undefinedVersion {
		return nil
	}
	text, err := json.Marshal(version)
	if err != nil {
		return nil
	}
	return text
}

type taskState struct {
	ID int `json:"id"`
	state
}

type connectorState struct {
	Name      string      `json:"name"`
	Connector state       `json:"connector"`
	Tasks     []taskState `json:"tasks"`
	Type      string      `json:"type"`
}

func newConnectorState(status herder.ConnectorStatus) connectorState {
	tasks := make([]taskState, 0, len(status.Tasks))
	for _, task := range status.Tasks {
		tasks = append(tasks, taskState{task.Task, newState(task.Status)})
	}
	return connectorState{status.Name, newState(status.Connector), tasks, status.Type}
}

// expanded is an entry of GET /connectors?expand=…
type expanded struct {
	Status *connectorState `json:"status,omitempty"`
	Info   *connectorInfo  `json:"info,omitempty"`
}

type activeTopics struct {
	Topics []string `json:"topics"`
}

type connectorOffset struct {
	Partition json.RawMessage `json:"partition"`
	Offset    json.RawMessage `json:"offset"`
}

type connectorOffsets struct {
	Offsets []connectorOffset `json:"offsets"`
}

func newConnectorOffsets(offsets []herder.Offset) connectorOffsets {
	list := make([]connectorOffset, 0, len(offsets))
	for _, o := range offsets {
		list = append(list, connectorOffset(o))
	}
	return connectorOffsets{list}
}

type pluginInfo struct {
	Class   string          `json:"class"`
	Type    host.PluginKind `json:"type"`
	Version json.RawMessage `json:"version,omitempty"`
}

func newPluginInfos(plugins []host.PluginInfo) []pluginInfo {
	list, seen := make([]pluginInfo, 0, len(plugins)), map[string]bool{}
	for _, p := range plugins {
		key := p.Class + "\x00" + string(p.Kind) + "\x00" + p.Version
		if !seen[key] {
			seen[key] = true
			list = append(list, pluginInfo{p.Class, p.Kind, versionJSON(p.Version)})
		}
	}
	return list
}

// Go's nil slices would be null where Connect writes [].

func withoutNullKeys(keys []host.ConfigKeyInfo) []host.ConfigKeyInfo {
	keys = orEmpty(slices.Clone(keys))
	for i := range keys {
		keys[i].Dependents = orEmpty(keys[i].Dependents)
	}
	return keys
}

func withoutNulls(infos host.ConfigInfos) host.ConfigInfos {
	infos.Groups = orEmpty(infos.Groups)
	infos.Configs = orEmpty(slices.Clone(infos.Configs))
	for i, config := range infos.Configs {
		if config.Definition != nil {
			definition := *config.Definition
			definition.Dependents = orEmpty(definition.Dependents)
			infos.Configs[i].Definition = &definition
		}
		if config.Value != nil {
			value := *config.Value
			value.RecommendedValues, value.Errors = orEmpty(value.RecommendedValues), orEmpty(value.Errors)
			infos.Configs[i].Value = &value
		}
	}
	return infos
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Berth's own: modules.

type modulePlugin struct {
	Class   string          `json:"class"`
	Type    host.PluginKind `json:"type"`
	Version json.RawMessage `json:"version,omitempty"`
	Aliases []string        `json:"aliases"`
	Doc     string          `json:"documentation"`
}

// module is a wasm module. Problem says why its plugins can't be used and is left out when they can.
type module struct {
	Name         string         `json:"name"`
	Digest       string         `json:"digest"`
	SizeBytes    int64          `json:"size"`
	SDK          string         `json:"sdk"`
	Capabilities []string       `json:"capabilities"` // asked for
	Granted      []string       `json:"granted"`
	Grants       []grant        `json:"grants,omitempty"`
	Changes      *changes       `json:"capability_changes,omitempty"` // of an upload
	SignedBy     string         `json:"signed_by,omitempty"`          // name of the key
	Source       string         `json:"source,omitempty"`             // where it was pulled from
	Plugins      []modulePlugin `json:"plugins"`
	Problem      string         `json:"problem,omitempty"`
}

func newModule(info host.ModuleInfo) module {
	plugins := make([]modulePlugin, 0, len(info.Plugins))
	for _, p := range info.Plugins {
		plugins = append(plugins, modulePlugin{p.Class, p.Kind, versionJSON(p.Version), orEmpty(p.Aliases), p.Doc})
	}
	return module{info.Name, info.Digest, info.SizeBytes, info.SDK, orEmpty(info.Capabilities),
		orEmpty(info.Granted), newGrants(info.Grants), newChanges(info.Changes), info.SignedBy, info.Source, plugins,
		info.Problem}
}

// grant is what a module asks for of a capability, and what is missing of it. Needs is null if it asks for the whole.
type grant struct {
	Capability string   `json:"capability"`
	Needs      []string `json:"needs" nullable:"true"`
	Granted    bool     `json:"granted"`
	Missing    []string `json:"missing"`
	Property   string   `json:"property,omitempty"` // of the worker, or field of the record, that grants it
}

func newGrants(infos []host.CapabilityGrant) []grant {
	list := make([]grant, 0, len(infos))
	for _, info := range infos {
		g := grant{info.Capability, nil, info.Granted, orEmpty(info.Missing), info.Property}
		if !info.Whole {
			g.Needs = orEmpty(info.Needs)
		}
		list = append(list, g)
	}
	return list
}

// changes is what an upload asks for in comparison with the plugins' versions before it.
type changes struct {
	Since   []string `json:"since"`
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
}

func newChanges(info *host.CapabilityChanges) *changes {
	if info == nil {
		return nil
	}
	return &changes{info.Since, orEmpty(info.Added), orEmpty(info.Removed)}
}

// loggerLevel is the level of a logger; LastModified is null until it was set here.
type loggerLevel struct {
	Level        string `json:"level"`
	LastModified *int64 `json:"last_modified"` // Unix ms
}
