package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/plugin"
)

// catchUpDurationMax bounds the wait for modules that other workers were given.
const catchUpDurationMax = 10 * time.Second

// UsesModule implements host.Runtime. A configuration that can't be read in whole uses a module if it names one of its
// plugins.
func (w *Worker) UsesModule(tenant string, config host.Config, digest string) bool {
	own := w.of(tenant)
	stages, err := own.stagesOf(config)
	if err != nil {
		return own.names(config, digest)
	}
	return slices.ContainsFunc(stages, func(s pipeline.Stage) bool { return s.Found.Digest == digest })
}

// stagesOf is what a task of a connector would run.
func (w scope) stagesOf(config host.Config) ([]pipeline.Stage, error) {
	resolved, err := w.resolve(config)
	if err != nil {
		return nil, err
	}
	_, stages, err := w.resolveStages(resolved.Config, resolved.Config)
	return stages, err
}

// resolveStages finds a connector's plugin, and what its task runs by the configurations of both.
func (w scope) resolveStages(connector, config host.Config) (found plugin.Plugin, stages []pipeline.Stage, err error) {
	if found, err = w.resolveConnector(connector); err != nil {
		return found, nil, err
	}
	parsed, err := w.parse(found.Kind, connector)
	if err != nil {
		return found, nil, err
	}
	stages, err = w.taskStages(found, parsed, config)
	return found, stages, err
}

func (w scope) names(config host.Config, digest string) bool {
	for _, m := range w.Registry.Modules() {
		if m.Digest != digest {
			continue
		}
		for _, p := range m.Plugins {
			for _, value := range config {
				if value != nil && (*value == p.Class || slices.Contains(p.Aliases, *value)) {
					return true
				}
			}
		}
	}
	return false
}

// catchUp waits for modules that a configuration may have been made for: no order holds between the topics of
// configurations and of modules, so a connector can come before its plugins. It costs nothing when they are there.
func (w scope) catchUp(ctx context.Context, config host.Config) {
	_, err := w.stagesOf(config)
	if !errors.Is(err, host.ErrNotFound) && !errors.Is(err, host.ErrBadRequest) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpDurationMax)
	defer cancel()
	if err := w.Registry.CatchUp(ctx); err != nil {
		w.Log.Warn("it is not known whether other workers were given modules", "error", err)
	}
}
