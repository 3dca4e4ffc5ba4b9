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
	// ShadowReports asks any worker for those of the tasks that it runs.
	ShadowReports(ctx context.Context, workerURL, connector, alias string, sign sessionkey.Signer) (
		[]host.ShadowReport, error)
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
	// Claim makes this worker the only one that can write what the leader writes, until Release; ClaimLost gets a value
	// when another one has claimed it. They do nothing without exactly-once support.
	Claim(ctx context.Context) error
	Release()
	ClaimLost() <-chan struct{}
	PutConnector(ctx context.Context, name string, config host.Config, target host.TargetState) error
	DeleteConnector(ctx context.Context, name string) error
	PutTasks(ctx context.Context, connector string, tasks []host.Config) error
	PutTargetState(ctx context.Context, connector string, target host.TargetState) error
	PutRestart(ctx context.Context, request store.RestartRequest) error
	PutLoggerLevel(ctx context.Context, namespace, level string) error
	PutSessionKey(ctx context.Context, key store.SessionKey) error
	PutTaskCount(ctx context.Context, connector string, tasks int) error
	PutShadow(ctx context.Context, wish host.ShadowWish) error
	DeleteShadow(ctx context.Context, connector, alias string) error

	host.Tenants
	PutTenant(ctx context.Context, tenant host.Tenant) error
	DeleteTenant(ctx context.Context, name string) error
	// ForgetTenant deletes all records of a tenant's connectors, also of those that were deleted before, and tells
	// whether there were any.
	ForgetTenant(ctx context.Context, tenant string) (found bool, err error)
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
	PutSwapRequest(connector string, request store.SwapRequest)
	// PutTaskSwap calls written when the topic has the record, or a newer one takes its place.
	PutTaskSwap(id host.TaskID, swap store.TaskSwap, written func())
	DeleteSwaps(connector string)
	Swap(connector string, revision int64) store.Swap
	Swaps(connector string) []store.Swap
	DeleteTopics(connector string)
	Flush(ctx context.Context) error
	Connector(name string) (store.Status, bool)
	Task(id host.TaskID) (store.Status, bool)
	Tasks(connector string) map[int]store.Status
	Connectors() []string
	Topics(connector string) []store.TopicUse
	// Mentioned lists the connectors of which anything is known whose names begin with prefix.
	Mentioned(prefix string) []string
}

// OffsetStore keeps source offsets. *store.OffsetStore implements it.
type OffsetStore interface {
	host.OffsetStore
	// List returns the offsets as Connect shows them.
	List(ctx context.Context, connector string) ([]host.SourceOffset, error)
	// Mentioned lists the connectors that have offsets and whose names begin with prefix.
	Mentioned(ctx context.Context, prefix string) ([]string, error)
	// Forget deletes all that is stored for a connector.
	Forget(ctx context.Context, connector string) error
	Ready() <-chan struct{}
}

// OpenSourceOffsets opens the offsets of a source connector, where its configuration says that they are. It does no
// I/O. Errors: a bad property.
type OpenSourceOffsets func(connector string, config host.Config) (SourceOffsets, error)

// SourceOffsets are the offsets of one source connector. *store.SourceOffsets implements it.
type SourceOffsets interface {
	// List returns the offsets as Connect shows them.
	List(ctx context.Context) ([]host.SourceOffset, error)
	Load(ctx context.Context) ([]host.SourceOffset, error)
	// Store returns when the offsets are durable; a nil Offset deletes.
	Store(ctx context.Context, offsets []host.SourceOffset) error
}

// Admin works on the cluster that the workers live in.
type Admin interface {
	// ClusterID is Kafka's id of the cluster.
	ClusterID(ctx context.Context) (string, error)
	// DeleteGroups deletes the consumer groups whose ids begin with prefix. Errors: host.ErrGroupInUse.
	DeleteGroups(ctx context.Context, prefix string) error
}

// OpenFencer opens what fences the producers of a source connector, in the Kafka that they write to. It does no I/O.
// Errors: a bad property.
type OpenFencer func(connector string, config host.Config) (Fencer, error)

// Fencer is the admin client of a source connector. *kafka.Admin implements it.
type Fencer interface {
	// FenceProducers ends open transactions of transactional ids; who still uses them can write no more.
	FenceProducers(ctx context.Context, transactionalIDs []string) error
	// Close frees the client.
	Close()
}

// OpenSinkGroup opens the consumer group of a sink connector; where the group is and what its id is, the worker's and
// the connector's client properties say. Errors: a bad property.
type OpenSinkGroup func(connector string, config host.Config) (SinkGroup, error)

// SinkGroup is the consumer group of a sink connector. *kafka.SinkGroup implements it.
type SinkGroup interface {
	// Offsets returns what the group committed; none if there is no such group.
	Offsets(ctx context.Context) (map[host.TopicPartition]int64, error)
	// SetOffsets sets next offsets while the group is empty. Errors: host.ErrGroupInUse; an unknown partition or one out
	// of range.
	SetOffsets(ctx context.Context, offsets map[host.TopicPartition]int64) error
	// DeleteOffsets forgets partitions while the group is empty; unknown ones are no error. Errors: host.ErrGroupInUse.
	DeleteOffsets(ctx context.Context, partitions []host.TopicPartition) error
	// Delete removes the group while it is empty; an unknown one is no error. Errors: host.ErrGroupInUse.
	Delete(ctx context.Context) error
	// Close frees the client.
	Close()
}

// OffsetAlterer asks a plugin whether and how its offsets may be set from outside (KIP-875). A Runtime may implement
// it; for one that does not, offsets are altered as for a connector without an alterOffsets method.
type OffsetAlterer interface {
	// AlterOffsets returns true when the plugin has taken care of offsets that it keeps in its own system (or keeps
	// none). Errors: host.ErrAlterUnsupported; the text of any other goes to the user.
	AlterOffsets(ctx context.Context, tenant string, config host.Config, offsets []host.SourceOffset) (bool, error)
}
