package worker

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/task"
)

// swaps is what a running task was asked to go on with.
type swaps struct {
	*task.Swaps

	asking sync.Mutex // one order is looked up at a time, so that they reach the task in their order

	mu      sync.Mutex
	wanted  *host.SwapOrder // the newest that the task does not run with yet; guarded by mu
	restage *restage        // the start that takes the place of a swap; guarded by mu
}

// restage is a start of a task that takes the place of a swap.
type restage struct {
	report host.SwapReport
	began  time.Time
}

func newSwaps() *swaps { return &swaps{Swaps: task.NewSwaps()} }

// SwapTask implements host.Runtime.
func (w *Worker) SwapTask(id host.TaskID, order host.SwapOrder) {
	w.mu.Lock()
	t := w.tasks[id]
	if t == nil { // stopped meanwhile; whoever starts it next has the newer configuration
		w.mu.Unlock()
		return
	}
	t.connector, t.config = order.Connector, order.Task
	w.mu.Unlock()
	t.swaps.mu.Lock()
	t.swaps.wanted = &order
	t.swaps.mu.Unlock()
	go func() {
		t.swaps.asking.Lock()
		defer t.swaps.asking.Unlock()
		if t.swaps.newest(order.Revision) {
			w.askSwap(id, t, order)
		}
	}()
}

// newest tells whether an order still stands.
func (s *swaps) newest(revision int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted != nil && s.wanted.Revision == revision
}

// settled takes an order off that the task runs with, or has refused.
func (s *swaps) settled(revision int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted != nil && s.wanted.Revision <= revision {
		s.wanted = nil
	}
}

// askSwap finds the stages of an order and hands them to the task.
func (w *Worker) askSwap(id host.TaskID, t *runningTask, order host.SwapOrder) {
	base, policy, err := w.around(id.Connector).baseFor(order)
	switch {
	case err == nil:
		t.beside.foresee(order.Revision, base)
		swap := task.Swap{Revision: order.Revision, Stages: base.stages}
		if order.VersionsOnly {
			swap.Probation = &policy
		}
		t.swaps.Set(swap)
	case order.VersionsOnly:
		w.swapped(id, t, host.SwapReport{Revision: order.Revision, State: host.SwapFailed, Reason: err.Error()})
	default: // it fails at its start, as in Connect
		t.swaps.Set(task.Swap{Revision: order.Revision})
	}
}

// baseFor is what a task is to run with.
func (w scope) baseFor(order host.SwapOrder) (*base, host.SwapPolicy, error) {
	w.catchUp(context.Background(), order.Connector)
	connector, config, err := w.resolveBoth(order.Connector, order.Task)
	if err != nil {
		return nil, host.SwapPolicy{}, err
	}
	found, stages, err := w.resolveStages(connector, config)
	if err != nil {
		return nil, host.SwapPolicy{}, err
	}
	return &base{found: found, connector: connector, task: config, stages: stages}, w.swapPolicy(connector), nil
}

// swapped passes on what a task says of a swap.
func (w *Worker) swapped(id host.TaskID, t *runningTask, report host.SwapReport) <-chan struct{} {
	switch report.State {
	case host.SwapPending:
	case host.SwapStarted:
		report = t.swaps.restaged(report)
	default:
		t.swaps.settled(report.Revision)
	}
	report.AtUnixMs = time.Now().UnixMilli()
	recorded := w.Status.TaskSwap(id, report)
	if t.beside.follow(report) {
		go w.reshadow(id, t)
	}
	return recorded
}

// restage makes a task that has ended start with a newer configuration, if it was asked to go on with one.
func (w *Worker) restage(id host.TaskID, order *host.SwapOrder, t *runningTask, err error) bool {
	s := t.swaps
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted == nil {
		return false
	}
	report := host.SwapReport{Revision: s.wanted.Revision, State: host.SwapDone, Restarted: true}
	var why *task.Restage
	if errors.As(err, &why) {
		report.Changes, report.After, report.Reason = why.Changes, why.After, why.Reason
	} else {
		report.Reason = "the task had failed: " + err.Error()
	}
	w.Log.Info("task starts anew with other stages", "connector", id.Connector, "task", id.Task, "reason", report.Reason)
	s.restage = &restage{report, time.Now()}
	*order, s.wanted = *s.wanted, nil
	s.Swaps.Forget()
	return true
}

// restaged is what a start of the task says, where it took the place of a swap.
func (s *swaps) restaged(started host.SwapReport) host.SwapReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.restage
	if r == nil {
		return started
	}
	s.restage = nil
	r.report.PauseUs, r.report.After = time.Since(r.began).Microseconds(), started.After
	return r.report
}

// restageFailed says that a start that took the place of a swap has failed.
func (w *Worker) restageFailed(id host.TaskID, t *runningTask, err error) {
	t.swaps.mu.Lock()
	r := t.swaps.restage
	t.swaps.restage = nil
	t.swaps.mu.Unlock()
	if r != nil {
		r.report.State, r.report.Reason = host.SwapFailed, err.Error()
		w.swapped(id, t, r.report)
	}
}

// swapPolicy is a connector's, or else the worker's; a value that nobody checked when it was written does not count.
func (w *Worker) swapPolicy(connector host.Config) host.SwapPolicy {
	policy, _ := cmp.Or(w.config.Swaps, host.DefaultSwapPolicy).Of(connector)
	return policy
}
