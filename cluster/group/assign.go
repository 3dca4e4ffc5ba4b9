package group

import (
	"cmp"
	"slices"
	"time"

	"github.com/berth-connect/berth/host"
)

// Round is all that a leader's decision depends on.
type Round struct {
	Now      time.Time
	MaxDelay time.Duration // scheduled.rebalance.max.delay.ms of the leader

	Generation     int32 // of this round
	LastGeneration int32 // of the last round whose assignment this leader received; -1: none

	Leader  string // member id
	Members []JoinedMember
	Configs ConfigView
	Offset  int64 // of the config topic that the members are told to run with

	ByLoad bool // spread tasks by what they cost, not by their number; incremental rounds only
}

// JoinedMember is a member as the leader sees it. The order of members decides which one keeps more when work can't be
// spread evenly.
type JoinedMember struct {
	ID string
	Metadata
}

// Plan is what a leader answers: an assignment for every member, and what each runs once that took effect.
type Plan struct {
	Assignments map[string]*Assignment
	Held        map[string]Work
}

// MaxConfigOffset is the greatest one that a member announced.
func (r *Round) MaxConfigOffset() int64 {
	newest := r.Members[0].ConfigOffset
	for _, m := range r.Members {
		newest = max(newest, m.ConfigOffset)
	}
	return newest
}

// PlanMismatch makes all members read the config topic up to r.Offset and join again: the leader has not got so far.
func PlanMismatch(r *Round) Plan { return r.plan(ConfigMismatch) }

// plan has an assignment without work for every member.
func (r *Round) plan(code int16) Plan {
	p := Plan{map[string]*Assignment{}, map[string]Work{}}
	var leaderURL string
	for _, m := range r.Members {
		if m.ID == r.Leader {
			leaderURL = m.URL
		}
	}
	for _, m := range r.Members {
		p.Assignments[m.ID] = &Assignment{Error: code, Leader: r.Leader, LeaderURL: leaderURL, ConfigOffset: r.Offset}
	}
	return p
}

// work lists connectors and tasks in the order in which they are handed out.
func (v *ConfigView) work() Work {
	var work Work
	for name := range v.Tasks {
		work.Connectors = append(work.Connectors, name)
	}
	slices.SortFunc(work.Connectors, compareText)
	for _, name := range work.Connectors {
		if slices.Contains(v.Inconsistent, name) {
			continue
		}
		for task := range v.Tasks[name] {
			work.Tasks = append(work.Tasks, host.TaskID{Connector: name, Task: task})
		}
	}
	return work
}

// owners tells whose work is whose once plan took effect.
func (r *Round) owners(p Plan) *Owners {
	held := map[string]Work{}
	for _, m := range r.Members {
		held[m.URL] = p.Held[m.ID]
	}
	return OwnersOf(held)
}

// compareText orders as Java orders strings, by UTF-16 units. That is the order of the UTF-8 bytes but for characters
// beyond the basic plane (first byte F0 and up), which come before U+E000 to U+FFFF (first byte EE and EF).
func compareText(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return cmp.Compare(utf16Rank(a[i]), utf16Rank(b[i]))
		}
	}
	return cmp.Compare(len(a), len(b))
}

func utf16Rank(b byte) int {
	if b == 0xEE || b == 0xEF {
		return int(b) + 0x100
	}
	return int(b)
}

func compareTask(a, b host.TaskID) int {
	return cmp.Or(compareText(a.Connector, b.Connector), cmp.Compare(a.Task, b.Task))
}
