package group

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
)

func task(connector string, n int) host.TaskID { return host.TaskID{Connector: connector, Task: n} }

// planByLoad plays rounds until nothing is revoked; every member tells the loads of what it holds.
func planByLoad(t *testing.T, r *Round, held map[string]Work, loads map[host.TaskID]host.TaskLoad) (moved int) {
	t.Helper()
	r.ByLoad, r.LastGeneration = true, -1
	_, moved = settle(t, NewIncrementalState(), r, held, loads)
	return moved
}

// settle plays rounds with whom held names until nothing is revoked.
func settle(t *testing.T, state IncrementalState, r *Round, held map[string]Work,
	loads map[host.TaskID]host.TaskLoad) (IncrementalState, int) {
	t.Helper()
	moved := 0
	for range 10 {
		r.Members = nil
		for _, id := range slices.Sorted(maps.Keys(held)) {
			told := map[host.TaskID]host.TaskLoad{}
			for _, task := range held[id].Tasks {
				told[task] = loads[task]
			}
			r.Members = append(r.Members, JoinedMember{id, Metadata{Allocation: &Assignment{Work: held[id]}, Loads: told}})
		}
		r.Leader = r.Members[0].ID
		r.Generation++
		var plan Plan
		state, plan = PlanIncremental(state, r)
		r.LastGeneration = r.Generation
		var revoked int
		for id := range held {
			held[id] = plan.Held[id]
			revoked += len(plan.Assignments[id].Revoked.Tasks)
		}
		if moved += revoked; revoked == 0 && !state.RevokedInPrevious && state.Delay == 0 {
			return state, moved
		}
		r.Now = r.Now.Add(state.Delay)
	}
	t.Fatalf("no rest: %+v", held)
	return state, 0
}

func TestLoadDecidesWhoGetsWhat(t *testing.T) {
	const gib = 1 << 30
	dear := host.TaskLoad{BytesPerSecond: 8 << 20, MemoryBytes: gib}
	heavy := map[host.TaskID]host.TaskLoad{task("heavy", 0): dear, task("heavy", 1): dear}
	for i := range 6 {
		heavy[task("light", i)] = host.TaskLoad{BytesPerSecond: 1000, MemoryBytes: 1 << 20}
	}
	all := Work{Connectors: []string{"heavy", "light"}}
	all.Tasks = append(all.Tasks, task("heavy", 0), task("heavy", 1))
	for i := range 6 {
		all.Tasks = append(all.Tasks, task("light", i))
	}
	r := &Round{Now: time.UnixMilli(1), MaxDelay: time.Minute,
		Configs: ConfigView{Tasks: map[string]int{"heavy": 2, "light": 6}}}
	held := map[string]Work{"w1": all, "w2": {}}
	moved := planByLoad(t, r, held, heavy)
	if count := heavies(held["w1"]); count != 1 || heavies(held["w2"]) != 1 {
		t.Errorf("w1 has %d heavy tasks of 2: %+v", count, held)
	}
	if moved > 4 {
		t.Errorf("%d tasks moved to make room for one heavy one", moved)
	}
	before := maps.Clone(held)
	r.Configs.Tasks["new"] = 1
	if moved := planByLoad(t, r, held, heavy); moved != 0 {
		t.Errorf("a new connector moved %d tasks: %+v, before %+v", moved, held, before)
	}
}

// Workers that come one by one, and one that goes: the load is even each time, although nobody tells of what is on its
// way, and no more moves than has to.
func TestLoadIsSpreadAnewWhenWorkersComeAndGo(t *testing.T) {
	loads := map[host.TaskID]host.TaskLoad{}
	held := map[string]Work{"w1": {Connectors: []string{"heavy", "light"}}}
	r := &Round{Now: time.UnixMilli(1), MaxDelay: time.Second, ByLoad: true, LastGeneration: -1,
		Configs: ConfigView{Tasks: map[string]int{"heavy": 2, "light": 10}}}
	all := held["w1"]
	for _, id := range r.Configs.work().Tasks {
		loads[id] = host.TaskLoad{BytesPerSecond: map[string]int64{"heavy": 5 << 20, "light": 100}[id.Connector],
			MemoryBytes: 1 << 20}
		all.Tasks = append(all.Tasks, id)
	}
	held["w1"] = all
	state, _ := settle(t, NewIncrementalState(), r, held, loads)
	steps := []struct {
		comes, goes string
		moved       int // most, besides what was on the worker that goes
	}{{"w2", "", 3}, {"w3", "", 6}, {"", "w2", 2}, {"w2", "", 6}}
	for _, step := range steps {
		if step.comes != "" {
			held[step.comes] = Work{}
		}
		delete(held, step.goes)
		var moved int
		if state, moved = settle(t, state, r, held, loads); moved > step.moved {
			t.Errorf("%+v: %d tasks were taken away", step, moved)
		}
		least, most := math.Inf(1), 0.0
		for id, work := range held {
			load := sum(weigh(r.Configs.work().Tasks, loads), work.Tasks)
			least, most = min(least, load), max(most, load)
			if len(held) == 3 && heavies(work) > 1 {
				t.Errorf("%+v: %s has both heavy tasks", step, id)
			}
		}
		if mean := 36.0 / float64(len(held)); most > mean*(1+loadTolerance) {
			t.Errorf("%+v: loads from %.1f to %.1f, the mean is %.1f: %+v", step, least, most, mean, held)
		}
	}
}

// A connector more, among a hundred, moves nothing of the others, whatever tasks are spread by.
func TestANewConnectorMovesNothing(t *testing.T) {
	for _, byLoad := range []bool{false, true} {
		r := &Round{Now: time.UnixMilli(1), MaxDelay: time.Second, ByLoad: byLoad, LastGeneration: -1,
			Configs: ConfigView{Tasks: map[string]int{}}}
		loads := map[host.TaskID]host.TaskLoad{}
		for i := range 100 {
			name := fmt.Sprintf("c%02d", i)
			r.Configs.Tasks[name] = 1 + i%3
			for n := range 1 + i%3 {
				loads[task(name, n)] = host.TaskLoad{BytesPerSecond: int64(1+i*i) << 10, MemoryBytes: int64(1+i) << 16}
			}
		}
		held := map[string]Work{"w1": {}, "w2": {}, "w3": {}}
		state, _ := settle(t, NewIncrementalState(), r, held, loads)
		state, _ = settle(t, state, r, held, loads) // by what has been measured since
		for i := range 5 {
			before := maps.Clone(held)
			r.Configs.Tasks[fmt.Sprintf("new%d", i)] = 2
			var moved int
			if state, moved = settle(t, state, r, held, loads); moved != 0 {
				t.Errorf("by load %t: new connector %d took %d tasks away", byLoad, i, moved)
			}
			for id, was := range before {
				if gone := worksetOf(was).without(worksetOf(held[id])); !gone.empty() {
					t.Errorf("by load %t: new connector %d: %s lost %+v", byLoad, i, id, gone.work())
				}
			}
		}
	}
}

func heavies(work Work) (n int) {
	for _, id := range work.Tasks {
		if id.Connector == "heavy" {
			n++
		}
	}
	return n
}

// Loads that differ by less than what is tolerated move nothing, though another spread would be more even.
func TestSmallDifferencesOfLoadMoveNothing(t *testing.T) {
	loads := map[host.TaskID]host.TaskLoad{}
	held := map[string]Work{"w1": {Connectors: []string{"c"}}, "w2": {}}
	for i := range 10 {
		id := task("c", i)
		loads[id] = host.TaskLoad{BytesPerSecond: int64(1000 + 30*i), MemoryBytes: 1 << 20}
		owner := fmt.Sprintf("w%d", 1+i/5)
		work := held[owner]
		work.Tasks = append(work.Tasks, id)
		held[owner] = work
	}
	r := &Round{Now: time.UnixMilli(1), Configs: ConfigView{Tasks: map[string]int{"c": 10}}}
	if moved := planByLoad(t, r, held, loads); moved != 0 {
		t.Errorf("%d tasks moved: %+v", moved, held)
	}
}

func TestLoadsTravelBehindTheMetadata(t *testing.T) {
	loads := map[host.TaskID]host.TaskLoad{task("c", 0): {BytesPerSecond: 1, MemoryBytes: 2},
		task("c", 1): {BytesPerSecond: 1 << 40, MemoryBytes: 1 << 41}, task("d→", 7): {}}
	m := Metadata{URL: "http://w1:8083/", ConfigOffset: 7, Allocation: &Assignment{Leader: "w1"}, Loads: loads}
	encoded, err := EncodeMetadata(Sessioned, m)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := DecodeMetadata(Sessioned, encoded)
	if err != nil || !reflect.DeepEqual(decoded.Loads, loads) {
		t.Errorf("got %v, %v, want %v", decoded.Loads, err, loads)
	}
	m.Loads = nil
	plain, _ := EncodeMetadata(Sessioned, m)
	if string(encoded[:len(plain)]) != string(plain) {
		t.Error("what Kafka Connect reads is not at the beginning")
	}
	for cut := len(plain); cut < len(encoded); cut++ {
		if decoded, err := DecodeMetadata(Sessioned, encoded[:cut]); err != nil || decoded.Loads != nil {
			t.Fatalf("cut at %d: %v, %v; what can't be read is ignored", cut, decoded.Loads, err)
		}
	}
	if decoded, err := DecodeMetadata(Sessioned, append(plain, "\x00\x05other"...)); err != nil || decoded.Loads != nil {
		t.Errorf("another field behind: %v, %v", decoded.Loads, err)
	}
}
