package group

import (
	"cmp"
	"slices"
	"time"

	"github.com/berth-connect/berth/host"
)

// IncrementalState is what the incremental assignor remembers from round to round while its worker leads; the fields
// are those of the original's IncrementalCooperativeAssignor. Values are not changed once they are made.
type IncrementalState struct {
	PreviousAssignment Work
	PreviousRevocation Work
	PreviousGeneration int32 // -1: no round yet
	PreviousMembers    []string

	ScheduledRebalance time.Time // when lost work is given to others, or work may be revoked again; zero: not scheduled
	Delay              time.Duration
	CandidateWorkers   []string // had no work while others' work was lost: likely the same worker, restarted

	RevokedInPrevious            bool
	SuccessiveRevokingRebalances int

	Loads map[host.TaskID]host.TaskLoad // of configured tasks, as last told; nil: Round.ByLoad is not set
}

// NewIncrementalState is that of a worker that has not led yet.
func NewIncrementalState() IncrementalState { return IncrementalState{PreviousGeneration: -1} }

// PlanIncremental is a round of incremental cooperative rebalancing (KIP-415): members keep what they hold, save what
// is deleted, held twice, or too much beside the others. Work of members that have gone waits up to r.MaxDelay for
// them to come back.
func PlanIncremental(state IncrementalState, r *Round) (IncrementalState, Plan) {
	a := newIncrementalRound(state, r)
	a.dropDeletedAndDuplicated()
	reassigned := a.handleLost()
	a.balance()
	a.assign(a.created.union(reassigned))
	return a.nextState(), a.plan()
}

// incrementalRound is a round in progress.
type incrementalRound struct {
	*Round
	state IncrementalState // the next one, in the making

	configured, previous, active       workset
	deleted, duplicated, lost, created workset

	workers []*workerLoad // in order of the members, until assign sorts them
	revoked map[string]workset
}

// workerLoad is what a worker has after the round.
type workerLoad struct {
	id string
	workset
}

func newIncrementalRound(state IncrementalState, r *Round) *incrementalRound {
	a := &incrementalRound{
		Round: r, state: state, configured: worksetOf(r.Configs.work()), previous: worksetOf(state.PreviousAssignment),
		revoked: map[string]workset{},
	}
	a.state.Loads = learn(state.Loads, r, a.configured)
	for _, m := range r.Members {
		a.workers = append(a.workers, &workerLoad{m.ID, worksetOf(m.held())})
	}
	a.active, a.duplicated = a.countHeld()
	if state.PreviousGeneration != r.LastGeneration {
		a.previous = workset{} // the round it comes from may have reached nobody
	}
	if !a.active.intersect(worksetOf(state.PreviousRevocation)).empty() {
		a.previous = a.active // the revocation did not take effect; count from what is held
	}
	a.deleted = a.previous.without(a.configured)
	a.lost = a.previous.without(a.active).without(a.deleted).inOrder()
	a.created = a.configured.without(a.previous).without(a.active)
	return a
}

// countHeld returns what is held, and what of it by more than one member.
func (a *incrementalRound) countHeld() (active, duplicated workset) {
	var all, more Work
	for _, w := range a.workers {
		all.Connectors = append(all.Connectors, w.connectors.items...)
		all.Tasks = append(all.Tasks, w.tasks.items...)
	}
	more.Connectors, more.Tasks = repeated(all.Connectors), repeated(all.Tasks)
	return worksetOf(all), worksetOf(more)
}

// dropDeletedAndDuplicated revokes work that is not configured any more, and work that several members hold, from all
// of them: the next round finds it created.
func (a *incrementalRound) dropDeletedAndDuplicated() {
	drop := a.deleted.union(a.duplicated)
	for _, w := range a.workers {
		a.revoke(w, w.intersect(drop))
	}
}

func (a *incrementalRound) revoke(w *workerLoad, work workset) {
	a.revoked[w.id] = a.revoked[w.id].union(work)
	w.workset = w.without(work)
}

// handleLost decides on work whose member has gone, or never got it. It returns what is to be assigned like new work.
func (a *incrementalRound) handleLost() workset {
	s := &a.state
	if a.lost.empty() && !s.RevokedInPrevious {
		a.resetDelay()
		return workset{}
	}
	nobodyLeft := s.ScheduledRebalance.IsZero() && a.allThere(s.PreviousMembers)
	if nobodyLeft || a.MaxDelay == 0 {
		return a.lost
	}
	if !s.ScheduledRebalance.IsZero() && !a.Now.Before(s.ScheduledRebalance) {
		return a.endDelay()
	}
	a.noteCandidates()
	s.Delay = a.MaxDelay
	if a.Now.Before(s.ScheduledRebalance) {
		s.Delay = min(s.ScheduledRebalance.Sub(a.Now), a.MaxDelay)
	}
	s.ScheduledRebalance = a.Now.Add(s.Delay)
	return workset{}
}

func (a *incrementalRound) resetDelay() {
	a.state.CandidateWorkers, a.state.ScheduledRebalance, a.state.Delay = nil, time.Time{}, 0
}

func (a *incrementalRound) allThere(members []string) bool {
	return !slices.ContainsFunc(members, func(id string) bool { return a.worker(id) == nil })
}

func (a *incrementalRound) worker(id string) *workerLoad {
	i := slices.IndexFunc(a.workers, func(w *workerLoad) bool { return w.id == id })
	if i < 0 {
		return nil
	}
	return a.workers[i]
}

// endDelay gives lost work to the candidates in turn; without any it goes where new work goes.
func (a *incrementalRound) endDelay() workset {
	var candidates []*workerLoad
	for _, id := range a.state.CandidateWorkers {
		if w := a.worker(id); w != nil {
			candidates = append(candidates, w)
		}
	}
	a.resetDelay()
	a.state.RevokedInPrevious = false
	if len(candidates) == 0 {
		return a.lost
	}
	connectors := dealt(a.lost.connectors.items, len(candidates))
	tasks := dealt(a.lost.tasks.items, len(candidates))
	for i, w := range candidates {
		w.workset = w.union(worksetOf(Work{connectors[i], tasks[i]}))
	}
	return workset{}
}

func dealt[E any](items []E, hands int) [][]E {
	dealt := make([][]E, hands)
	for i, item := range items {
		dealt[i%hands] = append(dealt[i%hands], item)
	}
	return dealt
}

func (a *incrementalRound) noteCandidates() {
	known := setOf(a.state.CandidateWorkers...)
	for _, w := range a.workers {
		if w.empty() {
			known = known.union(setOf(w.id))
		}
	}
	a.state.CandidateWorkers = known.items
}

// balance revokes what workers have too much of, but not while a delay runs. When rounds that revoke follow each other,
// as with workers that come and go, the next one has to wait, longer each time.
func (a *incrementalRound) balance() {
	s := &a.state
	if s.Delay != 0 {
		s.RevokedInPrevious = false
		return
	}
	surplus := a.surplus()
	switch {
	case len(surplus) > 0 && s.RevokedInPrevious:
		s.SuccessiveRevokingRebalances++
		s.Delay = revocationDelay(s.SuccessiveRevokingRebalances, a.MaxDelay)
		if s.Delay != 0 {
			s.ScheduledRebalance = a.Now.Add(s.Delay)
			return
		}
		a.revokeAll(surplus)
	case len(surplus) > 0:
		a.revokeAll(surplus)
		s.RevokedInPrevious = true
	case s.RevokedInPrevious:
		s.RevokedInPrevious, s.SuccessiveRevokingRebalances = false, 0
	}
}

// revocationDelay is 40 ms, 1.6 s, 64 s and so on, up to maxDelay.
func revocationDelay(successive int, maxDelay time.Duration) time.Duration {
	delay := time.Millisecond
	for range successive {
		if delay *= 40; delay >= maxDelay {
			return maxDelay
		}
	}
	return delay
}

// surplus is what each worker has above its even share; workers without any are left out.
func (a *incrementalRound) surplus() map[string]workset {
	loaded := func(w *workerLoad) bool { return !w.empty() }
	if !slices.ContainsFunc(a.workers, loaded) || a.configured.empty() {
		return nil
	}
	var connectors []set[string]
	var tasks []set[host.TaskID]
	for _, w := range a.workers {
		connectors = append(connectors, w.connectors)
		tasks = append(tasks, w.tasks)
	}
	connectors = surplusOf(connectors, a.configured.connectors.size())
	if a.ByLoad {
		tasks = a.surplusByLoad()
	} else {
		tasks = surplusOf(tasks, a.configured.tasks.size())
	}
	surplus := map[string]workset{}
	for i, w := range a.workers {
		if s := (workset{connectors[i], tasks[i]}); !s.empty() {
			surplus[w.id] = s
		}
	}
	return surplus
}

// surplusOf takes the first items of workers that hold more than their share of total. Shares differ by one at most;
// the first workers that hold more than the smaller share get the greater one.
func surplusOf[E comparable](held []set[E], total int) []set[E] {
	surplus := make([]set[E], len(held))
	share, greater := total/len(held), total%len(held)
	if even(held, share, greater) {
		return surplus
	}
	for i, items := range held {
		if items.size() <= share {
			continue
		}
		keep := share
		if greater > 0 {
			greater--
			keep++
		}
		surplus[i] = setOf(items.items[:items.size()-keep]...)
	}
	return surplus
}

// even says that as many workers as should hold one more than share, and the others just share.
func even[E comparable](held []set[E], share, greater int) bool {
	withShare, withOneMore := 0, 0
	for _, items := range held {
		switch items.size() {
		case share:
			withShare++
		case share + 1:
			withOneMore++
		}
	}
	return withOneMore == greater && withShare+withOneMore == len(held)
}

func (a *incrementalRound) revokeAll(surplus map[string]workset) {
	for _, w := range a.workers {
		a.revoke(w, surplus[w.id])
	}
}

// assign spreads work so that the workers that have the least get it first.
func (a *incrementalRound) assign(work workset) {
	spread(a.workers, work.connectors.items,
		func(w *workerLoad) int { return w.connectors.size() },
		func(w *workerLoad, more []string) { w.connectors = w.connectors.union(setOf(more...)) })
	if a.ByLoad {
		a.assignByLoad(work.tasks.items)
		return
	}
	spread(a.workers, work.tasks.items,
		func(w *workerLoad) int { return w.tasks.size() },
		func(w *workerLoad, more []host.TaskID) { w.tasks = w.tasks.union(setOf(more...)) })
}

// spread hands items out in turns: one to each of the workers that have no more than the first.
func spread[E comparable](workers []*workerLoad, items []E, load func(*workerLoad) int, add func(*workerLoad, []E)) {
	slices.SortFunc(workers, func(a, b *workerLoad) int {
		return cmp.Or(cmp.Compare(load(a), load(b)), compareText(a.id, b.id))
	})
	given := make([][]E, len(workers))
	for len(items) > 0 {
		level := load(workers[0]) + len(given[0])
		for i, w := range workers {
			if len(items) == 0 || load(w)+len(given[i]) > level {
				break
			}
			given[i] = append(given[i], items[0])
			items = items[1:]
		}
	}
	for i, w := range workers {
		add(w, given[i])
	}
}

func (a *incrementalRound) nextState() IncrementalState {
	next := a.state
	next.PreviousMembers = nil
	var taken Work
	for _, w := range a.workers {
		taken.Connectors = append(taken.Connectors, a.revoked[w.id].connectors.items...)
		taken.Tasks = append(taken.Tasks, a.revoked[w.id].tasks.items...)
		next.PreviousMembers = append(next.PreviousMembers, w.id)
	}
	assigned, _ := a.countHeld()
	revoked := worksetOf(taken)
	next.PreviousAssignment = assigned.without(revoked).union(a.lost).work()
	next.PreviousRevocation = revoked.work()
	next.PreviousGeneration = a.Generation
	return next
}

// plan tells each member only what changes for it.
func (a *incrementalRound) plan() Plan {
	p := a.Round.plan(NoError)
	for _, m := range a.Members {
		w := a.worker(m.ID)
		held := worksetOf(m.held()).without(a.deleted)
		assignment := p.Assignments[m.ID]
		assignment.Work = w.without(held).work()
		assignment.Revoked = a.revoked[m.ID].work()
		assignment.Delay = a.state.Delay
		p.Held[m.ID] = w.without(a.revoked[m.ID]).work()
	}
	return p
}

// held is what a member announced.
func (m *JoinedMember) held() Work {
	if m.Allocation == nil {
		return Work{}
	}
	return m.Allocation.Work
}
