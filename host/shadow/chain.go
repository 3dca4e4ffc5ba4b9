package shadow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/task"
)

// Start runs an instance of a group that goes on behind a record that failed; what it computes is added to cpu, in ns.
type Start func(ctx context.Context, group pipeline.Group, cpu *atomic.Int64) (*pipeline.Link, error)

// chain is one of the two chains that are compared.
type chain struct {
	groups []pipeline.Group
	start  Start
	links  []*pipeline.Link // nil: to be started
	cpu    atomic.Int64     // ns
	ends   int              // instances that ended
	last   string           // how the last one of them did
}

// outcome is what a chain made of one record. The zero value: it was dropped.
type outcome struct {
	batch    *abi.Batch // of the records that came of it
	lo, hi   int        // their indices there
	failed   *pipeline.RecordFailure
	notTried bool
}

// errGivenUp ends a chain whose instances end again and again.
var errGivenUp = errors.New("its instances ended too often")

// pass takes a batch through the chain. An instance that ends is replaced, and the records around the one it ended on
// go without it. Errors: the chain can't be started, errGivenUp, ctx's.
func (c *chain) pass(ctx context.Context, batch abi.Batch) ([]outcome, error) {
	outcomes := make([]outcome, batch.Len())
	parts := [][2]int{{0, batch.Len()}}
	for len(parts) > 0 {
		lo, hi := parts[len(parts)-1][0], parts[len(parts)-1][1]
		parts = parts[:len(parts)-1]
		if lo == hi {
			continue
		}
		if err := c.open(ctx); err != nil {
			return nil, err
		}
		result, err := pipeline.Apply(ctx, c.links, pipeline.Result{Batch: batch}.Window(lo, hi))
		if err == nil {
			note(outcomes, lo, hi, result)
			continue
		}
		at, err := c.ended(ctx, err)
		if err != nil {
			return nil, err
		}
		if at.Record < lo || at.Record >= hi { // nobody knows which one it was
			at.Record = lo
			if middle := (lo + hi) / 2; middle > lo {
				parts = append(parts, [2]int{middle, hi}, [2]int{lo, middle})
				continue
			}
		}
		outcomes[at.Record] = outcome{failed: at}
		parts = append(parts, [2]int{at.Record + 1, hi}, [2]int{lo, at.Record})
	}
	return outcomes, nil
}

// note takes over the answer for the records lo to hi.
func note(outcomes []outcome, lo, hi int, result pipeline.Result) {
	if result.Retry != nil { // something outside is away: that says nothing of the chain
		for i := lo; i < hi; i++ {
			outcomes[i].notTried = true
		}
		return
	}
	for i := range result.Batch.Len() {
		o := &outcomes[result.Origin(i)]
		if o.batch == nil {
			o.batch, o.lo = &result.Batch, i
		}
		o.hi = i + 1
	}
	for i := range result.Failures {
		f := &result.Failures[i]
		outcomes[f.Record].failed = f
		outcomes[f.Record].notTried = f.Retriable()
	}
}

// open starts the instances that do not run.
func (c *chain) open(ctx context.Context) error {
	if c.links != nil {
		return nil
	}
	var links []*pipeline.Link
	for _, g := range c.groups {
		link, err := c.start(ctx, g, &c.cpu)
		if err != nil {
			stopAll(links)
			return fmt.Errorf("start: %w", err)
		}
		links = append(links, link)
	}
	c.links = links
	return nil
}

// ended makes a failure of the record on which an instance ended; Record is -1 where that is not known.
func (c *chain) ended(ctx context.Context, err error) (*pipeline.RecordFailure, error) {
	c.close()
	var at *pipeline.StageError
	if ctx.Err() != nil || !errors.As(err, &at) {
		return nil, err
	}
	if c.ends++; c.ends >= host.ShadowRestartsMax {
		return nil, fmt.Errorf("%w (%d times), at last so: %w", errGivenUp, c.ends, err)
	}
	message, _, _ := strings.Cut(at.Error(), "\n")
	c.last = task.Trap(at)
	return &pipeline.RecordFailure{Record: at.Record, Stage: at.Stage, Code: abi.CodeInternal, Message: message,
		Trap: c.last}, nil
}

func (c *chain) close() {
	stopAll(c.links)
	c.links = nil
}

// stopGrace is how long an instance gets to exit: it has nothing to finish.
const stopGrace = 100 * time.Millisecond

func stopAll(links []*pipeline.Link) {
	for _, l := range links {
		_ = l.Instance.Stop(context.Background(), stopGrace) // how it ends changes nothing
	}
}

// error is a failure for the report.
func (o *outcome) error() *host.PreviewError {
	f := o.failed
	return &host.PreviewError{Class: guest.Class(f.Code, f.Details.Class), Message: f.Message, Field: f.Details.Field,
		Causes: f.Details.Causes, Trap: f.Trap, Remedy: task.Remedy(f, nil)}
}
