package herder

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// Shadow is a wish with what has come of it.
type Shadow struct {
	Wish  host.ShadowWish
	Total host.ShadowCounts
	Tasks []host.ShadowReport // by task number
	// Unreached are workers that run tasks of the connector and did not answer, with the reason.
	Unreached []string
}

// shadower is the runtime's part; nil: it runs no shadows.
func (h *Herder) shadower() host.Shadower {
	s, _ := h.runtime.(host.Shadower)
	return s
}

// PutShadow has all workers run a candidate beside the tasks of a connector that they run, from now on and after a
// restart or a rebalance too. One that there is for the same transformation ends. Errors: ErrNotFound, ErrBadRequest.
func (h *Herder) PutShadow(ctx context.Context, wish host.ShadowWish) (Shadow, error) {
	connector, err := h.connector(ctx, wish.Connector)
	if err != nil {
		return Shadow{}, err
	}
	s := h.shadower()
	if s == nil {
		return Shadow{}, host.BadRequest("This worker runs no shadows")
	}
	if err := s.CheckShadow(ctx, connector.Config, wish); err != nil {
		return Shadow{}, err
	}
	if _, has := connector.Shadow(wish.Alias); !has && len(connector.Shadows) >= host.ShadowsMax {
		return Shadow{}, host.BadRequest(fmt.Sprintf("Connector %s has %d shadows, which is the most there may be: end one "+
			"of them first", wish.Connector, len(connector.Shadows)))
	}
	wish.ID, wish.SinceMs = rand.Text(), time.Now().UnixMilli()
	return Shadow{Wish: wish}, h.configs.PutShadow(ctx, wish)
}

// DeleteShadow ends a shadow. Errors: ErrNotFound.
func (h *Herder) DeleteShadow(ctx context.Context, name, alias string) error {
	if _, err := h.shadowWish(ctx, name, alias); err != nil {
		return err
	}
	return h.configs.DeleteShadow(ctx, name, alias)
}

func (h *Herder) shadowWish(ctx context.Context, name, alias string) (host.ShadowWish, error) {
	connector, err := h.connector(ctx, name)
	if err != nil {
		return host.ShadowWish{}, err
	}
	wish, has := connector.Shadow(alias)
	if !has {
		return wish, host.NotFound(fmt.Sprintf("Transformation %q of connector %s has no shadow", alias, name))
	}
	return wish, nil
}

// PromoteShadow makes the candidate the live transformation while the tasks run: another version alone is on probation,
// as in any swap. Its shadow ends, unless a task has refused the candidate. Errors: *NotLeader, ErrNotFound,
// ErrBadRequest.
func (h *Herder) PromoteShadow(ctx context.Context, name, alias, by string) (Swap, error) {
	wish, err := h.shadowWish(ctx, name, alias)
	if err != nil {
		return Swap{}, err
	}
	swap, err := h.promote(ctx, wish, by)
	if err != nil || swap.refused() {
		return swap, err
	}
	return swap, h.configs.DeleteShadow(ctx, name, alias)
}

func (h *Herder) promote(ctx context.Context, wish host.ShadowWish, by string) (Swap, error) {
	if len(wish.Config) == 0 {
		return h.Swap(ctx, wish.Connector, SwapRequest{Stage: "transforms." + wish.Alias, Version: wish.Version, By: by})
	}
	info, err := h.PatchConfig(ctx, wish.Connector, wish.Patch())
	if err != nil {
		return Swap{}, err
	}
	return h.awaitSwap(ctx, wish.Connector, info.Revision)
}

// refused tells whether a task goes on with what it had before.
func (s Swap) refused() bool {
	for _, task := range s.Tasks {
		if task.State == host.SwapFailed || task.State == host.SwapRolledBack {
			return true
		}
	}
	return false
}

// Shadow tells what has come of a shadow in all tasks, asking the workers that run them. Errors: ErrNotFound.
func (h *Herder) Shadow(ctx context.Context, name, alias string) (Shadow, error) {
	wish, err := h.shadowWish(ctx, name, alias)
	if err != nil {
		return Shadow{}, err
	}
	shadow := Shadow{Wish: wish}
	if s := h.shadower(); s != nil {
		shadow.add(s.ShadowReports(name, alias))
	}
	h.askOthers(ctx, &shadow)
	slices.SortFunc(shadow.Tasks, func(a, b host.ShadowReport) int { return a.Task - b.Task })
	return shadow, nil
}

// add takes reports over that are about the present wish.
func (s *Shadow) add(reports []host.ShadowReport) {
	for _, r := range reports {
		if r.ID == s.Wish.ID {
			s.Tasks = append(s.Tasks, r)
			s.Total.Add(&r.ShadowCounts)
		}
	}
}

// askOthers asks the workers that run tasks of the connector by what the status topic says, all at once.
func (h *Herder) askOthers(ctx context.Context, shadow *Shadow) {
	ctx, cancel := context.WithTimeout(ctx, shadowAskDurationMax)
	defer cancel()
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, worker := range h.otherWorkersOf(shadow.Wish.Connector) {
		asking.Go(func() {
			reports, err := h.leader.ShadowReports(ctx, h.config.Scheme+"://"+worker+"/", shadow.Wish.Connector,
				shadow.Wish.Alias, h.signer())
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				shadow.Unreached = append(shadow.Unreached, worker+": "+err.Error())
				return
			}
			shadow.add(reports)
		})
	}
	asking.Wait()
	slices.Sort(shadow.Unreached)
}

func (h *Herder) otherWorkersOf(connector string) []string {
	if h.group == nil {
		return nil
	}
	workers := map[string]bool{}
	for _, status := range h.statuses.Tasks(connector) {
		if status.WorkerID != h.config.WorkerID && status.State != host.Unassigned {
			workers[status.WorkerID] = true
		}
	}
	return slices.Sorted(maps.Keys(workers))
}

// ShadowReportsHere answers another worker: the reports of the tasks that run here. The signature is over the path of
// the request.
// Errors: those of checkSigned.
func (h *Herder) ShadowReportsHere(ctx context.Context, name, alias string, signature *sessionkey.Signature) (
	[]host.ShadowReport, error) {
	if err := h.checkSigned(ctx, signature); err != nil {
		return nil, err
	}
	if h.group != nil && !h.signs.Load() { // a report shows records, which is not for everybody
		return nil, errUnsignedShadows
	}
	if s := h.shadower(); s != nil {
		return s.ShadowReports(name, alias), nil
	}
	return nil, nil
}

var errUnsignedShadows = &host.Error{Kind: ErrForbidden, Message: "workers whose connect.protocol does not sign " +
	"their requests don't tell each other of shadows: ask each of them, or set connect.protocol=sessioned on all"}

// setShadows tells the runtime which shadows a connector has by now.
func (h *Herder) setShadows(name string) {
	s := h.shadower()
	if s == nil {
		return
	}
	connector, known := h.configs.Snapshot().Connector(name)
	if !known {
		connector.Shadows = nil
	}
	s.SetShadows(name, connector.Shadows)
}

// setAllShadows is setShadows for what was there before the start.
func (h *Herder) setAllShadows() {
	for name, connector := range h.configs.Snapshot().Connectors {
		if len(connector.Shadows) > 0 {
			h.setShadows(name)
		}
	}
}
