package herdertest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// swaps are those of a status topic in memory, by connector and revision; guarded by the topic's mu.
type swaps map[string]map[int64]store.Swap

func (s swaps) change(connector string, revision int64, change func(*store.Swap)) {
	if s[connector] == nil {
		s[connector] = map[int64]store.Swap{}
	}
	swap := s[connector][revision]
	swap.Revision, swap.Tasks = revision, maps.Clone(swap.Tasks)
	if swap.Tasks == nil {
		swap.Tasks = map[int]store.TaskSwap{}
	}
	change(&swap)
	s[connector][revision] = swap
}

// PutSwapRequest implements herder.StatusStore.
func (s *Statuses) PutSwapRequest(connector string, request store.SwapRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swaps.change(connector, request.Revision, func(swap *store.Swap) { swap.Request = &request })
}

// PutTaskSwap implements herder.StatusStore.
func (s *Statuses) PutTaskSwap(id host.TaskID, swap store.TaskSwap, written func()) {
	defer written()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swaps.change(id.Connector, swap.Revision, func(all *store.Swap) { all.Tasks[id.Task] = swap })
}

// DeleteSwaps implements herder.StatusStore.
func (s *Statuses) DeleteSwaps(connector string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.swaps, connector)
}

// Swap implements herder.StatusStore.
func (s *Statuses) Swap(connector string, revision int64) store.Swap {
	s.mu.Lock()
	defer s.mu.Unlock()
	swap := s.swaps[connector][revision]
	swap.Revision = revision
	return swap
}

// Swaps implements herder.StatusStore.
func (s *Statuses) Swaps(connector string) []store.Swap {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.swaps[connector]), func(a, b store.Swap) int {
		return cmp.Compare(b.Revision, a.Revision)
	})
}

// SwapTask implements host.Runtime: it is done at once.
func (r *Runtime) SwapTask(id host.TaskID, order host.SwapOrder) {
	r.mu.Lock()
	_, runs := r.tasks[id]
	r.mu.Unlock()
	if runs {
		r.reporter.TaskSwap(id, host.SwapReport{Revision: order.Revision, State: host.SwapDone})
	}
}
