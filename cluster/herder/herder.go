// Package herder decides what runs on this worker. One goroutine takes all decisions from events (requests, records of
// the config topic, reports of the runtime); one conductor goroutine per connector carries them out, so that slow
// plugin code holds up its own connector and nothing else. Reads are answered from the stores' local state.
package herder

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/host"
)

// Config is what a herder needs besides its ports.
type Config struct {
	WorkerID           string // advertised host:port, as in worker_id of statuses
	TopicTracking      bool   // topic.tracking.enable
	TopicTrackingReset bool   // topic.tracking.allow.reset

	// Resolve puts the values of configuration providers into a connector's configuration; nil: there are none.
	Resolve func(host.Config) (host.Config, error)

	// SetLoggerLevel hears of levels that were set for the whole cluster (KIP-976); nil: nobody does.
	SetLoggerLevel func(namespace, level string)
}

// Ports are the parts of the worker that a herder drives. The stores are run by the caller and must outlive Run.
type Ports struct {
	Configs  ConfigStore
	Statuses StatusStore
	Offsets  OffsetStore
	Admin    Admin
}

// Herder runs connectors and tasks of one worker. It implements host.StatusReporter.
type Herder struct {
	config   Config
	log      *slog.Logger
	configs  ConfigStore
	statuses StatusStore
	offsets  OffsetStore
	admin    Admin
	runtime  host.Runtime // set by Run

	ready    chan struct{} // closed when the stores are read and the connectors are on their way
	ended    chan struct{} // closed when Run returns
	requests chan func()
	inbox    *inbox
	stage    atomic.Pointer[stage]
	reports  reports

	conductors map[string]*conductor // the deciding goroutine's own
	running    sync.WaitGroup        // conductors
	clusterID  atomic.Pointer[string]
}

// New makes a herder; it does no I/O. The runtime comes with Run, because the runtime needs the herder as its reporter.
func New(config Config, ports Ports, log *slog.Logger) *Herder {
	h := &Herder{
		config: config, log: log,
		configs: ports.Configs, statuses: ports.Statuses, offsets: ports.Offsets, admin: ports.Admin,
		ready: make(chan struct{}), ended: make(chan struct{}), requests: make(chan func()),
		inbox: newInbox(), conductors: map[string]*conductor{},
	}
	h.stage.Store(&stage{text: "starting up", began: time.Now()})
	return h
}

// Run waits for the stores, starts every connector by its target state and works until ctx ends; then it stops all
// tasks (they drain and commit) and connectors, and returns nil. Call it once.
func (h *Herder) Run(ctx context.Context, runtime host.Runtime) error {
	defer close(h.ended)
	h.runtime = runtime
	if !h.awaitStores(ctx) {
		return nil
	}
	h.startAll(ctx)
	h.stage.Store(h.stage.Load().completed())
	close(h.ready)
	for ctx.Err() == nil {
		h.step(ctx)
	}
	return h.shutdown()
}

func (h *Herder) awaitStores(ctx context.Context) bool {
	for _, ready := range []<-chan struct{}{h.configs.Ready(), h.statuses.Ready(), h.offsets.Ready()} {
		select {
		case <-ready:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// step takes one event and decides.
func (h *Herder) step(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-h.configs.Changed():
		for _, event := range h.configs.TakeEvents() {
			h.onConfigEvent(ctx, event)
		}
	case <-h.inbox.filled:
		h.inbox.drain()
	case request := <-h.requests:
		request()
	}
}

// shutdown stops everything; reports of the runtime are still written meanwhile.
func (h *Herder) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownDurationMax)
	defer cancel()
	conductors := slices.Collect(maps.Values(h.conductors))
	for _, c := range conductors {
		c.end()
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		h.running.Wait()
		h.stopRunning(ctx, conductors)
	}()
	for done := false; !done; {
		select {
		case <-stopped:
			done = true
		case <-h.inbox.filled:
		}
		h.inbox.drain()
	}
	if err := h.statuses.Flush(ctx); err != nil {
		return fmt.Errorf("write the last statuses: %w", err)
	}
	return nil
}

// stopRunning stops all tasks at once, so that their graceful timeouts run side by side, then the connectors.
func (h *Herder) stopRunning(ctx context.Context, conductors []*conductor) {
	var ids []host.TaskID
	for _, c := range conductors {
		ids = append(ids, c.runningTasks()...)
	}
	h.runtime.StopTasks(ctx, ids...)
	var group sync.WaitGroup
	for _, c := range conductors {
		if c.begun {
			group.Go(func() { h.runtime.StopConnector(ctx, c.name, host.Unassigned) })
		}
	}
	group.Wait()
}

// decide runs f on the deciding goroutine and returns its outcome. what names the work in the error of a request that
// ran into its deadline before f ended; f is not begun for a request that has given up.
func decide[T any](ctx context.Context, h *Herder, what string, f func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	answer := make(chan outcome, 1)
	request := func() {
		if ctx.Err() != nil {
			return
		}
		h.stage.Store(&stage{text: what, began: time.Now()})
		// A write that has begun is finished: the client's patience must not tear a task set.
		work, cancel := context.WithTimeout(context.WithoutCancel(ctx), kafkaWriteDurationMax)
		defer cancel()
		value, err := f(work)
		h.stage.Store(h.stage.Load().completed())
		answer <- outcome{value, err}
	}
	var none T
	select {
	case h.requests <- request:
	case <-h.ended:
		return none, errStopping
	case <-ctx.Done():
		return none, h.timedOut(ctx, h.stage.Load())
	}
	select {
	case o := <-answer:
		return o.value, o.err
	case <-ctx.Done():
		return none, h.timedOut(ctx, h.stage.Load())
	}
}

// await returns when reads make sense: the stores have been read once.
func (h *Herder) await(ctx context.Context) error {
	if ready, _ := h.Ready(); ready {
		return nil
	}
	select {
	case <-h.ready:
		return nil
	case <-h.ended:
		return errStopping
	case <-ctx.Done():
		return h.timedOut(ctx, h.stage.Load())
	}
}

// Ready tells whether the worker has completed its start; otherwise the text says what it is doing (KIP-1017).
func (h *Herder) Ready() (bool, string) {
	select {
	case <-h.ready:
		return true, ""
	default:
		return false, h.stage.Load().String()
	}
}

// Ping returns when the deciding goroutine has answered.
func (h *Herder) Ping(ctx context.Context) error {
	_, err := decide(ctx, h, "answering a health check", func(context.Context) (struct{}, error) {
		return struct{}{}, nil
	})
	return err
}

// ClusterID is Kafka's id of its cluster, asked for once.
func (h *Herder) ClusterID(ctx context.Context) (string, error) {
	if id := h.clusterID.Load(); id != nil {
		return *id, nil
	}
	id, err := h.admin.ClusterID(ctx)
	if err != nil {
		return "", fmt.Errorf("ask for the cluster's id: %w", err)
	}
	h.clusterID.Store(&id)
	return id, nil
}
