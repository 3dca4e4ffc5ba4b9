// Package guest is what the author of a Berth plugin imports. An author writes a type with the methods of Source, Sink,
// Transform, Predicate, Converter or HeaderConverter, registers it in main with Run, and builds the program with
// GOOS=wasip1 GOARCH=wasm. The package owns the ABI: it talks to the host, decodes what is looked at, writes what
// was changed, and reports errors. guesttest runs the same plugins natively.
package guest

import (
	"context"
	"errors"

	"github.com/berth-connect/berth/abi"
)

// SDK is the name and version that manifests carry.
const SDK = "go 0.1.0"

// Plugin registers one plugin. Exactly one of the New fields is set, or both of the converters' two.
type Plugin struct {
	Class        string // the name it goes by in configurations
	Aliases      []string
	Version      string
	Doc          string
	TaskClass    string // connectors: shown as task.class; "": Class
	Config       abi.ConfigDef
	Capabilities []string  // abi.CapabilityNet, …
	Needs        abi.Needs // what of these alone; nil: all that the operator grants
	Watches      bool      // NewConnector's value implements Watcher
	KeepsState   bool      // the value of NewTransform, NewPredicate or a converter implements StateKeeper
	WantsSource  bool      // stages: a source's records have SourcePartition and SourceOffset, whatever module it is of
	WantsOffsets bool      // a source's records have their Offset in Kafka when Durable and Commit are given them

	NewSource          func() Source
	NewSink            func() Sink
	NewTransform       func() Transform
	NewPredicate       func() Predicate
	NewConverter       func() Converter
	NewHeaderConverter func() HeaderConverter

	// NewConnector makes the connector of a source or sink; nil: one task with the connector's configuration.
	NewConnector func() Connector
	// Validate checks more than Config declares; it returns only keys that have something to say. nil: nothing.
	Validate func(ctx context.Context, config map[string]*string) ([]abi.KeyValidation, error)
	// AlterOffsets of a source or sink is asked before a user's offsets for the stopped connector are stored. It returns
	// true when it has done the same to offsets in its own system, or keeps none there, and refuses with an error, which
	// the user sees. nil: false is answered.
	AlterOffsets func(ctx context.Context, config map[string]*string, offsets []AlteredOffset) (bool, error)
	// ExactlyOnce and TransactionBoundaries tell whether a source delivers exactly once, and whether it ends transactions
	// itself, under a configuration. nil: it does not say, and it does not.
	ExactlyOnce           func(config map[string]*string) (Support, error)
	TransactionBoundaries func(config map[string]*string) (Support, error)
}

// AlteredOffset is an offset that a user sets, for a Partition that is nil if the user wrote null; a nil Offset is
// deleted. A sink's maps have the keys kafka_topic,
// kafka_partition and kafka_offset.
type AlteredOffset = StoredOffset

// ErrAlterUnsupported is returned by AlterOffsets when offsets of the connector can't be set from outside.
var ErrAlterUnsupported = errors.New("external modification of offsets is not supported")

// Support is an answer about exactly-once delivery.
type Support string

// Answers; Unsaid is Connect's null.
const (
	Unsaid      Support = ""
	Supported   Support = "supported"
	Unsupported Support = "unsupported"
)

// Starter is for plugins other than connectors that want their configuration. Start is called once, before all else.
type Starter interface {
	Start(ctx context.Context, config Config) error
}

// Closer is for plugins that hold something. Close is called once, when the instance was told to stop.
type Closer interface {
	Close() error
}

// StateKeeper is for transformations, predicates and converters that keep something from record to record. When another
// version takes a stage over while its task runs, it is given what the one before exports. Both are called between two
// batches, while records wait.
type StateKeeper interface {
	// ExportState returns what to hand over, all stages of a task together at most abi.StateBytesMax. The stage goes on if
	// what follows fails: exporting changes nothing. An error ends the swap, not the stage.
	ExportState(ctx context.Context) ([]byte, error)
	// ImportState takes what a stage of that version of the plugin has exported, in place of what this one has: before the
	// first record, or when the stage gets its records back. An error ends the swap.
	ImportState(ctx context.Context, version string, state []byte) error
}

// Source reads records from a foreign system.
type Source interface {
	Starter
	// Poll returns records, each with a source partition and offset, as soon as there are some; it may wait, and returns
	// when ctx is done. An error made by Retriable is logged and Poll called again; any other fails the task.
	Poll(ctx context.Context) ([]*Record, error)
}

// Committer is for sources that acknowledge to their foreign system. Commit is told records of Poll, in order, whose
// offsets Kafka Connect has stored since the last call. It may run while Poll waits.
type Committer interface {
	Commit(ctx context.Context, records []*Record) error
}

// Acknowledger is for sources that want to know which records Kafka has, before offsets are stored: in the order in
// which Kafka took them, batch by batch. It may run while Poll waits.
type Acknowledger interface {
	Durable(ctx context.Context, records []*Record) error
}

// Sink writes records to a foreign system.
type Sink interface {
	Starter
	// Put takes records. Retriable errors make the same records come again, Errant errors (several with errors.Join)
	// give single records up, any other fails the task. The records stay valid after Put.
	Put(ctx context.Context, records []*Record) error
}

// PartitionOffset is a topic partition and the next offset, -1 when it is not known.
type PartitionOffset = abi.PartitionOffset

// Flusher is for sinks that buffer. Flush makes everything durable and returns the offsets that are safe to commit,
// usually the given ones. A sink without it has written all that Put returned from.
type Flusher interface {
	Flush(ctx context.Context, offsets []PartitionOffset) ([]PartitionOffset, error)
}

// Opener is for sinks that prepare for partitions.
type Opener interface {
	Open(ctx context.Context, partitions []PartitionOffset) error
}

// PartitionCloser is for sinks that clean up behind partitions that were taken away.
type PartitionCloser interface {
	ClosePartitions(ctx context.Context, partitions []PartitionOffset) error
}

// Transform changes records one at a time. It may implement Starter and Closer.
type Transform interface {
	// Transform says what becomes of the record; changes are made to r itself.
	Transform(ctx context.Context, r *Record) (Outcome, error)
}

// Outcome is what a transform makes of a record: Keep, Drop or Many.
type Outcome struct {
	drop bool
	many []*Record
}

// Keep passes the record on, Drop does not.
var (
	Keep = Outcome{}
	Drop = Outcome{drop: true}
)

// Many passes other records on instead, made with Record.Copy or NewRecord; none drops the record.
func Many(records ...*Record) Outcome { return Outcome{drop: len(records) == 0, many: records} }

// Predicate tells records apart, for transforms that apply to some only. It may implement Starter and Closer.
type Predicate interface {
	Test(ctx context.Context, r *Record) (bool, error)
}

// Converter turns the bytes of a key or value to a Connect value and back. It may implement Starter and Closer; Start
// learns from Config.Key which of both it is for. nil bytes stand for null.
type Converter interface {
	ToConnect(topic string, data []byte) (*abi.Schema, any, error)
	FromConnect(topic string, schema *abi.Schema, value any) ([]byte, error)
}

// HeaderConverter does what Converter does, for headers.
type HeaderConverter interface {
	ToConnectHeader(topic, key string, data []byte) (*abi.Schema, any, error)
	FromConnectHeader(topic, key string, schema *abi.Schema, value any) ([]byte, error)
}

// Connector splits the work of a source or sink into tasks.
type Connector interface {
	Starter
	// TaskConfigs returns the configurations of at most max tasks.
	TaskConfigs(ctx context.Context, max int) ([]map[string]*string, error)
}

// Watcher is for connectors that notice when their tasks should be others. Watch runs while the connector does and
// calls reconfigure then; TaskConfigs is asked anew.
type Watcher interface {
	Watch(ctx context.Context, reconfigure func()) error
}

// kinds lists the kinds a plugin appears under in the manifest.
func (p Plugin) kinds() []string {
	var kinds []string
	for _, k := range []struct {
		set  bool
		kind string
	}{
		{p.NewSource != nil, abi.KindSource}, {p.NewSink != nil, abi.KindSink},
		{p.NewTransform != nil, abi.KindTransform}, {p.NewPredicate != nil, abi.KindPredicate},
		{p.NewConverter != nil, abi.KindConverter}, {p.NewHeaderConverter != nil, abi.KindHeaderConverter},
	} {
		if k.set {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}

func manifest(plugins []Plugin) abi.Manifest {
	m := abi.Manifest{ABI: abi.Version, SDK: SDK}
	for _, p := range plugins {
		for _, kind := range p.kinds() {
			m.Plugins = append(m.Plugins, abi.Plugin{
				Class: p.Class, Aliases: p.Aliases, Kind: kind, Version: p.Version, Doc: p.Doc, TaskClass: p.TaskClass,
				Config: p.Config, Capabilities: p.Capabilities, Needs: p.Needs, Watches: p.Watches,
				Alters: p.AlterOffsets != nil, KeepsState: p.KeepsState,
				GoesAlone: p.NewSource != nil || p.NewSink != nil, WantsOffsets: p.WantsOffsets,
				WantsSource: p.WantsSource,
			})
		}
	}
	return m
}
