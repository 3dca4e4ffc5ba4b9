package grouptest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/host"
)

type round struct {
	Assignor       string
	Version        group.Protocol `json:"protocol_version"`
	NowMs          int64          `json:"now_ms"`
	MaxDelayMs     int64          `json:"max_delay_ms"`
	Leader         string
	Generation     int32
	LastGeneration int32 `json:"leader_last_completed_generation"`
	Config         struct {
		Connectors     map[string]int
		Inconsistent   []string
		SnapshotOffset int64 `json:"leader_snapshot_offset"`
		FreshOffset    int64 `json:"leader_fresh_offset"`
	}
	Members []struct {
		ID          string
		MetadataHex string `json:"metadata_hex"`
	}
	MemberOrder []string `json:"jvm_member_order"`
	Before      state    `json:"state_before"`
	After       state    `json:"state_after"`
	Output      struct {
		Error        int16
		Leader       string
		LeaderURL    string `json:"leader_url"`
		ConfigOffset int64  `json:"config_offset"`
		Delay        int64
		Assignments  map[string]struct {
			Connectors, Tasks []string
			RevokedConnectors []string `json:"revoked_connectors"`
			RevokedTasks      []string `json:"revoked_tasks"`
			Hex               string
		}
		Owners struct{ Connectors, Tasks map[string]string }
	}
}

type state struct {
	PreviousAssignment workNames `json:"previous_assignment"`
	PreviousRevocation workNames `json:"previous_revocation"`
	PreviousGeneration int32     `json:"previous_generation"`
	PreviousMembers    []string  `json:"previous_members"`
	ScheduledMs        int64     `json:"scheduled_rebalance_ms"`
	Delay              int64
	RevokedInPrevious  bool     `json:"revoked_in_previous"`
	CandidateWorkers   []string `json:"candidate_workers"`
	Successive         int      `json:"successive_revoking_rebalances"`
}

type workNames struct{ Connectors, Tasks []string }

// CheckAssignor plays a line of assignor.jsonl: the state before it, the round, and everything that comes of it. The
// members come in the order in which the original's hash map had them, so that nothing is left to chance.
func CheckAssignor(line []byte) error {
	var recorded round
	if err := json.Unmarshal(line, &recorded); err != nil {
		return err
	}
	r, err := recorded.asGroup()
	if err != nil {
		return err
	}
	before := recorded.Before.asGroup()
	after, plan := before, group.Plan{}
	switch {
	case max(recorded.Config.SnapshotOffset, recorded.Config.FreshOffset) < r.MaxConfigOffset():
		plan = group.PlanMismatch(r)
	case recorded.Assignor == "eager":
		plan = group.PlanEager(r)
	default:
		after, plan = group.PlanIncremental(before, r)
	}
	problems := []error{recorded.checkPlan(plan)}
	if recorded.Assignor == "incremental" {
		problems = append(problems, sameState(after, recorded.After.asGroup()))
	}
	return errors.Join(problems...)
}

func (recorded *round) asGroup() (*group.Round, error) {
	r := &group.Round{
		Now: time.UnixMilli(recorded.NowMs), MaxDelay: time.Duration(recorded.MaxDelayMs) * time.Millisecond,
		Generation: recorded.Generation, LastGeneration: recorded.LastGeneration, Leader: recorded.Leader,
		Configs: group.ConfigView{Tasks: recorded.Config.Connectors, Inconsistent: recorded.Config.Inconsistent},
	}
	for _, m := range recorded.Members {
		metadata, err := group.DecodeMetadata(recorded.Version, fromHex(m.MetadataHex))
		if err != nil {
			return nil, err
		}
		r.Members = append(r.Members, group.JoinedMember{ID: m.ID, Metadata: metadata})
	}
	slices.SortStableFunc(r.Members, func(a, b group.JoinedMember) int {
		return cmp.Compare(slices.Index(recorded.MemberOrder, a.ID), slices.Index(recorded.MemberOrder, b.ID))
	})
	// The original sends the greatest offset announced, or that of a fresh snapshot if it needs one to get so far.
	r.Offset = r.MaxConfigOffset()
	if recorded.Config.SnapshotOffset < r.Offset {
		r.Offset = max(r.Offset, recorded.Config.FreshOffset)
	}
	return r, nil
}

func (s *state) asGroup() group.IncrementalState {
	out := group.IncrementalState{
		PreviousAssignment: s.PreviousAssignment.asGroup(), PreviousRevocation: s.PreviousRevocation.asGroup(),
		PreviousGeneration: s.PreviousGeneration, PreviousMembers: s.PreviousMembers,
		Delay: time.Duration(s.Delay) * time.Millisecond, RevokedInPrevious: s.RevokedInPrevious,
		CandidateWorkers: s.CandidateWorkers, SuccessiveRevokingRebalances: s.Successive,
	}
	if s.ScheduledMs > 0 {
		out.ScheduledRebalance = time.UnixMilli(s.ScheduledMs)
	}
	return out
}

func (n workNames) asGroup() group.Work {
	return group.Work{Connectors: n.Connectors, Tasks: taskIDs(n.Tasks)}
}

func taskIDs(names []string) []host.TaskID {
	var ids []host.TaskID
	for _, name := range names {
		at := strings.LastIndexByte(name, '-')
		number, err := strconv.Atoi(name[at+1:])
		if err != nil {
			panic("a recording holds a bad task id: " + name)
		}
		ids = append(ids, host.TaskID{Connector: name[:at], Task: number})
	}
	return ids
}

func (recorded *round) checkPlan(plan group.Plan) error {
	var problems []error
	for id, want := range recorded.Output.Assignments {
		wanted := &group.Assignment{
			Error: recorded.Output.Error, Leader: recorded.Output.Leader, LeaderURL: recorded.Output.LeaderURL,
			ConfigOffset: recorded.Output.ConfigOffset, Delay: time.Duration(recorded.Output.Delay) * time.Millisecond,
			Work:    group.Work{Connectors: want.Connectors, Tasks: taskIDs(want.Tasks)},
			Revoked: group.Work{Connectors: want.RevokedConnectors, Tasks: taskIDs(want.RevokedTasks)},
		}
		problems = append(problems, sameAssignment(id, plan.Assignments[id], wanted))
		problems = append(problems, recorded.checkSent(id, plan.Assignments[id], fromHex(want.Hex)))
	}
	if len(plan.Assignments) != len(recorded.Output.Assignments) {
		problems = append(problems,
			fmt.Errorf("%d assignments, want %d", len(plan.Assignments), len(recorded.Output.Assignments)))
	}
	return errors.Join(append(problems, recorded.checkOwners(plan))...)
}

func sameAssignment(id string, got, want *group.Assignment) error {
	if got == nil {
		return fmt.Errorf("%s gets no assignment", id)
	}
	g, w := sorted(*got), sorted(*want)
	if !reflect.DeepEqual(g, w) {
		return fmt.Errorf("%s gets\n %+v, want\n %+v", id, g, w)
	}
	return nil
}

// sorted puts an assignment's lists in order: those of the recording are sorted.
func sorted(a group.Assignment) group.Assignment {
	a.Work, a.Revoked = sortedWork(a.Work), sortedWork(a.Revoked)
	return a
}

func sortedWork(w group.Work) group.Work {
	sorted := group.Work{
		Connectors: append([]string{}, w.Connectors...),
		Tasks:      append([]host.TaskID{}, w.Tasks...),
	}
	slices.Sort(sorted.Connectors)
	slices.SortFunc(sorted.Tasks, func(a, b host.TaskID) int {
		return cmp.Or(cmp.Compare(a.Connector, b.Connector), cmp.Compare(a.Task, b.Task))
	})
	return sorted
}

// checkSent compares the bytes for a member with those of the original, save the order of connectors and that within
// what is revoked, which comes from hash maps.
func (recorded *round) checkSent(id string, a *group.Assignment, want []byte) error {
	if a == nil {
		return nil // sameAssignment told
	}
	ordered := *a
	inOrderOf(&ordered, want)
	got, err := group.EncodeAssignment(recorded.Version, &ordered)
	if err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("%s gets bytes\n %x, want\n %x (%v)", id, got, want, err)
	}
	return nil
}

func (recorded *round) checkOwners(plan group.Plan) error {
	connectors, tasks := map[string]string{}, map[string]string{}
	for id, work := range plan.Held {
		for _, connector := range work.Connectors {
			connectors[connector] = id
		}
		for _, task := range work.Tasks {
			tasks[task.String()] = id
		}
	}
	want := recorded.Output.Owners
	if !maps.Equal(connectors, want.Connectors) || !maps.Equal(tasks, want.Tasks) {
		return fmt.Errorf("owners are %v %v, want %v %v", connectors, tasks, want.Connectors, want.Tasks)
	}
	return nil
}

func sameState(got, want group.IncrementalState) error {
	for _, s := range []*group.IncrementalState{&got, &want} {
		s.PreviousAssignment = sortedWork(s.PreviousAssignment)
		s.PreviousRevocation = sortedWork(s.PreviousRevocation)
		s.PreviousMembers = slices.Sorted(slices.Values(s.PreviousMembers))
		s.CandidateWorkers = append([]string{}, s.CandidateWorkers...)
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("state after is\n %+v, want\n %+v", got, want)
	}
	return nil
}
