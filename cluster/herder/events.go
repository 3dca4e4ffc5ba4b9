package herder

import (
	"context"
	"errors"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// errStale ends the publication of task configurations that a newer connector configuration has overtaken.
var errStale = errors.New("the connector's configuration has changed")

// startAll starts what the config topic says and tidies the statuses of what it no longer knows.
func (h *Herder) startAll(ctx context.Context) {
	snapshot := h.configs.Snapshot()
	for _, name := range snapshot.Names() {
		h.follow(ctx, name, func(w *wish) { w.configEpoch++; w.tasksEpoch++ })
		h.pruneTasks(name)
	}
	for _, name := range h.statuses.Connectors() {
		if _, known := snapshot.Connector(name); !known {
			h.deleteStatuses(name)
		}
	}
}

// onConfigEvent decides what a record of the config topic means for this worker.
func (h *Herder) onConfigEvent(ctx context.Context, event store.ConfigEvent) {
	switch event.Kind {
	case store.ConnectorUpdated:
		h.follow(ctx, event.Connector, func(w *wish) { w.configEpoch++ })
		h.pruneTasks(event.Connector)
	case store.TasksUpdated:
		h.follow(ctx, event.Connector, func(w *wish) { w.tasksEpoch++ })
		h.pruneTasks(event.Connector)
	case store.TargetChanged:
		h.follow(ctx, event.Connector, func(*wish) {})
	case store.ConnectorRemoved:
		// The epochs count when the connector exists again already: nothing of the deleted one may run on.
		h.follow(ctx, event.Connector, func(w *wish) { w.configEpoch++; w.tasksEpoch++ })
	case store.RestartRequested:
		h.onRestart(event.Restart)
	case store.LoggerLevelSet:
		if h.config.SetLoggerLevel != nil {
			h.config.SetLoggerLevel(event.Namespace, event.Level)
		}
	}
}

// follow tells a connector's conductor what the config topic wants now; change counts the epochs.
func (h *Herder) follow(ctx context.Context, name string, change func(*wish)) {
	connector, known := h.configs.Snapshot().Connector(name)
	c := h.conductors[name]
	if c == nil {
		if !known {
			return
		}
		c = h.newConductor(ctx, name)
	}
	next := c.wish
	next.config, next.target, next.tasks = nil, connector.Target, nil
	if known {
		next.config = connector.Config
		for _, id := range connector.Tasks(name) {
			next.tasks = append(next.tasks, connector.TaskConfigs[id.Task])
		}
	}
	change(&next)
	c.want(next)
}

// onRemoved ends the conductor of a deleted connector whose tasks have stopped, unless it was created anew meanwhile.
func (h *Herder) onRemoved(c *conductor) {
	if _, known := h.configs.Snapshot().Connector(c.name); known || h.conductors[c.name] != c {
		return
	}
	delete(h.conductors, c.name)
	c.end()
	h.deleteStatuses(c.name)
}

func (h *Herder) deleteStatuses(name string) {
	destroyed := h.status(host.Destroyed, "", "")
	for task := range h.statuses.Tasks(name) {
		h.statuses.PutTask(host.TaskID{Connector: name, Task: task}, destroyed)
	}
	h.statuses.PutConnector(name, destroyed)
	h.statuses.DeleteTopics(name)
}

// pruneTasks deletes the statuses of tasks that a connector no longer has.
func (h *Herder) pruneTasks(name string) {
	for task := range h.statuses.Tasks(name) {
		id := host.TaskID{Connector: name, Task: task}
		if !h.hasTask(id) {
			h.statuses.PutTask(id, h.status(host.Destroyed, "", ""))
		}
	}
}

// publishTasks writes a connector's task configurations when they differ from what is stored. Called by conductors.
func (h *Herder) publishTasks(ctx context.Context, name string, configEpoch int, tasks []host.Config) error {
	_, err := decide(ctx, h, "writing task configurations of connector "+name,
		func(ctx context.Context) (struct{}, error) {
			connector, known := h.configs.Snapshot().Connector(name)
			c := h.conductors[name]
			if !known || c == nil || c.wish.configEpoch != configEpoch || connector.Target == host.TargetStopped {
				return struct{}{}, errStale
			}
			if !tasksChanged(connector, tasks) {
				return struct{}{}, nil
			}
			return struct{}{}, h.configs.PutTasks(ctx, name, tasks)
		})
	return err
}

// tasksChanged tells whether tasks must be written: also when the connector's configuration has changed since the last
// commit, because converters, transformations and overrides reach tasks without being in their configurations. An
// incomplete task set is written anew, where Connect would leave the connector without tasks.
func tasksChanged(stored store.Connector, tasks []host.Config) bool {
	if stored.Inconsistent || len(tasks) != max(stored.TaskCount, 0) {
		return true
	}
	for i, task := range tasks {
		if !sameConfig(task, stored.TaskConfigs[i]) {
			return true
		}
	}
	return len(tasks) > 0 && !sameConfig(stored.Config, stored.AppliedConfig)
}

func sameConfig(a, b host.Config) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		other, has := b[key]
		if !has || (value == nil) != (other == nil) || value != nil && *value != *other {
			return false
		}
	}
	return true
}
