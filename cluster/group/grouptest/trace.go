package grouptest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/cluster/group"
)

// traced is a line of trace/group.jsonl: a request of a worker, or the coordinator's answer to one.
type traced struct {
	Seq      int
	Dir      string // request or response; "" of a mark
	Key      int16  // of the request's kind
	Version  int16
	ClientID string `json:"client_id"`
	Hex      string
}

// exchange is a request with its answer. The answer to a LeaveGroup was not waited for.
type exchange struct {
	seq     int
	request kmsg.Request
	answer  kmsg.Response
}

// readTrace sorts a trace by worker, in the order in which the workers came; marks, heartbeats and the search for the
// coordinator, which is another's work, are left out.
func readTrace(lines [][]byte) (workers []string, said map[string][]exchange, err error) {
	said = map[string][]exchange{}
	for _, line := range lines {
		var l traced
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, nil, err
		}
		switch kmsg.Key(l.Key) {
		case kmsg.JoinGroup, kmsg.SyncGroup, kmsg.LeaveGroup:
		default:
			continue
		}
		of := said[l.ClientID]
		switch {
		case l.Dir == "request":
			e := exchange{seq: l.Seq, request: kmsg.RequestForKey(l.Key)}
			e.request.SetVersion(l.Version)
			if err := e.request.ReadFrom(behindRequestHeader(fromHex(l.Hex))); err != nil {
				return nil, nil, fmt.Errorf("line %d: %w", l.Seq, err)
			}
			if of == nil {
				workers = append(workers, l.ClientID)
			}
			of = append(of, e)
		case len(of) > 0:
			answer := of[len(of)-1].request.ResponseKind()
			if err := answer.ReadFrom(fromHex(l.Hex)[4+1:]); err != nil { // correlation id, no tags
				return nil, nil, fmt.Errorf("line %d: %w", l.Seq, err)
			}
			of[len(of)-1].answer = answer
		}
		said[l.ClientID] = of
	}
	return workers, said, nil
}

// behindRequestHeader skips key, version, correlation id, the client's id and an empty list of tags.
func behindRequestHeader(request []byte) []byte {
	const fixed = 2 + 2 + 4
	id := int(binary.BigEndian.Uint16(request[fixed:]))
	return request[fixed+2+id+1:]
}

// configsOfRounds derives what was configured in each round, by its generation, from what the leader planned and the
// members held: the trace does not have the config topic.
func configsOfRounds(said map[string][]exchange) (map[int32]group.ConfigView, error) {
	views := map[int32]group.ConfigView{}
	tasks := map[string]int{}
	for _, exchanges := range said {
		var joined *kmsg.JoinGroupResponse
		for _, e := range exchanges {
			switch r := e.request.(type) {
			case *kmsg.JoinGroupRequest:
				joined = e.answer.(*kmsg.JoinGroupResponse)
			case *kmsg.SyncGroupRequest:
				if len(r.GroupAssignment) == 0 {
					continue // a follower's
				}
				view, err := configsOfRound(tasks, joined, r)
				if err != nil {
					return nil, fmt.Errorf("line %d: %w", e.seq, err)
				}
				views[r.Generation] = view
			}
		}
	}
	return views, nil
}

// configsOfRound adds to what was configured in the rounds before: what members hold, and what the leader hands out or
// takes back. What it takes back is not configured any more: no round of the trace moves work.
func configsOfRound(tasks map[string]int, joined *kmsg.JoinGroupResponse, planned *kmsg.SyncGroupRequest) (
	view group.ConfigView, err error) {
	for _, member := range joined.Members {
		metadata, err := group.DecodeMetadata(group.Sessioned, member.ProtocolMetadata)
		if err != nil {
			return view, err
		}
		if metadata.Allocation != nil {
			noteWork(tasks, metadata.Allocation.Work)
		}
	}
	var revoked []group.Work
	for _, given := range planned.GroupAssignment {
		assignment, err := group.DecodeAssignment(group.Sessioned, given.MemberAssignment)
		if err != nil {
			return view, err
		}
		view.Offset = assignment.ConfigOffset
		noteWork(tasks, assignment.Work)
		revoked = append(revoked, assignment.Revoked)
	}
	for _, work := range revoked {
		for _, task := range work.Tasks {
			tasks[task.Connector] = min(tasks[task.Connector], task.Task)
		}
	}
	view.Tasks = make(map[string]int, len(tasks))
	for connector, n := range tasks {
		view.Tasks[connector] = n
	}
	return view, nil
}

// noteWork raises numbers of tasks to what some work tells of.
func noteWork(tasks map[string]int, w group.Work) {
	for _, connector := range w.Connectors {
		tasks[connector] = max(tasks[connector], 0)
	}
	for _, task := range w.Tasks {
		tasks[task.Connector] = max(tasks[task.Connector], task.Task+1)
	}
}

// Played is what came of a recorded request; a nil Err: the member has sent the same.
type Played struct {
	ID  string // the worker and the line
	Err error
}

// PlayTrace puts a member in the place of each recorded worker, with a coordinator that answers as recorded, and
// compares the requests: what is announced, joined and left, and what the leader plans.
func PlayTrace(text []byte) ([]Played, error) {
	workers, said, err := readTrace(bytes.Split(bytes.TrimSpace(text), []byte("\n")))
	if err != nil {
		return nil, err
	}
	configs, err := configsOfRounds(said)
	if err != nil {
		return nil, err
	}
	var played []Played
	for _, worker := range workers {
		s := newStandIn(worker, said[worker], configs)
		played = append(played, s.play()...)
	}
	return played, nil
}
