package herder

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// ConnectorStatus implements host.StatusReporter. Reports about what another worker runs by now are dropped, but for
// the one that it has stopped here.
func (h *Herder) ConnectorStatus(name string, state host.State, trace, version string) {
	h.reports.note(connectorID(name), report{state, trace, version})
	h.inbox.post(func() {
		_, known := h.configs.Snapshot().Connector(name)
		status := h.status(state, trace, version)
		switch {
		case known && (state == host.Unassigned || state == host.Failed && h.owned.connector(name)):
			h.statuses.PutConnectorSafe(name, status)
		case known && h.owned.connector(name):
			h.statuses.PutConnector(name, status)
		}
	})
}

// TaskStatus implements host.StatusReporter. A report about a task that no longer belongs to its connector or to this
// worker is dropped, or the last words of a stopped task would bring its deleted status back.
func (h *Herder) TaskStatus(id host.TaskID, state host.State, trace, version string) {
	told := report{state, trace, version}
	h.reports.note(id, told)
	set, exactlyOnce := h.reports.setOf(id)
	h.inbox.post(func() {
		if exactlyOnce && state == host.Failed && h.succeeded(id, set) {
			return // what reads of the successors here starts it again
		}
		h.putTaskStatus(id, told)
	})
}

// succeeded tells whether the connector has newer tasks than a set: these have fenced that one's, perhaps, before this
// worker has read of them. False while Kafka can't tell.
func (h *Herder) succeeded(id host.TaskID, set int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), succeededWaitMax)
	defer cancel()
	ctx, done := h.untilFenced(ctx)
	defer done()
	_ = h.configs.Refresh(ctx)
	connector, known := h.configs.Snapshot().Connector(id.Connector)
	return known && connector.Generation != set
}

func (h *Herder) putTaskStatus(id host.TaskID, told report) {
	switch {
	case !h.hasTask(id) || !h.owned.task(id):
	case told.state == host.Failed:
		if note := h.reviveLater(id); note != "" {
			told.trace = strings.TrimSuffix(told.trace, "\n") + "\n" + note
		}
		h.statuses.PutTaskSafe(id, h.status(told.state, told.trace, told.version))
	default:
		h.statuses.PutTask(id, h.status(told.state, told.trace, told.version))
	}
}

// TopicUsed implements host.StatusReporter (KIP-558).
func (h *Herder) TopicUsed(id host.TaskID, topic string) {
	if !h.config.TopicTracking {
		return
	}
	h.inbox.post(func() {
		if _, known := h.configs.Snapshot().Connector(id.Connector); !known {
			return
		}
		h.statuses.PutTopic(store.TopicUse{
			Topic: topic, Connector: id.Connector, Task: id.Task, DiscoveredUnixMs: time.Now().UnixMilli(),
		})
	})
}

func (h *Herder) hasTask(id host.TaskID) bool {
	connector, known := h.configs.Snapshot().Connector(id.Connector)
	return known && !connector.Inconsistent && id.Task >= 0 && id.Task < connector.TaskCount
}

func (h *Herder) status(state host.State, trace, version string) store.Status {
	status := store.Status{State: state, WorkerID: h.config.WorkerID, Generation: int(h.session.Generation)}
	if trace != "" {
		status.Trace = &trace
	}
	if version != "" {
		status.Version = &version
	}
	return status
}

// mendStatuses writes statuses of what runs here again where another worker's words stand, or none: one that came back
// after its session had ended says UNASSIGNED late, and has not read yet that its work runs here; a leader that reads
// late that a connector was deleted deletes the status of the one that has its name by now.
func (h *Herder) mendStatuses() {
	for name, c := range h.conductors {
		if c.wish.here {
			told := h.reports.last(connectorID(name))
			if stands, has := h.statuses.Connector(name); h.contradicts(told, stands, has) {
				h.statuses.PutConnector(name, h.status(told.state, told.trace, told.version))
			}
		}
		for task := range c.wish.tasks {
			id := c.id(task)
			told := h.reports.last(id)
			if stands, has := h.statuses.Task(id); h.contradicts(told, stands, has) {
				h.statuses.PutTask(id, h.status(told.state, told.trace, told.version))
			}
		}
	}
}

func (h *Herder) contradicts(told report, stands store.Status, has bool) bool {
	if told.state == "" || told.state == host.Unassigned {
		return false
	}
	return !has || stands.WorkerID != h.config.WorkerID || stands.State == host.Unassigned
}

// report is what the runtime said of a connector or task.
type report struct {
	state          host.State
	trace, version string
}

// reports remembers the last report about each connector and task here, so that a failed start is reported once, by
// whoever knows it best, and a failure is not followed by a stop.
type reports struct {
	mu   sync.Mutex
	all  map[host.TaskID]report
	sets map[host.TaskID]int // of tasks with exactly-once support: the generation of the set that each is of
}

// connectorID is the key of a connector among those of tasks.
func connectorID(name string) host.TaskID { return host.TaskID{Connector: name, Task: -1} }

func (r *reports) note(id host.TaskID, told report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[host.TaskID]report{}
	}
	r.all[id] = told
}

func (r *reports) forget(id host.TaskID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, id)
	delete(r.sets, id)
}

// begin notes of which set a task with exactly-once support is that is about to start.
func (r *reports) begin(id host.TaskID, set int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sets == nil {
		r.sets = map[host.TaskID]int{}
	}
	r.sets[id] = set
}

// carry makes a task one of a newer set, in which it runs on, unless it has failed.
func (r *reports) carry(id host.TaskID, set int) (runs bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all[id].state == host.Failed {
		return false
	}
	if _, exactlyOnce := r.sets[id]; exactlyOnce {
		r.sets[id] = set
	}
	return true
}

func (r *reports) setOf(id host.TaskID) (set int, exactlyOnce bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	set, exactlyOnce = r.sets[id]
	return set, exactlyOnce
}

// last is empty when nothing was said since the start.
func (r *reports) last(id host.TaskID) report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[id]
}
