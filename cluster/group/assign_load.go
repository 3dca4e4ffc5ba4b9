package group

import (
	"cmp"
	"math"
	"slices"

	"github.com/berth-connect/berth/host"
)

// loadTolerance is how far above the mean a worker's load may be before tasks are taken from it: moving a task costs a
// pause and a cold cache, and measured loads wander.
const loadTolerance = 0.2

// loadPrecision is the part of a load below which a difference is none: sums of weights depend on their order.
const loadPrecision = 1e-9

// learn adds what members tell of their tasks to what they told before: nobody tells of a task that is on its way from
// one worker to another, or was on one that has gone.
func learn(known map[host.TaskID]host.TaskLoad, r *Round, configured workset) map[host.TaskID]host.TaskLoad {
	if !r.ByLoad {
		return nil
	}
	loads := make(map[host.TaskID]host.TaskLoad, len(configured.tasks.items))
	for _, id := range configured.tasks.items {
		if load, ok := known[id]; ok {
			loads[id] = load
		}
	}
	for _, m := range r.Members {
		for id, load := range m.Loads {
			if configured.tasks.has(id) {
				loads[id] = load
			}
		}
	}
	return loads
}

// weigh tells the parts of the group's load that its tasks make up. Bytes, memory and the mere number of tasks count
// as much as each other, each as a part of its total, so that idle tasks are spread, too. A task that nobody has
// measured counts as the mean of those that somebody has.
func weigh(tasks []host.TaskID, loads map[host.TaskID]host.TaskLoad) map[host.TaskID]float64 {
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

func (a *incrementalRound) weights() map[host.TaskID]float64 {
	return weigh(a.configured.tasks.items, a.state.Loads)
}

// part is 1 for a task with the mean of what was measured.
func part(value, total, measured float64, known bool) float64 {
	if total == 0 || !known {
		return 1
	}
	return value * measured / total
}

// surplusByLoad is what is taken from workers whose load is more than loadTolerance above the mean: what would go, task
// by task, from the worker with the most to the one with the least until nobody is, or no task is light enough to leave
// its worker and the other one with less than the first has now.
func (a *incrementalRound) surplusByLoad() []set[host.TaskID] {
	weights := a.weights()
	loads, rest := make([]float64, len(a.workers)), make([][]host.TaskID, len(a.workers))
	for i, w := range a.workers {
		loads[i] = sum(weights, w.tasks.items)
		rest[i] = heaviestFirst(weights, w.tasks.intersect(a.configured.tasks).items)
	}
	most := sum(weights, a.configured.tasks.items) / float64(len(a.workers)) * (1 + loadTolerance)
	taken := make([][]host.TaskID, len(a.workers))
	for {
		from, to := a.extremes(loads)
		at := evens(weights, rest[from], loads[from]-loads[to])
		if loads[from] <= most || at < 0 {
			break
		}
		id := rest[from][at]
		rest[from], taken[from] = slices.Delete(rest[from], at, at+1), append(taken[from], id)
		loads[from], loads[to] = loads[from]-weights[id], loads[to]+weights[id]
	}
	surplus := make([]set[host.TaskID], len(a.workers))
	for i := range surplus {
		surplus[i] = setOf(taken[i]...)
	}
	return surplus
}

// evens is the index of the task that brings two loads closest together that differ by difference; -1: none does.
func evens(weights map[host.TaskID]float64, heaviestFirst []host.TaskID, difference float64) int {
	best, left := -1, difference*(1-loadPrecision)
	for i, id := range heaviestFirst {
		if after := math.Abs(difference - 2*weights[id]); after < left {
			best, left = i, after
		}
	}
	return best
}

// extremes are the workers with the most and the least, by their ids if they have the same.
func (a *incrementalRound) extremes(loads []float64) (most, least int) {
	for i, w := range a.workers {
		if cmp.Or(cmp.Compare(loads[most], loads[i]), compareText(w.id, a.workers[most].id)) < 0 {
			most = i
		}
		if cmp.Or(cmp.Compare(loads[i], loads[least]), compareText(w.id, a.workers[least].id)) < 0 {
			least = i
		}
	}
	return most, least
}

// assignByLoad gives each task, the heaviest first, to the worker that has the least by then.
func (a *incrementalRound) assignByLoad(tasks []host.TaskID) {
	weights := a.weights()
	loads := make([]float64, len(a.workers))
	given := make([][]host.TaskID, len(a.workers))
	for i, w := range a.workers {
		loads[i] = sum(weights, w.tasks.items)
	}
	for _, id := range heaviestFirst(weights, tasks) {
		_, least := a.extremes(loads)
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
