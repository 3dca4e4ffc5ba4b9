package herder

import (
	"context"
	"fmt"
	"sync"

	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// FenceZombies makes sure that no producer of an earlier set of tasks of an exactly-once source connector can write any
// more (KIP-618). Errors: those of checkSigned, *NotLeader, ErrNotFound, ErrBadRequest (not a source connector),
// ErrConflict (new task configurations came meanwhile).
func (h *Herder) FenceZombies(ctx context.Context, name string, signature *sessionkey.Signature) error {
	if err := h.checkSigned(ctx, signature); err != nil {
		return err
	}
	return h.fenceZombies(ctx, name)
}

func (h *Herder) fenceZombies(ctx context.Context, name string) error {
	leave, err := h.fencings.enter(ctx, name)
	if err != nil {
		return h.timedOut(ctx, h.stage.Load())
	}
	defer leave()
	what := "fencing zombie tasks of connector " + name
	connector, err := decide(ctx, h, what, func(ctx context.Context) (store.Connector, error) {
		if err := h.lead(); err != nil {
			return store.Connector{}, err
		}
		return h.fenceable(ctx, name)
	})
	if err != nil || !connector.PendingFence {
		return err
	}
	tasks := max(connector.TaskCount, 0)
	if needsFencing(connector.FencedCount, tasks) {
		if err := h.fenceProducers(ctx, connector, name); err != nil {
			return err
		}
	}
	_, err = decide(ctx, h, what, func(ctx context.Context) (struct{}, error) {
		if err := h.lead(); err != nil {
			return struct{}{}, err
		}
		now, err := h.fenceable(ctx, name)
		switch {
		case err != nil:
			return struct{}{}, err
		case now.Generation != connector.Generation || now.TaskCount != connector.TaskCount:
			return struct{}{}, host.Conflict("Fencing failed because new task configurations were generated for the connector")
		case !now.PendingFence: // a request of another task was faster
			return struct{}{}, nil
		}
		return struct{}{}, h.configs.PutTaskCount(ctx, name, tasks)
	})
	return err
}

// fenceProducers works with the connector's own admin client, as its producers may be in another Kafka than the worker.
// It is not for the deciding goroutine: brokers may take long to answer for many tasks.
func (h *Herder) fenceProducers(ctx context.Context, connector store.Connector, name string) error {
	connector, err := h.resolved(name, connector)
	if err != nil {
		return unfenced(name, err)
	}
	fencer, err := h.openFencer(name, connector.Config)
	if err != nil {
		return unfenced(name, err)
	}
	defer fencer.Close()
	ctx, cancel := h.untilFenced(ctx)
	defer cancel()
	err = fencer.FenceProducers(ctx, h.transactionalIDs(name, *connector.FencedCount))
	switch {
	case err == nil:
		return nil
	case h.group != nil && h.group.Fenced():
		return host.Conflict("Fencing was given up because this worker has lost its session; the next leader does it")
	}
	return unfenced(name, err)
}

func unfenced(name string, err error) error {
	return internal(fmt.Sprintf("Failed to fence the producers of connector %s: %v", name, err))
}

// needsFencing: there is nobody to fence the first time, and a single task fences its predecessor by itself.
func needsFencing(before *int, tasks int) bool {
	return before != nil && (*before != 1 || tasks != 1)
}

// fenceable returns a source connector as the config topic has it now.
func (h *Herder) fenceable(ctx context.Context, name string) (store.Connector, error) {
	connector, known := h.configs.Snapshot().Connector(name)
	if !known {
		return connector, host.NotFound(fmt.Sprintf("Connector %s not found", name))
	}
	if h.kindOf(name, connector.Config) != string(host.KindSource) {
		return connector, host.BadRequest(fmt.Sprintf("Connector %s is not a source connector", name))
	}
	if err := h.configs.Refresh(ctx); err != nil {
		return connector, fmt.Errorf("read the config topic before fencing connector %s: %w", name, err)
	}
	if connector, known = h.configs.Snapshot().Connector(name); !known {
		return connector, host.NotFound(fmt.Sprintf("Connector %s not found", name))
	}
	return connector, nil
}

func (h *Herder) transactionalIDs(name string, tasks int) []string {
	ids := make([]string, 0, tasks)
	for task := range tasks {
		ids = append(ids, fmt.Sprintf("%s-%s-%d", h.config.GroupID, name, task))
	}
	return ids
}

// fencings keeps those of one connector apart: the slower of two would fence the producers of the tasks that start
// because the faster one has ended.
type fencings struct {
	mu    sync.Mutex
	under map[string]chan struct{} // way, by connector; closed at the end
}

// enter waits for the fencing of the connector that is under way, if one is. Errors: those of ctx.
func (f *fencings) enter(ctx context.Context, connector string) (leave func(), err error) {
	for {
		f.mu.Lock()
		before, busy := f.under[connector]
		if !busy {
			defer f.mu.Unlock()
			return f.begin(connector), nil
		}
		f.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *fencings) begin(connector string) (leave func()) {
	ended := make(chan struct{})
	if f.under == nil {
		f.under = map[string]chan struct{}{}
	}
	f.under[connector] = ended
	return func() {
		f.mu.Lock()
		delete(f.under, connector)
		f.mu.Unlock()
		close(ended)
	}
}
