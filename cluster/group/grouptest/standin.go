package grouptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/cluster/group"
)

// patience bounds the play of one worker, whose member may wait for a request that never comes.
const patience = 2 * time.Minute

// standIn plays a recorded worker: it is the coordinator of its member and its view of the config topic.
type standIn struct {
	worker  string
	configs map[int32]group.ConfigView // by generation
	member  *group.Member
	leave   context.CancelFunc // ends the member when the script does

	mu         sync.Mutex
	script     []exchange
	next       int // of script
	generation int32
	settled    int32 // the generation of which the member has told
	delayed    bool  // the next round comes when the delay is over
	offset     int64 // that the worker has read
	played     []Played
}

func newStandIn(worker string, script []exchange, configs map[int32]group.ConfigView) *standIn {
	s := &standIn{worker: worker, script: script, configs: configs}
	first := script[0].request.(*kmsg.JoinGroupRequest)
	announced := announcedBy(first)
	s.offset = announced.ConfigOffset
	s.member = group.New(group.Config{
		GroupID: first.Group, URL: announced.URL, Protocol: group.Protocol(len(first.Protocols) - 1), // and all below
		SessionTimeout: time.Minute, RebalanceTimeout: time.Minute, HeartbeatInterval: 5 * time.Millisecond,
		WorkerSyncTimeout: time.Second, WorkerUnsyncBackoff: time.Second, RetryBackoff: 10 * time.Millisecond,
		RetryBackoffMax: time.Second, ScheduledRebalanceMaxDelay: 2 * time.Second, // as recorded, see README of trace
	}, group.Ports{Client: s, State: s}, slog.New(slog.DiscardHandler))
	return s
}

// announcedBy is what a worker announces under the best protocol; of a recording, so it can be read.
func announcedBy(r *kmsg.JoinGroupRequest) group.Metadata {
	p, err := group.ProtocolOfName(r.Protocols[0].Name)
	if err != nil {
		panic(err)
	}
	metadata, err := group.DecodeMetadata(p, r.Protocols[0].Metadata)
	if err != nil {
		panic(err)
	}
	return metadata
}

// play returns a case for each recorded request.
func (s *standIn) play() []Played {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ctx, s.leave = context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.member.Run(ctx) }()
	for {
		select {
		case err := <-ended:
			return s.outcome(err)
		case <-s.member.Changed():
			for _, event := range s.member.TakeEvents() {
				s.answer(event)
			}
		}
	}
}

// answer does what a herder does, at once.
func (s *standIn) answer(event group.Event) {
	switch e := event.(type) {
	case group.Joined:
		s.mu.Lock()
		s.settled = e.Session.Generation
		s.mu.Unlock()
		s.endIfOver()
	case group.Revoking, group.Lost:
		s.member.Stopped()
	}
}

// endIfOver stops the worker when only its leaving is left.
func (s *standIn) endIfOver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == len(s.script) || isLeave(s.script[s.next].request) {
		s.leave()
	}
}

func isLeave(r kmsg.Request) bool {
	_, leaves := r.(*kmsg.LeaveGroupRequest)
	return leaves
}

// outcome adds what was recorded and did not come.
func (s *standIn) outcome(err error) []Played {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.script[s.next:] {
		missing := fmt.Errorf("the member sends no %T: %w", e.request, errors.Join(err, errNotSent))
		s.played = append(s.played, Played{s.id(e), missing})
	}
	return s.played
}

var errNotSent = errors.New("it has ended or waits")

func (s *standIn) id(e exchange) string { return fmt.Sprintf("%s line %d", s.worker, e.seq) }

// Ready implements group.State.
func (s *standIn) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

// ConfigOffset implements group.State.
func (s *standIn) ConfigOffset() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offset
}

// FreshConfigs implements group.State: what the round was made from.
func (s *standIn) FreshConfigs(context.Context, int64) (group.ConfigView, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	view := s.configs[s.generation]
	s.offset = view.Offset
	return view, nil
}

// Request implements kmsg.Requestor: the coordinator.
func (s *standIn) Request(_ context.Context, request kmsg.Request) (kmsg.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if beat, is := request.(*kmsg.HeartbeatRequest); is {
		return s.heartbeat(beat), nil
	}
	if s.next == len(s.script) {
		return nil, fmt.Errorf("a %T was not recorded", request)
	}
	recorded := s.script[s.next]
	s.next++
	s.played = append(s.played, Played{s.id(recorded), sameRequest(request, recorded.request)})
	switch answer := recorded.answer.(type) {
	case *kmsg.JoinGroupResponse:
		s.generation = answer.Generation
	case *kmsg.SyncGroupResponse:
		assignment, err := group.DecodeAssignment(group.Sessioned, answer.MemberAssignment)
		if err != nil {
			return nil, err
		}
		s.delayed = assignment.Delay > 0
	case nil:
		return request.ResponseKind(), nil
	}
	return recorded.answer, nil
}

// heartbeat tells of a new round when the recorded worker came to one, as if its configurations had changed by then.
func (s *standIn) heartbeat(beat *kmsg.HeartbeatRequest) kmsg.Response {
	answer := beat.ResponseKind().(*kmsg.HeartbeatResponse)
	if s.next == len(s.script) || s.settled != s.generation || s.delayed {
		return answer
	}
	if next, joins := s.script[s.next].request.(*kmsg.JoinGroupRequest); joins {
		s.offset = announcedBy(next).ConfigOffset
		answer.ErrorCode = kerr.RebalanceInProgress.Code
	}
	return answer
}

// sameRequest compares what counts: reasons are free, and so is the order of what is assigned.
func sameRequest(got, want kmsg.Request) error {
	switch want := want.(type) {
	case *kmsg.JoinGroupRequest:
		if got, is := got.(*kmsg.JoinGroupRequest); is {
			return sameJoin(got, want)
		}
	case *kmsg.SyncGroupRequest:
		if got, is := got.(*kmsg.SyncGroupRequest); is {
			return sameSync(got, want)
		}
	case *kmsg.LeaveGroupRequest:
		if got, is := got.(*kmsg.LeaveGroupRequest); is && got.Group == want.Group && len(got.Members) == 1 &&
			got.Members[0].MemberID == want.Members[0].MemberID {
			return nil
		}
	}
	return fmt.Errorf("%T %+v, want %T %+v", got, got, want, want)
}

func sameJoin(got, want *kmsg.JoinGroupRequest) error {
	if got.Group != want.Group || got.MemberID != want.MemberID || got.ProtocolType != want.ProtocolType ||
		!reflect.DeepEqual(got.InstanceID, want.InstanceID) || len(got.Protocols) != len(want.Protocols) {
		return fmt.Errorf("joins as %+v, want %+v", got, want)
	}
	for i, offer := range want.Protocols {
		p, err := group.ProtocolOfName(offer.Name)
		if err != nil {
			return err
		}
		if got.Protocols[i].Name != offer.Name {
			return fmt.Errorf("offer %d is %s, want %s", i, got.Protocols[i].Name, offer.Name)
		}
		if err := sameMetadata(p, got.Protocols[i].Metadata, offer.Metadata); err != nil {
			return fmt.Errorf("offer %s: %w", offer.Name, err)
		}
	}
	return nil
}

// sameMetadata compares bytes, with what is held in the recorded order.
func sameMetadata(p group.Protocol, got, want []byte) error {
	g, err := group.DecodeMetadata(p, got)
	w, wantErr := group.DecodeMetadata(p, want)
	if err != nil || wantErr != nil {
		return errors.Join(err, wantErr)
	}
	if g.Allocation != nil && w.Allocation != nil {
		g.Allocation.Work = inOrderOfWork(g.Allocation.Work, w.Allocation.Work)
	}
	again, err := group.EncodeMetadata(p, g)
	if err != nil || !bytes.Equal(again, want) {
		return fmt.Errorf("announces %+v %+v, want %+v %+v (%w)", g, g.Allocation, w, w.Allocation, err)
	}
	return nil
}

// inOrderOfWork gives work the order of a model, if it is the same.
func inOrderOfWork(w, model group.Work) group.Work {
	if reflect.DeepEqual(sortedWork(w), sortedWork(model)) {
		return model
	}
	return w
}

func sameSync(got, want *kmsg.SyncGroupRequest) error {
	if got.Group != want.Group || got.MemberID != want.MemberID || got.Generation != want.Generation ||
		!reflect.DeepEqual(got.ProtocolType, want.ProtocolType) || !reflect.DeepEqual(got.Protocol, want.Protocol) ||
		len(got.GroupAssignment) != len(want.GroupAssignment) {
		return fmt.Errorf("syncs as %+v, want %+v", got, want)
	}
	planned := map[string][]byte{}
	for _, a := range got.GroupAssignment {
		planned[a.MemberID] = a.MemberAssignment
	}
	for _, a := range want.GroupAssignment {
		g, err := group.DecodeAssignment(group.Sessioned, planned[a.MemberID])
		w, wantErr := group.DecodeAssignment(group.Sessioned, a.MemberAssignment)
		if err != nil || wantErr != nil {
			return errors.Join(err, wantErr)
		}
		if err := sameAssignment(a.MemberID, g, w); err != nil {
			return err
		}
	}
	return nil
}
