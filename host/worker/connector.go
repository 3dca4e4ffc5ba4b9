package worker

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/configprovider"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/task"
	"github.com/berth-connect/berth/host/validate"
)

// connector is a connector that runs here. Most plugins only make task configurations: they run while they are asked.
// Those that watch a foreign system keep their instance.
type connector struct {
	name    string
	stored  host.Config // with references to configuration providers
	config  host.Config // with their values
	parsed  validate.Connector
	found   plugin.Plugin
	watched *guest.Connector // nil: made for each question
	cancel  context.CancelFunc
	done    chan struct{} // closed when the watching instance has ended; nil without one
	reload  *time.Timer   // restarts the connector; nil: no value gets old
	failed  atomic.Bool   // a failed connector stays so until it is started anew
}

// StartConnector implements host.Runtime.
func (w *Worker) StartConnector(ctx context.Context, name string, config host.Config, target host.TargetState,
	reconfigure func()) ([]host.Config, error) {
	own := w.around(name)
	own.catchUp(ctx, config)
	c, err := own.newConnector(ctx, name, config)
	if err == nil {
		w.mu.Lock()
		w.connectors[name] = c
		w.mu.Unlock()
	}
	if err == nil && target == host.TargetStarted {
		err = w.startConnector(ctx, c, reconfigure)
	}
	if err != nil {
		w.connectorFailed(ctx, name, c, err)
		return nil, err
	}
	started := func() { w.Status.ConnectorStatus(name, stateOf(target), "", statusVersion(c.found)) }
	if target != host.TargetStarted {
		started()
		return nil, nil
	}
	return w.taskConfigs(ctx, c, started)
}

func (w scope) newConnector(ctx context.Context, name string, config host.Config) (*connector, error) {
	resolved, err := w.resolve(config)
	if err != nil {
		return nil, err
	}
	found, err := w.resolveConnector(resolved.Config)
	if err != nil {
		return nil, err
	}
	parsed, err := w.parse(found.Kind, resolved.Config)
	if err != nil {
		return nil, w.Validator.FirstProblem(ctx, found.Kind, resolved.Config, err)
	}
	c := &connector{name: name, stored: config, config: resolved.Config, parsed: parsed, found: found}
	w.scheduleReload(c, resolved.TTLs)
	return c, nil
}

// connectorFailed reports a failure, unless it is that the caller has changed its mind.
func (w *Worker) connectorFailed(ctx context.Context, name string, c *connector, err error) {
	if ctx.Err() != nil {
		return
	}
	if c != nil {
		c.failed.Store(true)
	}
	w.meters.overLimit(err)
	w.Log.Error("connector failed", "connector", name, "error", err)
	w.Status.ConnectorStatus(name, host.Failed, task.Trace(err), versionOf(c))
}

func versionOf(c *connector) string {
	if c == nil {
		return ""
	}
	return statusVersion(c.found)
}

// statusVersion is a plugin's version as statuses have it: Connect's word for none leaves it out of answers.
func statusVersion(found plugin.Plugin) string { return cmp.Or(found.Version, "undefined") }

func stateOf(target host.TargetState) host.State {
	switch target {
	case host.TargetPaused:
		return host.Paused
	case host.TargetStopped:
		return host.Stopped
	}
	return host.Running
}

// startConnector starts the instance of a plugin that watches; others are started when they are asked.
func (w *Worker) startConnector(ctx context.Context, c *connector, reconfigure func()) error {
	if !c.found.Watches {
		return nil
	}
	running, err := w.runConnector(ctx, c)
	if err != nil {
		return err
	}
	serveCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.watched, c.cancel, c.done = running, cancel, make(chan struct{})
	go func() {
		defer close(c.done)
		if err := running.Serve(serveCtx, w.config.TaskShutdownGraceful, reconfigure); err != nil {
			w.connectorFailed(serveCtx, c.name, c, c.group().Failed(err))
		}
	}()
	return nil
}

func (c *connector) group() pipeline.Group {
	stage := abi.Stage{Kind: c.found.Kind, Plugin: c.found.Class, Config: c.config}
	return pipeline.Group{Digest: c.found.Digest, Stages: []pipeline.Stage{{Stage: stage, Found: c.found}}}
}

func (w *Worker) runConnector(ctx context.Context, c *connector) (*guest.Connector, error) {
	group := c.group()
	instance, err := w.run(ctx, group, abi.Plan{Role: abi.RoleConnector, Connector: c.name, Stages: group.Plan()},
		guest.Options{Log: w.Log.With("connector", c.name)})
	if err != nil {
		return nil, err
	}
	running, err := guest.NewConnector(ctx, instance)
	if err != nil {
		return nil, group.Failed(err)
	}
	return running, nil
}

// TaskConfigs implements host.Runtime.
func (w *Worker) TaskConfigs(ctx context.Context, name string) ([]host.Config, error) {
	w.mu.Lock()
	c := w.connectors[name]
	w.mu.Unlock()
	if c == nil {
		return nil, host.NotFound(fmt.Sprintf("Connector %s not found", name))
	}
	return w.taskConfigs(ctx, c, func() {})
}

// taskConfigs asks the plugin; started is called when its instance has started, which a plugin's own start may prevent.
func (w *Worker) taskConfigs(ctx context.Context, c *connector, started func()) ([]host.Config, error) {
	configs, err := w.askTaskConfigs(ctx, c, started)
	if err == nil && len(configs) > c.parsed.TasksMax && c.parsed.EnforceTasksMax {
		err = &tooManyTasks{c.name, len(configs), c.parsed.TasksMax}
	}
	if err != nil {
		w.connectorFailed(ctx, c.name, c, err)
		return nil, err
	}
	completed := c.complete(configs)
	w.Secrets.Restore(completed)
	return completed, nil
}

func (w *Worker) askTaskConfigs(ctx context.Context, c *connector, started func()) ([]map[string]*string, error) {
	if c.watched != nil {
		started()
		return c.watched.TaskConfigs(ctx, c.parsed.TasksMax)
	}
	running, err := w.runConnector(ctx, c)
	if err != nil {
		return nil, err
	}
	started()
	serveCtx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- running.Serve(serveCtx, w.config.TaskShutdownGraceful, func() {}) }()
	configs, err := running.TaskConfigs(ctx, c.parsed.TasksMax)
	cancel()
	if failure := <-ended; failure != nil {
		err = failure // more to the point than that it is gone
	}
	if err != nil {
		return nil, c.group().Failed(err)
	}
	return configs, nil
}

// tooManyTasks is Connect's TooManyTasksException.
type tooManyTasks struct {
	connector string
	n, limit  int
}

func (e *tooManyTasks) JavaClass() string {
	return "org.apache.kafka.connect.runtime.TooManyTasksException"
}

func (e *tooManyTasks) Error() string {
	return fmt.Sprintf("The connector %s has generated %d tasks, which is greater than %d, the maximum number of tasks "+
		"it is configured to create. This behaviour should be considered a bug and is disallowed. If necessary, it can "+
		"be permitted by reconfiguring the connector with 'tasks.max.enforce' set to false; however, this option will "+
		"be removed in a future release of Kafka Connect.", e.connector, e.n, e.limit)
}

// complete adds to the plugin's configurations what Connect adds: the task's class, and a sink's topics. They are
// stored, hence the references in place of values.
func (c *connector) complete(configs []map[string]*string) []host.Config {
	class := c.found.TaskClass
	if class == "" {
		class = c.found.Class
	}
	all := make([]host.Config, len(configs))
	for i, config := range configs {
		all[i] = maps.Clone(host.Config(config))
		if all[i] == nil {
			all[i] = host.Config{}
		}
		all[i]["task.class"] = &class
		for _, key := range []string{"topics", "topics.regex"} {
			if v, ok := c.config[key]; ok && c.found.Kind == abi.KindSink {
				all[i][key] = v
			}
		}
	}
	configprovider.Restore(c.stored, all)
	return all
}

// StopConnector implements host.Runtime.
func (w *Worker) StopConnector(ctx context.Context, name string, report host.State) {
	w.mu.Lock()
	c := w.connectors[name]
	delete(w.connectors, name)
	w.mu.Unlock()
	if c != nil && c.reload != nil {
		c.reload.Stop()
	}
	if c != nil && c.cancel != nil {
		c.cancel()
		select {
		case <-c.done:
		case <-ctx.Done():
			w.Log.Warn("connector does not stop in time; it is left behind", "connector", name)
		}
	}
	if report != "" {
		w.Status.ConnectorStatus(name, report, "", versionOf(c))
	}
}

// SetTarget implements host.Runtime: tasks are paused in place; a watching connector is left running, since it makes
// no records.
func (w *Worker) SetTarget(name string, target host.TargetState) {
	w.mu.Lock()
	c := w.connectors[name]
	var tasks []*runningTask
	for id, t := range w.tasks {
		if id.Connector == name {
			tasks = append(tasks, t)
		}
	}
	w.mu.Unlock()
	for _, t := range tasks {
		t.target.Set(target == host.TargetPaused)
	}
	if c != nil && !c.failed.Load() {
		w.Status.ConnectorStatus(name, stateOf(target), "", statusVersion(c.found))
	}
}
