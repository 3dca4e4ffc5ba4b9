// Package host holds the words that the layers above and the parts of the host share: ids, states, descriptions of
// plugins and of validated configurations, and (in ports.go) what the host needs from the layer above.
package host

import (
	"context"
	"fmt"
)

// TaskID names one task of a connector.
type TaskID struct {
	Connector string
	Task      int
}

// String is Connect's text form, "name-0".
func (id TaskID) String() string { return fmt.Sprintf("%s-%d", id.Connector, id.Task) }

// TaskLoad is what a task costs its worker.
type TaskLoad struct {
	BytesPerSecond int64 // read and written
	MemoryBytes    int64 // of its instances
}

// State is the state of a connector or task as Connect's REST API and status topic spell it.
type State string

// States of connectors and tasks (AbstractStatus.State); a task is never STOPPED.
const (
	Unassigned State = "UNASSIGNED"
	Running    State = "RUNNING"
	Paused     State = "PAUSED"
	Stopped    State = "STOPPED"
	Failed     State = "FAILED"
	Restarting State = "RESTARTING"
	Destroyed  State = "DESTROYED"
)

// TargetState is what an operator asked of a connector.
type TargetState string

// Target states (KIP-875); the config topic stores them under state.v2.
const (
	TargetStarted TargetState = "STARTED"
	TargetPaused  TargetState = "PAUSED"
	TargetStopped TargetState = "STOPPED"
)

// PluginKind is the type of a plugin as GET /connector-plugins spells it.
type PluginKind string

// Kinds of plugins.
const (
	KindSource          PluginKind = "source"
	KindSink            PluginKind = "sink"
	KindTransformation  PluginKind = "transformation"
	KindPredicate       PluginKind = "predicate"
	KindConverter       PluginKind = "converter"
	KindHeaderConverter PluginKind = "header_converter"
)

// PluginInfo describes one plugin of one module.
type PluginInfo struct {
	Class   string   // Java class name, or the author's name
	Aliases []string // other names it answers to
	Kind    PluginKind
	Version string
	Digest  string // SHA-256 of the module, hex
	Module  string // file name under which the module was added; "stock" for the bundled one
	Doc     string

	Additional bool // part of the worker, but none of Kafka's
}

// ModuleInfo describes a module in the store.
type ModuleInfo struct {
	Name         string // file name without .wasm
	Digest       string // SHA-256, hex
	SizeBytes    int64
	SDK          string
	Capabilities []string // asked for by its plugins
	Granted      []string // those that they get on this worker, at least in part
	SignedBy     string   // name of the key that verifies its signature; "": it has none
	Source       string   // the OCI reference that it was pulled from; "": it was sent
	Grants       []CapabilityGrant
	Changes      *CapabilityChanges // of an upload; nil: there was no earlier version
	Plugins      []PluginInfo
	Problem      string // why it can't be used; "" = usable
	Uploaded     bool   // otherwise it is on every worker for all tenants
}

// CapabilityGrant is what a module asks for of one capability, and what of that this worker grants.
type CapabilityGrant struct {
	Capability string
	Whole      bool     // it asks for all that is granted; else for Needs
	Needs      []string // as package abi spells them
	Granted    bool     // at least in part
	Missing    []string // the needs that nothing is granted of
	Property   string   // of the worker, or field of the tenant's record, which grants more; "": none does
}

// CapabilityChanges is what a module asks for that its plugins did not in their newest earlier versions, and the other
// way round: "capability", or "capability need" of one that is asked for in part.
type CapabilityChanges struct {
	Since          []string // "class version"
	Added, Removed []string
}

// ModuleUpload is a module to add.
type ModuleUpload struct {
	Tenant string // whose it is; nobody else sees it
	Name   string // file name without .wasm
	By     string // the user; "": nobody had to say
	Wasm   []byte
	DryRun bool // check it only

	Signature []byte // over the module's SHA-256; empty: it has none
	Source    string // the OCI reference that it was pulled from; "": it was sent
}

// ConfigKeyInfo describes a configuration key as GET /connector-plugins/{p}/config does. Nil pointers are JSON null.
type ConfigKeyInfo struct {
	Name          string   `json:"name"`
	Type          string   `json:"type"`
	Required      bool     `json:"required"`
	DefaultValue  *string  `json:"default_value"`
	Importance    string   `json:"importance"`
	Documentation string   `json:"documentation"`
	Group         *string  `json:"group"`
	Width         string   `json:"width"`
	DisplayName   string   `json:"display_name"`
	Dependents    []string `json:"dependents"`
	Order         int      `json:"order"`
}

// ConfigValueInfo is the outcome of validating one key.
type ConfigValueInfo struct {
	Name              string   `json:"name"`
	Value             *string  `json:"value"`
	RecommendedValues []string `json:"recommended_values"`
	Errors            []string `json:"errors"`
	Visible           bool     `json:"visible"`
}

// ConfigInfo pairs a key's definition (nil: no ConfigDef declares it) with its value.
type ConfigInfo struct {
	Definition *ConfigKeyInfo   `json:"definition"`
	Value      *ConfigValueInfo `json:"value"`
}

// ConfigInfos is the answer of PUT /connector-plugins/{p}/config/validate.
type ConfigInfos struct {
	Name       string       `json:"name"`
	ErrorCount int          `json:"error_count"`
	Groups     []string     `json:"groups"`
	Configs    []ConfigInfo `json:"configs"`
}

// Config is a connector's or task's configuration; a nil value is JSON null.
type Config map[string]*string

// ConfigOf makes one of properties, none of which is null.
func ConfigOf(properties map[string]string) Config {
	config := make(Config, len(properties))
	for key, value := range properties {
		config[key] = &value
	}
	return config
}

// Get returns the value of key, "" when absent or null.
func (c Config) Get(key string) string {
	if v := c[key]; v != nil {
		return *v
	}
	return ""
}

// Runtime is what the herder asks of the host: the worker on this node. *worker.Worker implements it.
// No method waits for guest code longer than its context allows.
type Runtime interface {
	// Plugins lists every usable plugin, in the order of GET /connector-plugins: sink, source, transformation,
	// predicate, converter, header_converter, each sorted by class, then version.
	// A tenant sees its own uploaded plugins and those that are on every worker.
	Plugins(tenant string) []PluginInfo
	// PluginConfig returns the keys of a plugin: for connectors its own first, then the framework's.
	// Errors: ErrNotFound, ErrBadRequest (a bad version).
	PluginConfig(tenant, name, version string) ([]ConfigKeyInfo, error)
	// Validate checks the configuration of a tenant's connector. Errors: ErrBadRequest when no connector class can be
	// found.
	Validate(ctx context.Context, tenant string, config Config) (ConfigInfos, error)
	// ConnectorKind tells source from sink for a configuration; "unknown" when its class is not there.
	ConnectorKind(tenant string, config Config) string

	// StartConnector makes the connector run (or pause) and reports its status; it returns the configurations of
	// its tasks, at most tasks.max, when target is TargetStarted. reconfigure is called when the plugin asks for new
	// task configurations.
	StartConnector(ctx context.Context, name string, config Config, target TargetState,
		reconfigure func()) ([]Config, error)
	// TaskConfigs asks a running connector anew.
	TaskConfigs(ctx context.Context, name string) ([]Config, error)
	// StopConnector stops it within the graceful timeout; target tells which status to report (STOPPED, or none when
	// deleted: "").
	StopConnector(ctx context.Context, name string, report State)
	// SetTarget pauses or resumes a running connector and its tasks on this worker.
	SetTarget(name string, target TargetState)
	// StartTask starts one task, of all that are configured for the connector; outcome and later failures go to the
	// StatusReporter. More of them than tasks.max allows are failures.
	StartTask(id TaskID, of int, connector, task Config, target TargetState)
	// SwapTask lets a running task go on with the stages of a newer configuration, between two records and without a
	// restart; the outcome goes to the StatusReporter. It returns at once.
	SwapTask(id TaskID, order SwapOrder)
	// StopTasks stops tasks at once (together, not one by one) and returns when all have ended or were given up.
	StopTasks(ctx context.Context, ids ...TaskID)
	// LeaveTasks is StopTasks for tasks of a stopped connector: it returns after the graceful timeout, and those that hang
	// have some time more before they are ended (StopLingerFactor), unless they are to start again.
	LeaveTasks(ctx context.Context, ids ...TaskID)

	// TaskFailures are the last failures of a task on this worker, the latest first.
	TaskFailures(id TaskID) []TaskFailure

	// AddModule checks, stores and lists a module; its plugins are usable when it returns. added: it is new.
	AddModule(ctx context.Context, upload ModuleUpload) (info ModuleInfo, added bool, err error)
	// Modules lists all modules that a tenant sees.
	Modules(tenant string) []ModuleInfo
	// ModuleContent returns the bytes of a module. Errors: ErrNotFound.
	ModuleContent(tenant, digest string) ([]byte, error)
	// UsesModule tells whether the configuration of a tenant's connector has a plugin of the module.
	UsesModule(tenant string, config Config, digest string) bool
	// DeleteModule takes a module away that the tenant uploaded. Errors: ErrNotFound, ErrConflict (it was not uploaded).
	DeleteModule(ctx context.Context, tenant, digest string) error
	// DeleteModules takes all modules away that the tenant uploaded, for all workers.
	DeleteModules(ctx context.Context, tenant string) error
	// ForgetTenant drops what this worker has counted and kept of a tenant that was deleted.
	ForgetTenant(tenant string)
}
