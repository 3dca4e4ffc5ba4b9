package herder

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// versionSuffix ends the keys of plugin versions (KIP-891).
const versionSuffix = ".plugin.version"

// swap lets a task that runs here go on with newer configurations, if they differ from those that it runs with in its
// stages alone. False: it has to be started anew.
func (c *conductor) swap(task int, w wish) bool {
	config, wanted := w.tasks[task]
	if !wanted {
		return false
	}
	before := c.tasks[task]
	change := compare(before.connector, w.config)
	if change != stagesDiffer && change != versionsDiffer || compare(before.task, config) > stagesDiffer {
		return false
	}
	if !c.h.reports.carry(c.id(task), w.tasksEpoch) {
		return false
	}
	c.tasks[task] = taskRun{w.tasksEpoch, w.config, config}
	c.h.runtime.SwapTask(c.id(task), host.SwapOrder{Revision: w.revision, Connector: w.config, Task: config,
		VersionsOnly: change == versionsDiffer})
	return true
}

// difference is how much of a task has to be made anew for another configuration.
type difference int

const (
	nothingDiffers difference = iota
	versionsDiffer            // of transformations, predicates and converters
	stagesDiffer              // settings of them
	restDiffers
)

// compare tells in what two configurations of a connector or task differ.
func compare(a, b host.Config) difference {
	most := nothingDiffers
	for key := range joined(a, b) {
		x, hasX := a[key]
		y, hasY := b[key]
		switch {
		case hasX == hasY && (x == nil) == (y == nil) && (x == nil || *x == *y):
		case !ofStage(key):
			return restDiffers
		case strings.HasSuffix(key, versionSuffix):
			most = max(most, versionsDiffer)
		default:
			most = stagesDiffer
		}
	}
	return most
}

func joined(a, b host.Config) host.Config {
	all := maps.Clone(a)
	if all == nil {
		all = host.Config{}
	}
	maps.Copy(all, b)
	return all
}

// ofStage tells whether a key is about transformations, predicates or converters.
func ofStage(key string) bool {
	for _, stage := range []string{"transforms", "predicates", "key.converter", "value.converter", "header.converter"} {
		if key == stage || strings.HasPrefix(key, stage+".") {
			return true
		}
	}
	return false
}

// putTasks writes a connector's task configurations. Tasks that go on with other stages keep their producers: what was
// fenced for them holds for the new set too, and nobody must fence them for it.
func (h *Herder) putTasks(ctx context.Context, name string, connector store.Connector, tasks []host.Config) error {
	if err := h.configs.PutTasks(ctx, name, tasks); err != nil {
		return err
	}
	fenced := connector.FencedCount != nil && !connector.PendingFence && *connector.FencedCount == len(tasks)
	if !fenced || len(tasks) != connector.TaskCount || connector.Inconsistent ||
		compare(connector.AppliedConfig, connector.Config) > stagesDiffer {
		return nil
	}
	for i, task := range tasks {
		if compare(connector.TaskConfigs[i], task) > stagesDiffer {
			return nil
		}
	}
	return h.configs.PutTaskCount(ctx, name, len(tasks))
}

// TaskSwap implements host.StatusReporter.
func (h *Herder) TaskSwap(id host.TaskID, report host.SwapReport) <-chan struct{} {
	recorded := make(chan struct{})
	h.inbox.post(func() {
		report, counts := h.ofSwap(id, report)
		if !counts || !h.hasTask(id) || !h.owned.task(id) {
			close(recorded)
			return
		}
		swap := store.TaskSwap{WorkerID: h.config.WorkerID, SwapReport: report}
		h.statuses.PutTaskSwap(id, swap, sync.OnceFunc(func() { close(recorded) }))
	})
	return recorded
}

// ofSwap completes a report. That of a start counts if the task takes the place of one that was to swap to the versions
// that it starts with, and did not say that it has.
func (h *Herder) ofSwap(id host.TaskID, report host.SwapReport) (host.SwapReport, bool) {
	if report.State != host.SwapStarted {
		return report, true
	}
	connector, _ := h.configs.Snapshot().Connector(id.Connector)
	swap := h.statuses.Swap(id.Connector, connector.Revision)
	if swap.Request == nil && len(swap.Tasks) == 0 || swap.Tasks[id.Task].State == host.SwapDone {
		return report, false
	}
	report.Revision, report.State, report.Restarted = connector.Revision, host.SwapDone, true
	report.Reason = "the task was started with it"
	return report, true
}

// SwapRequest asks for another version of one of a connector's transformations, predicates or converters.
type SwapRequest struct {
	Stage   string // transforms.ALIAS, predicates.ALIAS, key.converter, value.converter or header.converter
	Version string
	By      string // the user; "": nobody had to say
}

// Swap is what became of a swap in all tasks of a connector.
type Swap struct {
	store.Swap
	Missing []int // tasks of which nothing is known yet
}

// Settled tells whether nothing more is to come but a rollback.
func (s Swap) Settled() bool {
	for _, task := range s.Tasks {
		if task.State == host.SwapPending {
			return false
		}
	}
	return len(s.Missing) == 0
}

// Swap stores a version in the connector's configuration, which all of its tasks go on with, and waits until each has
// said what became of it, at most swapWaitMax. Errors: *NotLeader, ErrNotFound, ErrBadRequest.
func (h *Herder) Swap(ctx context.Context, name string, request SwapRequest) (Swap, error) {
	stored, err := h.connector(ctx, name)
	if err != nil {
		return Swap{}, err
	}
	if err := checkStage(name, stored.Config, request.Stage); err != nil {
		return Swap{}, err
	}
	versionKey := request.Stage + versionSuffix
	if version := stored.Config[versionKey]; version != nil && *version == request.Version {
		return h.swapOf(name, stored.Revision), nil
	}
	info, err := h.PatchConfig(ctx, name, host.Config{versionKey: &request.Version})
	if err != nil {
		return Swap{}, err
	}
	h.statuses.PutSwapRequest(name, store.SwapRequest{Revision: info.Revision, Stage: request.Stage,
		Version: request.Version, Before: stored.Config.Get(versionKey), By: request.By, AtUnixMs: time.Now().UnixMilli()})
	return h.awaitSwap(ctx, name, info.Revision)
}

// checkStage refuses a stage that the connector does not have in its own configuration.
func checkStage(name string, config host.Config, stage string) error {
	list, alias, _ := strings.Cut(stage, ".")
	if list != "transforms" && list != "predicates" {
		if config[stage] == nil {
			return host.NotFound(fmt.Sprintf("Connector %s has no %s of its own, the worker's applies: set %s in its "+
				"configuration first", name, stage, stage))
		}
		return nil
	}
	for item := range strings.SplitSeq(config.Get(list), ",") {
		if strings.TrimSpace(item) == alias {
			return nil
		}
	}
	return host.NotFound(fmt.Sprintf("Connector %s has no %q among its %s (%s)", name, alias, list, config.Get(list)))
}

// awaitSwap waits for the tasks.
func (h *Herder) awaitSwap(ctx context.Context, name string, revision int64) (Swap, error) {
	patience := time.NewTimer(swapWaitMax)
	defer patience.Stop()
	look := time.NewTicker(swapLookInterval)
	defer look.Stop()
	for {
		swap := h.swapOf(name, revision)
		connector, _ := h.configs.Snapshot().Connector(name)
		if swap.Settled() || connector.Target != host.TargetStarted { // a paused one gets its tasks when it is resumed
			return swap, nil
		}
		select {
		case <-look.C:
		case <-patience.C:
			return swap, nil
		case <-h.ended:
			return swap, errStopping
		case <-ctx.Done():
			return swap, nil
		}
	}
}

func (h *Herder) swapOf(name string, revision int64) Swap {
	swap := Swap{Swap: h.statuses.Swap(name, revision)}
	connector, _ := h.configs.Snapshot().Connector(name)
	if connector.Revision != revision {
		return swap // tasks that have not begun go on with a newer configuration
	}
	for _, id := range connector.Tasks(name) {
		if _, has := swap.Tasks[id.Task]; !has {
			swap.Missing = append(swap.Missing, id.Task)
		}
	}
	return swap
}

// Swaps lists the swaps of a connector, the newest first. Errors: ErrNotFound.
func (h *Herder) Swaps(ctx context.Context, name string) ([]Swap, error) {
	if _, err := h.connector(ctx, name); err != nil {
		return nil, err
	}
	swaps := []Swap{}
	for _, known := range h.statuses.Swaps(name) {
		swaps = append(swaps, h.swapOf(name, known.Revision))
	}
	return swaps, nil
}

// RollBack asks for the version that a stage had before its newest swap. Errors: as Swap; ErrConflict when none is
// known.
func (h *Herder) RollBack(ctx context.Context, name, stage, by string) (Swap, error) {
	if _, err := h.connector(ctx, name); err != nil {
		return Swap{}, err
	}
	for _, swap := range h.statuses.Swaps(name) {
		if before := versionBefore(swap, stage); before != "" {
			return h.Swap(ctx, name, SwapRequest{Stage: stage, Version: before, By: by})
		}
	}
	return Swap{}, host.Conflict(fmt.Sprintf("There is no swap of %s of connector %s to roll back; GET "+
		"/connectors/%s/swaps lists those that are known", stage, name, name))
}

// versionBefore is that of a stage before a swap that has taken place; "": it has not, or is about other stages.
func versionBefore(swap store.Swap, stage string) string {
	for _, task := range swap.Tasks {
		for _, change := range task.Changes {
			if task.State == host.SwapDone && change.Stage == stage && change.Old != nil && change.New != nil {
				return change.Old.Version
			}
		}
	}
	return ""
}

// putBackSwaps stores the versions of before where a task has gone back to them, or could not go on with new ones, so
// that the others do too, and those that start. The leader calls it.
func (h *Herder) putBackSwaps(ctx context.Context) {
	if !h.leads() {
		return
	}
	snapshot := h.configs.Snapshot()
	for _, name := range snapshot.Names() {
		connector, _ := snapshot.Connector(name)
		swap := h.statuses.Swap(name, connector.Revision)
		if task, reason := refusal(swap); reason != "" {
			h.putBack(ctx, name, connector.Config, swap, fmt.Sprintf("task %d: %s", task, reason))
		}
	}
}

// refusal finds a task that does not run with the versions that a swap asked for; "": there is none.
func refusal(swap store.Swap) (task int, reason string) {
	for _, task := range slices.Sorted(maps.Keys(swap.Tasks)) {
		s := swap.Tasks[task]
		if s.State == host.SwapRolledBack || s.State == host.SwapFailed && !s.Restarted {
			return task, s.Reason
		}
	}
	return 0, ""
}

func (h *Herder) putBack(ctx context.Context, name string, config host.Config, swap store.Swap, reason string) {
	config = maps.Clone(config)
	request := store.SwapRequest{Reason: reason, AtUnixMs: time.Now().UnixMilli()}
	set := func(stage, version string) {
		request.Stage, request.Version = stage, version
		if config[stage+versionSuffix] = &version; version == "" {
			delete(config, stage+versionSuffix)
		}
	}
	if swap.Request != nil {
		set(swap.Request.Stage, swap.Request.Before)
	}
	for _, task := range swap.Tasks {
		for _, change := range task.Changes {
			if change.Old != nil {
				set(change.Stage, change.Old.Version) // what ran, rather than what was configured: that may be a range
			}
		}
	}
	h.log.Error("A swap has failed in a task; all tasks get the versions of before", "connector", name, "reason", reason)
	ctx, cancel := h.whileMember(context.WithoutCancel(ctx))
	defer cancel()
	info, err := h.putConfig(ctx, name, config, "")
	if err != nil {
		h.log.Error("The versions of before were not stored, trying again", "connector", name, "error", err)
		return
	}
	request.Revision = info.Revision
	h.statuses.PutSwapRequest(name, request)
}
