package host

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Chains that a preview runs.
const (
	PreviewSource     = "source"     // transformations, then header, key and value converter
	PreviewSink       = "sink"       // key, value and header converter, then transformations
	PreviewTransforms = "transforms" // transformations with their predicates alone
)

// Limits of a preview. What goes over them is an error, or for time the outcome of the records that are left.
const (
	PreviewRecordsMax     = 1000
	PreviewLastDefault    = 10
	PreviewInputBytesMax  = 4 << 20 // of given records as JSON, or of records read from a topic
	PreviewOutputBytesMax = 16 << 20
	PreviewDurationMax    = 60 * time.Second
	PreviewEndsMax        = 10 // instances of one stage that may end on a record before the others are not tried
	PreviewLogLinesMax    = 100
	PreviewsMax           = 2 // at a time on one worker; others wait
)

// Previewer runs chains on records without side effects. *worker.Worker implements it.
type Previewer interface {
	// Preview tells what a chain makes of records. A record that fails, a trap and a limit that a module went over are
	// part of the answer. Errors: ErrBadRequest (the request or its configuration), ErrNotFound (a topic).
	Preview(ctx context.Context, request PreviewRequest) (Preview, error)
}

// RecordReader reads topics outside of any consumer group.
type RecordReader interface {
	// Last returns the newest records of a topic, at most n and maxBytes of keys and values, oldest first. It reads them
	// with the consumer properties of a connector. Errors: ErrNotFound.
	Last(ctx context.Context, config Config, topic string, n, maxBytes int) ([]ConsumerRecord, error)
}

// PreviewRequest is the body of POST /preview.
type PreviewRequest struct {
	Tenant string `json:"-"` // who asks; "": the default tenant

	Chain  string `json:"chain,omitempty"` // one of the chains; "": that of connector.class
	Config Config `json:"config"`          // a connector's; converters, transforms and predicates count

	Records []PreviewRecord `json:"records,omitempty"`
	Topic   string          `json:"topic,omitempty"` // instead of records: the newest ones of a topic
	Last    int             `json:"last,omitempty"`  // how many of these; 0: PreviewLastDefault

	Network bool `json:"network,omitempty"` // stages may use the network as far as the operator grants it
}

// PreviewRecord is a record as JSON; recordjson says what the forms of key, value and header are.
type PreviewRecord struct {
	Topic     string          `json:"topic"`
	Partition *int32          `json:"partition,omitempty"`
	Offset    *int64          `json:"offset,omitempty"`
	Timestamp *int64          `json:"timestamp,omitempty"` // ms since the epoch
	Key       json.RawMessage `json:"key"`
	Value     json.RawMessage `json:"value"`
	Headers   []PreviewHeader `json:"headers,omitempty"`
}

// PreviewHeader is one header of a record.
type PreviewHeader struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// Preview is what a chain made of records.
type Preview struct {
	Chain   string           `json:"chain"`
	Stages  []PreviewStage   `json:"stages"`
	Records []PreviewOutcome `json:"records"`
	Log     []string         `json:"log,omitempty"` // lines that the stages logged
}

// PreviewStage is one stage of the chain.
type PreviewStage struct {
	Name    string `json:"name"` // Connect's: TRANSFORMATION, VALUE_CONVERTER…
	Kind    string `json:"kind"` // the ABI's: transform, predicate, key_converter…
	Alias   string `json:"alias,omitempty"`
	Class   string `json:"class"`
	Version string `json:"version"`
	Module  string `json:"module"`
	Digest  string `json:"digest"`
}

// Where names the stage in one line.
func (s PreviewStage) Where() string {
	if s.Alias == "" {
		return fmt.Sprintf("%s (%s %s)", s.Kind, s.Class, s.Version)
	}
	return fmt.Sprintf("%s %s (%s %s)", s.Kind, s.Alias, s.Class, s.Version)
}

// Short is the alias, or the kind for converters.
func (s PreviewStage) Short() string { return cmp.Or(s.Alias, s.Kind) }

// Outcomes of a record.
const (
	PreviewPassed  = "passed"  // as one record or more
	PreviewDropped = "dropped" // by the stage of the last step
	PreviewFailed  = "failed"  // in the stage of the last step
	PreviewNotRun  = "not_run" // for the reason in the error of the last step
)

// PreviewOutcome is what became of one record.
type PreviewOutcome struct {
	Input   PreviewRecord   `json:"input"`
	Outcome string          `json:"outcome"`
	Steps   []PreviewStep   `json:"steps"`            // in order, up to where it ended
	Output  []PreviewRecord `json:"output,omitempty"` // what came out of the chain
}

// PreviewStep is what one stage made of a record.
type PreviewStep struct {
	Stage     int             `json:"stage"`               // index in the preview's stages
	Predicate *bool           `json:"predicate,omitempty"` // what a predicate says
	Unchanged bool            `json:"unchanged,omitempty"` // it gave the record on as it was
	Records   []PreviewRecord `json:"records,omitempty"`   // what it made of the record
	Dropped   bool            `json:"dropped,omitempty"`
	Error     *PreviewError   `json:"error,omitempty"`
}

// PreviewError is why a record went no further.
type PreviewError struct {
	Class   string `json:"class"` // of the exception that Connect would show
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`  // path in the key or value
	Causes  string `json:"causes,omitempty"` // "Caused by: …" lines
	Trap    string `json:"trap,omitempty"`   // how the instance ended on the record
	Remedy  string `json:"remedy,omitempty"`
}

// PreviewLimit is the error of a preview that goes over a limit.
func PreviewLimit(name, limit, what, remedy string) error {
	return BadRequest(fmt.Sprintf("limit preview-%s (%s): %s; %s", name, limit, what, remedy))
}
