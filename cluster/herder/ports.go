package herder

import (
	"context"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// ConfigStore keeps configurations, target states and restart requests. *store.ConfigStore implements it.
// The Put methods and Delete return when the store has read back what it wrote.
type ConfigStore interface {
	Ready() <-chan struct{}
	Snapshot() *store.ConfigSnapshot
	Changed() <-chan struct{}
	TakeEvents() []store.ConfigEvent
	PutConnector(ctx context.Context, name string, config host.Config, target host.TargetState) error
	DeleteConnector(ctx context.Context, name string) error
	PutTasks(ctx context.Context, connector string, tasks []host.Config) error
	PutTargetState(ctx context.Context, connector string, target host.TargetState) error
	PutRestart(ctx context.Context, request store.RestartRequest) error
	PutLoggerLevel(ctx context.Context, namespace, level string) error
}

// StatusStore keeps statuses and the topics in use. *store.StatusStore implements it. Put methods return at once.
type StatusStore interface {
	Ready() <-chan struct{}
	PutConnector(name string, status store.Status)
	PutTask(id host.TaskID, status store.Status)
	PutTopic(use store.TopicUse)
	DeleteTopics(connector string)
	Flush(ctx context.Context) error
	Connector(name string) (store.Status, bool)
	Task(id host.TaskID) (store.Status, bool)
	Tasks(connector string) map[int]store.Status
	Connectors() []string
	Topics(connector string) []store.TopicUse
}

// OffsetStore keeps source offsets. *store.OffsetStore implements it.
type OffsetStore interface {
	host.OffsetStore
	Ready() <-chan struct{}
}

// Admin asks Kafka about the cluster and about the consumer groups of sink connectors.
type Admin interface {
	// ClusterID is Kafka's id of the cluster.
	ClusterID(ctx context.Context) (string, error)
	// GroupOffsets returns what a group committed; none for an unknown group.
	GroupOffsets(ctx context.Context, group string) (map[host.TopicPartition]int64, error)
	// SetGroupOffsets sets the next offsets of an empty group. Errors: an unknown partition or one out of range.
	SetGroupOffsets(ctx context.Context, group string, offsets map[host.TopicPartition]int64) error
	// DeleteGroupOffsets forgets partitions of an empty group; unknown ones are no error.
	DeleteGroupOffsets(ctx context.Context, group string, partitions []host.TopicPartition) error
	// DeleteGroup removes an empty group; an unknown one is no error.
	DeleteGroup(ctx context.Context, group string) error
}

// OffsetAlterer asks a plugin whether and how its offsets may be set from outside (KIP-875). A Runtime may implement
// it; for one that does not, offsets are altered as for a connector without an alterOffsets method.
type OffsetAlterer interface {
	// AlterOffsets returns true when the plugin has taken care of offsets that it keeps in its own system (or keeps
	// none). Errors: host.ErrAlterUnsupported; the text of any other goes to the user.
	AlterOffsets(ctx context.Context, config host.Config, offsets []host.SourceOffset) (bool, error)
}
