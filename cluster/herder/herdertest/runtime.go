package herdertest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/validate"
)

// SlowStart is how long a connector with connector.start=slow takes to start.
const SlowStart = time.Second

const exception = "org.apache.kafka.connect.errors.ConnectException: "

// Runtime is a worker without guests. Connectors and tasks are entries in maps and do what their configuration says:
// connector.start, connector.tasks, connector.validate, connector.alter, task.start and task.work as in the
// conformance suite's test connectors.
type Runtime struct {
	*validate.Validator
	reporter host.StatusReporter
	plugins  catalogue

	// Place, when set, watches that nothing runs twice among the runtimes that share it.
	Place *Place
	// Linger, when set, is how long the stop of a task takes.
	Linger func() time.Duration

	mu         sync.Mutex
	connectors map[string]*connector
	tasks      map[host.TaskID]task
	starts     map[string]int // of connectors and tasks, by name or id
	modules    []host.ModuleInfo
	dead       bool
}

// Place counts what runs on all workers of a group.
type Place struct {
	mu    sync.Mutex
	runs  map[string]int
	twice []string
}

// Twice lists what has run more than once at a time.
func (p *Place) Twice() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.twice)
}

// Running lists what runs now, sorted.
func (p *Place) Running() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.runs))
}

func (p *Place) enter(what string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs == nil {
		p.runs = map[string]int{}
	}
	if p.runs[what]++; p.runs[what] > 1 {
		p.twice = append(p.twice, what)
	}
}

func (p *Place) leave(what string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs[what]--; p.runs[what] <= 0 {
		delete(p.runs, what)
	}
}

// Kill takes everything that runs here away at once, as the death of the process does.
func (r *Runtime) Kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.connectors {
		r.Place.leave(name)
	}
	for id := range r.tasks {
		r.Place.leave(id.String())
	}
	clear(r.connectors)
	clear(r.tasks)
	r.dead = true
}

type connector struct {
	config host.Config
	target host.TargetState
	plugin abi.Plugin
	failed bool
}

type task struct {
	plugin abi.Plugin
	failed bool
}

// NewRuntime returns a runtime that knows the file and test connectors and reports to reporter.
func NewRuntime(reporter host.StatusReporter) *Runtime {
	plugins := catalogue(testPlugins())
	return &Runtime{Validator: validate.New(plugins, validate.PolicyAll), reporter: reporter, plugins: plugins,
		connectors: map[string]*connector{}, tasks: map[host.TaskID]task{}, starts: map[string]int{}}
}

// Starts tells how often a connector (by name) or task (by id) was started.
func (r *Runtime) Starts(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.starts[what]
}

// Running lists the names of connectors and the ids of tasks that were started and not stopped, sorted.
func (r *Runtime) Running() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for name := range r.connectors {
		all = append(all, name)
	}
	for id := range r.tasks {
		all = append(all, id.String())
	}
	slices.Sort(all)
	return all
}

// Plugins implements host.Runtime.
func (r *Runtime) Plugins(string) []host.PluginInfo { return r.plugins.Infos() }

// PluginConfig implements host.Runtime.
func (r *Runtime) PluginConfig(_, name, version string) ([]host.ConfigKeyInfo, error) {
	return r.Validator.PluginConfig(name, version)
}

// Validate implements host.Runtime.
func (r *Runtime) Validate(ctx context.Context, _ string, config host.Config) (host.ConfigInfos, error) {
	return r.Validator.Validate(ctx, config)
}

// ConnectorKind implements host.Runtime.
func (r *Runtime) ConnectorKind(_ string, config host.Config) string {
	plugin, err := r.find(config)
	if err != nil {
		return "unknown"
	}
	return plugin.Kind
}

func (r *Runtime) find(config host.Config) (abi.Plugin, error) {
	return r.plugins.Find(config.Get("connector.class"), "", abi.KindSource, abi.KindSink)
}

// StartConnector implements host.Runtime.
func (r *Runtime) StartConnector(ctx context.Context, name string, config host.Config, target host.TargetState,
	_ func()) ([]host.Config, error) {
	plugin, err := r.find(config)
	if err != nil {
		return nil, err
	}
	if target != host.TargetStopped {
		switch config.Get("connector.start") {
		case "hang":
			<-ctx.Done()
			return nil, ctx.Err()
		case "slow":
			time.Sleep(SlowStart)
		case "throw":
			r.add(name, &connector{config, target, plugin, true})
			return nil, errors.New(exception + "start failed on purpose")
		}
	}
	started := &connector{config, target, plugin, false}
	r.add(name, started)
	r.reporter.ConnectorStatus(name, stateOf(target), "", plugin.Version)
	if target != host.TargetStarted {
		return nil, nil
	}
	return started.taskConfigs(name)
}

func (r *Runtime) add(name string, c *connector) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dead {
		return
	}
	if r.connectors[name] == nil {
		r.Place.enter(name)
	}
	r.connectors[name] = c
	r.starts[name]++
}

func stateOf(target host.TargetState) host.State {
	switch target {
	case host.TargetPaused:
		return host.Paused
	case host.TargetStopped:
		return host.Stopped
	}
	return host.Running
}

// TaskConfigs implements host.Runtime.
func (r *Runtime) TaskConfigs(_ context.Context, name string) ([]host.Config, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.connectors[name]
	if c == nil {
		return nil, host.NotFound("no connector " + name)
	}
	return c.taskConfigs(name)
}

func (c *connector) taskConfigs(name string) ([]host.Config, error) {
	class, number := c.plugin.TaskClass, 1
	most, err := strconv.Atoi(c.config.Get("tasks.max"))
	if err == nil && !strings.HasSuffix(class, "FileStreamSourceTask") {
		number = most
	}
	switch c.config.Get("connector.tasks") {
	case "toomany":
		return nil, fmt.Errorf("org.apache.kafka.connect.runtime.TooManyTasksException: The connector %s has generated %d "+
			"tasks, which is greater than %d, the maximum number of tasks it is configured to create. This behaviour should "+
			"be considered a bug and is disallowed. If necessary, it can be permitted by reconfiguring the connector with "+
			"'tasks.max.enforce' set to false; however, this option will be removed in a future release of Kafka Connect.",
			name, number+1, number)
	case "none":
		return nil, nil
	case "throw":
		return nil, errors.New(exception + "taskConfigs failed on purpose")
	}
	var configs []host.Config
	for i := range number {
		config := host.Config{"task.class": &class}
		if strings.HasPrefix(class, "conformance.") {
			index := strconv.Itoa(i)
			config["task"] = &index
			for _, key := range []string{"topic", "task.start", "task.work", "records"} {
				if value, has := c.config[key]; has {
					config[key] = value
				}
			}
		} else {
			maps.Copy(config, c.config)
			config["task.class"] = &class
		}
		configs = append(configs, config)
	}
	return configs, nil
}

// StopConnector implements host.Runtime.
func (r *Runtime) StopConnector(_ context.Context, name string, report host.State) {
	r.mu.Lock()
	c := r.connectors[name]
	delete(r.connectors, name)
	if c != nil {
		r.Place.leave(name)
	}
	r.mu.Unlock()
	if c != nil && report != "" {
		r.reporter.ConnectorStatus(name, report, "", c.plugin.Version)
	}
}

// SetTarget implements host.Runtime.
func (r *Runtime) SetTarget(name string, target host.TargetState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.connectors[name]; c != nil && !c.failed {
		c.target = target
		r.reporter.ConnectorStatus(name, stateOf(target), "", c.plugin.Version)
	}
	for id, t := range r.tasks {
		if id.Connector == name && !t.failed {
			r.reporter.TaskStatus(id, stateOf(target), "", t.plugin.Version)
		}
	}
}

// StartTask implements host.Runtime.
func (r *Runtime) StartTask(id host.TaskID, _ int, connector, config host.Config, target host.TargetState) {
	plugin, err := r.find(connector)
	if err != nil {
		r.reporter.TaskStatus(id, host.Failed, err.Error(), "")
		return
	}
	trace := ""
	switch {
	case config.Get("task.start") == "throw":
		trace = exception + "task start failed on purpose"
	case config.Get("task.work") == "throw":
		trace = exception + "poll failed on purpose"
	}
	r.mu.Lock()
	if r.dead {
		r.mu.Unlock()
		return
	}
	if _, runs := r.tasks[id]; !runs {
		r.Place.enter(id.String())
	}
	r.tasks[id] = task{plugin, trace != ""}
	r.starts[id.String()]++
	r.mu.Unlock()
	state := stateOf(target)
	if trace != "" {
		state = host.Failed
	}
	r.reporter.TaskStatus(id, state, trace, plugin.Version)
}

// StopTasks implements host.Runtime.
func (r *Runtime) StopTasks(_ context.Context, ids ...host.TaskID) {
	if r.Linger != nil {
		time.Sleep(r.Linger())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if _, runs := r.tasks[id]; runs {
			r.Place.leave(id.String())
		}
		delete(r.tasks, id)
	}
}

// LeaveTasks implements host.Runtime.
func (r *Runtime) LeaveTasks(ctx context.Context, ids ...host.TaskID) { r.StopTasks(ctx, ids...) }

// TaskFailures implements host.Runtime: one, that names the task.
func (r *Runtime) TaskFailures(id host.TaskID) []host.TaskFailure {
	return []host.TaskFailure{{Action: host.FailureFatal, Trace: id.String()}}
}

// AddModule implements host.Runtime: what begins with wasm's magic number is a module without plugins.
func (r *Runtime) AddModule(_ context.Context, upload host.ModuleUpload) (host.ModuleInfo, bool, error) {
	if !strings.HasPrefix(string(upload.Wasm), "\x00asm") {
		return host.ModuleInfo{}, false, host.BadRequest("The module is not WebAssembly")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := sha256.Sum256(upload.Wasm)
	info := host.ModuleInfo{Name: upload.Name, Digest: hex.EncodeToString(sum[:]), SizeBytes: int64(len(upload.Wasm)),
		SDK: "test/1"}
	if !upload.DryRun {
		r.modules = append(r.modules, info)
	}
	return info, !upload.DryRun, nil
}

// ModuleContent implements host.Runtime: it keeps none.
func (r *Runtime) ModuleContent(string, string) ([]byte, error) {
	return nil, host.NotFound("Module not found")
}

// UsesModule implements host.Runtime: connector.module names the digest.
func (r *Runtime) UsesModule(_ string, config host.Config, digest string) bool {
	return config.Get("connector.module") == digest
}

// DeleteModule implements host.Runtime.
func (r *Runtime) DeleteModule(_ context.Context, _, digest string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.modules = slices.DeleteFunc(r.modules, func(m host.ModuleInfo) bool { return m.Digest == digest })
	return nil
}

// DeleteModules implements host.Runtime.
func (r *Runtime) DeleteModules(context.Context, string) error { return nil }

// ForgetTenant implements host.Runtime.
func (r *Runtime) ForgetTenant(string) {}

// Modules implements host.Runtime.
func (r *Runtime) Modules(string) []host.ModuleInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.modules)
}

// AlterOffsets implements herder.OffsetAlterer: connector.alter says how it ends; file sources check what they get.
func (r *Runtime) AlterOffsets(_ context.Context, _ string, config host.Config, offsets []host.SourceOffset) (bool,
	error) {
	plugin, err := r.find(config)
	if err != nil {
		return false, err
	}
	switch {
	case strings.HasSuffix(plugin.Class, "FileStreamSourceConnector"):
		return true, checkFileOffsets(offsets)
	case !strings.HasPrefix(plugin.Class, "conformance.Test"):
		return plugin.Kind == abi.KindSink, nil
	}
	switch config.Get("connector.alter") {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "throw":
		return false, &host.Error{Kind: host.ErrInternal, Message: "alterOffsets failed on purpose"}
	}
	return false, host.ErrAlterUnsupported
}

// checkFileOffsets says what Kafka's FileStreamSourceConnector says.
func checkFileOffsets(offsets []host.SourceOffset) error {
	refuse := func(text string) error { return &host.Error{Kind: host.ErrInternal, Message: text} }
	for _, o := range offsets {
		if o.Offset == nil {
			continue
		}
		var partition map[string]any
		var offset map[string]json.RawMessage
		err := errors.Join(json.Unmarshal(o.Offset, &offset), json.Unmarshal(orNull(o.Partition), &partition))
		if err != nil {
			return err
		}
		position, err := strconv.ParseInt(string(offset["position"]), 10, 64)
		_, hasPosition := offset["position"]
		_, hasFile := partition["filename"]
		switch {
		case partition == nil:
			return refuse("Partition objects cannot be null")
		case !hasFile:
			return refuse("Partition objects should contain the key 'filename'")
		case !hasPosition:
			return refuse("Offset objects should either be null or contain the key 'position'")
		case err != nil:
			return refuse("The value for the 'position' key in the offset is expected to be a Long value")
		case position < 0:
			return refuse("The value for the 'position' key in the offset should be a non-negative value")
		}
	}
	return nil
}

func orNull(text []byte) []byte {
	if text == nil {
		return []byte("null")
	}
	return text
}
