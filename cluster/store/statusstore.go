package store

import (
	"context"
	"log/slog"

	"github.com/berth-connect/berth/host"
)

// Status is the status of a connector or task.
type Status struct {
	State      host.State
	WorkerID   string // advertised host:port
	Generation int    // of the group when it was written
	Trace      *string
	Version    *string // of the plugin (KIP-891)
}

// TopicUse says that a connector uses a topic (KIP-558).
type TopicUse struct {
	Topic, Connector string
	Task             int
	DiscoveredUnixMs int64
}

// StatusStore keeps statuses in the status topic (status.storage.topic).
type StatusStore struct{ log *slog.Logger }

// NewStatusStore takes the worker's properties. It does no I/O. Errors: a missing or bad property.
func NewStatusStore(worker map[string]string, log *slog.Logger) (*StatusStore, error) {
	return &StatusStore{log: log}, nil
}

// Run as ConfigStore.Run.
func (s *StatusStore) Run(ctx context.Context) error { return nil }

// Ready is closed when everything stored before the start was read.
func (s *StatusStore) Ready() <-chan struct{} { return nil }

// Refresh returns when everything that was in the topic at the call can be read here.
func (s *StatusStore) Refresh(ctx context.Context) error { return nil }

// PutConnector writes a status and returns at once; DESTROYED writes a tombstone. It is sent again until Kafka has it,
// a newer status of the same entry was put, or Run has ended.
func (s *StatusStore) PutConnector(name string, status Status) {}

// PutConnectorSafe is PutConnector unless another worker of a later generation owns the entry (UNASSIGNED, shutdown).
func (s *StatusStore) PutConnectorSafe(name string, status Status) {}

// PutTask as PutConnector.
func (s *StatusStore) PutTask(id host.TaskID, status Status) {}

// PutTaskSafe as PutConnectorSafe.
func (s *StatusStore) PutTaskSafe(id host.TaskID, status Status) {}

// PutTopic records a topic once; DeleteTopics forgets all of a connector.
func (s *StatusStore) PutTopic(use TopicUse) {}

// DeleteTopics writes tombstones for all topics of a connector.
func (s *StatusStore) DeleteTopics(connector string) {}

// Flush waits until what was put is written or ctx ends (call it before the worker ends).
func (s *StatusStore) Flush(ctx context.Context) error { return nil }

// Connector returns a connector's status.
func (s *StatusStore) Connector(name string) (Status, bool) { return Status{}, false }

// Task returns a task's status.
func (s *StatusStore) Task(id host.TaskID) (Status, bool) { return Status{}, false }

// Tasks returns the statuses of all tasks of a connector by task number.
func (s *StatusStore) Tasks(connector string) map[int]Status { return nil }

// Connectors lists the connectors that have a status of their own or of a task, sorted.
func (s *StatusStore) Connectors() []string { return nil }

// Topics lists what a connector uses, sorted by topic.
func (s *StatusStore) Topics(connector string) []TopicUse { return nil }
