package task

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/berth-connect/berth/host/pipeline"
)

// Tolerance is what a task does about records that fail (KIP-298).
type Tolerance struct {
	All           bool          // errors.tolerance=all
	RetryTimeout  time.Duration // errors.retry.timeout; 0: no retries, below: without end
	RetryDelayMax time.Duration // errors.retry.delay.max.ms
	Log           bool          // errors.log.enable
	LogRecords    bool          // errors.log.include.messages
	DeadLetters   DeadLetters
	TrapMax       int // berth.trap.max.per.minute; more end the task
}

// DeadLetters says where failed records go, errors.deadletterqueue.*.
type DeadLetters struct {
	Topic             string // "": nowhere
	ReplicationFactor int16
	ContextHeaders    bool
}

func (t *Tolerance) retries() bool { return t.RetryTimeout != 0 }

// retryDelayMin is the first delay of an operation that is tried again; each following one is twice as long
// (RetryWithToleranceOperator).
const retryDelayMin = 300 * time.Millisecond

// attempts counts the failures of the operation that is being tried again: one stage's, on one record. The zero value
// is none.
type attempts struct {
	stage    string
	failed   int
	deadline time.Time // of errors.retry.timeout; zero: none
}

// again tells how long to wait before the next attempt, after one that failed at now; false: no attempt is left. The
// time runs from the first failure.
func (a *attempts) again(t *Tolerance, now time.Time) (time.Duration, bool) {
	if !t.retries() {
		return 0, false
	}
	if a.failed == 0 && t.RetryTimeout > 0 {
		a.deadline = now.Add(t.RetryTimeout)
	}
	a.failed++
	if !a.deadline.IsZero() && !now.Before(a.deadline) {
		return 0, false
	}
	return a.clip(t.delay(a.failed), now), true
}

// delay is that before the attempt behind the n-th failure. Past the maximum it is random below it, so that tasks that
// failed together don't come back together.
func (t *Tolerance) delay(n int) time.Duration {
	const doublingsMax = 40 // 300 ms << 40 is ten thousand years, and does not overflow
	d := retryDelayMin << min(n-1, doublingsMax)
	if d <= t.RetryDelayMax && d > 0 {
		return d
	}
	if t.RetryDelayMax <= 0 {
		return 0
	}
	return rand.N(t.RetryDelayMax)
}

func (a *attempts) clip(d time.Duration, now time.Time) time.Duration {
	if !a.deadline.IsZero() {
		d = min(d, a.deadline.Sub(now))
	}
	return d
}

// verdict is what becomes of a batch whose records passed the stages, or failed.
type verdict struct {
	done   int                      // the records up to this one have their outcome: the others are still to be given
	failed []pipeline.RecordFailure // of these records, in order
	fatal  bool                     // the last of failed ends the task; its record is the one at done
	retry  *pipeline.RecordFailure  // the record at done is to be tried again
	delay  time.Duration            // before that
}

// judge decides about n records that were given to the stages, of which some failed.
func (t *Tolerance) judge(n int, failures []pipeline.RecordFailure, a *attempts, now time.Time) verdict {
	slices.SortStableFunc(failures, func(x, y pipeline.RecordFailure) int { return cmp.Compare(x.Record, y.Record) })
	for i := range failures {
		f := &failures[i]
		stopped := f.Retriable() && t.retries() // nothing behind it went further
		if stopped {
			if stage := f.Stage.Where(); f.Record > 0 || stage != a.stage {
				*a = attempts{stage: stage}
			}
			if delay, ok := a.again(t, now); ok {
				return verdict{done: f.Record, failed: failures[:i], retry: f, delay: delay}
			}
			*a = attempts{}
		}
		if !t.All {
			return verdict{done: f.Record, failed: failures[:i+1], fatal: true}
		}
		if stopped {
			return verdict{done: min(f.Record+1, n), failed: failures[:i+1]}
		}
	}
	*a = attempts{}
	return verdict{done: n, failed: failures}
}
