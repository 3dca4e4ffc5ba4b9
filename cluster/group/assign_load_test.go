package group

import (
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
)

func task(connector string, n int) host.TaskID { return host.TaskID{Connector: connector, Task: n} }

// planByLoad plays rounds until nothing is revoked; every member tells the loads of what it holds.
func planByLoad(t *testing.T, r *Round, held map[string]Work, loads map[host.TaskID]host.TaskLoad) (moved int) {
	t.Helper()
	r.ByLoad, r.LastGeneration = true, -1
	state := NewIncrementalState()
	for range 10 {
		r.Members = nil
		for _, id := range []string{"w1", "w2", "w3"}[:len(held)] {
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
			return moved
		}
		r.Now = r.Now.Add(state.Delay)
	}
	t.Fatalf("no rest: %+v", held)
	return 0
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
