package group

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
)

// walk is a group under the incremental assignor, with workers that come, go, miss assignments and report truly.
type walk struct {
	t       *testing.T
	random  *rand.Rand
	round   Round
	states  map[string]IncrementalState // of each member
	last    map[string]int32            // generation that each member received last
	held    map[string]workset          // member → what it holds
	missing map[string]bool             // members that did not receive the last assignment
	born    int
	lead    int  // decides who leads
	dropped bool // a member dropped deleted work in the last round
	loads   map[host.TaskID]host.TaskLoad
}

func newWalk(t *testing.T, seed uint64) *walk {
	w := &walk{
		loads: map[host.TaskID]host.TaskLoad{},
		t:     t, random: rand.New(rand.NewPCG(seed, 1)),
		states: map[string]IncrementalState{}, last: map[string]int32{}, held: map[string]workset{},
		missing: map[string]bool{},
	}
	w.round = Round{
		Now: time.UnixMilli(1), MaxDelay: time.Duration(w.random.IntN(3)) * time.Second,
		Configs: ConfigView{Tasks: map[string]int{}},
	}
	return w
}

// disturb changes what runs, or who is there.
func (w *walk) disturb() {
	name := fmt.Sprintf("c%d", w.random.IntN(6))
	w.lead += w.random.IntN(2)
	switch w.random.IntN(8) {
	case 0, 1, 2:
		w.round.Configs.Tasks[name] = w.random.IntN(9)
	case 3:
		delete(w.round.Configs.Tasks, name)
	case 4, 5:
		w.born++
		w.held[fmt.Sprintf("w%d", w.born)] = workset{}
	case 6:
		if len(w.held) > 1 {
			delete(w.held, w.someone())
		}
	case 7:
		w.missing[w.someone()] = true
	}
	w.round.Now = w.round.Now.Add(time.Duration(w.random.IntN(1500)) * time.Millisecond)
}

func (w *walk) someone() string {
	ids := slices.Sorted(maps.Keys(w.held))
	if len(ids) == 0 {
		return ""
	}
	return ids[w.random.IntN(len(ids))]
}

// rebalance plays rounds until one has neither delay nor revocation: what is held then is final.
func (w *walk) rebalance() {
	const roundsMax = 50
	for range roundsMax {
		plan := w.play()
		delay, revoked := time.Duration(0), false
		for _, a := range plan.Assignments {
			delay = a.Delay
			revoked = revoked || !worksetOf(a.Revoked).empty()
		}
		received := len(w.missing) == 0
		clear(w.missing)
		if received && !w.dropped && delay == 0 && !revoked && !w.states[w.round.Leader].RevokedInPrevious {
			return
		}
		w.round.Now = w.round.Now.Add(delay)
	}
	w.t.Fatalf("no rest after %d rounds: %+v", roundsMax, w.held)
}

// play is one round: announce, plan, receive.
func (w *walk) play() Plan {
	ids := slices.Sorted(maps.Keys(w.held))
	w.round.Generation++
	w.round.Leader, w.round.Members = ids[w.lead%len(ids)], nil
	for _, id := range ids {
		held := Assignment{Work: w.held[id].work()}
		w.round.Members = append(w.round.Members, JoinedMember{id, Metadata{Allocation: &held, Loads: w.measured(held)}})
	}
	w.dropped = false
	var plan Plan
	state, led := w.states[w.round.Leader]
	if !led {
		state = NewIncrementalState()
	}
	w.round.LastGeneration = -1
	if last, received := w.last[w.round.Leader]; received {
		w.round.LastGeneration = last
	}
	w.states[w.round.Leader], plan = PlanIncremental(state, &w.round)
	holders := map[string]string{}
	for _, id := range ids {
		for _, item := range names(w.held[id].work()) {
			holders[item] = id
		}
	}
	for _, id := range ids {
		a := plan.Assignments[id]
		for _, item := range names(a.Work) {
			if holder, taken := holders[item]; taken {
				w.t.Fatalf("%s gets %s, which %s holds", id, item, holder)
			}
			holders[item] = id
		}
		if !w.missing[id] {
			revoked := worksetOf(a.Revoked)
			held := w.held[id].without(revoked).union(worksetOf(a.Work).without(revoked))
			w.held[id] = held.intersect(worksetOf(w.round.Configs.work())) // as Member.dropDeleted does
			w.dropped = w.dropped || !held.without(w.held[id]).empty()
			w.last[id] = w.round.Generation
		}
	}
	return plan
}

// measured are the loads that a member tells of what it holds.
func (w *walk) measured(held Assignment) map[host.TaskID]host.TaskLoad {
	if !w.round.ByLoad {
		return nil
	}
	loads := map[host.TaskID]host.TaskLoad{}
	for _, id := range held.Tasks {
		if load, known := w.loads[id]; known {
			loads[id] = load
		}
	}
	return loads
}

// load makes a task cheap or dear, or not measured.
func (w *walk) load() {
	for name, tasks := range w.round.Configs.Tasks {
		for task := range tasks {
			id := host.TaskID{Connector: name, Task: task}
			switch w.random.IntN(6) {
			case 0:
				delete(w.loads, id)
			case 1:
				w.loads[id] = host.TaskLoad{BytesPerSecond: int64(w.random.IntN(1 << 20)),
					MemoryBytes: int64(w.random.IntN(1 << 24))}
			case 2:
				w.loads[id] = host.TaskLoad{BytesPerSecond: int64(w.random.IntN(1000)) << 30, MemoryBytes: 1 << 20}
			}
		}
	}
}

func names(work Work) []string {
	out := slices.Clone(work.Connectors)
	for _, task := range work.Tasks {
		out = append(out, task.String())
	}
	return out
}

// settled checks that all that is configured is held once, and evenly.
func (w *walk) settled() {
	if w.settledOnce(); w.round.ByLoad {
		w.loadedEvenly()
		return
	}
	least, most := math.MaxInt, 0
	for _, held := range w.held {
		least, most = min(least, held.tasks.size()), max(most, held.tasks.size())
	}
	if most-least > 1 {
		w.t.Fatalf("tasks are spread from %d to %d: %+v", least, most, w.held)
	}
}

// loadedEvenly checks that nobody is further above the mean than what is tolerated, or than the heaviest task, which
// somebody must have.
func (w *walk) loadedEvenly() {
	tasks := w.round.Configs.work().Tasks
	weights := weigh(tasks, w.states[w.round.Leader].Loads)
	mean := sum(weights, tasks) / float64(len(w.held))
	heaviest := 0.0
	for _, weight := range weights {
		heaviest = max(heaviest, weight)
	}
	for id, held := range w.held {
		if above := sum(weights, held.tasks.items) - mean; above > max(mean*loadTolerance, heaviest)+1e-9 {
			w.t.Fatalf("%s has %.2f above the mean of %.2f: %v", id, above, mean, weights)
		}
	}
}

func (w *walk) settledOnce() {
	want := names(w.round.Configs.work())
	var got []string
	for _, held := range w.held {
		got = append(got, names(held.work())...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Fatalf("held are %v, configured %v", got, want)
	}
}

// However a group was disturbed, rounds end with all work running once, evenly spread, and never twice meanwhile.
func FuzzIncrementalRoundsSettle(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := newWalk(t, seed)
		w.round.ByLoad = seed%3 == 0
		w.held["w0"] = workset{}
		for range 12 {
			for range w.random.IntN(3) {
				w.disturb()
			}
			w.load()
			w.rebalance()
			w.settled()
		}
	})
}

func BenchmarkPlanIncremental(b *testing.B) {
	r := Round{LastGeneration: -1, Configs: ConfigView{Tasks: map[string]int{}}, Leader: "w0"}
	for i := range 500 {
		r.Configs.Tasks[fmt.Sprintf("connector-%d", i)] = 20
	}
	for i := range 100 {
		r.Members = append(r.Members, JoinedMember{ID: fmt.Sprintf("w%d", i)})
	}
	state, plan := PlanIncremental(NewIncrementalState(), &r)
	for i, m := range r.Members[1:] { // the first has restarted
		r.Members[i+1].Allocation = plan.Assignments[m.ID]
	}
	for b.Loop() {
		PlanIncremental(state, &r)
	}
}
