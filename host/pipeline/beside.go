package pipeline

import (
	"maps"
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// Same tells whether a stage does what another one does: the same plugin of the same module, configured the same way.
func (s Stage) Same(other Stage) bool {
	equal := func(a, b *string) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
	return s.Found.Digest == other.Found.Digest && s.Found.Class == other.Found.Class && s.Kind == other.Kind &&
		s.Alias == other.Alias && s.From == other.From && s.Guarded == other.Guarded && s.Negate == other.Negate &&
		maps.EqualFunc(s.Config, other.Config, equal)
}

// SameStages tells whether two pipelines do the same around their connectors, whose configurations are not compared.
func SameStages(a, b []Stage) bool { return slices.EqualFunc(a, b, sameStage) }

func sameStage(a, b Stage) bool { return a.IsConnector() && b.IsConnector() || a.Same(b) }

// Beside cuts the stages of another pipeline into the groups that run beside this one, which has the connector and goes
// on. The connector's own configuration is not compared. False: the group's other stages are not those of the pipeline,
// so it can't go on.
func (g Group) Beside(stages []Stage) ([]Group, bool) {
	n := len(g.Stages)
	if len(stages) < n {
		return nil, false
	}
	if g.EndsInSink() {
		rest, own := stages[:len(stages)-n], stages[len(stages)-n:]
		return Groups(rest, false), slices.EqualFunc(g.Stages, own, sameStage)
	}
	return Groups(stages[n:], false), slices.EqualFunc(g.Stages, stages[:n], sameStage)
}

// CanGoAlone tells that the group's connector can leave the other stages of its instance while it runs.
func (g Group) CanGoAlone() bool {
	return slices.ContainsFunc(g.Stages, func(s Stage) bool { return s.IsConnector() && s.Found.GoesAlone })
}

// Apart is the group's connector by itself, and its other stages.
func (g Group) Apart() (connector, others Group) {
	n := len(g.Stages) - 1
	if g.EndsInSink() {
		return Group{g.Digest, g.Stages[n:]}, Group{g.Digest, g.Stages[:n]}
	}
	return Group{g.Digest, g.Stages[:1]}, Group{g.Digest, g.Stages[1:]}
}

// AllBeside cuts the stages of a pipeline, but for its connector, into groups.
func AllBeside(stages []Stage) []Group {
	if len(stages) > 0 && stages[0].IsConnector() {
		return Groups(stages[1:], false)
	}
	return Groups(stages[:max(len(stages)-1, 0)], false)
}

// Key is the stage's place by the keys of the connector's configuration, such as transforms.mask.
func (s Stage) Key() string {
	switch s.Kind {
	case abi.KindTransform:
		return "transforms." + s.Alias
	case abi.KindPredicate:
		return "predicates." + s.Alias
	case abi.KindKeyConverter:
		return "key.converter"
	case abi.KindValueConverter:
		return "value.converter"
	case abi.KindHeaderConverter:
		return "header.converter"
	}
	return "connector"
}

// Changes lists the places in which another pipeline differs: what changes or goes in the order of the old one, then
// what is new. Two predicates of one alias are one place.
func Changes(before, after []Stage) []host.StageChange {
	var changes []host.StageChange
	find := func(stages []Stage, key string) (Stage, bool) {
		i := slices.IndexFunc(stages, func(s Stage) bool { return s.Key() == key })
		if i < 0 {
			return Stage{}, false
		}
		return stages[i], true
	}
	listed := func(key string) bool {
		return slices.ContainsFunc(changes, func(c host.StageChange) bool { return c.Stage == key })
	}
	for _, s := range before {
		now, stays := find(after, s.Key())
		switch {
		case s.IsConnector() || stays && s.Same(now) || listed(s.Key()):
		case stays:
			changes = append(changes, host.StageChange{Stage: s.Key(), Old: s.version(), New: now.version()})
		default:
			changes = append(changes, host.StageChange{Stage: s.Key(), Old: s.version()})
		}
	}
	for _, s := range after {
		if _, was := find(before, s.Key()); !was && !s.IsConnector() && !listed(s.Key()) {
			changes = append(changes, host.StageChange{Stage: s.Key(), New: s.version()})
		}
	}
	return changes
}

func (s Stage) version() *host.PluginVersion {
	return &host.PluginVersion{Class: s.Found.Class, Version: s.Found.Version, Digest: s.Found.Digest}
}
