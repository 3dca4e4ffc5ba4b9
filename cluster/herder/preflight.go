package herder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/berth-connect/berth/host"
)

// Preflight is what a task of an exactly-once source goes through before it writes (KIP-618). It implements
// store.Preflight.
type Preflight struct{ h *Herder }

// Preflight returns the herder's.
func (h *Herder) Preflight() Preflight { return Preflight{h} }

// Fence has the leader fence the producers of earlier sets of the connector's tasks. A leader that is not there, or is
// in a rebalance, is asked again for fenceDurationMax. The ticket is the generation of the tasks.
func (p Preflight) Fence(ctx context.Context, id host.TaskID) (ticket int, err error) {
	ctx, cancel := context.WithTimeout(ctx, fenceDurationMax)
	defer cancel()
	for delay := retryDelayMin; ; delay = min(2*delay, fenceDelayMax) {
		generation, leader, err := p.place(ctx, id)
		if err == nil {
			err = p.fence(ctx, id.Connector, leader)
		}
		if err == nil {
			return generation, nil
		}
		final := errors.Is(err, host.ErrNotFound) || errors.Is(err, host.ErrBadRequest) || errors.Is(err, host.ErrInternal)
		if !final {
			select {
			case <-time.After(delay):
				continue
			case <-ctx.Done():
			}
		}
		//nolint:staticcheck // Connect's words
		return 0, fmt.Errorf("Failed to fence out zombie producers before starting source task %s: %w", id, err)
	}
}

// place tells the generation of a task that is to run here, and where the leader is; "" is here.
func (p Preflight) place(ctx context.Context, id host.TaskID) (generation int, leader string, err error) {
	h := p.h
	generation, err = decide(ctx, h, "starting task "+id.String(), func(context.Context) (int, error) {
		c := h.conductors[id.Connector]
		if c == nil || !c.runs(id.Task) {
			return 0, revoked(id)
		}
		if !h.leads() {
			if leader = h.session.Assignment.LeaderURL; leader == "" {
				return 0, errNoLeader
			}
		}
		h.reports.begin(id, c.wish.tasksEpoch)
		return c.wish.tasksEpoch, nil
	})
	return generation, leader, err
}

func (p Preflight) fence(ctx context.Context, connector, leader string) error {
	if leader == "" {
		return p.h.fenceZombies(ctx, connector)
	}
	return p.h.leader.FenceZombies(ctx, leader, connector, p.h.signer())
}

// Verify reads the config topic to its end: a task that was slow to start may have a successor by now, whose producer
// it has just fenced.
func (p Preflight) Verify(ctx context.Context, id host.TaskID, ticket int) error {
	h := p.h
	if err := h.configs.Refresh(ctx); err != nil {
		return fmt.Errorf("read the config topic before starting task %s: %w", id, err)
	}
	_, err := decide(ctx, h, "starting task "+id.String(), func(context.Context) (struct{}, error) {
		c := h.conductors[id.Connector]
		connector, known := h.configs.Snapshot().Connector(id.Connector)
		switch {
		case !known, c == nil, !c.runs(id.Task), h.group != nil && h.group.Fenced():
			return struct{}{}, revoked(id)
		case connector.Generation != ticket:
			return struct{}{}, host.Conflict(fmt.Sprintf("Cannot start source task %s with exactly-once support as the "+
				"connector has already generated a new set of task configs", id))
		}
		return struct{}{}, nil
	})
	return err
}

func revoked(id host.TaskID) error {
	return host.NotFound(fmt.Sprintf("Cannot start source task %s with exactly-once support as it has already been "+
		"revoked from this worker", id))
}
