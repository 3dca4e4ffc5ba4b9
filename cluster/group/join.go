package group

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errFatal is an answer that does not change by asking again.
type errFatal struct{ cause error }

func (e *errFatal) Error() string { return e.cause.Error() }
func (e *errFatal) Unwrap() error { return e.cause }

// errAgain says that the group has moved on, so that this round's outcome is of no use. The first time in a row the
// member joins again at once.
var errAgain = errors.New("the group has moved on")

// join sends JoinGroup until the coordinator takes the member in. It waits for the others, up to the rebalance timeout.
func (m *Member) join(ctx context.Context) (*kmsg.JoinGroupResponse, error) {
	if m.session != nil {
		m.session.settled.Store(false)
		ctx = m.session.ctx
	}
	request, err := m.joinRequest()
	if err != nil {
		return nil, err
	}
	for {
		request.MemberID = m.memberID
		answer, err := request.RequestWith(ctx, m.ports.Client)
		if err == nil {
			err = kerr.ErrorForCode(answer.ErrorCode)
		}
		if errors.Is(err, kerr.MemberIDRequired) {
			m.memberID = answer.MemberID
			continue
		}
		if err != nil {
			return nil, m.failure(ctx, "JoinGroup", err)
		}
		return answer, m.enter(ctx, answer)
	}
}

// joinRequest announces what the member has read and holds. A Rejoin from here on asks for yet another round.
func (m *Member) joinRequest() (*kmsg.JoinGroupRequest, error) {
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.ProtocolType = m.config.GroupID, ProtocolType
	request.SessionTimeoutMillis = int32(m.config.SessionTimeout.Milliseconds())
	request.RebalanceTimeoutMillis = int32(m.config.RebalanceTimeout.Milliseconds())
	select {
	case <-m.rejoin:
		request.Reason = m.reason.Load()
		m.log.Info("joining the group again", "reason", *request.Reason)
	default:
	}
	metadata := Metadata{URL: m.config.URL, ConfigOffset: m.ports.State.ConfigOffset(), Allocation: m.allocation}
	if m.config.ByLoad {
		metadata.Loads = m.ports.Loads()
	}
	offers, err := Offers(m.config.Protocol, metadata)
	if err != nil {
		return nil, &errFatal{fmt.Errorf("rest.advertised.host.name or a connector's name: %w", err)}
	}
	for _, offer := range offers {
		protocol := kmsg.NewJoinGroupRequestProtocol()
		protocol.Name, protocol.Metadata = offer.Name, offer.Metadata
		request.Protocols = append(request.Protocols, protocol)
	}
	return request, nil
}

// enter begins or goes on with the session of a member that was taken in.
func (m *Member) enter(ctx context.Context, answer *kmsg.JoinGroupResponse) error {
	m.memberID = answer.MemberID
	if m.session == nil {
		m.session = startSession(ctx, m, answer.MemberID, answer.Generation)
	}
	m.session.generation.Store(answer.Generation)
	m.session.lease.renew(m.lease.now())
	var name string
	if answer.Protocol != nil {
		name = *answer.Protocol
	}
	protocol, err := ProtocolOfName(name)
	if err != nil {
		return &errFatal{err}
	}
	m.protocol = protocol
	return nil
}

// sync brings the leader's plan to the coordinator and gets this member's part of it.
func (m *Member) sync(joined *kmsg.JoinGroupResponse) (*Assignment, error) {
	ctx := m.session.ctx
	request := kmsg.NewPtrSyncGroupRequest()
	request.Group, request.MemberID, request.Generation = m.config.GroupID, m.memberID, joined.Generation
	request.ProtocolType, request.Protocol = kmsg.StringPtr(ProtocolType), joined.Protocol
	m.owners = nil
	before := m.assignor
	if joined.LeaderID == m.memberID && !joined.SkipAssignment {
		var err error
		if request.GroupAssignment, err = m.lead(ctx, joined); err != nil {
			return nil, err
		}
	}
	answer, err := request.RequestWith(ctx, m.ports.Client)
	if err == nil {
		err = kerr.ErrorForCode(answer.ErrorCode)
	}
	if err != nil {
		return nil, m.failure(ctx, "SyncGroup", err)
	}
	m.settle(joined.Generation)
	assignment, err := DecodeAssignment(Sessioned, answer.MemberAssignment)
	if err != nil {
		return nil, err
	}
	if assignment.Leader != m.memberID { // a coordinator may tell several members that they lead, and follows one
		m.owners, m.assignor = nil, before
	}
	return assignment, nil
}

// settle makes heartbeats tell of new rounds; what they told so far was this one.
func (m *Member) settle(generation int32) {
	m.lastGeneration, m.lastEager = generation, !m.protocol.Incremental()
	select {
	case <-m.session.rebalance:
	default:
	}
	m.session.settled.Store(true)
}

// failure sorts an error of JoinGroup or SyncGroup: *errLost, *errFatal, errAgain, or one worth another try.
func (m *Member) failure(ctx context.Context, request string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var code *kerr.Error
	switch {
	case errors.Is(err, kerr.UnknownMemberID):
		return &errLost{reason: "the group's coordinator expelled this worker", expelled: true}
	case errors.Is(err, kerr.RebalanceInProgress), errors.Is(err, kerr.IllegalGeneration):
		return errAgain
	case errors.Is(err, kerr.InconsistentGroupProtocol):
		return &errFatal{fmt.Errorf("group.id %q is used by clients that are no Kafka Connect workers, or whose "+
			"connect.protocol has nothing in common with %s; choose another group.id: %w", m.config.GroupID,
			m.config.Protocol, err)}
	case errors.Is(err, kerr.InvalidSessionTimeout):
		return &errFatal{fmt.Errorf("session.timeout.ms %d is outside of what the broker allows "+
			"(group.min.session.timeout.ms to group.max.session.timeout.ms): %w", m.config.SessionTimeout.Milliseconds(), err)}
	case errors.Is(err, kgo.ErrClientClosed), errors.As(err, &code) && !code.Retriable:
		return &errFatal{fmt.Errorf("%s for group.id %q: %w", request, m.config.GroupID, err)}
	}
	return fmt.Errorf("%s for group.id %q: %w", request, m.config.GroupID, err)
}

func (m *Member) sendLeave(ctx context.Context, reason string) error {
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Group, request.MemberID = m.config.GroupID, m.memberID
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID, one.Reason = m.memberID, &reason
	request.Members = append(request.Members, one)
	answer, err := request.RequestWith(ctx, m.ports.Client)
	if err != nil {
		return err
	}
	err = kerr.ErrorForCode(answer.ErrorCode)
	for _, each := range answer.Members {
		err = errors.Join(err, kerr.ErrorForCode(each.ErrorCode))
	}
	if errors.Is(err, kerr.UnknownMemberID) {
		return nil // it has left already
	}
	return err
}
