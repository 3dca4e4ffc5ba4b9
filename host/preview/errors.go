package preview

import (
	"errors"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/task"
)

const connectException = "org.apache.kafka.connect.errors.ConnectException"

// failed is what a stage says of a record that it could not process.
func (f *flow) failed(failure *pipeline.RecordFailure) *host.PreviewError {
	raw := map[string][]byte{abi.KindKeyConverter: f.record.Key, abi.KindValueConverter: f.record.Value}
	return &host.PreviewError{
		Class:   guest.Class(failure.Code, failure.Details.Class),
		Message: failure.Message,
		Field:   failure.Details.Field,
		Causes:  failure.Details.Causes,
		Remedy:  task.Remedy(failure, raw[failure.Stage.Kind]),
	}
}

// endedError is why an instance ended, on a record or before it had started.
func endedError(err error) *host.PreviewError {
	e := &host.PreviewError{Class: connectException}
	e.Message, _, _ = strings.Cut(err.Error(), "\n")
	var failure *guest.Failure
	if errors.As(err, &failure) {
		e.Class = guest.Class(failure.Code, failure.Class)
		return e
	}
	var ended *pipeline.StageError
	if errors.As(err, &ended) {
		e.Trap = task.Trap(ended)
	}
	return e
}
