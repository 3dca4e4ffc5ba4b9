package task

import (
	"errors"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
)

// RecordError ends a task: a stage could not process a record and errors are not tolerated.
type RecordError struct {
	trace string
	stage pipeline.Stage
	where string // which record
}

// ended is the failure of a task by a record.
func (r *report) ended() error { return &RecordError{r.trace(), r.failure.Stage, r.record.where()} }

func (e *RecordError) Error() string { return "Tolerance exceeded in error handler" }

// Trace is the text of a failed task's status: what Connect would say first, then where it happened, in words that name
// plugin, version, stage and record, and what to do.
func Trace(err error) string {
	var record *RecordError
	if errors.As(err, &record) {
		return fmt.Sprintf("%s: %s\nCaused by: %s", connectException, err, record.trace)
	}
	var letter *DeadLetterError
	if errors.As(err, &letter) {
		return fmt.Sprintf("%s: %s\n\tat %s\nCaused by: %s\n\tremedy: make topic %s take the record, or name another one in "+
			"errors.deadletterqueue.topic.name\n", connectException, err, letter.Where, letter.Cause, letter.Topic)
	}
	var put *putError
	where := ""
	if errors.As(err, &put) {
		where = put.where
	}
	var often *trapsError
	if errors.As(err, &often) {
		return fmt.Sprintf("%s: %s\nCaused by: %s", connectException, often, traceStage(often.last, where))
	}
	if put != nil {
		return fmt.Sprintf("%s: %s\nCaused by: %s", connectException, err, traceStage(put.cause, where))
	}
	return traceStage(err, "")
}

const connectException = "org.apache.kafka.connect.errors.ConnectException"

func traceStage(err error, record string) string {
	var stage *pipeline.StageError
	where := ""
	if errors.As(err, &stage) {
		where = stage.Where()
		if record == "" && stage.Record >= 0 {
			record = fmt.Sprintf("record %d of the batch", stage.Record)
		}
	}
	return guest.Trace(err, strings.TrimSuffix(where+"\n\tat "+record, "\n\tat "))
}

// sinkRecord names a consumed record by its coordinates.
func sinkRecord(records []host.ConsumerRecord, i int) string {
	if i < 0 || i >= len(records) {
		return "the batch as a whole"
	}
	return consumed{&records[i]}.where()
}
