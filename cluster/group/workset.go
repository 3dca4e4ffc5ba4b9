package group

import (
	"slices"

	"github.com/berth-connect/berth/host"
)

// set is a set whose items keep the order they came in. Sets are values: no operation changes one.
type set[E comparable] struct {
	items []E
	known map[E]struct{}
}

func setOf[E comparable](items ...E) set[E] {
	s := set[E]{known: make(map[E]struct{}, len(items))}
	for _, item := range items {
		if !s.has(item) {
			s.known[item] = struct{}{}
			s.items = append(s.items, item)
		}
	}
	return s
}

// repeated returns the items that come more than once.
func repeated[E comparable](items []E) []E {
	seen := make(map[E]struct{}, len(items))
	var more []E
	for _, item := range items {
		if _, again := seen[item]; again {
			more = append(more, item)
		}
		seen[item] = struct{}{}
	}
	return more
}

func (s set[E]) has(item E) bool {
	_, ok := s.known[item]
	return ok
}

func (s set[E]) size() int { return len(s.items) }

// union has the items of s first.
func (s set[E]) union(other set[E]) set[E] { return setOf(slices.Concat(s.items, other.items)...) }

func (s set[E]) without(other set[E]) set[E] {
	return s.filter(func(item E) bool { return !other.has(item) })
}

func (s set[E]) intersect(other set[E]) set[E] { return s.filter(other.has) }

func (s set[E]) filter(keep func(E) bool) set[E] {
	var kept []E
	for _, item := range s.items {
		if keep(item) {
			kept = append(kept, item)
		}
	}
	return setOf(kept...)
}

// workset is Work as sets.
type workset struct {
	connectors set[string]
	tasks      set[host.TaskID]
}

func worksetOf(w Work) workset { return workset{setOf(w.Connectors...), setOf(w.Tasks...)} }

func (w workset) work() Work { return Work{w.connectors.items, w.tasks.items} }

func (w workset) empty() bool { return w.connectors.size() == 0 && w.tasks.size() == 0 }

func (w workset) union(o workset) workset {
	return workset{w.connectors.union(o.connectors), w.tasks.union(o.tasks)}
}

func (w workset) without(o workset) workset {
	return workset{w.connectors.without(o.connectors), w.tasks.without(o.tasks)}
}

func (w workset) intersect(o workset) workset {
	return workset{w.connectors.intersect(o.connectors), w.tasks.intersect(o.tasks)}
}

// inOrder sorts by name and number.
func (w workset) inOrder() workset {
	return worksetOf(Work{
		slices.SortedFunc(slices.Values(w.connectors.items), compareText),
		slices.SortedFunc(slices.Values(w.tasks.items), compareTask),
	})
}
