package host

import (
	"errors"
	"fmt"
)

// Errors that callers branch on; the text around them is the message for the user. web maps them to HTTP statuses.
var (
	ErrNotFound   = errors.New("not found")
	ErrBadRequest = errors.New("bad request")
	ErrConflict   = errors.New("conflict")
	ErrInternal   = errors.New("internal error")
)

// MissingPluginRemedy says what to do about a class that no module has.
const MissingPluginRemedy = "Upload the module that has it (POST /plugins, berth plugin push), or put it into a " +
	"folder of plugin.path; Java plugins do not run here."

// ErrAlterUnsupported is the answer of a plugin whose offsets must not be altered from outside.
var ErrAlterUnsupported = errors.New("the plugin doesn't support external modification of offsets")

// ErrGroupInUse is the refusal to change a consumer group that has members.
var ErrGroupInUse = errors.New("the consumer group has members")

// Error is an error whose text goes to the user as it is, with the kind that decides the HTTP status.
type Error struct {
	Kind    error // one of the sentinels above
	Message string
	Class   string // of the exception that a plugin raised in its validation; "": none
}

func (e *Error) Error() string { return e.Message }
func (e *Error) Unwrap() error { return e.Kind }

// NotFound, BadRequest and Conflict make such errors.
func NotFound(message string) error   { return &Error{Kind: ErrNotFound, Message: message} }
func BadRequest(message string) error { return &Error{Kind: ErrBadRequest, Message: message} }
func Conflict(message string) error   { return &Error{Kind: ErrConflict, Message: message} }

// LimitError ends an instance that went over a limit.
type LimitError struct {
	Name  string // one of Limit…
	Limit string // its value with its unit
	What  string // what the guest did
}

// Names of limits, as they appear in traces, logs and metrics.
const (
	LimitMemory          = "memory-per-instance"
	LimitModuleMemory    = "memory-per-module"
	LimitWorkerMemory    = "memory-per-worker"
	LimitTenantMemory    = "memory-per-tenant"
	LimitTenantTasks     = "tasks-per-tenant"
	LimitBatchCPU        = "cpu-per-batch"
	LimitBatchSleep      = "sleep-per-batch"
	LimitStack           = "stack-bytes"
	LimitOutput          = "output-bytes"
	LimitWall            = "time-per-call"
	LimitCompileDuration = "compile-duration"
	LimitCompileMemory   = "compile-memory"
)

func (e *LimitError) Error() string {
	return fmt.Sprintf("limit %s (%s): the module %s; %s", e.Name, e.Limit, e.What, remedies[e.Name])
}

var remedies = map[string]string{
	LimitMemory:          "raise berth.limits.memory.bytes",
	LimitModuleMemory:    "run fewer tasks of it here or raise berth.limits.module.memory.bytes",
	LimitWorkerMemory:    "run fewer tasks on this worker or raise berth.limits.worker.memory.bytes",
	LimitTenantMemory:    "run fewer of the tenant's tasks here or raise memory_bytes of its quota",
	LimitTenantTasks:     "run fewer of the tenant's tasks or raise tasks of its quota",
	LimitBatchSleep:      "a transformation, predicate or converter has nothing to wait for",
	LimitStack:           "end its recursion, or keep what it needs in memory instead of in calls",
	LimitOutput:          "make less of a record, or raise berth.limits.output.bytes",
	LimitWall:            "raise the berth.limits key of that call",
	LimitBatchCPU:        "give it smaller batches or raise berth.limits.batch.cpu.ms",
	LimitCompileDuration: "split it, or let the linker remove what is not used",
	LimitCompileMemory:   "split it, or let the linker remove what is not used",
}
