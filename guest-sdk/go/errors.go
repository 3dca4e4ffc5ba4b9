package guest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/berth-connect/berth/abi"
)

// codedError is an error with its class in the ABI.
type codedError struct {
	code abi.Code
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// Retriable says that the same call may work later (Connect's RetriableException).
func Retriable(err error) error { return &codedError{abi.CodeRetriable, err} }

// DataError says that a record can't be processed (Connect's DataException).
func DataError(err error) error { return &codedError{abi.CodeData, err} }

// ConfigError says that a configuration value is wrong, in the words of Connect's ConfigException; remedy may be "".
func ConfigError(field, value, remedy string) error { return abi.InvalidValue(field, value, remedy) }

// batchError is not one record's.
type batchError struct{ err error }

func (e *batchError) Error() string { return e.err.Error() }
func (e *batchError) Unwrap() error { return e.err }

// ofBatch says that the whole batch fails, or is given again if the error is retriable.
func ofBatch(err error) error { return &batchError{err} }

func isOfBatch(err error) bool {
	var batch *batchError
	return errors.As(err, &batch)
}

// errantError gives one record up.
type errantError struct {
	record *Record
	err    error
}

func (e *errantError) Error() string { return e.err.Error() }
func (e *errantError) Unwrap() error { return e.err }

// Errant says that a sink gives this record up and goes on (Connect's ErrantRecordReporter).
func Errant(r *Record, err error) error { return &errantError{r, err} }

// ReportErrant says that a sink gives a record up that an earlier Put took, and goes on (Connect's
// ErrantRecordReporter). It may be called from any goroutine, before Flush answers with an offset behind the record:
// then that offset is committed once the record is in the dead-letter topic. It waits for room in the host's window;
// ctx is the one that the plugin was called with, or comes from it.
func ReportErrant(ctx context.Context, r *Record, err error) error {
	in := instanceOf(ctx)
	if in == nil || in.sink() == nil {
		return errors.New("report a record: ctx is not one that a sink was called with")
	}
	text, class := textOf(err)
	topic, partition := r.givenPlace()
	e := abi.Errant{Topic: topic, Partition: partition, Offset: r.offset, Message: text, Class: class}
	return in.put(ctx, abi.MessageErrant, 0, nil, e.Encode())
}

// codeOf classes an error of author code.
func codeOf(err error) abi.Code {
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	var config *abi.ConfigError
	if errors.As(err, &config) {
		return abi.CodeConfig
	}
	return abi.CodeConnect
}

// splitErrant takes an error of Put apart: the records given up, and what is left. Joined errors are looked into.
func splitErrant(err error) (errant []*errantError, rest error) {
	if err == nil {
		return nil, nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var left []error
		for _, one := range joined.Unwrap() {
			found, other := splitErrant(one)
			errant = append(errant, found...)
			left = append(left, other)
		}
		return errant, errors.Join(left...)
	}
	var one *errantError
	if errors.As(err, &one) {
		return []*errantError{one}, nil
	}
	return nil, err
}

// failure is an error that ends the instance, with the place where it arose.
type failure struct {
	abi.Failure
	err error
}

func (f *failure) Unwrap() error { return f.err }

// failed makes a failure of a stage; record is -1 for none.
func failed(stage int, record int64, err error) *failure {
	var known *failure
	if errors.As(err, &known) {
		return known
	}
	message, class := textOf(err)
	var config *abi.ConfigError
	if errors.As(err, &config) {
		message = config.Message // the first wrong key speaks for all
	}
	return &failure{abi.Failure{Code: codeOf(err), Message: message, Stage: int32(stage), Record: record,
		Class: class}, err}
}

// guard calls author code and turns its panic into a failure at the position that was noted last.
func (in *instance) guard(call func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			stage, record := in.position()
			text := fmt.Sprintf("panic: %v\n\n%s", cause, debug.Stack())
			err = &failure{abi.Failure{Code: abi.CodeInternal, Message: text, Stage: stage, Record: record}, nil}
		}
	}()
	return call()
}
