package guest

import (
	"errors"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// detailedError adds to an error what traces, logs and dead letters show beside its message.
type detailedError struct {
	err   error
	class string // of the exception to show
	step  string // towards the value that the error is about
	cause string // "CLASS: MESSAGE"
}

func (e *detailedError) Error() string { return e.err.Error() }
func (e *detailedError) Unwrap() error { return e.err }

// WithClass names the exception class that Kafka Connect would show for err; without it that is the one of err's kind.
func WithClass(err error, class string) error { return &detailedError{err: err, class: class} }

// InField says in which field, or item ("[3]"), of the record's value err arose; to be called on the way out, the
// innermost first.
func InField(err error, step string) error { return &detailedError{err: err, step: step} }

// WithCause says what led to err: an exception class and its message, which may be "". Of several, the first call names
// the nearest.
func WithCause(err error, class, message string) error {
	return &detailedError{err: err, cause: strings.TrimSuffix(class+": "+message, ": ")}
}

// details are all that was added to an error.
type details struct {
	class  string // the one that was named last
	path   string
	causes []string // the nearest first
}

func detailsOf(err error) details {
	var d details
	for ; err != nil; err = errors.Unwrap(err) {
		e, ok := err.(*detailedError)
		switch {
		case !ok:
		case e.step != "" && d.path != "" && !strings.HasPrefix(e.step, "["):
			d.path += "." + e.step
		case e.step != "":
			d.path += e.step
		case e.cause != "":
			d.causes = append(d.causes, e.cause)
		case d.class == "":
			d.class = e.class
		}
	}
	slices.Reverse(d.causes) // they were met from the outside
	return d
}

// recordError is an error of a record, or of the batch (abi.None), at a stage.
func recordError(record uint32, stage int, code abi.Code, err error) abi.RecordError {
	text, class := textOf(err)
	return abi.RecordError{Record: record, Stage: uint32(stage), Code: code, Message: text, Class: class}
}

// textOf is the message of an error with a line for each thing else that is known (abi/LAYOUT.md, section 4).
func textOf(err error) (text, class string) {
	d := detailsOf(err)
	text = err.Error()
	if d.path != "" {
		text += "\nField: " + d.path
	}
	for _, cause := range d.causes {
		text += "\nCaused by: " + cause
	}
	return text, d.class
}
