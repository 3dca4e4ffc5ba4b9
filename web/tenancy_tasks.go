package web

import (
	"context"
	"maps"
	"slices"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

func (s space) Swap(ctx context.Context, name string, request herder.SwapRequest) (herder.Swap, error) {
	swap, err := s.all.Swap(ctx, s.full(name), request)
	return s.swap(name, swap), s.err(err, name)
}

func (s space) RollBack(ctx context.Context, name, stage, by string) (herder.Swap, error) {
	swap, err := s.all.RollBack(ctx, s.full(name), stage, by)
	return s.swap(name, swap), s.err(err, name)
}

func (s space) Swaps(ctx context.Context, name string) ([]herder.Swap, error) {
	swaps, err := s.all.Swaps(ctx, s.full(name))
	for i := range swaps {
		swaps[i] = s.swap(name, swaps[i])
	}
	return swaps, s.err(err, name)
}

func (s space) TaskFailures(ctx context.Context, id host.TaskID) ([]host.TaskFailure, error) {
	failures, err := s.all.TaskFailures(ctx, s.task(id))
	failures = slices.Clone(failures)
	for i := range failures {
		failures[i].Trace = s.shown(failures[i].Trace, id.Connector)
	}
	return failures, s.err(err, id.Connector)
}

// usage gives connectors their local names.
func (s space) usage(used host.Usage) host.Usage {
	for _, t := range used.Tenants {
		for i := range t.Connectors {
			t.Connectors[i].Connector, _ = s.local(t.Connectors[i].Connector)
		}
	}
	return used
}

// swap gives names their local form in what tasks said.
func (s space) swap(local string, swap herder.Swap) herder.Swap {
	swap.Tasks = maps.Clone(swap.Tasks)
	for task, told := range swap.Tasks {
		told.Reason = s.shown(told.Reason, local)
		swap.Tasks[task] = told
	}
	return swap
}
