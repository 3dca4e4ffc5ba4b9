package task

import (
	"context"
	"fmt"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
)

// chain is the stages of a task that are not in its connector's instance. Others can take their place between two
// records while the task runs: they are started and warmed beside it, and what they replace is kept for a while, so
// that the way back is as short. It belongs to the task's goroutine.
type chain struct {
	*version
	config *Config
	group  pipeline.Group             // the connector's
	where  func() []host.SwapPosition // of the last record that has left the chain

	connector *pipeline.Link // the instance with the connector
	// connectorEndsTransactions: the host can't end them where it wants.
	connectorEndsTransactions bool

	kept      *version           // what ran before; nil: it is not kept
	expires   time.Time          // when kept has been kept long enough
	probation *probation         // of the version that runs; nil: over, or never begun
	building  context.CancelFunc // of the version that is being built; nil: none
	asked     int64              // the revision of that version
	builders  chan struct{}      // closed when the build has ended
	leaving   *leaving           // nil: none
	recorded  <-chan struct{}    // closed when the last turn is on record; nil: it is
	// began is behind which records the task started with the stages that it has; nil: it has others by now.
	began []host.SwapPosition
}

// version is stages as they run.
type version struct {
	revision int64
	stages   []pipeline.Stage // of the whole task
	links    []*pipeline.Link
	load     load
}

// begin takes over the stages with which a task starts.
func (c *chain) begin(config *Config, group pipeline.Group, links []*pipeline.Link, where func() []host.SwapPosition) {
	c.config, c.group, c.where = config, group, where
	c.version = &version{stages: config.Stages, links: links}
}

// begins says behind which records the task starts.
func (c *chain) begins(after []host.SwapPosition) {
	c.began = after
	c.recorded = c.config.Swapped(host.SwapReport{State: host.SwapStarted, After: after})
}

// awaitRecord returns when it is on record which stages had the records whose offsets are to be stored: after a crash
// the log of swaps tells of each stored offset which version it was. A log that can't be written holds up a task for
// offset.flush.timeout.ms at most.
func (c *chain) awaitRecord(ctx context.Context) {
	if c.recorded == nil {
		return
	}
	timeout := time.NewTimer(c.config.FlushTimeout)
	defer timeout.Stop()
	select {
	case <-c.recorded:
	case <-timeout.C:
		c.config.Log.Warn("a swap is not on record yet; the offsets behind it are stored nevertheless")
	case <-ctx.Done():
	}
	c.recorded = nil
}

// boundary does what is due between two records.
func (c *chain) boundary(ctx context.Context) error {
	if c.leaving != nil { // what else is due waits for that
		return nil
	}
	next, built := c.config.Swaps.take()
	if built != nil {
		if err := c.take(ctx, built); err != nil {
			return err
		}
	}
	if next != nil {
		if err := c.replace(ctx, *next); err != nil {
			return err
		}
	}
	now := time.Now()
	if c.probation != nil && c.probation.slow != "" {
		c.leaveSlow(ctx)
	}
	if c.kept != nil && !now.Before(c.expires) {
		c.drop()
	}
	return nil
}

// replace begins a swap. The stages that ran before are at hand.
func (c *chain) replace(ctx context.Context, next Swap) error {
	if c.cancelBuild() {
		c.config.Swapped(host.SwapReport{Revision: c.asked, State: host.SwapFailed, Reason: "a newer one took its place"})
	}
	report := c.report(next.Revision, next.Stages, host.SwapPending)
	switch {
	case pipeline.SameStages(c.stages, next.Stages):
		c.revision = next.Revision
		report.State, report.After = host.SwapDone, c.where()
		if len(c.began) > 0 { // with stages that nobody had asked a task for by then
			report.After, report.Restarted, report.Reason = c.began, true, "the task was started with it"
		}
		c.recorded = c.config.Swapped(report)
		return nil
	case c.kept != nil && pipeline.SameStages(c.kept.stages, next.Stages):
		c.kept.revision = next.Revision
		return c.turn(ctx, c.kept, nil, report, time.Now())
	}
	groups, same, err := c.beside(next.Stages)
	if err != nil {
		return err
	}
	c.config.Swapped(report)
	c.asked = next.Revision
	ctx, c.building = context.WithCancel(ctx)
	c.builders = make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		c.config.Swaps.deliver(c.build(ctx, next, groups, same))
	}(c.builders)
	return nil
}

// beside cuts other stages into the groups that run beside the connector's; same is the group that is to leave that one
// before, nil: none.
func (c *chain) beside(stages []pipeline.Stage) (groups []pipeline.Group, same *pipeline.Group, err error) {
	groups, ok := c.group.Beside(stages)
	switch reason := c.clings(); {
	case ok:
		return groups, nil, nil
	case len(stages) == 0:
		return nil, nil, &Restage{"the configuration has no stages that could run", nil, c.where(), nil}
	case reason != "":
		return nil, nil, c.restage(stages, reason)
	}
	_, others := c.group.Apart()
	return pipeline.AllBeside(stages), &others, nil
}

// startWarm starts groups that have shown that they can do their work; all or none of them run.
func (c *Config) startWarm(ctx context.Context, groups []pipeline.Group) ([]*pipeline.Link, error) {
	links, err := c.startAll(ctx, groups)
	if err == nil {
		err = warm(ctx, links)
	}
	return links, err
}

// warm ends links that can't do their work.
func warm(ctx context.Context, links []*pipeline.Link) error {
	for _, l := range links {
		if err := l.Warm(ctx); err != nil {
			for _, l := range links {
				l.Instance.Kill(err)
			}
			return err
		}
	}
	return nil
}

// cancelBuild ends the start of a version that a newer one has overtaken, or the end of the task.
func (c *chain) cancelBuild() (overtaken bool) {
	if c.building == nil {
		return false
	}
	c.building()
	<-c.builders
	c.building = nil
	if b := c.config.Swaps.takeBuilt(); b != nil && b.err == nil {
		c.stop(b.all())
	}
	return true
}

// take lets the records go to stages that were started beside the task.
func (c *chain) take(ctx context.Context, b *built) error {
	if c.building != nil { // what has started does not end with it
		c.building()
		c.building = nil
	}
	report := c.report(b.Revision, b.Stages, host.SwapPending)
	if b.err == nil && b.same != nil {
		return c.leave(ctx, b)
	}
	if b.err == nil {
		return c.turn(ctx, &version{revision: b.Revision, stages: b.Stages, links: b.links}, b.Probation, report,
			time.Now())
	}
	return c.refuse(b.Probation, report, fmt.Errorf("the new stages do not start: %w", b.err))
}

// refuse leaves the records to the stages that have them, or has the task started anew where nothing is on probation.
func (c *chain) refuse(policy *host.SwapPolicy, report host.SwapReport, err error) error {
	c.config.Log.Error("other stages can't have the records", "error", err, "revision", report.Revision)
	if policy == nil {
		return &Restage{firstLine(err), report.Changes, c.where(), nil}
	}
	report.State, report.Reason = host.SwapFailed, firstLine(err)
	c.config.Swapped(report)
	return nil
}

// turn gives the records to other stages; they have waited for it since began. No record is in the chain.
func (c *chain) turn(ctx context.Context, to *version, policy *host.SwapPolicy, report host.SwapReport,
	began time.Time) error {
	from := c.version
	back := to == c.kept
	if err := c.handOver(ctx, from, to); err != nil && back && alive(to.links) {
		c.config.Log.Warn("the stages of before go on with what they kept themselves", "error", err)
	} else if err != nil {
		c.stop(to.links)
		if back {
			c.kept = nil
		}
		return c.refuse(policy, report, err)
	}
	if !back {
		c.drop()
	}
	c.version, c.kept, c.began = to, from, nil
	report.PauseUs = time.Since(began).Microseconds()
	c.expires = began.Add(c.config.SwapWindow)
	time.AfterFunc(c.config.SwapWindow, c.config.Swaps.poke)
	c.probation = newProbation(policy, &from.load)
	c.load = load{}
	report.State, report.After = host.SwapDone, c.where()
	c.config.Log.Info("other stages have the records", "revision", report.Revision, "pause_us", report.PauseUs)
	c.recorded = c.config.Swapped(report)
	return nil
}

// handOver gives stages what those before them keep; a version that was kept may rest.
func (c *chain) handOver(ctx context.Context, from, to *version) error {
	if err := c.config.wake(ctx, to.links); err != nil {
		return err
	}
	return pipeline.HandOver(ctx, from.links, to.links)
}

// rollBack gives the records to the stages of before. No record is in the chain, or those that are go through it anew.
func (c *chain) rollBack(reason string) {
	failed := c.version
	report := c.report(failed.revision, c.kept.stages, host.SwapRolledBack)
	report.Changes = pipeline.Changes(c.kept.stages, failed.stages)
	began := time.Now()
	c.version, c.kept, c.probation, c.began = c.kept, nil, nil, nil
	c.load = load{}
	report.PauseUs = time.Since(began).Microseconds()
	report.Reason, report.After = reason, c.where()
	c.config.Log.Error("the stages of before have the records again", "revision", report.Revision, "reason", reason)
	c.recorded = c.config.Swapped(report)
	c.stop(failed.links)
}

// leaveSlow gives the records back to the stages of before, between two records.
func (c *chain) leaveSlow(ctx context.Context) {
	if err := c.handOver(ctx, c.version, c.kept); err != nil {
		c.config.Log.Warn("what the stages on probation keep is lost", "error", err)
	}
	if !alive(c.kept.links) { // slow is better than none
		c.drop()
		return
	}
	c.rollBack(c.probation.slow)
}

// alive tells whether all instances run.
func alive(links []*pipeline.Link) bool {
	for _, l := range links {
		if l.Instance == nil {
			return false
		}
		select {
		case <-l.Instance.Done():
			return false
		default:
		}
	}
	return true
}

// report is what is known of a swap to other stages before it has an outcome.
func (c *chain) report(revision int64, stages []pipeline.Stage, state host.SwapState) host.SwapReport {
	return host.SwapReport{Revision: revision, State: state, Changes: pipeline.Changes(c.stages, stages)}
}

// drop ends what was kept.
func (c *chain) drop() {
	if c.kept == nil {
		return
	}
	c.stop(c.kept.links)
	c.kept, c.probation = nil, nil
}

// stop ends instances beside the task, which does not wait.
func (c *chain) stop(links []*pipeline.Link) {
	go stopLinks(context.Background(), links, c.config.GraceTimeout)
}

// close ends what is there besides the stages that run, and returns these.
func (c *chain) close() []*pipeline.Link {
	if c.version == nil {
		return nil
	}
	c.cancelBuild()
	if c.leaving != nil {
		c.forget()
	}
	c.drop()
	return c.links
}

// pass takes n records through the stages that run. On probation, what fails with them goes through those of before
// instead: nothing of it has left the chain.
func (c *chain) pass(ctx context.Context, n int,
	through func([]*pipeline.Link) (pipeline.Result, error)) (pipeline.Result, error) {
	began := time.Now()
	result, err := through(c.links)
	failed := c.config.Errors.lost(result.Failures)
	if c.probation != nil {
		if reason := c.probation.breach(&c.config.Errors, n, failed, &c.load, err); reason != "" {
			c.rollBack(reason)
			if err := c.config.wake(ctx, c.links); err != nil {
				return result, err
			}
			return through(c.links)
		}
	}
	c.load.add(n, failed, time.Since(began))
	if c.probation != nil {
		c.probation.watch(&c.load)
	}
	return result, err
}
