// Package abi is the contract between the host and a guest module: names of imports, event and message kinds, the
// encodings of values, schemas, batches and control messages, configuration definitions and limits. LAYOUT.md beside
// this file is the same contract for readers of other languages. Both sides import it, so it uses the standard
// library alone, keeps no state and does no I/O.
package abi

import "math"

// Version is the ABI version; a module states it by importing the function VersionImport.
const Version = 1

// Names of the host module and of its functions.
const (
	HostModule    = "berth"
	VersionImport = "berth_abi_1"

	ImportPoll     = "poll"
	ImportPut      = "put"
	ImportCommit   = "commit"
	ImportLog      = "log"
	ImportMetric   = "metric"
	ImportPosition = "position"
)

// TaskFd is the file descriptor of the task: readable when poll has an event, writable when put would be taken.
const TaskFd = 1 << 20

// PositionBytes is the size of the area that `position` registers: u32 stage, record, phase, 0.
const PositionBytes = 16

const (
	// NoTimestamp stands for a record without a timestamp.
	NoTimestamp = math.MinInt64
	// None is "no index" in every u32 index, and the length of a null source offset.
	None = 0xFFFFFFFF
	// RefInput is the bit of a data offset in a RESULT that makes it point into the data area of the answered batch.
	RefInput = 0x80000000
)

// EventKind tells what the host hands over through poll.
type EventKind uint32

// Kinds of events.
const (
	EventPlan      EventKind = 1
	EventBatch     EventKind = 2
	EventStop      EventKind = 3
	EventPause     EventKind = 4
	EventResume    EventKind = 5
	EventDurable   EventKind = 6
	EventCommitted EventKind = 7
	EventOpen      EventKind = 8
	EventClose     EventKind = 9
	EventFlush     EventKind = 10
	EventConfigs   EventKind = 11
	EventValidate  EventKind = 12
	EventReply     EventKind = 13
	EventAlter     EventKind = 14
	EventExport    EventKind = 15
	EventImport    EventKind = 16
	EventWritten   EventKind = 17
	EventAlone     EventKind = 18
)

// MessageKind tells what a guest hands over through put.
type MessageKind uint32

// Kinds of messages.
const (
	MessageReady       MessageKind = 1
	MessageRecords     MessageKind = 2
	MessageResult      MessageKind = 3
	MessageManifest    MessageKind = 4
	MessageConfigs     MessageKind = 5
	MessageValidated   MessageKind = 6
	MessageFailed      MessageKind = 7
	MessageReconfigure MessageKind = 8
	MessageRequest     MessageKind = 9
	MessageAltered     MessageKind = 10
	MessageErrant      MessageKind = 11
	MessageState       MessageKind = 12
	MessageImported    MessageKind = 13
)

// Code classes an error of a record, a batch or an instance.
type Code uint32

// Codes of errors.
const (
	CodeRetriable Code = 1 // may work when it is tried again
	CodeData      Code = 2 // the record can't be processed
	CodeConfig    Code = 3 // the configuration is wrong
	CodeConnect   Code = 4 // any other failure of the plugin
	CodeErrant    Code = 5 // a sink gives the record up; a dead-letter topic may take it
	CodeInternal  Code = 6 // a defect of the plugin or the SDK
)

// Phase is what a guest was doing, for the message after a trap.
type Phase uint32

// Phases.
const (
	PhaseIdle     Phase = 0
	PhaseStart    Phase = 1
	PhasePoll     Phase = 2
	PhasePut      Phase = 3
	PhaseApply    Phase = 4
	PhaseFlush    Phase = 5
	PhaseStop     Phase = 6
	PhaseDescribe Phase = 7
	PhaseValidate Phase = 8
	PhaseConfigs  Phase = 9
	PhaseCommit   Phase = 10
	PhaseAlter    Phase = 11
	PhaseState    Phase = 12
)

// PutStatus is the answer of put and commit.
type PutStatus int32

// Answers of put and commit.
const (
	PutTaken      PutStatus = 0
	PutFull       PutStatus = -1 // wait until the task fd is writable
	PutBadPointer PutStatus = -2
	PutBadLayout  PutStatus = -3
	PutUnknown    PutStatus = -4 // unknown kind or seq
	PutTooLarge   PutStatus = -5
	PutNotAllowed PutStatus = -6 // in this role
)

// LogLevel of the log import.
type LogLevel int32

// Levels.
const (
	LogTrace LogLevel = 0
	LogDebug LogLevel = 1
	LogInfo  LogLevel = 2
	LogWarn  LogLevel = 3
	LogError LogLevel = 4
)

// MetricKind of the metric import.
type MetricKind int32

// Kinds of metrics.
const (
	MetricCounter MetricKind = 0 // add the value
	MetricGauge   MetricKind = 1 // set the value
)

// Timestamp types of a record.
const (
	TimestampTypeNone      uint8 = 0
	TimestampTypeCreate    uint8 = 1
	TimestampTypeLogAppend uint8 = 2
)

// FlagPredicate is the bit of a record's flags that the last predicate stage wrote.
const FlagPredicate uint8 = 1

// FlagNoTopic is the bit of a record's flags that says that it has no topic (yet): null, where the dictionary of topics
// has but an empty text.
const FlagNoTopic uint8 = 2
