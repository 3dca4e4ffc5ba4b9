package herder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// RestartConnector stops and starts the connector alone and returns when that is done. Errors: ErrNotFound,
// *NotLeader (it runs elsewhere), ErrInternal when the start fails.
func (h *Herder) RestartConnector(ctx context.Context, name string) error {
	if err := h.awaitRound(ctx, roundWaitMax); err != nil {
		return err
	}
	done := make(chan error, 1)
	_, err := decide(ctx, h, "restarting connector "+name, func(context.Context) (struct{}, error) {
		if _, err := h.configured(name); err != nil {
			return struct{}{}, err
		}
		c := h.conductors[name]
		if c == nil || !c.wish.here {
			return struct{}{}, h.connectorElsewhere(name)
		}
		c.restart(restart{connector: true, done: done})
		return struct{}{}, nil
	})
	if err != nil {
		return err
	}
	return h.awaitRestart(ctx, done, "connector: "+name)
}

// RestartTask stops and starts one task. Errors: ErrNotFound, *NotLeader (it runs elsewhere, or nowhere).
func (h *Herder) RestartTask(ctx context.Context, id host.TaskID) error {
	if err := h.awaitRound(ctx, roundWaitMax); err != nil {
		return err
	}
	done := make(chan error, 1)
	_, err := decide(ctx, h, "restarting task "+id.String(), func(context.Context) (struct{}, error) {
		connector, err := h.configured(id.Connector)
		if err != nil {
			return struct{}{}, err
		}
		if _, has := connector.TaskConfigs[id.Task]; !has {
			return struct{}{}, host.NotFound("Unknown task: " + id.String())
		}
		c := h.conductors[id.Connector]
		if c == nil || !c.runs(id.Task) { // the configuration of a task outlives it
			return struct{}{}, h.taskElsewhere(id)
		}
		c.restart(restart{tasks: []int{id.Task}, done: done})
		return struct{}{}, nil
	})
	if err != nil {
		return err
	}
	return h.awaitRestart(ctx, done, "task: "+id.String())
}

// configured finds a connector that exists.
func (h *Herder) configured(name string) (store.Connector, error) {
	connector, known := h.configs.Snapshot().Connector(name)
	if !known {
		return connector, host.NotFound("Unknown connector: " + name)
	}
	return connector, nil
}

func (h *Herder) awaitRestart(ctx context.Context, done <-chan error, what string) error {
	began := stage{text: "restarting " + what, began: time.Now()}
	select {
	case err := <-done:
		var told *host.Error
		if err == nil || errors.Is(err, host.ErrConflict) || errors.As(err, &told) && !errors.Is(err, host.ErrInternal) {
			return err
		}
		return &host.Error{Kind: host.ErrInternal, Message: "Failed to start " + what}
	case <-h.ended:
		return errStopping
	case <-ctx.Done():
		return h.timedOut(ctx, &began)
	}
}

// Restart asks all workers to restart a connector, its tasks, or only what has failed of them (KIP-745), and returns
// the states as they will be. Errors: ErrNotFound, *NotLeader.
func (h *Herder) Restart(ctx context.Context, request store.RestartRequest) (ConnectorStatus, error) {
	if err := h.awaitRound(ctx, roundWaitMax); err != nil {
		return ConnectorStatus{}, err
	}
	if err := h.awaitFollowed(ctx, request.Connector); err != nil {
		return ConnectorStatus{}, err
	}
	name := request.Connector
	return decide(ctx, h, "restarting connector "+name, func(ctx context.Context) (ConnectorStatus, error) {
		if _, known := h.configs.Snapshot().Connector(name); !known {
			return ConnectorStatus{}, host.NotFound("Unknown connector: " + name)
		}
		if err := h.lead(); err != nil {
			return ConnectorStatus{}, err
		}
		if err := h.configs.PutRestart(ctx, request); err != nil {
			return ConnectorStatus{}, fmt.Errorf("write the restart of connector %s: %w", name, err)
		}
		// Composed here, where no event can carry the record out in between.
		return h.plannedStatus(ctx, request)
	})
}

// awaitFollowed waits a moment until earlier changes of a connector that runs here are carried out and the states that
// they led to are in the topic. Connect's herder takes no request between the stop of a connector that has a new
// configuration and the beginning of its start, so a restart that follows an update is about the new one there too. A
// plugin that hangs in start is not waited for.
func (h *Herder) awaitFollowed(ctx context.Context, name string) error {
	followed := make(chan struct{})
	_, err := decide(ctx, h, "restarting connector "+name, func(ctx context.Context) (struct{}, error) {
		h.tellFollowed(context.WithoutCancel(ctx), name, func() { close(followed) })
		return struct{}{}, nil
	})
	if err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, followWaitMax)
	defer cancel()
	select {
	case <-followed:
		_ = h.statuses.Flush(patience) // Kafka is away: the write of the restart tells
	case <-patience.Done():
	case <-h.ended:
		return errStopping
	}
	if ctx.Err() != nil {
		return h.timedOut(ctx, h.stage.Load())
	}
	return nil
}

// tellFollowed calls tell, on the deciding goroutine, when what the connector's conductor was asked for is carried out,
// and what that led to: from a connector's new configuration follow new ones of its tasks.
func (h *Herder) tellFollowed(ctx context.Context, name string, tell func()) {
	c := h.conductors[name]
	if c == nil {
		tell()
		return
	}
	var asked int
	c.whenFollowed(func() {
		h.inbox.post(func() { // behind the reports that it has led to
			h.takeConfigEvents(ctx)
			if c.asked() == asked {
				tell()
			} else {
				h.tellFollowed(ctx, name, tell)
			}
		})
	})
	asked = c.asked()
}

func (h *Herder) plannedStatus(ctx context.Context, request store.RestartRequest) (ConnectorStatus, error) {
	status, err := h.Status(ctx, request.Connector)
	if errors.Is(err, host.ErrNotFound) {
		return status, host.NotFound(fmt.Sprintf("Status for connector %s not found", request.Connector))
	}
	if err != nil {
		return status, err
	}
	connector, tasks := planRestart(request, status.Connector, h.statuses.Tasks(request.Connector))
	if connector {
		status.Connector.State = host.Restarting
	}
	for i, task := range status.Tasks {
		if slices.Contains(tasks, task.Task) {
			status.Tasks[i].State = host.Restarting
		}
	}
	return status, nil
}

// planRestart tells what a request restarts.
func planRestart(request store.RestartRequest, connector store.Status, tasks map[int]store.Status) (bool, []int) {
	chosen := func(s store.Status) bool { return !request.OnlyFailed || s.State == host.Failed }
	var numbers []int
	if request.IncludeTasks {
		for _, task := range slices.Sorted(maps.Keys(tasks)) {
			if chosen(tasks[task]) {
				numbers = append(numbers, task)
			}
		}
	}
	return chosen(connector), numbers
}

// onRestart carries out what a restart record means for what runs here.
func (h *Herder) onRestart(request store.RestartRequest) {
	name := request.Connector
	c := h.conductors[name]
	status, has := h.statuses.Connector(name)
	if c == nil || !has {
		return
	}
	connector, tasks := planRestart(request, status, h.statuses.Tasks(name))
	connector = connector && c.wish.here
	if connector {
		for _, s := range h.restarting(status) {
			h.statuses.PutConnector(name, s)
		}
	}
	tasks = slices.DeleteFunc(tasks, func(task int) bool { return !c.runs(task) })
	for _, task := range tasks {
		if status, has := h.statuses.Task(c.id(task)); has {
			for _, s := range h.restarting(status) {
				h.statuses.PutTask(c.id(task), s)
			}
		}
	}
	if connector || len(tasks) > 0 {
		c.restart(restart{connector: connector, tasks: tasks})
	}
}

// restarting says as Connect does that what ran has stopped, and that it will start.
func (h *Herder) restarting(status store.Status) []store.Status {
	restarting := h.status(host.Restarting, "", "")
	if status.State == host.Failed {
		return []store.Status{restarting}
	}
	return []store.Status{h.status(host.Unassigned, "", ""), restarting}
}
