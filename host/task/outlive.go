package task

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/pipeline"
)

// outlive tells whether a task that tolerates errors goes on after an instance ended, and starts another one in its
// place: when it ended on one of the n records of a batch, in a transformation or converter, and the connector is in
// another instance. In Connect any exception of these is a failure of the record; here also what ends a module: a trap,
// a panic, a limit. The failure is what becomes of that record if it is to blame, its index that in the batch that
// entered the chain; the trace is that of the end.
func (c *Config) outlive(ctx context.Context, err error, n int) (*pipeline.RecordFailure, string, error) {
	var ended *pipeline.StageError
	if !c.Errors.All || !errors.As(err, &ended) || ended.Link == nil || ended.Record < 0 || ended.Record >= n ||
		ended.Stage.IsConnector() || slices.ContainsFunc(ended.Link.Group.Stages, pipeline.Stage.IsConnector) {
		return nil, "", err
	}
	ended.Link.Instance.Kill(err)
	c.Meters.Outlived(err)
	if err := c.backOff(ctx, ended); err != nil {
		return nil, "", err
	}
	again, startErr := c.Start(ctx, ended.Link.Group, nil)
	if startErr != nil {
		return nil, "", startErr
	}
	ended.Link.Instance = again.Instance
	message, _, _ := strings.Cut(ended.Error(), "\n")
	c.Log.Warn("an instance ended on a record; another one takes its place", "stage", ended.Where(),
		"record", ended.Record, "error", message)
	return &pipeline.RecordFailure{Record: ended.Record, Stage: ended.Stage, Code: abi.CodeInternal, Message: message,
		Trap: Trap(ended)}, Trace(ended), nil
}

// Trap is all that is known about the end of an instance.
func Trap(ended *pipeline.StageError) string {
	text := ended.Error()
	var guest *engine.GuestError
	if errors.As(ended, &guest) && guest.Detail != "" {
		text += "\n" + guest.Detail
	}
	return strings.TrimSpace(text)
}

// outlivesStages tells whether a stage of somebody else's module may end on a record that is to be skipped, so that the
// connector needs an instance of its own. Bundled stages answer for each record.
func (c *Config) outlivesStages() bool {
	return c.Errors.All &&
		slices.ContainsFunc(c.Stages, func(s pipeline.Stage) bool { return s.IsConnector() && !s.Found.Bundled })
}
