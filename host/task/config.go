// Package task runs the tasks of connectors: Source and Sink are mirror images, each a loop whose steps read like the
// path of a record.
package task

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
)

// topicReportInterval is how soon a reset of a connector's topics shows those that are still in use.
const topicReportInterval = 5 * time.Second

// Config is what a source and a sink task have in common.
type Config struct {
	ID      host.TaskID
	Version string // of the connector plugin
	Stages  []pipeline.Stage
	Log     *slog.Logger
	Meters  Meters
	Flow    Flow
	Target  *Target
	Swaps   *Swaps
	Clients host.Clients

	Connector host.Config // raw, for topic creation

	FlushInterval time.Duration // offset.flush.interval.ms
	FlushTimeout  time.Duration // offset.flush.timeout.ms
	GraceTimeout  time.Duration // task.shutdown.graceful.timeout.ms
	RestAfter     time.Duration // without a batch, stages rest
	Errors        Tolerance
	Tap           Tap           // nil: none
	Apart         bool          // a source's connector has an instance of its own, so that Tap sees what enters its stages
	SwapWindow    time.Duration // berth.swap.window.ms

	// Run starts an instance of a group with what the operator grants it.
	Run func(ctx context.Context, group pipeline.Group, plan abi.Plan) (*guest.Instance, error)
	// Started is called when the task works.
	Started func()
	// PausedNow is called when the task has been paused.
	PausedNow func()
	// TopicUsed is called when a topic is written to or read from, at most every topicReportInterval for each.
	TopicUsed func(topic string)
	// Swapped is called when the task begins, and each time that a swap gets on; the channel is closed when that is on
	// record.
	Swapped func(report host.SwapReport) (recorded <-chan struct{})
	// Alone is called when the connector's instance has given up the stages that were fused with it.
	Alone func()
	// Failed is called when an instance ended and another one took its place.
	Failed func(host.TaskFailure)

	traps traps
}

// Meters counts what passes; implementations are cheap and never block.
type Meters interface {
	Polled(records int64)      // from the connector or from Kafka
	Written(records int64)     // to Kafka or to the connector
	Committed(ok bool)         // offsets
	Transaction(records int64) // that was committed
	Outlived(err error)        // the end of an instance, behind which another one took its place

	// Of records that stages could not process (task-error-metrics).
	Failed(operations int64) // each attempt counts
	Retried()                // an operation
	Errors(records int64)    // that failed for good
	Skipped(records int64)   // of these, the tolerated ones
	ErrorLogged()
	DeadLetter() // given to the producer
	DeadLetterFailed()
}

// Target is the wish to pause, and at the end how long a stop may take; its methods may be called from any goroutine.
type Target struct {
	paused  atomic.Bool
	changed chan struct{}
	lingers atomic.Bool
	hurried chan struct{} // closed when it is over with that
	hurry   sync.Once
}

// NewTarget returns a target.
func NewTarget(paused bool) *Target {
	t := &Target{changed: make(chan struct{}, 1), hurried: make(chan struct{})}
	t.paused.Store(paused)
	return t
}

// Set pauses or resumes.
func (t *Target) Set(paused bool) {
	t.paused.Store(paused)
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// Paused tells the wish.
func (t *Target) Paused() bool { return t.paused.Load() }

// Linger gives the task host.StopLingerFactor times GraceTimeout to stop, from before it is asked to.
func (t *Target) Linger() { t.lingers.Store(true) }

// Hurry ends a task that lingers at once.
func (t *Target) Hurry() { t.hurry.Do(func() { close(t.hurried) }) }

// grace is how long the task has to stop.
func (c *Config) grace() time.Duration {
	if c.Target.lingers.Load() {
		return host.StopLingerFactor * c.GraceTimeout
	}
	return c.GraceTimeout
}

// hardContext is cancelled when the grace time after ctx's end is over: until then the task drains.
func (c *Config) hardContext(ctx context.Context) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		timer := time.NewTimer(c.grace())
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.Target.hurried:
		case <-hard.Done():
		}
	})
	return hard, func() { stop(); cancel() }
}

// Start runs an instance for a group and waits until its stages have started.
func (c *Config) Start(ctx context.Context, g pipeline.Group, offsets []abi.SourceOffset) (*pipeline.Link, error) {
	plan := abi.Plan{
		Role:         abi.RoleTask,
		Connector:    c.ID.Connector,
		Task:         int32(c.ID.Task),
		Stages:       g.Plan(),
		Offsets:      offsets,
		BatchBytes:   host.BatchBytesMax,
		BatchRecords: host.BatchRecordsMax,
		Strict:       !c.Errors.All,
	}
	instance, err := c.Run(ctx, g, plan)
	if err != nil {
		return nil, g.Failed(err)
	}
	link := &pipeline.Link{Group: g, Instance: instance, Limit: instance.Limits.TransformWall,
		Strict: !c.Errors.All, Retries: c.Errors.retries()}
	if g.EndsInSink() {
		link.Limit = instance.Limits.PutWall
	}
	if err := instance.Ready(ctx); err != nil {
		instance.Kill(err)
		return nil, g.Failed(err)
	}
	return link, nil
}

// startAll starts groups, one behind the other; all or none of them run.
func (c *Config) startAll(ctx context.Context, groups []pipeline.Group) ([]*pipeline.Link, error) {
	var links []*pipeline.Link
	for _, g := range groups {
		link, err := c.Start(ctx, g, nil)
		if err != nil {
			for _, started := range links {
				started.Instance.Kill(err)
			}
			return nil, err
		}
		links = append(links, link)
	}
	return links, nil
}
