package herder

import (
	"context"
	"errors"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// errStale ends the publication of task configurations that a newer connector configuration has overtaken.
var errStale = errors.New("the connector's configuration has changed")

// startAll makes this worker, which is in no group, run what the config topic says, and tidies the statuses of what it
// no longer knows.
func (h *Herder) startAll(ctx context.Context) {
	h.owned = ownership{all: true}
	h.claim(ctx)
	for _, name := range h.configs.Snapshot().Names() {
		h.follow(ctx, name, func(*wish) {})
	}
	h.pruneStatuses()
	h.becomeReady()
}

// onConfigEvent decides what a record of the config topic means for this worker.
func (h *Herder) onConfigEvent(ctx context.Context, event store.ConfigEvent) {
	switch event.Kind {
	case store.ConnectorUpdated:
		h.forgetRevivals(event.Connector)
		h.follow(ctx, event.Connector, func(w *wish) { w.configEpoch++ })
	case store.ConnectorRemoved:
		h.forgetRevivals(event.Connector)
		// The epoch counts, and statuses go, although it may exist again already: nothing of the deleted one may stay.
		h.follow(ctx, event.Connector, func(w *wish) { w.configEpoch++ })
		h.setShadows(event.Connector)
		if h.leads() {
			h.deleteStatuses(event.Connector)
		}
	case store.TasksUpdated:
		h.follow(ctx, event.Connector, func(*wish) {})
		if h.group == nil { // else when the round has ended that the change brings about
			h.pruneTasks(event.Connector)
		}
	case store.TargetChanged:
		h.follow(ctx, event.Connector, func(w *wish) { w.targetEpoch++ })
	case store.RestartRequested:
		h.onRestart(event.Restart)
	case store.ShadowsChanged:
		h.setShadows(event.Connector)
	case store.TenantChanged:
		h.restartTenant(event.Tenant)
	case store.TenantDoomed:
		h.purgeTenants(ctx)
	case store.TenantDeleted:
		h.runtime.ForgetTenant(event.Tenant)
		if h.config.ForgetTenant != nil {
			h.config.ForgetTenant(event.Tenant)
		}
	case store.LoggerLevelSet:
		if h.config.SetLoggerLevel != nil {
			h.config.SetLoggerLevel(event.Namespace, event.Level)
		}
	}
}

// follow tells a connector's conductor what of it should run here now; change counts the epochs.
func (h *Herder) follow(ctx context.Context, name string, change func(*wish)) {
	h.settle(ctx, name, change, nil)
}

// settle is follow with a call, unless it is nil, once everything has stopped that is not to run here any more.
func (h *Herder) settle(ctx context.Context, name string, change func(*wish), settled func()) {
	connector, known := h.configs.Snapshot().Connector(name)
	c := h.conductors[name]
	var next wish
	if c != nil {
		next = c.wish
	}
	next.config, next.here, next.target, next.tasks = nil, false, connector.Target, nil
	if known {
		next.config, next.here = connector.Config, h.owned.connector(name)
		next.tasksEpoch, next.taskCount, next.revision = connector.Generation, connector.TaskCount, connector.Revision
		if connector.Target != host.TargetStopped { // one that stopped between its two records has its tasks still
			next.tasks = h.ownTasks(name, connector)
		}
	}
	change(&next)
	if c != nil && h.group != nil {
		h.reportAwake(c, next)
	}
	if c == nil {
		if next.idle() {
			if settled != nil {
				settled()
			}
			return
		}
		c = h.newConductor(ctx, name)
	}
	c.want(next, settled)
}

// reportAwake says RUNNING of paused tasks that are stopped: Connect hands them the new target state first, which is
// not PAUSED, and they wake up for it.
func (h *Herder) reportAwake(c *conductor, next wish) {
	if c.wish.target != host.TargetPaused || !next.emptied() {
		return
	}
	for task := range c.wish.tasks {
		if told := h.reports.last(c.id(task)); told.state == host.Paused {
			h.statuses.PutTask(c.id(task), h.status(host.Running, "", told.version))
		}
	}
}

func (h *Herder) ownTasks(name string, connector store.Connector) map[int]host.Config {
	own := map[int]host.Config{}
	for _, id := range connector.Tasks(name) {
		if h.owned.task(id) {
			own[id.Task] = connector.TaskConfigs[id.Task]
		}
	}
	return own
}

// onIdle ends the conductor of a connector of which nothing is to run here and all has stopped, unless more was asked
// of it meanwhile.
func (h *Herder) onIdle(c *conductor, given int) {
	if c.asked() != given || h.conductors[c.name] != c {
		return
	}
	delete(h.conductors, c.name)
	c.end()
	if _, known := h.configs.Snapshot().Connector(c.name); !known && h.leads() {
		h.deleteStatuses(c.name)
	}
}
