package herder

import (
	"context"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// Group is the worker's membership of a group of workers. *group.Member implements it.
type Group interface {
	Changed() <-chan struct{}
	TakeEvents() []group.Event
	// Stopped says that what the oldest unanswered Revoking or Lost named has stopped.
	Stopped()
	// Rejoin asks for a new round, because there is other work to hand out.
	Rejoin(reason string)
	// Rebalancing is true from the decision to join until Joined.
	Rebalancing() bool
	// Fenced is true when the session is over and others may run this worker's work; it stays so until Joined. A Lost
	// follows.
	Fenced() bool
}

// Leader sends requests to the worker that leads the group. sign is nil where the group does not sign.
type Leader interface {
	PutTaskConfigs(ctx context.Context, leaderURL, connector string, tasks []host.Config, sign sessionkey.Signer) error
	FenceZombies(ctx context.Context, leaderURL, connector string, sign sessionkey.Signer) error
}

// ConfigStore keeps configurations, target states and restart requests. *store.ConfigStore implements it.
// The Put methods and Delete return when the store has read back what it wrote.
type ConfigStore interface {
	Ready() <-chan struct{}
	Snapshot() *store.ConfigSnapshot
	// Refresh returns when Snapshot holds everything that was in the topic at the call.
	Refresh(ctx context.Context) error
	Changed() <-chan struct{}
	TakeEvents() []store.ConfigEvent
	PutConnector(ctx context.Context, name string, config host.Config, target host.TargetState) error
	DeleteConnector(ctx context.Context, name string) error
	PutTasks(ctx context.Context, connector string, tasks []host.Config) error
	PutTargetState(ctx context.Context, connector string, target host.TargetState) error
	PutRestart(ctx context.Context, request store.RestartRequest) error
	PutLoggerLevel(ctx context.Context, namespace, level string) error
	PutSessionKey(ctx context.Context, key store.SessionKey) error
	PutTaskCount(ctx context.Context, connector string, tasks int) error
}

// StatusStore keeps statuses and the topics in use. *store.StatusStore implements it. Put methods return at once; the
// Safe ones give way to what another worker wrote in a later generation.
type StatusStore interface {
	Ready() <-chan struct{}
	PutConnector(name string, status store.Status)
	PutConnectorSafe(name string, status store.Status)
	PutTask(id host.TaskID, status store.Status)
	PutTaskSafe(id host.TaskID, status store.Status)
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
	// List returns the offsets as Connect shows them.
	List(ctx context.Context, connector string) ([]host.SourceOffset, error)
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
	// FenceProducers ends open transactions of transactional ids; who still uses them can write no more.
	FenceProducers(ctx context.Context, transactionalIDs []string) error
}

// OffsetAlterer asks a plugin whether and how its offsets may be set from outside (KIP-875). A Runtime may implement
// it; for one that does not, offsets are altered as for a connector without an alterOffsets method.
type OffsetAlterer interface {
	// AlterOffsets returns true when the plugin has taken care of offsets that it keeps in its own system (or keeps
	// none). Errors: host.ErrAlterUnsupported; the text of any other goes to the user.
	AlterOffsets(ctx context.Context, config host.Config, offsets []host.SourceOffset) (bool, error)
}
