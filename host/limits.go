package host

import (
	"cmp"
	"time"
)

// Limits of guests and of the pipeline, in one place. The ABI's own limits (sizes that both sides must know) stand in
// package abi.
const (
	// ModuleBytesMax bounds an uploaded module: the largest driver guest measured is 19 MB.
	ModuleBytesMax = 64 << 20
	// PullDurationMax bounds the pull of a module from a registry, within the time that a request has for an upload.
	PullDurationMax = time.Minute
	// SignatureBytesMax bounds the signature of a module: Ed25519 takes 64 bytes, ECDSA over P-521 at most 139.
	SignatureBytesMax = 1 << 10
	// SignatureKeysMax, SignatureKeyBytesMax and SignatureKeyNameBytesMax bound the public keys of a tenant's record. In
	// PEM form one over P-521 has 268 bytes. Each may have to be tried for each module.
	SignatureKeysMax         = 16
	SignatureKeyBytesMax     = 1 << 10
	SignatureKeyNameBytesMax = 64
	// ManifestBytesMax bounds the manifest of an artifact; those of modules have about 1 kB.
	ManifestBytesMax = 1 << 20
	// ConnectorNameBytesMax bounds the name of a connector, its tenant's included. Group protocols carry 32,767 bytes; a
	// longer name would end the membership of every worker.
	ConnectorNameBytesMax = 1024
	// FunctionsMax to ElementBytesMax bound what a module declares. The largest Go module measured has 10,000 functions,
	// the longest of 51 kB, and 100,000 data segments, which is the most that its linker makes.
	FunctionsMax       = 200_000
	FunctionBytesMax   = 1 << 20
	FunctionLocalsMax  = 50_000
	FunctionValuesMax  = 1000 // parameters, and as many results
	TypesMax           = 20_000
	ImportsMax         = 1000
	ExportsMax         = 10_000
	GlobalsMax         = 100_000
	TablesMax          = 16
	TableElementsMax   = 1 << 18 // at the beginning and after growing; 8 bytes each on the host
	DataSegmentsMax    = 100_000
	ElementSegmentsMax = 100_000
	ElementBytesMax    = 8 << 20

	// CompileDurationMax bounds the compilation of one module; 20 MB take 13 s of one core.
	CompileDurationMax = 2 * time.Minute
	// CompileSmallDurationMax bounds that of a small one: it holds up all others of its lane. 4 MB take 3 s.
	CompileSmallDurationMax = 30 * time.Second
	// CompileSmallBytesMax is the size up to which a module is compiled in the lane of the small ones, which wait for
	// each other only.
	CompileSmallBytesMax = 4 << 20
	// CompileMemoryBytesMax and CompileSmallMemoryBytesMax bound the memory of one compilation; 20 MB take 400 MiB, 3 MB
	// take 80.
	CompileMemoryBytesMax      = 2 << 30
	CompileSmallMemoryBytesMax = 512 << 20
	// CompiledBytesMax bounds the compiled code that is kept on disk; what was used last stays.
	CompiledBytesMax = 1 << 30

	// StopLingerFactor is how many times task.shutdown.graceful.timeout.ms a task of a stopped connector has before it is
	// ended: nobody waits for its place. After the first the worker goes on without it.
	StopLingerFactor = 2

	// MemoryBytesMax caps the linear memory of one instance.
	MemoryBytesMax = 512 << 20
	// OpenFilesMax is how many files and directories an instance may have open. All guests together may have half of the
	// descriptors of the process.
	OpenFilesMax = 256
	// StackBytesMax is wazero's own bound of the frames of compiled code: a stack that is larger grows no more, and one
	// that grows doubles, so an instance may have nearly twice this. What a guest keeps of its stack in its memory counts
	// as memory.
	StackBytesMax = 50_000_000
	// ModuleMemoryBytesMax and WorkerMemoryBytesMax cap that of all instances of a module, and of all on this worker.
	ModuleMemoryBytesMax = 4 << 30
	WorkerMemoryBytesMax = 8 << 30
	// BatchSleepMax is how long a stage that has nothing to wait for may sleep before it answers.
	BatchSleepMax = 1500 * time.Millisecond
	// BatchCPUMax is how long a guest may compute before it answers an event, or sleeps if it owes no answer. Those that
	// may wait for other systems also have it anew after each such wait.
	BatchCPUMax = 500 * time.Millisecond
	// StartDurationMax bounds the time from PLAN to READY, sleeping included.
	StartDurationMax = 30 * time.Second
	// DescribeDurationMax bounds describe, validate, altering of offsets and task configs, sleeping included. It is longer
	// than a REST request may take, so that a user reads that the request has timed out.
	DescribeDurationMax = 2 * time.Minute
	// TransformDurationMax bounds a transform or converter stage's answer to one batch, sleeping included.
	TransformDurationMax = 30 * time.Second
	// LeaveDurationMax is how long a source may take to give up the other stages of its instance: it does so between two
	// polls, which may wait for their system.
	LeaveDurationMax = time.Minute
	// StageIdleMax is how long an instance of stages that keep nothing between batches lives on without a batch.
	StageIdleMax = 30 * time.Second
	// PutDurationMax bounds a sink's answer to one batch or flush: Kafka's max.poll.interval.ms.
	PutDurationMax = 5 * time.Minute

	// BatchRecordsMax and BatchBytesMax are what a plan tells a source: large enough to make a crossing cheap (some µs
	// a batch), small enough that four batches in flight and their copies stay below 10 MiB a task.
	BatchRecordsMax = 4096
	BatchBytesMax   = 512 << 10
	// OutputBytesMax bounds one message of a guest: what a transform makes of a batch, or a batch of a source.
	OutputBytesMax = 16 << 20
	// OutboxBatchesMax is how many messages of a guest wait for the host before put says "window full".
	OutboxBatchesMax = 4
	// ErrantKeptMax is how many records a sink may give up besides while it owes one answer.
	ErrantKeptMax = 10_000
	// RequestsMax is how many requests of an instance the host works on at a time before put says "window full".
	RequestsMax = 64
	// RequestDurationMax bounds the answer to a request of a guest, which may try again after that.
	RequestDurationMax = 20 * time.Second
	// RequestWaitMax bounds how long a guest may wait for requests while it owes the answer to one event.
	RequestWaitMax = 2 * time.Minute
	// RegistryAnswerBytesMax bounds an answer of a schema registry, RegistryReferencesMax what one schema may refer to.
	RegistryAnswerBytesMax = 8 << 20
	RegistryReferencesMax  = 1000
	// NetConnectionsMax is how many connections and questions to DNS an instance has open at a time, dialling included;
	// each may hold two buffers of NetBufferBytes.
	NetConnectionsMax = 64
	NetBufferBytes    = 64 << 10
	// NetDialsPerSecondMax keeps an instance from searching a network.
	NetDialsPerSecondMax = 100
	// NetBytesPerSecondMax paces the bytes of all connections of an instance, both ways.
	NetBytesPerSecondMax = 128 << 20
	// NetDialDurationMax bounds resolving and connecting, and again the handshake of TLS.
	NetDialDurationMax = 15 * time.Second
	// NetLingerMax is how long what a guest has written may take to go out after it closed a connection.
	NetLingerMax = 2 * time.Second
	// NetTildeHeldMax and NetHandleHeldMax are how long the end of what a guest has written waits for more, if it may be
	// the beginning of a secret's handle: a tilde or two, which data may end with, and more than that.
	NetTildeHeldMax  = 50 * time.Millisecond
	NetHandleHeldMax = 5 * time.Second
	// LogLinesPerSecondMax is a guest's share of the worker's log; the rest is counted and dropped.
	LogLinesPerSecondMax = 100
	// StderrKeptBytesMax is how much of a guest's first words, and as much of its last ones, goes into a trace.
	StderrKeptBytesMax = 2 << 10
)

// Limits of one instance; zero fields stand for the defaults above.
type Limits struct {
	MemoryBytes   uint64        // berth.limits.memory.bytes
	BatchCPU      time.Duration // berth.limits.batch.cpu.ms
	SecondCPU     time.Duration // berth.limits.second.cpu.ms; a guest over it waits
	BatchSleep    time.Duration // berth.limits.batch.sleep.ms; of stages that have nothing to wait for
	StartWall     time.Duration // berth.limits.start.ms
	DescribeWall  time.Duration // berth.limits.describe.ms
	TransformWall time.Duration // berth.limits.transform.ms
	PutWall       time.Duration // berth.limits.put.ms
	OutputBytes   int           // berth.limits.output.bytes; of one message
	SecondLines   int           // berth.limits.log.lines; what is over is dropped and counted

	NetConnections int // berth.limits.net.connections
	NetSecondBytes int // berth.limits.net.second.bytes; connections over it wait
}

// WithDefaults fills the zero fields.
func (l Limits) WithDefaults() Limits {
	return Limits{
		MemoryBytes:   cmp.Or(l.MemoryBytes, MemoryBytesMax),
		BatchCPU:      cmp.Or(l.BatchCPU, BatchCPUMax),
		SecondCPU:     cmp.Or(l.SecondCPU, time.Second),
		BatchSleep:    cmp.Or(l.BatchSleep, BatchSleepMax),
		StartWall:     cmp.Or(l.StartWall, StartDurationMax),
		DescribeWall:  cmp.Or(l.DescribeWall, DescribeDurationMax),
		TransformWall: cmp.Or(l.TransformWall, TransformDurationMax),
		PutWall:       cmp.Or(l.PutWall, PutDurationMax),
		OutputBytes:   cmp.Or(l.OutputBytes, OutputBytesMax),
		SecondLines:   cmp.Or(l.SecondLines, LogLinesPerSecondMax),

		NetConnections: cmp.Or(l.NetConnections, NetConnectionsMax),
		NetSecondBytes: cmp.Or(l.NetSecondBytes, NetBytesPerSecondMax),
	}
}
