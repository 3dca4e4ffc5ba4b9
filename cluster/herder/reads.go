package herder

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// ConnectorInfo is a connector's configuration and tasks.
type ConnectorInfo struct {
	Name   string
	Config host.Config
	Tasks  []host.TaskID
	Type   string // source, sink or unknown

	Revision int64 // of the configuration, see store.Connector
}

// ConnectorStatus is the status of a connector and its tasks.
type ConnectorStatus struct {
	Name      string
	Connector store.Status
	Tasks     []TaskStatus // by task number
	Type      string
}

// TaskStatus is the status of one task.
type TaskStatus struct {
	Task int
	store.Status
}

// TaskInfo is the stored configuration of a task.
type TaskInfo struct {
	ID     host.TaskID
	Config host.Config
}

// Connectors lists all connectors, sorted.
func (h *Herder) Connectors(ctx context.Context) ([]string, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	return h.configs.Snapshot().Names(), nil
}

// Connector returns a connector. Errors: ErrNotFound.
func (h *Herder) Connector(ctx context.Context, name string) (ConnectorInfo, error) {
	connector, err := h.connector(ctx, name)
	if err != nil {
		return ConnectorInfo{}, err
	}
	return h.info(name, connector.Config), nil
}

// Config returns a connector's configuration as it was stored. Errors: ErrNotFound.
func (h *Herder) Config(ctx context.Context, name string) (host.Config, error) {
	connector, err := h.connector(ctx, name)
	return connector.Config, err
}

// Tasks returns the task configurations that are stored, also of tasks that can't run because their set is incomplete.
// Errors: ErrNotFound.
func (h *Herder) Tasks(ctx context.Context, name string) ([]TaskInfo, error) {
	connector, err := h.connector(ctx, name)
	if err != nil {
		return nil, err
	}
	tasks := []TaskInfo{}
	for _, task := range slices.Sorted(maps.Keys(connector.TaskConfigs)) {
		if task < connector.TaskCount {
			tasks = append(tasks, TaskInfo{host.TaskID{Connector: name, Task: task}, connector.TaskConfigs[task]})
		}
	}
	return tasks, nil
}

func (h *Herder) connector(ctx context.Context, name string) (store.Connector, error) {
	if err := h.await(ctx); err != nil {
		return store.Connector{}, err
	}
	connector, known := h.configs.Snapshot().Connector(name)
	if !known {
		return store.Connector{}, host.NotFound(fmt.Sprintf("Connector %s not found", name))
	}
	return connector, nil
}

func (h *Herder) info(name string, config host.Config) ConnectorInfo {
	connector, _ := h.configs.Snapshot().Connector(name)
	return ConnectorInfo{name, config, connector.Tasks(name), h.kindOf(name, config), connector.Revision}
}

// Status returns what is known of a connector's and its tasks' states. Errors: ErrNotFound when nothing is.
func (h *Herder) Status(ctx context.Context, name string) (ConnectorStatus, error) {
	if err := h.await(ctx); err != nil {
		return ConnectorStatus{}, err
	}
	connector, has := h.statuses.Connector(name)
	if !has {
		return ConnectorStatus{}, host.NotFound(fmt.Sprintf("No status found for connector %s", name))
	}
	status := ConnectorStatus{Name: name, Connector: connector, Tasks: []TaskStatus{}, Type: h.kind(name)}
	tasks := h.statuses.Tasks(name)
	for _, task := range slices.Sorted(maps.Keys(tasks)) {
		status.Tasks = append(status.Tasks, TaskStatus{task, tasks[task]})
	}
	return status, nil
}

func (h *Herder) kind(name string) string {
	connector, known := h.configs.Snapshot().Connector(name)
	if !known {
		return "unknown"
	}
	return h.kindOf(name, connector.Config)
}

func (h *Herder) kindOf(name string, config host.Config) string {
	return h.runtime.ConnectorKind(h.ownerOf(name), config)
}

// TaskStatusOf returns the status of a task. Errors: ErrNotFound.
func (h *Herder) TaskStatusOf(ctx context.Context, id host.TaskID) (TaskStatus, error) {
	if err := h.await(ctx); err != nil {
		return TaskStatus{}, err
	}
	status, has := h.statuses.Task(id)
	if !has {
		return TaskStatus{}, host.NotFound(fmt.Sprintf("No status found for task %s", id))
	}
	return TaskStatus{id.Task, status}, nil
}

// Topics lists the topics that a connector has used, sorted; none for an unknown one. Errors: ErrForbidden.
func (h *Herder) Topics(ctx context.Context, name string) ([]string, error) {
	if !h.config.TopicTracking {
		return nil, &host.Error{Kind: ErrForbidden, Message: "Topic tracking is disabled."}
	}
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	topics := []string{}
	for _, use := range h.statuses.Topics(name) {
		topics = append(topics, use.Topic)
	}
	sort.Strings(topics)
	return topics, nil
}

// ResetTopics forgets the topics that a connector has used. Errors: ErrForbidden.
func (h *Herder) ResetTopics(ctx context.Context, name string) error {
	switch {
	case !h.config.TopicTracking:
		return &host.Error{Kind: ErrForbidden, Message: "Topic tracking is disabled."}
	case !h.config.TopicTrackingReset:
		return &host.Error{Kind: ErrForbidden, Message: "Topic tracking reset is disabled."}
	}
	_, err := decide(ctx, h, "resetting the topics of connector "+name,
		func(context.Context) (struct{}, error) {
			h.statuses.DeleteTopics(name)
			return struct{}{}, nil
		})
	return err
}
