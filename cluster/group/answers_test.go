package group_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/cluster/group"
)

// coordinator is one of a single member, which answers with the errors that a test wants before it answers well.
type coordinator struct {
	mu         sync.Mutex
	errors     map[string][]error // request → the next answers
	heard      []string           // requests with the member id they came with, save heartbeats
	known      string             // member id
	ids        int
	generation int32
	assigned   []byte
	connection error // all requests fail with it
}

func (c *coordinator) Request(_ context.Context, request kmsg.Request) (kmsg.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connection != nil {
		return nil, c.connection
	}
	switch r := request.(type) {
	case *kmsg.JoinGroupRequest:
		return c.join(r)
	case *kmsg.SyncGroupRequest:
		return c.sync(r)
	case *kmsg.HeartbeatRequest:
		answer := r.ResponseKind().(*kmsg.HeartbeatResponse)
		code, err := c.next("Heartbeat")
		answer.ErrorCode = code
		return answer, err
	case *kmsg.LeaveGroupRequest:
		c.heard = append(c.heard, "LeaveGroup "+r.Members[0].MemberID)
		return r.ResponseKind(), nil
	}
	return nil, fmt.Errorf("a member sends no %T", request)
}

// next takes the next error for a request: the code of Kafka's, or one of the connection.
func (c *coordinator) next(request string) (int16, error) {
	queue := c.errors[request]
	if len(queue) == 0 {
		return 0, nil
	}
	c.errors[request] = queue[1:]
	var code *kerr.Error
	if errors.As(queue[0], &code) {
		if code == kerr.UnknownMemberID {
			c.known = ""
		}
		return code.Code, nil
	}
	return 0, queue[0]
}

func (c *coordinator) join(r *kmsg.JoinGroupRequest) (kmsg.Response, error) {
	answer := r.ResponseKind().(*kmsg.JoinGroupResponse)
	if r.MemberID == "" {
		c.ids++
		c.known = fmt.Sprintf("id-%d", c.ids)
		answer.MemberID, answer.ErrorCode = c.known, kerr.MemberIDRequired.Code
		return answer, nil
	}
	c.heard = append(c.heard, "JoinGroup "+r.MemberID)
	code, err := c.next("JoinGroup")
	if answer.ErrorCode = code; code != 0 || err != nil {
		return answer, err
	}
	if r.MemberID != c.known {
		answer.ErrorCode = kerr.UnknownMemberID.Code
		return answer, nil
	}
	c.generation++
	answer.Generation, answer.MemberID, answer.LeaderID = c.generation, c.known, c.known
	answer.ProtocolType, answer.Protocol = &r.ProtocolType, &r.Protocols[0].Name
	self := kmsg.NewJoinGroupResponseMember()
	self.MemberID, self.ProtocolMetadata = c.known, r.Protocols[0].Metadata
	answer.Members = append(answer.Members, self)
	return answer, nil
}

func (c *coordinator) sync(r *kmsg.SyncGroupRequest) (kmsg.Response, error) {
	c.heard = append(c.heard, "SyncGroup "+r.MemberID)
	answer := r.ResponseKind().(*kmsg.SyncGroupResponse)
	code, err := c.next("SyncGroup")
	if answer.ErrorCode = code; code != 0 || err != nil {
		return answer, err
	}
	answer.MemberAssignment = r.GroupAssignment[0].MemberAssignment
	if c.assigned != nil {
		answer.MemberAssignment, c.assigned = c.assigned, nil
	}
	return answer, nil
}

// oneWorker is a member of a scripted coordinator's group, with a connector to run.
type oneWorker struct {
	*coordinator
	member *group.Member
	stop   context.CancelFunc
	ended  chan error
}

func joinScripted(t *testing.T, c *coordinator) *oneWorker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &oneWorker{coordinator: c, stop: cancel, ended: make(chan error, 1)}
	config := (&cluster{groupID: "scripted"}).settings("http://worker:8083/")
	config.HeartbeatInterval, config.RetryBackoff = 5*time.Millisecond, time.Millisecond
	w.member = group.New(config, group.Ports{Client: c, State: oneConnector{}},
		slog.New(slog.NewTextHandler(t.Output(), nil)))
	go func() { w.ended <- w.member.Run(ctx) }()
	t.Cleanup(cancel)
	return w
}

type oneConnector struct{ fixedConfigs }

func (oneConnector) FreshConfigs(context.Context, int64) (group.ConfigView, error) {
	return group.ConfigView{Offset: 1, Tasks: map[string]int{"orders": 1}}, nil
}

// await returns the next event and answers it.
func (w *oneWorker) await(t *testing.T) group.Event {
	t.Helper()
	for {
		if events := w.member.TakeEvents(); len(events) > 0 {
			if len(events) > 1 {
				t.Fatalf("%d events at once: %v", len(events), events)
			}
			if _, joined := events[0].(group.Joined); !joined {
				w.member.Stopped()
			}
			return events[0]
		}
		select {
		case <-w.member.Changed():
		case err := <-w.ended:
			w.ended <- err
			return nil
		case <-time.After(patience):
			t.Fatal("no event comes")
		}
	}
}

func (w *oneWorker) awaitJoined(t *testing.T) group.Session {
	t.Helper()
	event := w.await(t)
	joined, ok := event.(group.Joined)
	if !ok {
		t.Fatalf("got %#v, want Joined", event)
	}
	return joined.Session
}

// takeHeard returns the requests since the last call.
func (w *oneWorker) takeHeard() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	heard := w.heard
	w.heard = nil
	return heard
}

func (w *oneWorker) answer(request string, errors ...error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors = map[string][]error{request: errors}
}

// Each error of JoinGroup and SyncGroup leads to a member again, with the same id or a new one.
func TestJoinAfterErrors(t *testing.T) {
	cases := []struct {
		request string
		err     error
		heard   []string
	}{
		{"JoinGroup", kerr.CoordinatorLoadInProgress, []string{"JoinGroup id-1", "JoinGroup id-1", "SyncGroup id-1"}},
		{"JoinGroup", kerr.CoordinatorNotAvailable, []string{"JoinGroup id-1", "JoinGroup id-1", "SyncGroup id-1"}},
		{"JoinGroup", kerr.NotCoordinator, []string{"JoinGroup id-1", "JoinGroup id-1", "SyncGroup id-1"}},
		{"JoinGroup", kerr.RebalanceInProgress, []string{"JoinGroup id-1", "JoinGroup id-1", "SyncGroup id-1"}},
		{"JoinGroup", io.ErrUnexpectedEOF, []string{"JoinGroup id-1", "JoinGroup id-1", "SyncGroup id-1"}},
		{"JoinGroup", kerr.UnknownMemberID, []string{"JoinGroup id-1", "JoinGroup id-2", "SyncGroup id-2"}},
		{"SyncGroup", kerr.RebalanceInProgress,
			[]string{"JoinGroup id-1", "SyncGroup id-1", "JoinGroup id-1", "SyncGroup id-1"}},
		{"SyncGroup", kerr.IllegalGeneration,
			[]string{"JoinGroup id-1", "SyncGroup id-1", "JoinGroup id-1", "SyncGroup id-1"}},
		{"SyncGroup", kerr.NotCoordinator,
			[]string{"JoinGroup id-1", "SyncGroup id-1", "JoinGroup id-1", "SyncGroup id-1"}},
		{"SyncGroup", io.ErrUnexpectedEOF,
			[]string{"JoinGroup id-1", "SyncGroup id-1", "JoinGroup id-1", "SyncGroup id-1"}},
		{"SyncGroup", kerr.UnknownMemberID,
			[]string{"JoinGroup id-1", "SyncGroup id-1", "JoinGroup id-2", "SyncGroup id-2"}},
	}
	for _, each := range cases {
		t.Run(each.request+" "+each.err.Error(), func(t *testing.T) {
			w := joinScripted(t, &coordinator{errors: map[string][]error{each.request: {each.err}}})
			if session := w.awaitJoined(t); len(session.Held.Tasks) != 1 || !session.IsLeader {
				t.Errorf("joined with %+v, want the one task and to lead", session)
			}
			if heard := w.takeHeard(); !slices.Equal(heard, each.heard) {
				t.Errorf("the coordinator heard %v, want %v", heard, each.heard)
			}
			w.stop()
			if err := <-w.ended; err != nil {
				t.Error(err)
			}
			last := each.heard[len(each.heard)-1][len("SyncGroup "):]
			if heard := w.takeHeard(); !slices.Equal(heard, []string{"LeaveGroup " + last}) {
				t.Errorf("at its end the coordinator heard %v", heard)
			}
		})
	}
}

// What the coordinator says to heartbeats decides whether the work goes on, and under which id.
func TestHeartbeatAnswers(t *testing.T) {
	for _, err := range []error{kerr.RebalanceInProgress, kerr.IllegalGeneration} {
		w := joinScripted(t, &coordinator{})
		w.awaitJoined(t)
		w.answer("Heartbeat", err)
		session := w.awaitJoined(t)
		if session.Generation != 2 || session.MemberID != "id-1" || len(session.Held.Tasks) != 1 {
			t.Errorf("%v: next is %+v, want the second generation with the same id and work", err, session)
		}
	}
	for _, err := range []error{kerr.UnknownMemberID, kerr.FencedInstanceID, kerr.GroupAuthorizationFailed} {
		w := joinScripted(t, &coordinator{})
		w.awaitJoined(t)
		if w.member.Fenced() {
			t.Error("fenced although it has just joined")
		}
		w.answer("Heartbeat", err)
		if event, lost := w.await(t).(group.Lost); !lost {
			t.Errorf("%v: got %#v, want Lost", err, event)
		}
		if session := w.awaitJoined(t); (session.MemberID == "id-1") == errors.Is(err, kerr.UnknownMemberID) {
			t.Errorf("%v: joined again as %s", err, session.MemberID)
		}
	}
	w := joinScripted(t, &coordinator{})
	w.awaitJoined(t)
	w.answer("Heartbeat",
		kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, io.ErrUnexpectedEOF, kerr.RebalanceInProgress)
	if session := w.awaitJoined(t); session.Generation != 2 {
		t.Errorf("after errors that pass: %+v", session)
	}
}

// A member that can't reach the coordinator for the session timeout is fenced when it hears so, and keeps its id.
func TestUnreachableCoordinator(t *testing.T) {
	w := joinScripted(t, &coordinator{})
	w.awaitJoined(t)
	w.mu.Lock()
	w.connection = io.ErrUnexpectedEOF
	w.mu.Unlock()
	if event, lost := w.await(t).(group.Lost); !lost || !w.member.Fenced() {
		t.Errorf("got %#v fenced=%v, want Lost and fenced", event, w.member.Fenced())
	}
	w.mu.Lock()
	w.connection = nil
	w.mu.Unlock()
	if session := w.awaitJoined(t); session.MemberID != "id-1" || w.member.Fenced() {
		t.Errorf("joined again as %s, fenced=%v", session.MemberID, w.member.Fenced())
	}
}

// Errors that no retry can mend end Run, after Lost if there was work.
func TestErrorsThatEndTheMember(t *testing.T) {
	for _, fatal := range []error{kerr.GroupAuthorizationFailed, kerr.InconsistentGroupProtocol, kerr.FencedInstanceID,
		kerr.GroupMaxSizeReached, kerr.InvalidGroupID, kerr.SaslAuthenticationFailed} {
		w := joinScripted(t, &coordinator{errors: map[string][]error{"JoinGroup": {fatal}}})
		if event := w.await(t); event != nil {
			t.Errorf("%v: got %#v, want an end without an event", fatal, event)
		}
		if err := <-w.ended; !errors.Is(err, fatal) {
			t.Errorf("ended with %v, want %v", err, fatal)
		}
	}
	w := joinScripted(t, &coordinator{})
	w.awaitJoined(t)
	w.answer("JoinGroup", kerr.GroupAuthorizationFailed)
	w.member.Rejoin("a test")
	if event, lost := w.await(t).(group.Lost); !lost {
		t.Errorf("got %#v, want Lost", event)
	}
	if err := <-w.ended; !errors.Is(err, kerr.GroupAuthorizationFailed) || !w.member.Fenced() {
		t.Errorf("ended with %v, fenced=%v", err, w.member.Fenced())
	}
}

// A leader of another kind may send what can't be read, or nothing at all.
func TestBrokenAssignment(t *testing.T) {
	for _, broken := range [][]byte{{}, {0, 2, 0}, []byte("no assignment")} {
		w := joinScripted(t, &coordinator{assigned: broken})
		if session := w.awaitJoined(t); session.Generation != 2 {
			t.Errorf("%q: joined at generation %d, want 2", broken, session.Generation)
		}
	}
}
