package task

import (
	"context"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
)

// A connector's instance gives up the stages that are fused with it once, at the first swap of one of them: the same
// stages run beside it from there on, with what they kept, and what follows is a swap as any other.

// mayLeave tells whether the connector's instance can give up its other stages now. A paused source would answer when
// it is resumed; a transaction may be open where it answers, and a crash takes back what was processed before.
func (c *chain) mayLeave() bool {
	return c.group.CanGoAlone() && (c.group.EndsInSink() || !c.config.Target.Paused() && !c.transactions)
}

// build starts new stages beside the task, and those that the connector's instance is to give up.
func (c *chain) build(ctx context.Context, next Swap, groups []pipeline.Group, same *pipeline.Group) built {
	b := built{Swap: next}
	if b.links, b.err = c.config.startAll(ctx, groups); b.err != nil {
		return b
	}
	if b.err = warm(ctx, b.links); b.err != nil || same == nil {
		return b
	}
	var links []*pipeline.Link
	if links, b.err = c.config.startAll(ctx, []pipeline.Group{*same}); b.err == nil {
		b.err = warm(ctx, links)
	}
	if b.err != nil {
		for _, l := range b.links {
			l.Instance.Kill(b.err)
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
// that it has put before.
func (c *chain) leave(ctx context.Context, b *built) error {
	c.leaving = b
	c.connector.Instance.Send(abi.EventAlone, nil)
	if !c.group.EndsInSink() {
		return nil
	}
	m, err := c.connector.Instance.Expect(ctx, abi.MessageState, c.connector.Limit)
	if err != nil {
		return c.connector.Group.Failed(err)
	}
	return c.left(ctx, m)
}

// left takes the answer: the records behind it have passed none of the stages that were given up.
func (c *chain) left(ctx context.Context, m guest.Message) error {
	b := c.leaving
	c.leaving = nil
	c.config.Swaps.poke() // what came meanwhile
	report := c.report(b.Revision, b.Stages, host.SwapPending)
	if err := c.connector.Leave(ctx, m, b.same); err != nil {
		c.stop(b.all())
		return &Restage{firstLine(err), report.Changes, c.where()}
	}
	links := append([]*pipeline.Link{b.same}, c.links...)
	if c.group.EndsInSink() {
		links = append(append([]*pipeline.Link{}, c.links...), b.same)
	}
	c.drop() // its stages are fewer than those that run now
	c.group = c.connector.Group
	c.version = &version{revision: c.revision, stages: c.stages, links: links, load: c.load}
	c.config.Alone()
	return c.turn(ctx, &version{revision: b.Revision, stages: b.Stages, links: b.links}, b.Probation, report)
}
