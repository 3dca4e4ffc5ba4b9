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

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/host"
)

// Config is what a herder needs besides its ports.
type Config struct {
	WorkerID           string // advertised host:port, as in worker_id of statuses
	Scheme             string // http or https: of the URLs of all workers
	GroupID            string // group.id, part of the transactional ids of tasks
	SessionKeys        SessionKeys
	Restarts           RestartPolicy // of failed tasks; connectors may have their own
	TopicTracking      bool          // topic.tracking.enable
	TopicTrackingReset bool          // topic.tracking.allow.reset
	ExactlyOnceSources bool          // exactly.once.source.support=enabled

	// Resolve puts the values of configuration providers into a connector's configuration; nil: there are none.
	Resolve func(connector string, config host.Config) (host.Config, error)

	// SetLoggerLevel hears of levels that were set for the whole cluster (KIP-976); nil: nobody does.
	SetLoggerLevel func(namespace, level string)
	// ForgetTenant hears of tenants that were deleted; nil: nobody does.
	ForgetTenant func(tenant string)
}

// Ports are the parts of the worker that a herder drives. The stores are run by the caller and must outlive Run.
type Ports struct {
	Configs    ConfigStore
	Statuses   StatusStore
	Offsets    OffsetStore
	Admin      Admin
	OpenSource OpenSourceOffsets // nil: all source offsets are in Offsets
	OpenFencer OpenFencer        // nil only without exactly-once support
	OpenSink   OpenSinkGroup
	Leader     Leader // nil only without a group
}

// Herder runs connectors and tasks of one worker. It implements host.StatusReporter.
type Herder struct {
	config     Config
	log        *slog.Logger
	configs    ConfigStore
	statuses   StatusStore
	offsets    OffsetStore
	admin      Admin
	openSource OpenSourceOffsets
	openFencer OpenFencer
	openSink   OpenSinkGroup
	leader     Leader
	group      Group        // set by Join; nil: this worker runs everything
	runtime    host.Runtime // set by Run

	read     chan struct{} // closed when the stores are read: reads can be answered
	ready    chan struct{} // closed when it is known what to run here: requests are taken
	ended    chan struct{} // closed when Run returns
	requests chan func()
	inbox    *inbox
	stage    atomic.Pointer[stage]
	reports  reports
	rounds   *rounds
	fencings fencings
	signs    atomic.Bool // the group's protocol signs requests between workers

	// The deciding goroutine's own.
	conductors map[string]*conductor
	owned      ownership
	session    group.Session  // of the last round; without leader when this worker is no member
	unclaimed  bool           // another worker has claimed to lead: the next round tells who does
	work       map[string]int // connectors with their numbers of tasks, as last seen in the config topic
	revivals   map[host.TaskID]*revival
	purges     map[string]*purging // of tenants that go
	keyDue     <-chan time.Time    // when the leader has to look at the session key; nil: never

	running   sync.WaitGroup // conductors and purges
	clusterID atomic.Pointer[string]
}

// New makes a herder; it does no I/O. The runtime comes with Run, because the runtime needs the herder as its reporter.
func New(config Config, ports Ports, log *slog.Logger) *Herder {
	h := &Herder{
		config: config, log: log,
		configs: ports.Configs, statuses: ports.Statuses, offsets: ports.Offsets, admin: ports.Admin,
		openSource: ports.OpenSource, openFencer: ports.OpenFencer, openSink: ports.OpenSink, leader: ports.Leader,
		read: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{}), requests: make(chan func()),
		inbox: newInbox(), rounds: newRounds(), conductors: map[string]*conductor{},
		revivals: map[host.TaskID]*revival{}, purges: map[string]*purging{},
	}
	if h.openSource == nil {
		h.openSource = func(connector string, _ host.Config) (SourceOffsets, error) {
			return sharedOffsets{h.offsets, connector}, nil
		}
	}
	h.stage.Store(&stage{text: "awaiting startup", began: time.Now()})
	return h
}

// Run waits for the stores, starts what is to run here by its target state and works until ctx ends; then it stops all
// tasks (they drain and commit) and connectors, and returns nil. Call it once.
func (h *Herder) Run(ctx context.Context, runtime host.Runtime) error {
	defer close(h.ended)
	h.runtime = runtime
	h.stage.Store(&stage{text: "initializing and reading to the end of internal topics", began: time.Now()})
	if !h.awaitStores(ctx) {
		return nil
	}
	close(h.read)
	h.noticeWork()
	h.setAllShadows()
	look := time.NewTicker(statusLookInterval)
	defer look.Stop()
	from := sources{nil, look.C}
	if h.group == nil {
		h.startAll(ctx)
	} else {
		h.stage.Store(&stage{text: "ensuring membership in the cluster", began: time.Now()})
		from.group = h.group.Changed()
	}
	for ctx.Err() == nil {
		h.step(ctx, from)
	}
	return h.shutdown()
}

// sources of events besides the stores.
type sources struct {
	group <-chan struct{}  // nil: this worker is in none
	look  <-chan time.Time // at the statuses of what runs here
}

// becomeReady ends the start: from now on requests are taken.
func (h *Herder) becomeReady() {
	if ready, _ := h.Ready(); !ready {
		h.stage.Store(h.stage.Load().completed())
		close(h.ready)
	}
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

// step takes one event and decides. Requests have to wait until a round has told who leads.
func (h *Herder) step(ctx context.Context, from sources) {
	select {
	case <-h.configs.ClaimLost(): // by the last request, perhaps
		h.onClaimLost()
	default:
	}
	var requests <-chan func()
	if ready, _ := h.Ready(); ready && !h.unclaimed {
		requests = h.requests
	}
	select {
	case <-ctx.Done():
	case <-h.configs.Changed():
		h.takeConfigEvents(ctx)
	case <-from.group:
		h.takeConfigEvents(ctx) // the round is about configurations at least as new
		for _, event := range h.group.TakeEvents() {
			h.onGroupEvent(ctx, event)
		}
	case <-from.look:
		if h.group != nil {
			h.mendStatuses()
		}
		h.putBackSwaps(ctx)
		h.purgeTenants(ctx)
	case <-h.configs.ClaimLost():
		h.onClaimLost()
	case <-h.keyDue:
		h.renewSessionKey(ctx)
	case <-h.inbox.filled:
		h.inbox.drain()
	case request := <-requests:
		h.takeConfigEvents(ctx) // it may be about what an earlier one has written
		request()
	}
}

func (h *Herder) takeConfigEvents(ctx context.Context) {
	events := h.configs.TakeEvents()
	for _, event := range events {
		h.onConfigEvent(ctx, event)
	}
	if len(events) > 0 {
		h.noticeWork()
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
	h.inbox.post(func() {
		h.owned = newOwnership(group.Work{})
		h.onTasksGone(ids)
	})
	var stopping sync.WaitGroup
	for _, c := range conductors {
		if c.begun {
			stopping.Go(func() { h.runtime.StopConnector(ctx, c.name, host.Unassigned) })
		}
	}
	stopping.Wait()
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
		h.stage.Store(&stage{text: h.unnamed(what), began: time.Now()})
		// A write that has begun is finished: the client's patience must not tear a task set.
		work, cancel := h.whileMember(context.WithoutCancel(ctx))
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
	select {
	case <-h.read:
		return nil
	default:
	}
	select {
	case <-h.read:
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
