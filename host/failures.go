package host

import "time"

// TrapMaxKey is, in a worker's and, stronger, in a connector's configuration, how many instances of a task may end
// within a minute through their own fault before the task is FAILED, although it tolerates errors; 0: none.
const TrapMaxKey = "berth.trap.max.per.minute"

// TrapsPerMinuteMax is its default: one a second, so a record in 30 a minute may be one that a stage ends on (each ends
// two instances: with its batch, and alone), while a topic full of them fails within half a minute instead of going
// to the dead-letter topic unseen. A new instance takes about 1 ms of the bundled module and up to 50 ms of a Go guest.
const TrapsPerMinuteMax = 60

// What was done about a failure of a task.
const (
	FailureRetried    = "RETRIED"     // a new instance; the record on which the old one ended goes alone
	FailureSkipped    = "SKIPPED"     // a new instance; the record is skipped
	FailureDeadLetter = "DEAD_LETTER" // a new instance; the record went to the dead-letter topic
	FailureFatal      = "FAILED"      // the task ended
)

// TaskFailure is the end of an instance, or of the whole task. It is kept on the worker on which it happened, for as
// long as the worker runs.
type TaskFailure struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"` // one of Failure…
	Class  string    `json:"class"`  // of the plugin that was at work; "": it is not known
	Module string    `json:"module"` // digest of its module
	Stage  string    `json:"stage"`  // as dead letters name it
	Record string    `json:"record"` // where it was, as in traces; "": the task did not fail on a record
	Trace  string    `json:"trace"`
}
