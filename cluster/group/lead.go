package group

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// lead decides who runs what and returns it for SyncGroup. Errors: an assignment that can't be encoded.
func (m *Member) lead(ctx context.Context, joined *kmsg.JoinGroupResponse) (
	[]kmsg.SyncGroupRequestGroupAssignment, error,
) {
	members, unreadable := m.readMembers(joined.Members)
	r := &Round{
		Now: time.Now(), MaxDelay: m.config.ScheduledRebalanceMaxDelay,
		Generation: joined.Generation, LastGeneration: m.lastGeneration, Leader: m.memberID, Members: members,
		ByLoad: m.config.ByLoad,
	}
	plan := m.decide(ctx, r)
	m.owners = r.owners(plan)
	for _, id := range unreadable {
		plan.Assignments[id] = &Assignment{Leader: m.memberID, LeaderURL: m.config.URL, ConfigOffset: r.Offset}
	}
	var out []kmsg.SyncGroupRequestGroupAssignment
	for id, assignment := range plan.Assignments {
		bytes, err := EncodeAssignment(m.protocol, assignment)
		if err != nil {
			return nil, &errFatal{err}
		}
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		one.MemberID, one.MemberAssignment = id, bytes
		out = append(out, one)
	}
	return out, nil
}

// readMembers sorts by id, so that the same members get the same plan. Members whose metadata can't be read get no
// work: a broken client must not keep the whole group from working.
func (m *Member) readMembers(joined []kmsg.JoinGroupResponseMember) (members []JoinedMember, unreadable []string) {
	for _, j := range joined {
		metadata, err := DecodeMetadata(m.protocol, j.ProtocolMetadata)
		if err != nil {
			m.log.Error("a member of the group announces what can't be read; it gets no work",
				"member", j.MemberID, "error", err)
			unreadable = append(unreadable, j.MemberID)
			continue
		}
		members = append(members, JoinedMember{j.MemberID, metadata})
	}
	slices.SortFunc(members, func(a, b JoinedMember) int { return cmp.Compare(a.ID, b.ID) })
	return members, unreadable
}

func (m *Member) decide(ctx context.Context, r *Round) Plan {
	r.Offset = r.MaxConfigOffset()
	ctx, cancel := context.WithTimeout(ctx, m.config.WorkerSyncTimeout)
	defer cancel()
	view, err := m.ports.State.FreshConfigs(ctx, r.Offset)
	if err != nil || view.Offset < r.Offset {
		m.log.Warn("the config topic was not read as far as some worker has read it; the round is repeated",
			"offset", view.Offset, "announced", r.Offset, "error", err)
		return PlanMismatch(r)
	}
	r.Configs, r.Offset = view, view.Offset
	if !m.protocol.Incremental() {
		return m.decideEagerly(r)
	}
	var plan Plan
	m.assignor, plan = PlanIncremental(m.assignor, r)
	return plan
}

// decideEagerly deals work out only if the last round was eager, too: members that come from an incremental round still
// run their work, and stop it when they learn that the group has become eager. They do so before they join again.
func (m *Member) decideEagerly(r *Round) Plan {
	if !m.lastEager {
		return PlanMismatch(r)
	}
	return PlanEager(r)
}
