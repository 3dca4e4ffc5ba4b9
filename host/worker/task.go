package worker

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/task"
	"github.com/berth-connect/berth/host/validate"
)

// runningTask is a task that runs here, or has failed here.
type runningTask struct {
	target *task.Target
	beside *beside
	swaps  *swaps
	cancel context.CancelFunc
	done   chan struct{}
	of     int                      // tasks of the connector, on all workers
	flow   atomic.Pointer[taskFlow] // of the run that goes on; nil: none does

	connector, config host.Config // that it was started with, or asked to go on with; guarded by Worker.mu
}

// StartTask implements host.Runtime.
func (w *Worker) StartTask(id host.TaskID, of int, connector, config host.Config, target host.TargetState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startTask(id, of, connector, config, task.NewTarget(target == host.TargetPaused))
}

// startAgain starts a task anew, unless it is no longer the one that runs here.
func (w *Worker) startAgain(id host.TaskID, t *runningTask) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tasks[id] == t {
		w.startTask(id, t.of, t.connector, t.config, task.NewTarget(t.target.Paused()))
	}
}

// startTask must be called with mu held.
func (w *Worker) startTask(id host.TaskID, of int, connector, config host.Config, target *task.Target) {
	ctx, cancel := context.WithCancel(context.Background())
	t := &runningTask{target: target, beside: newBeside(id), swaps: newSwaps(), cancel: cancel,
		done: make(chan struct{}), of: of, connector: connector, config: config}
	before := cmp.Or(w.tasks[id], w.lingering[id])
	w.tasks[id] = t
	go func() {
		defer close(t.done)
		defer cancel()
		if before != nil { // never two of one id
			before.target.Hurry()
			before.cancel()
			<-before.done
		}
		for again := true; again; {
			order := host.SwapOrder{Connector: connector, Task: config}
			again = w.runTask(ctx, id, &order, t)
			connector, config = order.Connector, order.Task
		}
	}()
}

// runTask runs a task to its end and reports a failure. True: it is to run again, with a newer configuration that it
// was asked to go on with, and could not.
func (w *Worker) runTask(ctx context.Context, id host.TaskID, order *host.SwapOrder, t *runningTask) (again bool) {
	var found plugin.Plugin
	own := w.around(id.Connector)
	own.catchUp(ctx, order.Connector)
	connector, config, err := own.resolveBoth(order.Connector, order.Task)
	if err == nil {
		found, err = own.resolveConnector(connector)
	}
	defer func() {
		if p := recover(); p != nil { // a defect of ours must not take the worker down with it
			err = fmt.Errorf("internal error: %v\n%s", p, debug.Stack())
		}
		if again = err != nil && ctx.Err() == nil && w.restage(id, order, t, err); again {
			return
		}
		if err != nil && ctx.Err() == nil {
			w.restageFailed(id, t, err)
			w.meters.failed(id.Connector, err)
			w.Log.Error("task failed", "connector", id.Connector, "task", id.Task, "error", err)
			trace := task.Trace(err)
			w.failures.add(id, task.FatalFailure(err, trace))
			w.Status.TaskStatus(id, host.Failed, trace, statusVersion(found))
		}
	}()
	if err != nil {
		return
	}
	var parsed validate.Connector
	if parsed, err = own.parse(found.Kind, connector); err != nil {
		return
	}
	if t.of > parsed.TasksMax && parsed.EnforceTasksMax { // somebody else wrote them, or before the limit was set
		err = &tooManyTasks{id.Connector, t.of, parsed.TasksMax}
		return
	}
	if err = own.Validator.CheckOverrides(found.Kind, connector); err != nil {
		return
	}
	account := w.book.Open(id.Connector)
	defer account.Close()
	flow := newTaskFlow(account, time.Now())
	t.flow.Store(flow)
	defer t.flow.Store(nil)
	c := w.taskConfig(id, found, connector, parsed, t)
	c.Tap, c.Apart = t.beside, len(w.shadowWishes(id.Connector)) > 0
	c.Flow = flow
	defer t.beside.end()
	if c.Errors, err = tolerance(found.Kind, parsed, connector); err != nil {
		return
	}
	if c.Errors.TrapMax, err = w.trapMax(connector); err != nil {
		return
	}
	if c.Stages, err = own.taskStages(found, parsed, config); err != nil {
		return
	}
	var ended func()
	if ended, err = w.admit(ctx, &c); err != nil {
		return
	}
	defer ended()
	t.beside.begin(&c, found, config)
	go w.reshadow(id, t)
	if found.Kind == abi.KindSource {
		err = own.runSource(ctx, c, found, parsed)
	} else {
		err = task.NewSink(c).Run(ctx)
	}
	return
}

func (w scope) taskStages(found plugin.Plugin, parsed validate.Connector, config host.Config) ([]pipeline.Stage,
	error) {
	if found.Kind == abi.KindSource {
		return w.sourceStages(found, parsed, w.toldOfQuirks(config))
	}
	return w.sinkStages(found, parsed, config)
}

func (w *Worker) runSource(ctx context.Context, c task.Config, found plugin.Plugin, parsed validate.Connector) error {
	if w.Transactions != nil {
		return w.runExactlyOnce(ctx, c, found, parsed)
	}
	if parsed.ExactlyOnceRequired { // made elsewhere, or before: validation refuses it
		c.Log.Warn("exactly.once.support=required: this worker sends records at least once, so after a crash some may come " +
			"twice; set exactly.once.source.support=enabled on all workers, or exactly.once.support=requested")
	}
	producer, err := w.Clients.Producer(c.ID, c.Connector)
	if err != nil {
		return fmt.Errorf("make producer: %w", err)
	}
	offsets := w.Offsets
	if parsed.OffsetsTopic != "" && w.OffsetTopics != nil {
		if offsets, err = w.OffsetTopics.Open(ctx, c.ID, c.Connector, parsed.OffsetsTopic, producer); err != nil {
			producer.Close()
			return err
		}
	}
	if needs, narrow := topicNeeds(found); narrow {
		producer = needs.Producer(producer)
	}
	return task.NewSource(c, producer, offsets).Run(ctx)
}

// runExactlyOnce runs a source in transactions.
func (w *Worker) runExactlyOnce(ctx context.Context, c task.Config, found plugin.Plugin,
	parsed validate.Connector) error {
	boundary := task.Boundary{Kind: task.BoundaryKind(parsed.TransactionBoundary), Interval: w.config.OffsetFlushInterval}
	if parsed.TransactionBoundaryIntervalMs >= 0 {
		boundary.Interval = max(time.Duration(parsed.TransactionBoundaryIntervalMs)*time.Millisecond, time.Millisecond)
	}
	producer, err := w.Transactions.Open(ctx, c.ID, c.Connector, parsed.OffsetsTopic)
	if err != nil {
		return err
	}
	if needs, narrow := topicNeeds(found); narrow {
		producer = needs.Transactional(producer)
	}
	return task.NewExactlyOnceSource(c, producer, boundary).Run(ctx)
}

func (w *Worker) taskConfig(id host.TaskID, found plugin.Plugin, connector host.Config, parsed validate.Connector,
	t *runningTask) task.Config {
	log := w.Log.With("connector", id.Connector, "task", id.Task, host.LoggerKey, w.taskLogger(found.Kind))
	meters := w.meters.task(id, found.Kind)
	opts := guest.Options{Log: log, Metrics: meters.plugin,
		Boundaries: w.Transactions != nil && parsed.TransactionBoundary == string(task.BoundaryConnector)}
	return task.Config{
		ID: id, Version: found.Version, Log: log, Meters: meters, Target: t.target, Clients: w.clientsOf(found),
		Swaps: t.swaps.Swaps, SwapWindow: w.swapPolicy(connector).Window,
		Connector:     connector,
		FlushInterval: w.config.OffsetFlushInterval,
		FlushTimeout:  w.config.OffsetFlushTimeout,
		GraceTimeout:  w.config.TaskShutdownGraceful,
		RestAfter:     cmp.Or(w.config.StagesRestAfter, host.StageIdleMax),
		Run: func(ctx context.Context, g pipeline.Group, plan abi.Plan) (*guest.Instance, error) {
			return w.run(ctx, g, plan, opts)
		},
		Started:   func() { w.Status.TaskStatus(id, host.Running, "", statusVersion(found)) },
		PausedNow: func() { w.Status.TaskStatus(id, host.Paused, "", statusVersion(found)) },
		TopicUsed: func(topic string) { w.Status.TopicUsed(id, topic) },
		Alone:     func() { t.beside.alone(); go w.reshadow(id, t) },
		Swapped:   func(report host.SwapReport) <-chan struct{} { return w.swapped(id, t, report) },
		Failed:    func(f host.TaskFailure) { w.failures.add(id, f) },
	}
}

// taskLogger is the class of Connect's tasks of a kind.
func (w *Worker) taskLogger(kind string) string {
	switch {
	case kind == abi.KindSink:
		return "org.apache.kafka.connect.runtime.WorkerSinkTask"
	case w.Transactions != nil:
		return "org.apache.kafka.connect.runtime.ExactlyOnceWorkerSourceTask"
	}
	return "org.apache.kafka.connect.runtime.WorkerSourceTask"
}

// StopTasks implements host.Runtime.
func (w *Worker) StopTasks(ctx context.Context, ids ...host.TaskID) {
	w.stop(ctx, w.takeTasks(ids))
}

// LeaveTasks implements host.Runtime.
func (w *Worker) LeaveTasks(ctx context.Context, ids ...host.TaskID) {
	stopping := w.takeTasks(ids)
	for id, t := range stopping {
		t.target.Linger()
		w.mu.Lock()
		w.lingering[id] = t
		w.mu.Unlock()
		go w.forgetLingering(id, t)
	}
	ctx, cancel := context.WithTimeout(ctx, w.config.TaskShutdownGraceful)
	defer cancel()
	w.stop(ctx, stopping)
}

// takeTasks returns those that run here; they no longer count as such.
func (w *Worker) takeTasks(ids []host.TaskID) map[host.TaskID]*runningTask {
	taken := map[host.TaskID]*runningTask{}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if t := w.tasks[id]; t != nil {
			taken[id] = t
			delete(w.tasks, id)
		}
	}
	return taken
}

func (w *Worker) forgetLingering(id host.TaskID, t *runningTask) {
	<-t.done
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lingering[id] == t {
		delete(w.lingering, id)
	}
}

// stop returns when all have ended, or ctx has.
func (w *Worker) stop(ctx context.Context, tasks map[host.TaskID]*runningTask) {
	for _, t := range tasks {
		t.cancel()
	}
	for id, t := range tasks {
		select {
		case <-t.done:
		case <-ctx.Done():
			w.Log.Warn("a task does not stop in time; it is left behind", "connector", id.Connector, "task", id.Task)
			return
		}
	}
}
