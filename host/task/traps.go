package task

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
)

const (
	trapWindow = time.Minute
	// trapFreely is how many instances may end within the window before the next one has to wait: one record costs two.
	trapFreely     = 2
	trapBackoff    = 10 * time.Millisecond
	trapBackoffMax = 500 * time.Millisecond // so that berth.trap.max.per.minute is reached within a minute
)

// traps are the ends of a task's instances within the last minute.
type traps struct{ at []time.Time }

// next notes one more end, and tells how many there were in a minute and how long the task should wait before it starts
// another instance; the wait doubles with each.
func (t *traps) next(now time.Time) (n int, delay time.Duration) {
	for len(t.at) > 0 && now.Sub(t.at[0]) >= trapWindow {
		t.at = t.at[1:]
	}
	t.at = append(t.at, now)
	n = len(t.at)
	if n <= trapFreely {
		return n, 0
	}
	const doublingsMax = 10 // past the maximum
	return n, min(trapBackoff<<min(n-trapFreely-1, doublingsMax), trapBackoffMax)
}

// trapsError ends a task that tolerates errors: its instances end too often.
type trapsError struct {
	n, max int
	last   error
}

func (e *trapsError) Error() string {
	message, _, _ := strings.Cut(e.last.Error(), "\n")
	return fmt.Sprintf("%d instances of the task ended within a minute, at most %d may (%s); the last one: %s", e.n, e.max,
		host.TrapMaxKey, message)
}

func (e *trapsError) Unwrap() error { return e.last }

// backOff waits before an instance takes the place of one that ended. Error: it happened too often, or ctx ended.
func (c *Config) backOff(ctx context.Context, cause error) error {
	n, delay := c.traps.next(time.Now())
	if n > c.Errors.TrapMax {
		return &trapsError{n, c.Errors.TrapMax, cause}
	}
	if delay == 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopped while it waited for another instance: %w", ctx.Err())
	}
}

// noteOutlived tells about an instance behind which another one took its place; blamed: for the record, which is given
// up.
func (c *Config) noteOutlived(f *pipeline.RecordFailure, trace, record string, blamed bool) {
	action := host.FailureRetried
	switch {
	case blamed && c.Errors.DeadLetters.Topic != "":
		action = host.FailureDeadLetter
	case blamed:
		action = host.FailureSkipped
	}
	c.Failed(host.TaskFailure{At: time.Now(), Action: action, Class: f.Stage.Found.Class, Module: f.Stage.Found.Digest,
		Stage: f.Stage.Name(), Record: record, Trace: trace})
}

// FatalFailure describes the failure that ended a task.
func FatalFailure(err error, trace string) host.TaskFailure {
	f := host.TaskFailure{At: time.Now(), Action: host.FailureFatal, Trace: trace}
	var put *putError
	if errors.As(err, &put) {
		f.Record = put.where
	}
	var stage *pipeline.StageError
	var record *RecordError
	switch {
	case errors.As(err, &record):
		f.Class, f.Module, f.Stage = record.stage.Found.Class, record.stage.Found.Digest, record.stage.Name()
		f.Record = record.where
	case errors.As(err, &stage):
		f.Class, f.Module, f.Stage = stage.Stage.Found.Class, stage.Stage.Found.Digest, stage.Stage.Name()
		if f.Record == "" && stage.Record >= 0 {
			f.Record = fmt.Sprintf("record %d of the batch", stage.Record)
		}
	}
	return f
}
