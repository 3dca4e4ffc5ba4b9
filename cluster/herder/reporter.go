package herder

import (
	"sync"
	"time"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// ConnectorStatus implements host.StatusReporter. Reports about what another worker runs by now are dropped, but for
// the one that it has stopped here.
func (h *Herder) ConnectorStatus(name string, state host.State, trace, version string) {
	h.reports.note(connectorID(name), state)
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
	h.reports.note(id, state)
	h.inbox.post(func() {
		switch {
		case !h.hasTask(id) || !h.owned.task(id):
		case state == host.Failed:
			h.statuses.PutTaskSafe(id, h.status(state, trace, version))
		default:
			h.statuses.PutTask(id, h.status(state, trace, version))
		}
	})
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

// reports remembers the last state that the runtime reported of each connector and task here, so that a failed start is
// reported once, by whoever knows it best, and a failure is not followed by a stop.
type reports struct {
	mu   sync.Mutex
	last map[host.TaskID]host.State
}

// connectorID is the key of a connector among those of tasks.
func connectorID(name string) host.TaskID { return host.TaskID{Connector: name, Task: -1} }

func (r *reports) note(id host.TaskID, state host.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[host.TaskID]host.State{}
	}
	r.last[id] = state
}

func (r *reports) forget(id host.TaskID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.last, id)
}

func (r *reports) state(id host.TaskID) host.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[id]
}
