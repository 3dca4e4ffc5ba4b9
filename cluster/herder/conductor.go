package herder

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/berth-connect/berth/host"
)

// conductor carries out the decisions about what runs here of one connector, one after the other, on a goroutine of its
// own. It is told what should be, not what to do: while it waits for slow plugin code, newer wishes replace older ones.
type conductor struct {
	h    *Herder
	name string
	wake chan struct{} // capacity 1

	mu        sync.Mutex // guards what follows, shared with the deciding goroutine
	wish      wish
	restarts  []restart
	errands   []errand
	settled   []func()
	followed  []func()
	given     int  // counts what the deciding goroutine has asked for
	reconf    bool // the plugin asked for new task configurations
	operation context.CancelFunc
	ending    bool

	// The conductor goroutine's own.
	begun       bool // the runtime was told to start the connector in its target state, and has not been told to stop it
	target      host.TargetState
	configEpoch int
	targetEpoch int
	mend        bool            // the start under way was asked for by a user
	tasks       map[int]taskRun // those that run here
}

// restart asks for a new start of the connector or of tasks although nothing has changed.
type restart struct {
	connector bool
	tasks     []int
	revival   bool         // nobody has asked for it but the restart policy
	done      chan<- error // nil, or capacity 1
}

// errand is a plugin call that must not meet a starting or running connector.
type errand struct {
	ctx  context.Context
	run  func(context.Context) error
	done chan<- error // capacity 1
}

func (h *Herder) newConductor(ctx context.Context, name string) *conductor {
	c := &conductor{h: h, name: name, wake: make(chan struct{}, 1), tasks: map[int]taskRun{}}
	h.conductors[name] = c
	h.running.Add(1)
	go func() {
		defer h.running.Done()
		c.run(context.WithoutCancel(ctx))
	}()
	return c
}

// want replaces the wish. An operation that the new wish makes pointless, or that would hold up the stop of tasks, is
// broken off: a plugin that hangs in start can be deleted, stopped, reconfigured and given to another worker. settled,
// unless it is nil, is called once everything has stopped that is not to run here by this wish or those before it; it
// comes with the wish, or a hanging start that follows would hold it up.
func (c *conductor) want(w wish, settled func()) {
	c.ask(func() {
		if settled != nil {
			c.settled = append(c.settled, settled)
		}
		breakOff := w.outdates(c.wish) || w.stops(c.wish)
		c.wish = w
		if breakOff && c.operation != nil {
			c.operation()
		}
	})
}

// restart queues a restart; one that an operator has asked for breaks off an operation under way, which may hang.
func (c *conductor) restart(r restart) {
	c.ask(func() {
		c.restarts = append(c.restarts, r)
		if !r.revival && c.operation != nil {
			c.operation()
		}
	})
}

// do queues a plugin call between operations.
func (c *conductor) do(e errand) { c.ask(func() { c.errands = append(c.errands, e) }) }

// whenFollowed calls f once all that was asked for before has been tried.
func (c *conductor) whenFollowed(f func()) { c.ask(func() { c.followed = append(c.followed, f) }) }

// reconfigure is the runtime's callback: the plugin asks for new task configurations.
func (c *conductor) reconfigure() { c.tell(func() { c.reconf = true }) }

// end makes the goroutine return without stopping what runs.
func (c *conductor) end() {
	c.tell(func() {
		c.ending = true
		if c.operation != nil {
			c.operation()
		}
	})
}

// ask is tell for the deciding goroutine.
func (c *conductor) ask(change func()) {
	c.tell(func() {
		c.given++
		change()
	})
}

// asked tells how much the deciding goroutine has asked for.
func (c *conductor) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.given
}

func (c *conductor) tell(change func()) {
	c.mu.Lock()
	change()
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// orders is what the goroutine takes at once.
type orders struct {
	wish     wish
	restarts []restart
	errands  []errand
	settled  []func()
	followed []func()
	given    int
	reconf   bool
	ending   bool
}

// refuse answers those who wait for something that will not happen.
func (o orders) refuse(err error) {
	for _, r := range o.restarts {
		if r.done != nil {
			r.done <- err
		}
	}
	for _, e := range o.errands {
		e.done <- err
	}
}

func (c *conductor) take() orders {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := orders{c.wish, c.restarts, c.errands, c.settled, c.followed, c.given, c.reconf, c.ending}
	c.restarts, c.errands, c.settled, c.followed, c.reconf = nil, nil, nil, nil, false
	return o
}

func (c *conductor) run(ctx context.Context) {
	for {
		<-c.wake
		o := c.take()
		if o.ending {
			o.refuse(errStopping)
			return
		}
		c.giveUp(ctx, o.wish)
		for _, f := range o.settled {
			f()
		}
		c.followTasks(ctx, o)
		c.followConnector(ctx, o)
		if o.wish.config == nil {
			o.refuse(host.NotFound("Unknown connector: " + c.name))
		} else {
			c.runErrands(ctx, o)
		}
		for _, f := range o.followed {
			f()
		}
		if o.wish.idle() {
			c.h.inbox.post(func() { c.h.onIdle(c, o.given) })
		}
	}
}

// runErrands makes queued plugin calls; a wish that needs the connector elsewhere breaks them off.
func (c *conductor) runErrands(ctx context.Context, o orders) {
	for _, e := range o.errands {
		ctx, done := c.begin(e.ctx, o.wish)
		e.done <- e.run(ctx)
		done()
	}
}

// giveUp stops what is not to run here, before anything starts: others may wait for it.
func (c *conductor) giveUp(ctx context.Context, w wish) {
	var gone []host.TaskID
	for _, task := range slices.Sorted(maps.Keys(c.tasks)) {
		if _, wanted := w.tasks[task]; !wanted {
			gone = append(gone, c.id(task))
		}
	}
	if len(gone) > 0 {
		c.stopTasks(ctx, gone, w)
		c.h.inbox.post(func() { c.h.onTasksGone(gone) })
	}
	switch {
	case w.config == nil:
		c.stopConnector(ctx, "")
	case !w.here:
		c.stopConnector(ctx, host.Unassigned)
	}
}

// followTasks brings the running tasks in line. Tasks come before the connector: they must run although its plugin
// hangs in start.
func (c *conductor) followTasks(ctx context.Context, o orders) {
	again, told := map[int]bool{}, map[int]bool{}
	for _, r := range o.restarts {
		for _, task := range r.tasks {
			again[task], told[task] = true, told[task] || r.done == nil // UNASSIGNED was said with RESTARTING
		}
	}
	var stop, unassigned []host.TaskID
	for _, task := range slices.Sorted(maps.Keys(c.tasks)) {
		if !again[task] && (c.tasks[task].epoch == o.wish.tasksEpoch || c.swap(task, o.wish)) {
			continue
		}
		stop = append(stop, c.id(task))
		if !told[task] && c.h.reports.last(c.id(task)).state != host.Failed {
			unassigned = append(unassigned, c.id(task))
		}
	}
	c.stopTasks(ctx, stop, o.wish)
	c.h.inbox.post(func() { c.h.onTasksStopped(unassigned) })
	c.retargetTasks(o.wish)
	for _, task := range slices.Sorted(maps.Keys(o.wish.tasks)) {
		if _, runs := c.tasks[task]; !runs {
			c.tasks[task] = taskRun{o.wish.tasksEpoch, o.wish.config, o.wish.tasks[task]}
			c.h.reports.forget(c.id(task))
			c.h.runtime.StartTask(c.id(task), o.wish.taskCount, o.wish.config, o.wish.tasks[task], o.wish.target)
		}
	}
	c.answerTasks(o)
}

// retargetTasks pauses or resumes tasks that run on; where the connector runs on beside them, its own change of the
// target state reaches them too.
func (c *conductor) retargetTasks(w wish) {
	together := w.here && c.begun && w.configEpoch == c.configEpoch
	if w.target != c.target && w.target != host.TargetStopped && len(c.tasks) > 0 && !together {
		c.h.runtime.SetTarget(c.name, w.target)
	}
}

func (c *conductor) answerTasks(o orders) {
	for _, r := range o.restarts {
		if r.done == nil || r.connector || o.wish.config == nil {
			continue
		}
		var err error
		for _, task := range r.tasks {
			if _, wanted := o.wish.tasks[task]; !wanted {
				err = elsewhere("")
			}
		}
		r.done <- err
	}
}

// followConnector brings the connector in line and publishes its task configurations when they can have changed.
func (c *conductor) followConnector(ctx context.Context, o orders) {
	var waiting []chan<- error
	again, report := o.wish.configEpoch != c.configEpoch, host.Unassigned
	for _, r := range o.restarts {
		if r.connector {
			again = true
			if r.done == nil {
				report = "" // it was said with RESTARTING
			}
			if r.done != nil && o.wish.config != nil {
				waiting = append(waiting, r.done)
			}
		}
	}
	c.configEpoch = o.wish.configEpoch
	c.mend = len(waiting) > 0
	var err error
	switch {
	case !o.wish.here:
		c.target, err = o.wish.target, elsewhere("")
	case again || !c.begun:
		c.stopConnector(ctx, report)
		err = c.start(ctx, o.wish)
	case o.wish.target != c.target:
		err = c.retarget(ctx, o.wish)
	case (o.reconf || o.wish.targetEpoch != c.targetEpoch) && !c.failed() && c.target == host.TargetStarted:
		c.publish(ctx, o.wish, nil)
	}
	c.targetEpoch = o.wish.targetEpoch
	for _, done := range waiting {
		done <- err
	}
}

// retarget follows a change of the target state. A failed connector follows to STOPPED alone; its tasks follow always.
func (c *conductor) retarget(ctx context.Context, w wish) error {
	stopped := c.target == host.TargetStopped
	switch {
	case w.target == host.TargetStopped:
		c.stopConnector(ctx, host.Stopped)
		c.begun, c.target = true, w.target
		return nil
	case stopped:
		return c.start(ctx, w)
	}
	c.target = w.target
	c.h.runtime.SetTarget(c.name, w.target)
	if w.target == host.TargetStarted && !c.failed() {
		c.publish(ctx, w, nil)
	}
	return nil
}

// start starts the connector in its target state and publishes the task configurations it returns.
func (c *conductor) start(parent context.Context, w wish) error {
	ctx, done := c.begin(parent, w)
	c.h.reports.forget(connectorID(c.name))
	tasks, err := c.h.runtime.StartConnector(ctx, c.name, w.config, w.target, c.reconfigure)
	brokenOff := ctx.Err() != nil
	done()
	c.begun, c.target = true, w.target
	switch {
	case brokenOff:
		c.stopConnector(parent, "") // newer orders wait; they start it anew where it should run
	case err == nil && w.target == host.TargetStarted:
		c.publish(parent, w, append([]host.Config{}, tasks...))
	case err != nil && !c.failed():
		c.h.ConnectorStatus(c.name, host.Failed, err.Error(), c.h.pluginVersion(c.name, w.config))
	}
	return err
}

// begin makes an operation for w that newer orders can break off.
func (c *conductor) begin(parent context.Context, w wish) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	c.mu.Lock()
	c.operation = cancel
	if c.ending || c.wish.outdates(w) {
		cancel()
	}
	c.mu.Unlock()
	return ctx, func() {
		c.mu.Lock()
		c.operation = nil
		c.mu.Unlock()
		cancel()
	}
}

func (c *conductor) stopConnector(ctx context.Context, report host.State) {
	if !c.begun {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stopDurationMax)
	defer cancel()
	c.h.runtime.StopConnector(ctx, c.name, report)
	c.begun = false
}

func (c *conductor) stopTasks(ctx context.Context, ids []host.TaskID, w wish) {
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stopDurationMax)
	defer cancel()
	if w.emptied() {
		c.h.runtime.LeaveTasks(ctx, ids...)
	} else {
		c.h.runtime.StopTasks(ctx, ids...)
	}
	for _, id := range ids {
		delete(c.tasks, id.Task)
	}
}

// publish asks for task configurations (unless the start returned them) and hands them to the deciding goroutine,
// again and again with back-off as Connect does, until it succeeds, newer orders come or the connector has failed.
func (c *conductor) publish(ctx context.Context, w wish, tasks []host.Config) {
	ctx, done := c.begin(ctx, w)
	defer done()
	for delay := retryDelayMin; ; delay = min(2*delay, retryDelayMax) {
		var err error
		if tasks == nil {
			tasks, err = c.h.runtime.TaskConfigs(ctx, c.name)
			tasks = append([]host.Config{}, tasks...)
		}
		if err == nil {
			err = c.h.publishTasks(ctx, c.name, w.configEpoch, tasks, c.mend)
		}
		if err != nil && ctx.Err() != nil {
			c.reconfigure() // if the newer orders leave it to do
			return
		}
		if err == nil || errors.Is(err, errStale) || c.failed() {
			return
		}
		c.h.log.Warn("Failed to reconfigure the connector's tasks, retrying after back-off", "connector", c.name,
			"delay", delay, "error", err)
		tasks = nil
		if !c.idle(ctx, delay) {
			c.reconfigure() // after the newer orders
			return
		}
	}
}

// idle waits for delay and returns false when newer orders come first.
func (c *conductor) idle(ctx context.Context, delay time.Duration) bool {
	select {
	case <-time.After(delay):
		return true
	case <-c.wake:
		return false
	case <-ctx.Done():
		return false
	}
}

// failed tells whether the runtime has reported the connector FAILED, at its start or later; a restart helps.
func (c *conductor) failed() bool { return c.h.reports.last(connectorID(c.name)).state == host.Failed }

func (c *conductor) runningTasks() []host.TaskID {
	ids := make([]host.TaskID, 0, len(c.tasks))
	for _, task := range slices.Sorted(maps.Keys(c.tasks)) {
		ids = append(ids, c.id(task))
	}
	return ids
}

// runs tells, on the deciding goroutine, whether a task is to run here.
func (c *conductor) runs(task int) bool {
	_, wanted := c.wish.tasks[task]
	return wanted
}

func (c *conductor) id(task int) host.TaskID { return host.TaskID{Connector: c.name, Task: task} }
