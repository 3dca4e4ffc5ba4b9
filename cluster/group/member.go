package group

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/host"
)

// Config are the settings of a member, named as in Kafka Connect's worker configuration.
type Config struct {
	GroupID                    string        // group.id
	URL                        string        // advertised REST URL, ends with a slash
	Protocol                   Protocol      // connect.protocol
	SessionTimeout             time.Duration // session.timeout.ms
	RebalanceTimeout           time.Duration // rebalance.timeout.ms
	HeartbeatInterval          time.Duration // heartbeat.interval.ms
	WorkerSyncTimeout          time.Duration // worker.sync.timeout.ms
	WorkerUnsyncBackoff        time.Duration // worker.unsync.backoff.ms
	ScheduledRebalanceMaxDelay time.Duration // scheduled.rebalance.max.delay.ms
	RetryBackoff               time.Duration // retry.backoff.ms
	RetryBackoffMax            time.Duration // retry.backoff.max.ms
	ByLoad                     bool          // berth.assignment=load: Round.ByLoad, and telling one's own loads
}

// Ports are the parts of the worker that a member needs.
type Ports struct {
	// Client sends requests to the group's coordinator, such as *kgo.Client does. It must be the member's own: a
	// JoinGroup that waits for other members blocks the next one on the same client.
	Client kmsg.Requestor
	State  State
	// Loads measures the tasks of this worker, for Config.ByLoad.
	Loads func() map[host.TaskID]host.TaskLoad
}

// reasonBytesMax is what brokers take of a JoinGroup's reason (JoinGroupRequest.maybeTruncateReason).
const reasonBytesMax = 255

// Member is this worker's place in the group.
type Member struct {
	config Config
	ports  Ports
	log    *slog.Logger
	events *events
	lease  *lease

	rejoin      chan struct{} // capacity 1: somebody wants a new round
	reason      atomic.Pointer[string]
	rebalancing atomic.Bool

	// The rest belongs to the goroutine of Run.
	session    *session // nil: not a member
	memberID   string   // "" before the coordinator gave one
	protocol   Protocol // of the last round
	allocation *Assignment
	joined     bool // the herder has heard of a Joined that no Lost followed

	assignor       IncrementalState
	lastGeneration int32   // of the last assignment received, -1: none
	lastEager      bool    // that was a round of an eager group
	owners         *Owners // of the round that this member planned, if it leads
	syncRetries    int     // left before work that can't be started is given up
}

// New makes a member; it does no I/O.
func New(config Config, ports Ports, log *slog.Logger) *Member {
	return &Member{
		config: config, ports: ports, log: log.With("group", config.GroupID),
		events: newEvents(), lease: newLease(config.SessionTimeout, time.Now), rejoin: make(chan struct{}, 1),
		protocol: config.Protocol, assignor: NewIncrementalState(), lastGeneration: -1, syncRetries: syncRetriesMax,
	}
}

// Changed is filled when TakeEvents has something to give.
func (m *Member) Changed() <-chan struct{} { return m.events.changed }

// TakeEvents hands over what happened since it was called last, in order. A Lost drops what came before it.
func (m *Member) TakeEvents() []Event { return m.events.take() }

// Stopped says that the work which one Revoking or Lost named has stopped. Each of them needs one call.
func (m *Member) Stopped() { m.events.answerStopped() }

// Rejoin asks for a new round, as connectors or tasks were added or removed. It returns at once.
func (m *Member) Rejoin(reason string) {
	reason = reason[:min(len(reason), reasonBytesMax)]
	m.reason.Store(&reason)
	signal(m.rejoin)
}

// Fenced says that this worker's membership has ended or may have: others may run its work, so that nothing must be
// written on behalf of it any more. It stays true until the next Joined. It costs no more than two looks at the clock,
// and tells the truth also right after the process or machine stood still.
func (m *Member) Fenced() bool { return m.lease.expired() }

// Rebalancing is true while this worker joins or prepares to; who leads may change.
func (m *Member) Rebalancing() bool { return m.rebalancing.Load() }

// Run joins the group once the config topic was read, and remains a member until ctx ends; then it leaves, so the
// worker must have stopped its work before. Errors are such that joining again can't help; a Lost precedes them.
func (m *Member) Run(ctx context.Context) error {
	select {
	case <-m.ports.State.Ready():
	case <-ctx.Done():
		return nil
	}
	var failures int
	for ctx.Err() == nil {
		m.rebalancing.Store(true)
		err := m.round(ctx)
		if err == nil || ctx.Err() != nil {
			failures = 0
			continue
		}
		failures++
		if err := m.recover(ctx, err, failures); err != nil {
			return err
		}
	}
	m.leave("the worker shuts down")
	return nil
}

// recover does what the end of a round by an error asks for. It returns errors that end Run.
func (m *Member) recover(ctx context.Context, err error, failures int) error {
	var lost *errLost
	switch {
	case errors.As(err, &lost):
		m.lose(ctx, lost)
	case errors.As(err, new(*errFatal)):
		m.lose(ctx, &errLost{reason: err.Error()})
		return err
	case errors.Is(err, errUnsynced):
		m.lose(ctx, &errLost{reason: err.Error()})
		m.leave("taking too long to read the config topic")
		m.awaitReadable(ctx)
	case errors.Is(err, errAgain) && failures == 1:
		m.log.Info("joining the group again", "reason", err)
	default:
		m.log.Warn("joining the group failed; it is tried again", "error", err, "attempt", failures)
		m.sleep(ctx, m.backoff(failures))
	}
	return nil
}

// round is one life of an assignment: joining, getting work, and keeping it until the next round is due. It returns
// nil for that; *errLost when the session ended; *errFatal; any other error is worth another try.
func (m *Member) round(ctx context.Context) error {
	if err := m.stopForEager(ctx); err != nil {
		return err
	}
	joined, err := m.join(ctx)
	if err != nil {
		return err
	}
	assignment, err := m.sync(joined)
	if err != nil {
		return err
	}
	if err := m.accept(assignment); err != nil {
		return err
	}
	if err := m.catchUp(assignment); err != nil {
		return err
	}
	dropped, err := m.dropDeleted()
	if err != nil {
		return err
	}
	m.announce(assignment)
	if dropped || len(assignment.Revoked.Connectors)+len(assignment.Revoked.Tasks) > 0 {
		return nil // others get it, or the place it took, in the next round
	}
	return m.remain(assignment.Delay)
}

// stopForEager gives up all work before joining when the group is eager: the next round may hand it to anyone.
func (m *Member) stopForEager(ctx context.Context) error {
	if m.protocol.Incremental() || m.session == nil || m.allocation == nil {
		return nil
	}
	err := m.stop(worksetOf(m.held()))
	if err == nil {
		m.allocation.Work = Work{}
	}
	return err
}

func (m *Member) held() Work {
	if m.allocation == nil {
		return Work{}
	}
	return m.allocation.Work
}

// accept takes revocations and new work into what the member holds.
func (m *Member) accept(a *Assignment) error {
	held := worksetOf(m.held())
	revoked := worksetOf(a.Revoked).intersect(held)
	if !m.protocol.Incremental() {
		revoked = held // there is some if the last round was incremental
	}
	if err := m.stop(revoked); err != nil {
		return err
	}
	next := *a
	next.Work, next.Revoked = worksetOf(a.Work).union(held.without(revoked)).work(), Work{}
	m.allocation = &next
	return nil
}

// stop has the herder stop work, and returns when that is done.
func (m *Member) stop(work workset) error {
	if work.empty() {
		return nil
	}
	m.events.emit(Revoking{work.work()})
	return m.events.awaitStopped(m.session.ctx)
}

func (m *Member) announce(a *Assignment) {
	session := Session{
		Generation: m.session.generation.Load(), MemberID: m.memberID, Protocol: m.protocol,
		IsLeader: a.Leader == m.memberID, Assignment: *a, Held: m.held(),
	}
	if session.IsLeader {
		session.Owners = m.owners
	}
	m.log.Info("joined the group", "generation", session.Generation, "protocol", m.protocol.String(),
		"leader", a.LeaderURL, "connectors", len(session.Held.Connectors), "tasks", len(session.Held.Tasks),
		"delay", a.Delay)
	m.rebalancing.Store(false)
	m.joined = true
	m.events.emit(Joined{session})
}

// remain returns when a new round is due: a heartbeat said so, somebody asked for it, or the delay is over.
func (m *Member) remain(delay time.Duration) error {
	var due <-chan time.Time
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-m.session.ctx.Done():
		return context.Cause(m.session.ctx)
	case <-m.session.rebalance:
	case <-m.rejoin:
		signal(m.rejoin) // join takes it off, with the reason
	case <-due:
	}
	return nil
}

// lose tells the herder that nothing is its own any more and waits until all has stopped.
func (m *Member) lose(ctx context.Context, cause *errLost) {
	m.log.Error("this worker is no member of the group any more", "reason", cause.reason)
	if m.session != nil {
		m.session.end()
		m.session = nil
	}
	if cause.expelled {
		m.memberID = ""
	}
	if m.allocation != nil {
		m.allocation.Work = Work{}
	}
	m.owners = nil
	if m.joined {
		m.joined = false
		m.events.emit(Lost{cause.reason})
	}
	m.events.awaitStopped(ctx)
}

// leave ends the session and tells the coordinator, which need not wait for the session timeout then.
func (m *Member) leave(reason string) {
	if m.session != nil {
		m.session.end()
		m.session = nil
	}
	if m.memberID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), m.config.SessionTimeout)
	defer cancel()
	if err := m.sendLeave(ctx, reason); err != nil {
		m.log.Warn("leaving the group failed; its coordinator will notice after the session timeout", "error", err)
	}
	m.memberID = ""
}

// backoff doubles from RetryBackoff to RetryBackoffMax.
func (m *Member) backoff(failures int) time.Duration {
	return min(m.config.RetryBackoff<<min(failures-1, 16), m.config.RetryBackoffMax)
}

func (m *Member) sleep(ctx context.Context, d time.Duration) {
	if m.session != nil {
		ctx = m.session.ctx
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
