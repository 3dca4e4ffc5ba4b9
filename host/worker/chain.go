package worker

import (
	"context"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/task"
)

// Part is stages of a task that can run without its connector.
type Part int

// Parts.
const (
	Transforms      Part = iota // with the predicates that they ask
	KeyConverter                // of a source: from Connect to bytes; of a sink: back
	ValueConverter              // the same
	HeaderConverter             // the same
)

// Stages makes a part of a connector of that kind (abi.KindSource or abi.KindSink) as for its tasks. Errors:
// host.ErrBadRequest, host.ErrNotFound.
func (w *Worker) Stages(kind string, config host.Config, part Part) ([]pipeline.Stage, error) {
	own := w.of("")
	parsed, err := own.parse(kind, config)
	if err != nil {
		return nil, err
	}
	if part == Transforms {
		return own.transformStages(parsed)
	}
	role := map[Part]converterRole{KeyConverter: keyRole, ValueConverter: valueRole, HeaderConverter: headerRole}[part]
	stage, err := own.converterStage(role, parsed, kind == abi.KindSource)
	return []pipeline.Stage{stage}, err
}

// Chain starts stages as a task does, for those who bring the records themselves. Error: *pipeline.StageError. The
// links are the caller's to stop.
func (w *Worker) Chain(ctx context.Context, stages []pipeline.Stage) ([]*pipeline.Link, error) {
	c := task.Config{Run: func(ctx context.Context, g pipeline.Group, plan abi.Plan) (*guest.Instance, error) {
		return w.run(ctx, g, plan, guest.Options{Log: w.Log})
	}}
	var links []*pipeline.Link
	for _, g := range pipeline.Groups(stages, false) {
		link, err := c.Start(ctx, g, nil)
		if err != nil {
			for _, started := range links {
				started.Instance.Kill(err)
			}
			return nil, err
		}
		links = append(links, link)
	}
	return links, nil
}
