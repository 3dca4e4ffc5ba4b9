package group

import (
	"cmp"
	"slices"

	"github.com/berth-connect/berth/host"
)

// loadTolerance is how far above the mean a worker's load may be before tasks are taken from it: moving a task costs a
// pause and a cold cache, and measured loads wander.
const loadTolerance = 0.2

// weights are the parts of the group's load that its tasks make up. Bytes, memory and the mere number of tasks count
// as much as each other, each as a part of its total, so that idle tasks are spread, too. A task that nobody has
// measured counts as the mean of those that somebody has.
func (r *Round) weights(tasks []host.TaskID) map[host.TaskID]float64 {
	loads := map[host.TaskID]host.TaskLoad{}
	for _, m := range r.Members {
		for id, load := range m.Loads {
			loads[id] = load
		}
	}
	var bytes, memory, measured float64
	for _, id := range tasks {
		if load, ok := loads[id]; ok {
			bytes, memory, measured = bytes+float64(load.BytesPerSecond), memory+float64(load.MemoryBytes), measured+1
		}
	}
	weights := make(map[host.TaskID]float64, len(tasks))
	for _, id := range tasks {
		load, ok := loads[id]
		weights[id] = 1 + part(float64(load.BytesPerSecond), bytes, measured, ok) +
			part(float64(load.MemoryBytes), memory, measured, ok)
	}
	return weights
}

// part is 1 for a task with the mean of what was measured.
func part(value, total, measured float64, known bool) float64 {
	if total == 0 || !known {
		return 1
	}
	return value * measured / total
}

// surplusByLoad is what is taken from workers whose load is more than loadTolerance above the mean: the heaviest tasks
// first, and none that is heavier than what the worker has above the mean, so that nobody becomes as loaded by it.
func (a *incrementalRound) surplusByLoad() []set[host.TaskID] {
	weights := a.weights(a.configured.tasks.items)
	mean := sum(weights, a.configured.tasks.items) / float64(len(a.workers))
	surplus := make([]set[host.TaskID], len(a.workers))
	for i, w := range a.workers {
		above := sum(weights, w.tasks.items) - mean
		if above <= mean*loadTolerance {
			continue
		}
		var taken []host.TaskID
		for _, id := range heaviestFirst(weights, w.tasks.items) {
			if weights[id] <= above {
				taken, above = append(taken, id), above-weights[id]
			}
		}
		surplus[i] = setOf(taken...)
	}
	return surplus
}

// assignByLoad gives each task, the heaviest first, to the worker that has the least by then.
func (a *incrementalRound) assignByLoad(tasks []host.TaskID) {
	weights := a.weights(a.configured.tasks.items)
	loads := make([]float64, len(a.workers))
	given := make([][]host.TaskID, len(a.workers))
	for i, w := range a.workers {
		loads[i] = sum(weights, w.tasks.items)
	}
	for _, id := range heaviestFirst(weights, tasks) {
		least := 0
		for i, w := range a.workers {
			if cmp.Or(cmp.Compare(loads[i], loads[least]), compareText(w.id, a.workers[least].id)) < 0 {
				least = i
			}
		}
		given[least], loads[least] = append(given[least], id), loads[least]+weights[id]
	}
	for i, w := range a.workers {
		w.tasks = w.tasks.union(setOf(given[i]...))
	}
}

func sum(weights map[host.TaskID]float64, tasks []host.TaskID) (total float64) {
	for _, id := range tasks {
		total += weights[id]
	}
	return total
}

func heaviestFirst(weights map[host.TaskID]float64, tasks []host.TaskID) []host.TaskID {
	return slices.SortedStableFunc(slices.Values(tasks), func(a, b host.TaskID) int {
		return cmp.Or(cmp.Compare(weights[b], weights[a]), compareTask(a, b))
	})
}
