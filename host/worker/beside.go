package worker

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/shadow"
	"github.com/berth-connect/berth/host/task"
)

// beside is what runs beside one task: its shadows. It is the task's tap.
type beside struct {
	id      host.TaskID
	offered atomic.Pointer[[]*shadow.Shadow] // those that get the task's batches

	mu      sync.Mutex
	base    *base                 // what the task runs with; nil: it does not run; guarded by mu
	before  *base                 // what it ran with before the last swap; guarded by mu
	next    map[int64]*base       // what it was asked to go on with, by revision; guarded by mu
	shadows map[string]shadowOfID // by alias; guarded by mu
}

func newBeside(id host.TaskID) *beside {
	return &beside{id: id, next: map[int64]*base{}, shadows: map[string]shadowOfID{}}
}

// base is what a task runs with.
type base struct {
	found     plugin.Plugin
	connector host.Config // with the values of configuration providers
	task      host.Config // the same
	stages    []pipeline.Stage
	cut       int // stages of a source that the tap sees the results of; the connector is the first
}

type shadowOfID struct {
	id      string
	shadow  *shadow.Shadow // nil: it can't run
	problem string
}

var _ task.Tap = (*beside)(nil)

// Offer implements task.Tap. All shadows read the same copy.
func (b *beside) Offer(n int, encode func() []byte) {
	shadows := b.offered.Load()
	if shadows == nil {
		return
	}
	once := sync.OnceValue(encode)
	for _, s := range *shadows {
		s.Offer(n, once)
	}
}

// begin says what the task runs with.
func (b *beside) begin(c *task.Config, found plugin.Plugin, config host.Config) {
	base := &base{found: found, connector: c.Connector, task: config, stages: c.Stages}
	if found.Kind == abi.KindSource {
		base.cut = len(c.SourceGroups()[0].Stages)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.base = base
}

// alone says that the connector's instance has given up its other stages, so that the tap sees what enters them.
func (b *beside) alone() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.base != nil && b.base.found.Kind == abi.KindSource {
		to := *b.base
		to.cut = 1
		b.base = &to
		b.offered.Store(nil)
		for alias, s := range b.shadows { // they are set anew
			go s.stop()
			delete(b.shadows, alias)
		}
	}
}

// foresee says what the task runs with once a swap is done.
func (b *beside) foresee(revision int64, base *base) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next[revision] = base
}

// follow goes on beside other stages when the task does; its shadows are to be set anew then.
func (b *beside) follow(report host.SwapReport) (turned bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := b.next[report.Revision]
	switch {
	case report.State == host.SwapPending:
		return false
	case report.State == host.SwapRolledBack:
		to = b.before
	case report.State != host.SwapDone || report.Restarted:
		to = nil
	}
	delete(b.next, report.Revision)
	if to == nil || b.base == nil {
		return false
	}
	to.cut = b.base.cut // the connector's instance stays
	b.before, b.base = b.base, to
	b.offered.Store(nil)
	for alias, s := range b.shadows {
		go s.stop() // the task does not wait for it
		delete(b.shadows, alias)
	}
	return true
}

// set starts and stops shadows. restart: the task has to be started anew for them.
func (b *beside) set(w *Worker, wishes []host.ShadowWish) (restart bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.base == nil {
		return false
	}
	wanted := map[string]bool{}
	for _, wish := range wishes {
		wanted[wish.ID] = true
		if b.hides(wish.Alias) {
			return true
		}
	}
	for alias, s := range b.shadows {
		if !wanted[s.id] {
			go s.stop() // nobody waits for it, least of all the task, which may ask for mu
			delete(b.shadows, alias)
		}
	}
	for _, wish := range wishes {
		if _, has := b.shadows[wish.Alias]; !has {
			b.shadows[wish.Alias] = b.make(w, wish)
		}
	}
	b.publish()
	return false
}

// hides tells whether a source's transformation runs in its connector's instance.
func (b *beside) hides(alias string) bool {
	i := slices.IndexFunc(b.base.stages, func(s pipeline.Stage) bool {
		return s.Kind == abi.KindTransform && s.Alias == alias
	})
	return i > 0 && i < b.base.cut
}

func (b *beside) make(w *Worker, wish host.ShadowWish) shadowOfID {
	candidate, err := w.around(b.id.Connector).shadowStages(b.base, wish)
	if err != nil {
		return shadowOfID{id: wish.ID, problem: err.Error()}
	}
	live := b.base.stages[b.base.cut:]
	if b.base.found.Kind == abi.KindSink {
		live = live[:len(live)-1]
	}
	return shadowOfID{id: wish.ID, shadow: shadow.Run(shadow.Config{Live: live, Candidate: candidate,
		Start: w.shadowStart(b.id, wish)})}
}

// publish shows the task which shadows there are. It must be called with mu held.
func (b *beside) publish() {
	var all []*shadow.Shadow
	for _, s := range b.shadows {
		if s.shadow != nil {
			all = append(all, s.shadow)
		}
	}
	if all == nil {
		b.offered.Store(nil)
		return
	}
	b.offered.Store(&all)
}

// end stops what runs beside a task that has ended.
func (b *beside) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offered.Store(nil)
	var stopping sync.WaitGroup
	for _, s := range b.shadows {
		stopping.Go(s.stop)
	}
	stopping.Wait()
	b.base, b.before, b.shadows = nil, nil, map[string]shadowOfID{}
	clear(b.next)
}

func (s shadowOfID) stop() {
	if s.shadow != nil {
		s.shadow.Stop()
	}
}

func (b *beside) report(alias string) (host.ShadowReport, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, has := b.shadows[alias]
	if !has {
		return host.ShadowReport{}, false
	}
	r := host.ShadowReport{State: host.ShadowFailed, Problem: s.problem, Differences: []host.ShadowDifference{}}
	if s.shadow != nil {
		r = s.shadow.Report()
	}
	r.ID = s.id
	return r, true
}
