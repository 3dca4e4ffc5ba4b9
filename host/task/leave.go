package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
)

// A connector's instance gives up the stages that are fused with it once, at the first swap of one of them: the same
// stages run beside it from there on, with what they kept, and what follows is a swap as any other.

// leaving is a swap that waits until the connector's instance has given up its other stages.
type leaving struct {
	built
	overdue *time.Timer // when the instance has had time enough to answer
}

// clings tells why the connector's instance can't give up its other stages; "": it can.
func (c *chain) clings() string {
	switch {
	case !c.group.CanGoAlone():
		return "and its module can't give them up while it runs (goes_alone)"
	case c.connectorEndsTransactions: // one may be open where the instance answers, and not be there after a crash
		return "and only the connector knows where a transaction ends (transaction.boundary=connector)"
	case !c.group.EndsInSink() && c.config.Target.Paused(): // it may answer when it is resumed only
		return "and the source is paused, so that nothing is disturbed"
	}
	return ""
}

// build starts new stages beside the task, and those that the connector's instance is to give up.
func (c *chain) build(ctx context.Context, next Swap, groups []pipeline.Group, same *pipeline.Group) built {
	b := built{Swap: next}
	if b.links, b.err = c.config.startWarm(ctx, groups); b.err != nil || same == nil {
		return b
	}
	links, err := c.config.startWarm(ctx, []pipeline.Group{*same})
	if err != nil {
		b.err = err
		for _, l := range b.links {
			l.Instance.Kill(err)
		}
		return b
	}
	b.same = links[0]
	return b
}

// all are the instances that were started.
func (b *built) all() []*pipeline.Link {
	if b.same == nil {
		return b.links
	}
	return append([]*pipeline.Link{b.same}, b.links...)
}

// leave asks the connector's instance to give up its other stages. A sink answers at once; a source behind the batches
// that it has put before, which pass the stages that it has.
func (c *chain) leave(ctx context.Context, b *built) error {
	began := time.Now()
	if reason := c.clings(); reason != "" { // by now
		c.stop(b.all())
		return c.restage(b.Stages, reason)
	}
	c.leaving = &leaving{*b, time.NewTimer(host.LeaveDurationMax)}
	c.connector.AskAlone()
	if !c.group.EndsInSink() {
		return nil
	}
	m, err := c.connector.ExpectAlone(ctx)
	if err != nil {
		return c.failsToLeave(err)
	}
	return c.left(ctx, m, began)
}

// late is due when a source has not answered in time; nil: nothing was asked.
func (c *chain) late() <-chan time.Time {
	if c.leaving == nil {
		return nil
	}
	return c.leaving.overdue.C
}

// stay ends the wait for an answer.
func (c *chain) stay(reason string) error {
	b := c.forget()
	return c.restage(b.Stages, reason)
}

// failsToLeave is for an instance that has ended instead. The task starts anew behind what is known to be durable.
func (c *chain) failsToLeave(cause error) error {
	b := c.forget()
	return &Restage{sharedInstance + ", which ended when it was to give them up: " + firstLine(cause),
		pipeline.Changes(c.stages, b.Stages), c.where(), cause}
}

// forget stops what was started for a swap that is not done.
func (c *chain) forget() *leaving {
	b := c.leaving
	c.leaving = nil
	b.overdue.Stop()
	c.stop(b.all())
	c.config.Swaps.poke() // what came meanwhile
	return b
}

// restage has the task started anew with other stages.
func (c *chain) restage(stages []pipeline.Stage, reason string) error {
	return &Restage{sharedInstance + ", " + reason, pipeline.Changes(c.stages, stages), c.where(), nil}
}

const sharedInstance = "its stages share an instance with the connector"

// left takes the answer: the records behind it have passed none of the stages that were given up. began is when records
// began to wait for it.
func (c *chain) left(ctx context.Context, m guest.Message, began time.Time) error {
	kept, err := c.connector.Leave(m)
	if ended := (*pipeline.StageError)(nil); errors.As(err, &ended) {
		return c.failsToLeave(err)
	}
	if err != nil {
		b := c.forget()
		return c.refuse(b.Probation, c.report(b.Revision, b.Stages, host.SwapPending),
			fmt.Errorf("hand over state: %w", err))
	}
	b := c.leaving
	c.leaving = nil
	b.overdue.Stop()
	c.config.Swaps.poke() // what came meanwhile
	c.group = c.connector.Group
	lost, err := c.settle(ctx, b, kept)
	if err != nil {
		c.stop(b.links)
		return err
	}
	report := c.report(b.Revision, b.Stages, host.SwapPending)
	if lost != nil {
		c.stop(b.links)
		return c.refuse(b.Probation, report, lost)
	}
	return c.turn(ctx, &version{revision: b.Revision, stages: b.Stages, links: b.links}, b.Probation, report, began)
}

// settle lets the stages that were given up go on beside the connector. lost says why they have nothing of what they
// kept: their own plugin does not take it.
func (c *chain) settle(ctx context.Context, b *leaving, kept pipeline.Kept) (lost, err error) {
	same := []*pipeline.Link{b.same}
	if lost = pipeline.TakeOver(ctx, same, kept); lost != nil {
		c.stop(same)
		if same, err = c.config.startWarm(ctx, []pipeline.Group{b.same.Group}); err != nil {
			return nil, err
		}
		lost = fmt.Errorf("the stages of before go on without what they kept: %w", lost)
	}
	if c.group.EndsInSink() {
		same = slices.Concat(c.links, same)
	} else {
		same = slices.Concat(same, c.links)
	}
	c.drop() // its stages are fewer than those that run now
	c.version = &version{revision: c.revision, stages: c.stages, links: same, load: c.load.untimed()}
	c.config.Alone()
	return lost, nil
}
