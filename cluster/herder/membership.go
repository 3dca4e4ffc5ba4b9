package herder

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/host"
)

// ownership is what the group has given to this worker: what is configured of it runs here.
type ownership struct {
	all        bool // without a group
	connectors map[string]bool
	tasks      map[host.TaskID]bool
}

func newOwnership(held group.Work) ownership {
	o := ownership{connectors: map[string]bool{}, tasks: map[host.TaskID]bool{}}
	for _, name := range held.Connectors {
		o.connectors[name] = true
	}
	for _, id := range held.Tasks {
		o.tasks[id] = true
	}
	return o
}

func (o ownership) connector(name string) bool { return o.all || o.connectors[name] }

func (o ownership) task(id host.TaskID) bool { return o.all || o.tasks[id] }

// without returns the rest when some work is taken away.
func (o ownership) without(work group.Work) ownership {
	rest := ownership{all: o.all, connectors: maps.Clone(o.connectors), tasks: maps.Clone(o.tasks)}
	for _, name := range work.Connectors {
		delete(rest.connectors, name)
	}
	for _, id := range work.Tasks {
		delete(rest.tasks, id)
	}
	return rest
}

// affected lists the connectors of which two ownerships differ, sorted.
func (o ownership) affected(other ownership) []string {
	names := map[string]bool{}
	for _, pair := range [][2]ownership{{o, other}, {other, o}} {
		for name := range pair[0].connectors {
			if !pair[1].connectors[name] {
				names[name] = true
			}
		}
		for id := range pair[0].tasks {
			if !pair[1].tasks[id] {
				names[id.Connector] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Join makes the herder run what a group gives to this worker; without it the herder runs everything. Call it before
// Run.
func (h *Herder) Join(g Group) { h.group = g }

// onGroupEvent decides what a change of the membership means.
func (h *Herder) onGroupEvent(ctx context.Context, event group.Event) {
	switch event := event.(type) {
	case group.Revoking:
		h.log.Debug("Giving up work", "connectors", len(event.Connectors), "tasks", len(event.Tasks))
		h.own(ctx, h.owned.without(event.Work), h.group.Stopped)
	case group.Lost:
		h.log.Warn("No longer a member of the group, stopping all connectors and tasks", "reason", event.Reason)
		h.session = group.Session{Generation: h.session.Generation, Protocol: h.session.Protocol}
		h.claim(ctx)
		h.own(ctx, newOwnership(group.Work{}), h.group.Stopped)
	case group.Joined:
		h.onJoined(ctx, event.Session)
	}
}

// onJoined takes over the outcome of a round.
func (h *Herder) onJoined(ctx context.Context, session group.Session) {
	h.log.Debug("Joined the group", "generation", session.Generation, "leader", session.Assignment.LeaderURL,
		"connectors", len(session.Held.Connectors), "tasks", len(session.Held.Tasks))
	h.session = session
	h.signs.Store(session.Protocol >= group.Sessioned)
	h.claim(ctx)
	h.own(ctx, newOwnership(session.Held), nil)
	if session.IsLeader {
		h.pruneStatuses()
		h.renewSessionKey(ctx)
	}
	h.becomeReady()
	h.rounds.end()
}

// claim takes the writing of the config topic if this worker leads, and gives it up if not.
func (h *Herder) claim(ctx context.Context) {
	h.unclaimed = false
	if !h.leads() {
		h.configs.Release()
		return
	}
	ctx, cancel := h.whileMember(context.WithoutCancel(ctx))
	defer cancel()
	if err := h.configs.Claim(ctx); err != nil {
		h.log.Error("Failed to claim the writing of the config topic, the next write tries again", "error", err)
	}
}

// onClaimLost asks for a new round, which tells who leads: another worker has claimed to. If it is this one still, it
// claims again before it takes the next request, as Connect's does.
func (h *Herder) onClaimLost() {
	if h.group != nil && h.leads() {
		h.log.Warn("Another worker has claimed the writing of the config topic")
		h.unclaimed = true
		h.group.Rejoin("another worker has claimed the writing of the config topic")
	}
}

// own changes what this worker is to run. settled is called, on the deciding goroutine, when what it was to run before
// and is not any more has stopped.
func (h *Herder) own(ctx context.Context, owned ownership, settled func()) {
	affected := h.owned.affected(owned)
	h.owned = owned
	waiting := new(atomic.Int64)
	waiting.Store(1)
	done := func() {
		if waiting.Add(-1) == 0 && settled != nil {
			h.inbox.post(settled)
		}
	}
	for _, name := range affected {
		waiting.Add(1)
		h.settle(ctx, name, func(*wish) {}, done)
	}
	done()
}

// onTasksGone reports tasks that have stopped because the group gave them to others. What a failed task said stands
// until its next owner starts it.
func (h *Herder) onTasksGone(ids []host.TaskID) {
	for _, id := range ids {
		if h.owned.task(id) {
			continue // it is back already
		}
		if h.hasTask(id) && h.reports.last(id).state != host.Failed {
			h.statuses.PutTaskSafe(id, h.status(host.Unassigned, "", ""))
		}
		h.reports.forget(id)
		delete(h.revivals, id)
	}
}

// onTasksStopped reports tasks that have stopped to start again here.
func (h *Herder) onTasksStopped(ids []host.TaskID) {
	for _, id := range ids {
		if h.hasTask(id) && h.owned.task(id) {
			h.statuses.PutTask(id, h.status(host.Unassigned, "", ""))
		}
	}
}

// noticeWork asks for a new round when the config topic has other connectors or other numbers of tasks than before.
// Every member does so by itself.
func (h *Herder) noticeWork() {
	before := h.work
	h.work = map[string]int{}
	snapshot := h.configs.Snapshot()
	for _, name := range snapshot.Names() {
		h.work[name] = len(snapshot.Connectors[name].Tasks(name))
	}
	if h.group != nil && before != nil && !maps.Equal(before, h.work) {
		h.group.Rejoin("connectors or tasks were added or removed")
	}
}

// rounds lets requests wait for the end of a round.
type rounds struct{ ended atomic.Pointer[chan struct{}] }

func newRounds() *rounds {
	r := &rounds{}
	next := make(chan struct{})
	r.ended.Store(&next)
	return r
}

// next is closed when the round that is under way, or the next one, ends.
func (r *rounds) next() <-chan struct{} { return *r.ended.Load() }

// end is called by the deciding goroutine alone.
func (r *rounds) end() {
	next := make(chan struct{})
	close(*r.ended.Swap(&next))
}

// GroupState is what a group's member needs to know of the configurations.
type GroupState struct{ configs ConfigStore }

// NewGroupState makes a group.State of a config store.
func NewGroupState(configs ConfigStore) GroupState { return GroupState{configs} }

// Ready implements group.State.
func (s GroupState) Ready() <-chan struct{} { return s.configs.Ready() }

// ConfigOffset implements group.State.
func (s GroupState) ConfigOffset() int64 { return s.configs.Snapshot().Offset }

// FreshConfigs implements group.State.
func (s GroupState) FreshConfigs(ctx context.Context, atLeast int64) (group.ConfigView, error) {
	snapshot := s.configs.Snapshot()
	if snapshot.Offset < atLeast {
		if err := s.configs.Refresh(ctx); err != nil {
			return group.ConfigView{}, err
		}
		snapshot = s.configs.Snapshot()
	}
	view := group.ConfigView{Offset: snapshot.Offset, Tasks: map[string]int{}}
	for _, name := range snapshot.Names() {
		connector := snapshot.Connectors[name]
		view.Tasks[name] = max(connector.TaskCount, 0)
		if connector.Inconsistent {
			view.Inconsistent = append(view.Inconsistent, name)
		}
	}
	return view, nil
}
