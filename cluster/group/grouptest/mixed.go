package grouptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/cluster/group"
)

// mixedCase is a line of mixed/mixed.jsonl: what a program that is no JVM said in a group with a JVM worker.
type mixedCase struct {
	Case   string
	Events []struct {
		Event      string
		Sent       string `json:"member_id_sent"`
		MemberID   string `json:"member_id"`
		ErrorCode  int16  `json:"error_code"`
		Generation int32
		Leader     string
		Protocol   *string
		Protocols  []struct {
			Name string
			Hex  string `json:"metadata_hex"`
		}
		Assignment string `json:"assignment_hex"`
	}
}

// mixedFollowers are the cases in which the program behaves as a worker that follows. In the others it leaves out, or
// makes up, on purpose what a member says, or plans by rules of its own.
var mixedFollowers = []string{"follower", "compatible-only", "eager-only"}

// PlayMixed puts a member in the place of the program, which a JVM worker leads.
func PlayMixed(text []byte) ([]Played, error) {
	var played []Played
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var c mixedCase
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, err
		}
		if len(c.Events) == 0 || !slices.Contains(mixedFollowers, c.Case) {
			continue
		}
		script, configs, err := c.script()
		if err != nil {
			return nil, fmt.Errorf("case %s: %w", c.Case, err)
		}
		played = append(played, newStandIn(c.Case, script, configs).play()...)
	}
	return played, nil
}

// mixedGroup stands for the group's id, which was not recorded.
const mixedGroup = "mixed"

// script is what the program asked and was answered, and what was configured in each round as far as it was told.
func (c *mixedCase) script() (script []exchange, configs map[int32]group.ConfigView, err error) {
	configs = map[int32]group.ConfigView{}
	tasks := map[string]int{}
	var joined *kmsg.JoinGroupResponse
	for i, e := range c.Events {
		said := exchange{seq: i + 1}
		switch e.Event {
		case "JoinGroup":
			request := kmsg.NewPtrJoinGroupRequest()
			request.Group, request.ProtocolType, request.MemberID = mixedGroup, group.ProtocolType, e.Sent
			for _, p := range e.Protocols {
				request.Protocols = append(request.Protocols,
					kmsg.JoinGroupRequestProtocol{Name: p.Name, Metadata: fromHex(p.Hex)})
			}
			joined = kmsg.NewPtrJoinGroupResponse()
			joined.ErrorCode, joined.Generation, joined.LeaderID = e.ErrorCode, e.Generation, e.Leader
			joined.MemberID, joined.Protocol = e.MemberID, e.Protocol
			said.request, said.answer = request, joined
		case "SyncGroup":
			request, answer := kmsg.NewPtrSyncGroupRequest(), kmsg.NewPtrSyncGroupResponse()
			request.Group, request.MemberID, request.Generation = mixedGroup, joined.MemberID, e.Generation
			request.ProtocolType, request.Protocol = kmsg.StringPtr(group.ProtocolType), joined.Protocol
			answer.ErrorCode, answer.MemberAssignment = e.ErrorCode, fromHex(e.Assignment)
			assignment, err := group.DecodeAssignment(group.Sessioned, answer.MemberAssignment)
			if err != nil {
				return nil, nil, err
			}
			configs[e.Generation] = told(tasks, assignment)
			said.request, said.answer = request, answer
		case "LeaveGroup":
			request := kmsg.NewPtrLeaveGroupRequest()
			request.Group = mixedGroup
			request.Members = append(request.Members, kmsg.LeaveGroupRequestMember{MemberID: joined.MemberID})
			said.request = request
		default:
			continue // heartbeats
		}
		script = append(script, said)
	}
	return script, configs, nil
}

// told adds what is assigned to what was, and returns all of it.
func told(tasks map[string]int, a *group.Assignment) group.ConfigView {
	view := group.ConfigView{Offset: a.ConfigOffset, Tasks: map[string]int{}}
	noteWork(tasks, a.Work)
	for connector, n := range tasks {
		view.Tasks[connector] = n
	}
	return view
}
