package worker

import (
	"context"

	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/task"
)

// admit lets a task start if there is room for its instances, in its tenant's quota and on this worker: so that a task
// that is one too many fails, and not one that runs. ended gives its place back.
func (w *Worker) admit(ctx context.Context, c *task.Config) (ended func(), err error) {
	needs := int64(0)
	for _, g := range pipeline.Groups(c.Stages, false) {
		code, err := w.around(c.ID.Connector).Registry.Code(ctx, g.Digest)
		if err != nil {
			return nil, err
		}
		needs += code.BeginsWith()
	}
	used, limit := w.Registry.Engine().Memory()
	account := w.book.Open(c.ID.Connector)
	admitted, err := w.book.Admit(account, needs, used, limit)
	if err != nil {
		account.Close()
		return nil, err
	}
	started, paused := c.Started, c.PausedNow
	c.Started = func() { admitted.Started(); started() }
	c.PausedNow = func() { admitted.Started(); paused() }
	return func() { admitted.Ended(); account.Close() }, nil
}
