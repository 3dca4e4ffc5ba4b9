// Package pipeline takes a task's records through its stages: it groups adjacent stages of one module into one
// instance, carries encoded batches from instance to instance, and maps what happened back to the records that came in.
package pipeline

import (
	"fmt"
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/plugin"
)

// Names of stages as Connect's error reports spell them (KIP-298).
const (
	StageTaskPoll        = "TASK_POLL"
	StageTaskPut         = "TASK_PUT"
	StageTransformation  = "TRANSFORMATION"
	StageKeyConverter    = "KEY_CONVERTER"
	StageValueConverter  = "VALUE_CONVERTER"
	StageHeaderConverter = "HEADER_CONVERTER"
	StageKafkaProduce    = "KAFKA_PRODUCE"
)

// KindProduce is the kind of the step behind a source's last stage: the producer, which is no plugin.
const KindProduce = "produce"

// Stage is one step of a task.
type Stage struct {
	abi.Stage
	Found plugin.Plugin // the plugin that runs it
}

// Name is Connect's name of the stage.
func (s Stage) Name() string {
	switch s.Kind {
	case abi.KindSource:
		return StageTaskPoll
	case abi.KindSink:
		return StageTaskPut
	case abi.KindKeyConverter:
		return StageKeyConverter
	case abi.KindValueConverter:
		return StageValueConverter
	case abi.KindHeaderConverter:
		return StageHeaderConverter
	case KindProduce:
		return StageKafkaProduce
	}
	return StageTransformation
}

// IsConnector tells the connector from the stages that records pass before or behind it.
func (s Stage) IsConnector() bool { return s.Kind == abi.KindSource || s.Kind == abi.KindSink }

// Where names stage, plugin, version and module in one line, for traces.
func (s Stage) Where() string {
	if s.Kind == KindProduce {
		return "stage " + s.Name()
	}
	alias := ""
	if s.Alias != "" {
		alias = " " + s.Alias
	}
	return fmt.Sprintf("stage %s%s, plugin %s, version %s (module %s, %.12s)", s.Name(), alias, s.Found.Class,
		s.Found.Version, s.Found.Module, s.Found.Digest)
}

// Group is adjacent stages of one module: they run in one instance, in one call into it.
type Group struct {
	Digest string
	Stages []Stage
}

// Groups cuts a list of stages where the module changes. With apart the connector gets an instance of its own, whatever
// module it is of: so the host has every record in its hands before the first stage.
func Groups(stages []Stage, apart bool) []Group {
	var groups []Group
	for i, s := range stages {
		cut := apart && i > 0 && (s.IsConnector() || stages[i-1].IsConnector())
		if n := len(groups); n > 0 && groups[n-1].Digest == s.Found.Digest && !cut {
			groups[n-1].Stages = append(groups[n-1].Stages, s)
			continue
		}
		groups = append(groups, Group{s.Found.Digest, []Stage{s}})
	}
	return groups
}

// Plugins are those of the group's stages.
func (g Group) Plugins() []abi.Plugin {
	all := make([]abi.Plugin, len(g.Stages))
	for i, s := range g.Stages {
		all[i] = s.Found.Plugin
	}
	return all
}

// WantsSource tells that a stage asks for source partitions and offsets.
func (g Group) WantsSource() bool {
	return slices.ContainsFunc(g.Stages, func(s Stage) bool { return s.Found.WantsSource })
}

// EndsInSink tells that the group has the connector of a sink: it waits for another system.
func (g Group) EndsInSink() bool { return g.Stages[len(g.Stages)-1].Kind == abi.KindSink }

// MayRest tells that the group's instance may end between batches: nothing of it is a connector, and bundled stages
// keep nothing from one batch to the next that they would not make again. Others are not known well enough.
func (g Group) MayRest() bool {
	return !slices.ContainsFunc(g.Stages, func(s Stage) bool { return s.IsConnector() || !s.Found.Bundled })
}

// Plan is the part of the instance's plan that the stages decide.
func (g Group) Plan() []abi.Stage {
	stages := make([]abi.Stage, len(g.Stages))
	for i, s := range g.Stages {
		stages[i] = s.Stage
		stages[i].Plugin = s.Found.Class
	}
	return stages
}

// stage returns the stage with that index in the plan; a guest that names none that exists gets its first.
func (g Group) stage(i uint32) Stage {
	if int(i) < len(g.Stages) {
		return g.Stages[i]
	}
	return g.Stages[0]
}
