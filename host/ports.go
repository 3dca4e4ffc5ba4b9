package host

import (
	"context"
	"time"
)

// What the host needs from the layer above (cluster implements it; tests fake it).

// Header is a serialised record header; a nil Value is null.
type Header struct {
	Key   string
	Value []byte
}

// ProducerRecord is a serialised record on its way to Kafka. Nil Key and Value are null. Key and Value may be views
// of a buffer that stays unchanged until the record's ack was called.
type ProducerRecord struct {
	Topic       string
	Partition   int32 // -1: the partitioner decides (Kafka's murmur2 on the key)
	TimestampMs int64 // abi.NoTimestamp: now
	Key, Value  []byte
	Headers     []Header
	// Offset is where to note the offset that Kafka gave the record, before ack is called without an error; nil: nowhere.
	Offset *int64
}

// Producer writes to Kafka for one task.
type Producer interface {
	// Send gives records to the client in order and returns when all are buffered, so it blocks while the client's
	// buffer is full; the slice is the caller's again then. ack is called once for each record, from another
	// goroutine, in any order between partitions, when Kafka has it (err nil) or it failed for good. After an error or
	// a cancelled ctx the rest of records gets no ack.
	Send(ctx context.Context, records []ProducerRecord, ack func(i int, err error)) error
	// Close gives up what is not yet acknowledged (ack gets an error) and frees the client.
	Close()
}

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// TimestampType as in Kafka's record batches.
type TimestampType uint8

// Values equal the ABI's.
const (
	NoTimestampType TimestampType = 0
	CreateTime      TimestampType = 1
	LogAppendTime   TimestampType = 2
)

// ConsumerRecord is a record read from Kafka; its bytes are valid until the next Poll.
type ConsumerRecord struct {
	Topic         string
	Partition     int32
	Offset        int64
	TimestampMs   int64
	TimestampType TimestampType
	Key, Value    []byte // nil: null
	Headers       []Header
}

// Rebalancer hears of partitions; Consumer.Poll (and Close) calls it on the caller's goroutine.
type Rebalancer interface {
	// Assigned: partitions are new, with the offset that is read next (-1: unknown yet).
	Assigned(ctx context.Context, partitions map[TopicPartition]int64)
	// Revoked: the partitions still belong to this member while it runs: flush, commit, close.
	Revoked(ctx context.Context, partitions []TopicPartition)
	// Lost: they already belong to others: close without commit.
	Lost(ctx context.Context, partitions []TopicPartition)
}

// Consumer reads the topics of one sink task as a member of the connector's group.
type Consumer interface {
	// Poll returns at most limit records, or none after wait. Transient errors are retried inside; an error is fatal
	// to the task.
	Poll(ctx context.Context, limit int, wait time.Duration) ([]ConsumerRecord, error)
	// Commit stores next offsets for the group, synchronously.
	Commit(ctx context.Context, offsets map[TopicPartition]int64) error
	// Pause and Resume stop and continue the fetching of all partitions; a paused consumer is still polled, gets
	// nothing and stays in its group.
	Pause()
	Resume()
	// Seek sets what is read next.
	Seek(offsets map[TopicPartition]int64)
	// Release calls Revoked for what is held, and stays a member: nobody else gets the partitions before Close. Only Close
	// may follow.
	Release(ctx context.Context)
	// Close calls Revoked for what is held, leaves the group and frees the client.
	Close(ctx context.Context)
}

// SourceOffset is a source partition with its offset, both as the JSON text that Connect stores; a nil Offset deletes.
type SourceOffset struct {
	Partition []byte // JSON object; "null" is stored, and never loaded
	Offset    []byte // JSON object
}

// OffsetStore keeps source offsets.
type OffsetStore interface {
	// Load returns everything stored for a connector, read up to the log's end.
	Load(ctx context.Context, connector string) ([]SourceOffset, error)
	// Store returns when the offsets are durable.
	Store(ctx context.Context, connector string, offsets []SourceOffset) error
}

// OffsetTopics finds the offsets of source connectors that name a topic for them (offsets.storage.topic).
type OffsetTopics interface {
	// Open returns what keeps the offsets of one task, with what is stored for its connector; they are written with the
	// task's producer.
	Open(ctx context.Context, id TaskID, config Config, topic string, producer Producer) (OffsetStore, error)
}

// Transactions makes the producers of source tasks that write exactly once (KIP-618).
type Transactions interface {
	// Open returns when no earlier producer of the task, nor one of an earlier set of the connector's tasks, can write any
	// more, and no newer set is known. offsetsTopic is the connector's offsets.storage.topic, "" for the worker's.
	Open(ctx context.Context, id TaskID, config Config, offsetsTopic string) (TransactionalProducer, error)
}

// TransactionalProducer writes records and source offsets of one task in the same transactions. Send belongs between
// Begin and Commit. After an error only Abort and Close make sense.
type TransactionalProducer interface {
	Producer
	// Offsets returns what is stored for the connector.
	Offsets(ctx context.Context) ([]SourceOffset, error)
	Begin() error
	// Commit adds offsets to the open transaction and ends it; all that was sent must be acknowledged.
	Commit(ctx context.Context, offsets []SourceOffset) error
	// Abort gives up the open transaction, if there is one.
	Abort(ctx context.Context) error
}

// Clients makes Kafka clients for tasks. config is the connector's (producer.override.* and so on apply).
type Clients interface {
	Producer(id TaskID, config Config) (Producer, error)
	Consumer(id TaskID, config Config, rebalancer Rebalancer) (Consumer, error)
	// Record reads one record again, as Kafka has it; an error if it is no longer there.
	Record(ctx context.Context, id TaskID, config Config, at TopicPartition, offset int64) (ConsumerRecord, error)
	// Topics makes what creates missing topics for a source task by the connector's topic.creation.* (KIP-158).
	Topics(id TaskID, config Config) (Topics, error)
	// DeadLetters creates a task's dead-letter topic when it is missing, with one partition and replication replicas, and
	// makes the producer for it.
	DeadLetters(ctx context.Context, id TaskID, config Config, topic string, replication int16) (Producer, error)
}

// Topics creates the missing topics of one source task.
type Topics interface {
	// Ensure returns when the topic is there, or when it is left to the broker to create it. What may pass is tried
	// again until ctx ends; other errors say what to do.
	Ensure(ctx context.Context, topic string) error
	// Close frees the client.
	Close()
}

// StatusReporter hears what became of connectors and tasks. Calls return at once.
type StatusReporter interface {
	ConnectorStatus(name string, state State, trace, version string)
	TaskStatus(id TaskID, state State, trace, version string)
	// TaskSwap is told each time that a swap in a task gets on; the channel is closed when that is on record. A report of
	// SwapStarted counts if the task took a swap's place.
	TaskSwap(id TaskID, report SwapReport) (recorded <-chan struct{})
	// TopicUsed is told when a task first uses a topic, and again from time to time while it does, because what is known
	// may be reset (KIP-558).
	TopicUsed(id TaskID, topic string)
}

// StoredModule is a module that the workers of a group share, without its bytes.
type StoredModule struct {
	Tenant    string // whose it is
	Digest    string // SHA-256, hex
	Name      string // file name without .wasm
	SizeBytes int64
	Manifest  []byte // as the module described itself when it was uploaded
	Added     time.Time
	By        string // the user who uploaded it; "": nobody had to say
	Signature []byte // over its SHA-256; empty: it has none
	Source    string // the OCI reference that it was pulled from; "": it was sent
	Problem   string // why its bytes are not on this worker; "" = they are
}

// ModuleStore shares modules among the workers of a group. A nil one: modules are this worker's alone.
type ModuleStore interface {
	// Put returns when all workers can read the module and this worker's receiver has it.
	Put(ctx context.Context, m StoredModule, wasm []byte) error
	// Delete returns when this worker's receiver has heard of it; the others hear of it as they read on.
	Delete(ctx context.Context, tenant, digest string) error
	// ForgetTenant deletes all that there is of a tenant's modules, torn uploads too.
	ForgetTenant(ctx context.Context, tenant string) error
	// CatchUp returns when the receiver has all modules that were there at the call.
	CatchUp(ctx context.Context) error
	// Ready is closed when the receiver has all modules that were there at the start.
	Ready() <-chan struct{}
}

// ModuleReceiver hears what a ModuleStore reads, from one goroutine; calls must not call the store.
type ModuleReceiver interface {
	// HasModule tells whether the bytes of a module are on this worker already, and whole.
	HasModule(digest string) bool
	// ListModule takes over a module with the file that has its bytes; "": HasModule said that they are here, or
	// m.Problem says why they are not.
	ListModule(m StoredModule, file string) error
	// UnlistModule: it is deleted; tasks that run keep what they have.
	UnlistModule(tenant, digest string)
	// DiscardModule: its bytes are needed no more.
	DiscardModule(digest string)
}
