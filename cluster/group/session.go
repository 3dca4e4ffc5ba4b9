package group

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errLost is the cause of a session's context when the member is none any more.
type errLost struct {
	reason   string
	expelled bool // the coordinator does not know the member id
}

func (e *errLost) Error() string { return e.reason }

// session is the standing of a member with the group's coordinator, from its first JoinGroup that succeeds until it
// leaves or is lost. It sends heartbeats all the time, also while the member joins again or stops work: each answer,
// whatever it says, shows that the coordinator knows the member.
type session struct {
	config *Config
	client kmsg.Requestor
	log    *slog.Logger
	lease  *lease

	ctx    context.Context // its cause is *errLost once the session is lost
	cancel context.CancelCauseFunc
	tasks  sync.WaitGroup

	memberID   string
	generation atomic.Int32
	settled    atomic.Bool   // between SyncGroup and the next JoinGroup: heartbeats tell of new rounds
	rebalance  chan struct{} // capacity 1: a new round has begun
	silent     bool          // the last heartbeat failed; beat's own
}

func startSession(ctx context.Context, m *Member, memberID string, generation int32) *session {
	s := &session{
		config: &m.config, client: m.ports.Client, log: m.log, lease: m.lease,
		memberID: memberID, rebalance: make(chan struct{}, 1),
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.generation.Store(generation)
	s.lease.begin(s.lease.now())
	s.tasks.Go(s.beat)
	s.tasks.Go(s.watch)
	return s
}

// end stops the heartbeats; nothing is the member's any more.
func (s *session) end() {
	s.cancel(context.Canceled)
	s.tasks.Wait()
	s.lease.end()
}

func (s *session) lose(cause *errLost) {
	s.lease.end()
	s.cancel(cause)
}

// watch ends the session when its lease runs out, also by a clock that went on while the process stood still.
func (s *session) watch() {
	ticks := time.NewTicker(max(s.config.HeartbeatInterval/4, time.Millisecond))
	defer ticks.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticks.C:
			if s.lease.expired() {
				s.lose(&errLost{reason: fmt.Sprintf("no heartbeat was answered for %s (session.timeout.ms)",
					s.config.SessionTimeout)})
				return
			}
		}
	}
}

func (s *session) beat() {
	ticks := time.NewTicker(s.config.HeartbeatInterval)
	defer ticks.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticks.C:
			s.heartbeat()
		}
	}
}

func (s *session) heartbeat() {
	settled, generation, sent := s.settled.Load(), s.generation.Load(), s.lease.now()
	err := s.sendHeartbeat(generation)
	var code *kerr.Error
	switch {
	case s.ctx.Err() != nil:
		return
	case errors.Is(err, kerr.UnknownMemberID):
		s.lose(&errLost{reason: "the group's coordinator expelled this worker", expelled: true})
		return
	case err != nil && !errors.Is(err, kerr.RebalanceInProgress) && !errors.Is(err, kerr.IllegalGeneration):
		s.unanswered(err)
		if errors.As(err, &code) && !code.Retriable {
			s.lose(&errLost{reason: "the group's coordinator refuses heartbeats: " + err.Error()})
		}
		return
	}
	s.silent = false
	s.lease.renew(sent)
	if err != nil && settled && s.settled.Load() && s.generation.Load() == generation {
		signal(s.rebalance)
	}
}

// unanswered is told once for a row of failures; more of them end the session.
func (s *session) unanswered(err error) {
	level := slog.LevelWarn
	if s.silent {
		level = slog.LevelDebug
	}
	s.silent = true
	s.log.Log(s.ctx, level, "a heartbeat failed; without one the session ends",
		"error", err, "session_timeout", s.config.SessionTimeout)
}

func (s *session) sendHeartbeat(generation int32) error {
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group, request.MemberID, request.Generation = s.config.GroupID, s.memberID, generation
	// A request that hangs must not outlive the session: the next one may find another way to the coordinator.
	ctx, cancel := context.WithTimeout(s.ctx, s.config.SessionTimeout)
	defer cancel()
	answer, err := s.client.Request(ctx, request)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(answer.(*kmsg.HeartbeatResponse).ErrorCode)
}
