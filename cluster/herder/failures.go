package herder

import (
	"context"

	"github.com/berth-connect/berth/host"
)

// TaskFailures returns what the worker that runs a task remembers of its failures, the latest first. Errors:
// ErrNotFound, *NotLeader (it runs elsewhere, or nowhere).
func (h *Herder) TaskFailures(ctx context.Context, id host.TaskID) ([]host.TaskFailure, error) {
	if err := h.awaitRound(ctx, roundWaitMax); err != nil {
		return nil, err
	}
	return decide(ctx, h, "listing failures of task "+id.String(), func(context.Context) ([]host.TaskFailure, error) {
		connector, err := h.configured(id.Connector)
		if err != nil {
			return nil, err
		}
		if _, has := connector.TaskConfigs[id.Task]; !has {
			return nil, host.NotFound("Unknown task: " + id.String())
		}
		if c := h.conductors[id.Connector]; c == nil || !c.runs(id.Task) {
			return nil, h.taskElsewhere(id)
		}
		return h.runtime.TaskFailures(id), nil
	})
}
