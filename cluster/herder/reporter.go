package herder

import (
	"sync"
	"time"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// generation is the group generation in statuses; a worker without a group writes 0, as Connect's stand-alone one.
const generation = 0

// ConnectorStatus implements host.StatusReporter.
func (h *Herder) ConnectorStatus(name string, state host.State, trace, version string) {
	h.reports.note(name, state)
	h.inbox.post(func() {
		if _, known := h.configs.Snapshot().Connector(name); known {
			h.statuses.PutConnector(name, h.status(state, trace, version))
		}
	})
}

// TaskStatus implements host.StatusReporter. A report about a task that no longer belongs to its connector is dropped,
// or the last words of a stopped task would bring its deleted status back.
func (h *Herder) TaskStatus(id host.TaskID, state host.State, trace, version string) {
	h.inbox.post(func() {
		if h.hasTask(id) {
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
	status := store.Status{State: state, WorkerID: h.config.WorkerID, Generation: generation}
	if trace != "" {
		status.Trace = &trace
	}
	if version != "" {
		status.Version = &version
	}
	return status
}

// reports remembers the last state that the runtime reported of each connector, so that a failed start is reported
// once, by whoever knows it best.
type reports struct {
	mu   sync.Mutex
	last map[string]host.State
}

func (r *reports) note(name string, state host.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]host.State{}
	}
	r.last[name] = state
}

func (r *reports) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.last, name)
}

func (r *reports) state(name string) host.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[name]
}
