package worker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/configprovider"
	"github.com/berth-connect/berth/host/validate"
)

// reloadMin is the least time between two restarts because of values that got old: a provider that says 0 must not keep
// a connector from running.
const reloadMin = time.Second

// resolve puts the values of configuration providers into a configuration. Error: *validate.Exception.
func (w scope) resolve(config host.Config) (configprovider.Resolved, error) {
	resolved, err := w.Values.Transform(config)
	var wrong *abi.ConfigError
	if errors.As(err, &wrong) {
		return resolved, &validate.Exception{ConfigError: wrong}
	}
	return resolved, err
}

// resolveBoth is resolve for a connector's configuration and one of its tasks'.
func (w scope) resolveBoth(connector, task host.Config) (host.Config, host.Config, error) {
	c, err := w.resolve(connector)
	if err != nil {
		return nil, nil, err
	}
	t, err := w.resolve(task)
	return c.Config, t.Config, err
}

// scheduleReload restarts the connector when the first of its values gets old, unless config.action.reload is none
// (WorkerConfigTransformer).
func (w *Worker) scheduleReload(c *connector, ttls map[string]time.Duration) {
	if len(ttls) == 0 || !c.parsed.RestartOnReload || w.Restart == nil {
		return
	}
	after := max(slices.Min(slices.Collect(maps.Values(ttls))), reloadMin)
	w.Log.Info("a restart is scheduled, since values of configuration providers get old", "connector", c.name,
		"after", after)
	c.reload = time.AfterFunc(after, func() {
		if err := w.Restart(context.Background(), c.name); err != nil {
			w.Log.Error("connector was not restarted with new values", "connector", c.name, "error", err)
		}
	})
}
