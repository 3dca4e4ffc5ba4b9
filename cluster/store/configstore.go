package store

import (
	"context"
	"log/slog"

	"github.com/berth-connect/berth/host"
)

// ConfigStore keeps connector and task configurations, target states and the session key in the config topic
// (config.storage.topic), one partition, in Kafka Connect's format.
type ConfigStore struct {
	log *slog.Logger
}

// NewConfigStore takes the worker's properties as in a Connect worker file. It does no I/O.
// Errors: a missing or bad property.
func NewConfigStore(worker map[string]string, log *slog.Logger) (*ConfigStore, error) {
	return &ConfigStore{log: log}, nil
}

// Run creates or checks the topic, reads it to its end, closes Ready and follows the topic until ctx ends
// (then it returns nil). An error is fatal to the worker.
func (s *ConfigStore) Run(ctx context.Context) error { return nil }

// Ready is closed when everything stored before the start was read.
func (s *ConfigStore) Ready() <-chan struct{} { return nil }

// Refresh returns when everything that was in the topic at the call is part of Snapshot.
func (s *ConfigStore) Refresh(ctx context.Context) error { return nil }

// Snapshot is the state as of now; it never changes afterwards.
func (s *ConfigStore) Snapshot() *ConfigSnapshot { return nil }

// Changed gets a value (capacity 1, never blocks the store) when there are events to take.
func (s *ConfigStore) Changed() <-chan struct{} { return nil }

// TakeEvents returns what happened since the last call, in log order; nothing of before Ready.
func (s *ConfigStore) TakeEvents() []ConfigEvent { return nil }

// PutConnector writes a connector's configuration, with target (when not "") before it in the same batch, and returns
// when this store has read it back.
func (s *ConfigStore) PutConnector(ctx context.Context, name string, config host.Config, target host.TargetState) error {
	return nil
}

// DeleteConnector writes the tombstones of a connector and its target state.
func (s *ConfigStore) DeleteConnector(ctx context.Context, name string) error { return nil }

// PutTasks writes a task set followed by its commit record.
func (s *ConfigStore) PutTasks(ctx context.Context, connector string, tasks []host.Config) error {
	return nil
}

// PutTargetState writes a target state; STOPPED does not write the empty task set that goes before it (use PutTasks).
func (s *ConfigStore) PutTargetState(ctx context.Context, connector string, target host.TargetState) error {
	return nil
}

// PutRestart asks all workers to restart what they own of the connector.
func (s *ConfigStore) PutRestart(ctx context.Context, request RestartRequest) error { return nil }

// PutSessionKey hands out a new key for signing internal requests.
func (s *ConfigStore) PutSessionKey(ctx context.Context, key SessionKey) error { return nil }

// PutLoggerLevel sets a log level on all workers.
func (s *ConfigStore) PutLoggerLevel(ctx context.Context, namespace, level string) error { return nil }

// PutTaskCount writes the number of tasks that were fenced (KIP-618).
func (s *ConfigStore) PutTaskCount(ctx context.Context, connector string, tasks int) error {
	return nil
}
