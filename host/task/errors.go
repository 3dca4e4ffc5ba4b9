package task

import (
	"errors"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/offset"
	"github.com/berth-connect/berth/host/pipeline"
)

// RecordError ends a task: a stage could not process a record and errors are not tolerated.
type RecordError struct {
	Failure pipeline.RecordFailure
	Where   string // which record
}

func (e *RecordError) Error() string { return "Tolerance exceeded in error handler" }

// Trace is the text of a failed task's status: what Connect would say first, then where it happened, in words that name
// plugin, version, stage and record.
func Trace(err error) string {
	var record *RecordError
	if errors.As(err, &record) {
		f := record.Failure
		return fmt.Sprintf("%s: %s\n\tat %s\n\tat %s\nCaused by: %s: %s\n", connectException, err, f.Stage.Where(),
			record.Where, f.Class, f.Message)
	}
	var put *putError
	if errors.As(err, &put) {
		return fmt.Sprintf("%s: %s\nCaused by: %s", connectException, err, traceStage(put.cause, put.where))
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

// sourceRecord names a record that a source task failed on by its source offset, or by the one before it when the
// record never left the instance.
func sourceRecord(polled *abi.Batch, f *pipeline.RecordFailure) string {
	for i, relation := range []string{"with", "after the one with"} {
		k := f.Record - i
		if i == 0 && f.Stage.Found.Digest == "" || k < 0 || k >= polled.Len() {
			continue
		}
		e := polled.Entry(k)
		o, ok := e.SourceOffset()
		if !ok {
			continue
		}
		if text, err := offset.AppendJSON(nil, o.Payload); err == nil {
			return fmt.Sprintf("record %d of the batch, %s source offset %s", f.Record, relation, text)
		}
	}
	return fmt.Sprintf("record %d of the batch", f.Record)
}

// sinkRecord names a consumed record by its coordinates.
func sinkRecord(records []host.ConsumerRecord, i int) string {
	if i < 0 || i >= len(records) {
		return "the batch as a whole"
	}
	r := &records[i]
	return fmt.Sprintf("record %s-%d@%d (topic, partition, offset)", r.Topic, r.Partition, r.Offset)
}
