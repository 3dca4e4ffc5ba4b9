package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
)

// Link is one group's running instance.
type Link struct {
	Group    Group
	Instance *guest.Instance
	Limit    time.Duration // for the answer to one batch
	Strict   bool          // errors are not tolerated: what comes behind a record that failed goes no further
	Retries  bool          // nor does what comes behind a record that is tried again
	builder  abi.BatchBuilder
}

// RecordFailure is one record that a stage could not process.
type RecordFailure struct {
	Record  int // index in the batch that entered the chain
	Stage   Stage
	Code    abi.Code
	Message string
	Details Details
	Unseen  bool   // it never left a source's instance: Record is the index of the entry before which it was
	Trap    string // why the instance ended on it; "": it answered
}

func (f *RecordFailure) Error() string { return f.Message }

// Retriable tells whether Connect tries the operation again (errors.retry.timeout): transformations and converters.
// What a sink could not put it asks for itself, by the batch.
func (f *RecordFailure) Retriable() bool {
	return f.Code == abi.CodeRetriable && !f.Stage.IsConnector()
}

// Result is what became of a batch.
type Result struct {
	Batch    abi.Batch // the records that came out; may refer to memory that lives as long as the Result
	Origins  []uint32  // of each, the index in the entering batch of the record it came from; nil: the same index
	Failures []RecordFailure
	Retry    *RecordFailure // a stage asks for the whole batch again later

	from    Group      // whose answer it is
	entered *abi.Batch // what entered the chain; nil: Batch
	lo, hi  int        // the part of Batch that counts, see Window; hi 0: all
}

// Window is the part of a batch, not yet passed by any link, with the entries lo to hi. What becomes of it is still
// told by the indices of the whole batch.
func (r Result) Window(lo, hi int) Result {
	w := Result{Batch: r.Batch, from: r.from, lo: lo, hi: hi}
	for _, f := range r.Failures { // one behind the last entry belongs to the last window
		if f.Record >= lo && (f.Record < hi || hi == r.Batch.Len()) {
			w.Failures = append(w.Failures, f)
		}
	}
	return w
}

// Len is the number of records that count.
func (r *Result) Len() int {
	if r.hi == 0 {
		return r.Batch.Len()
	}
	return r.hi - r.lo
}

// Origin is the index in the entering batch of the record that entry i came from.
func (r *Result) Origin(i int) int {
	if r.Origins == nil {
		return i
	}
	return int(r.Origins[i])
}

// before is how many of the records came before the first one whose failure stops the link.
func (r *Result) before(stops func(*RecordFailure) bool) int {
	n := r.Len()
	for i := range r.Failures {
		if f := &r.Failures[i]; stops(f) {
			n = min(n, sort.Search(r.Len(), func(k int) bool { return r.Origin(r.lo+k) >= f.Record }))
		}
	}
	return n
}

// Apply takes a batch through the links in turn. It returns an error when an instance failed: a *StageError.
func Apply(ctx context.Context, links []*Link, in Result) (Result, error) {
	for _, l := range links {
		var err error
		if in, err = l.apply(ctx, in); err != nil || in.Retry != nil {
			return in, err
		}
		if in.Batch.Len() == 0 {
			break
		}
	}
	return in, nil
}

// apply gives the instance the batch, with source partitions and offsets only if a stage wants them.
func (l *Link) apply(ctx context.Context, in Result) (Result, error) {
	n := in.before(l.stops)
	if n == 0 {
		return Result{Failures: in.Failures}, nil
	}
	if err := l.compact(&in, n); err != nil {
		return in, in.from.Failed(err)
	}
	body := l.builder.AppendTo(make([]byte, 0, l.builder.Size()))
	input, err := abi.ParseBatch(body, nil)
	if err != nil {
		return in, fmt.Errorf("encode batch: %w", err)
	}
	return l.answer(ctx, in, guest.Bytes(body), input)
}

// stops tells whether nothing behind the failing record may go further for now.
func (l *Link) stops(f *RecordFailure) bool { return l.Strict || l.Retries && f.Retriable() }

// Enter gives consumed records to the first link.
func (l *Link) Enter(ctx context.Context, records []host.ConsumerRecord) (Result, error) {
	fetch := NewFetch(records)
	if l.Group.EndsInSink() {
		out, err := l.exchange(ctx, fetch, len(records), nil)
		return out, err // no records come out, so nothing can refer to the input
	}
	body := make([]byte, fetch.Size())
	fetch.WriteTo(body)
	input, err := abi.ParseBatch(body, nil)
	if err != nil {
		return Result{}, fmt.Errorf("encode batch: %w", err)
	}
	return l.answer(ctx, Result{Batch: input}, guest.Bytes(body), input)
}

// Warm lets the instance answer a batch without records, so that what it does for the first time is not done while
// records wait.
func (l *Link) Warm(ctx context.Context) error {
	_, err := l.exchange(ctx, NewFetch(nil), 0, []byte{})
	return err
}

func (l *Link) answer(ctx context.Context, in Result, body guest.Body, input abi.Batch) (Result, error) {
	out, err := l.exchange(ctx, body, input.Len(), input.Data())
	if err != nil {
		return in, in.enteringIndex(err)
	}
	if !l.Group.EndsInSink() {
		if err := out.Batch.CheckAnswer(&input); err != nil {
			return in, l.garbage(err)
		}
	}
	return compose(in, out), nil
}

// enteringIndex lets the error of an instance name the record by its index in the entering batch.
func (r *Result) enteringIndex(err error) error {
	var stage *StageError
	if errors.As(err, &stage) && stage.Record >= 0 && stage.Record < r.Len() {
		stage.Record = r.Origin(r.lo + stage.Record)
	}
	return err
}

// Polled reads a batch that a source's instance put.
func (l *Link) Polled(m guest.Message) (Result, error) {
	batch, err := abi.ParseBatch(m.Body, nil)
	if err != nil {
		return Result{}, l.garbage(err)
	}
	l.Instance.CountRecords(batch.InputCount(), batch.Len())
	r, err := l.result(batch)
	for i := range r.Failures { // from indices of the poll, of which dropped records are missing, to indices of entries
		record := r.Failures[i].Record
		r.Failures[i].Record = sort.Search(batch.Len(), func(k int) bool { return int(batch.Entry(k).Origin()) >= record })
		r.Failures[i].Unseen = true
	}
	return r, err
}

// compact makes a batch of its own out of the first n records of what came from the link before, whose records are
// the origins of the answer. Many records may refer to the same bytes, which are written out here: so the size is
// bounded.
func (l *Link) compact(in *Result, n int) error {
	l.builder.BeginResult(&in.Batch)
	l.builder.SetInputCount(n)
	wantsSource := l.Group.WantsSource()
	var fields abi.RecordFields
	for i := range n {
		fields.SetEntry(in.Batch.Entry(in.lo + i))
		fields.Origin = uint32(i)
		fields.SourcePartition, fields.SourceOffset = abi.None, abi.Block{}
		if wantsSource {
			l.addSource(&fields, in, i)
		}
		l.builder.Add(&fields)
		if l.builder.Size() > abi.BatchBytesMax {
			return fmt.Errorf("a batch of %d records grew over %d bytes at record %d", in.Len(), abi.BatchBytesMax, i)
		}
	}
	return nil
}

// addSource fills in where record i comes from by the batch that entered the chain: no stage can have changed that.
func (l *Link) addSource(fields *abi.RecordFields, in *Result, i int) {
	entered := in.entered
	if entered == nil {
		entered = &in.Batch
	}
	e := entered.Entry(in.Origin(in.lo + i))
	if p := e.SourcePartition(); p != abi.None {
		fields.SourcePartition = l.builder.AddPartition(entered.Partition(int(p)).Payload)
	}
	fields.SourceOffset = e.SourceOffsetBlock()
}

// exchange gives the instance a batch of n records and waits for its answer; data is the batch's data area, to which
// the answer may refer (nil: a sink, whose answer has no records).
func (l *Link) exchange(ctx context.Context, body guest.Body, n int, data []byte) (Result, error) {
	seq := l.Instance.Send(abi.EventBatch, body)
	m, err := l.Instance.Expect(ctx, abi.MessageResult, l.Limit)
	if err != nil {
		return Result{}, l.failed(err)
	}
	if m.Seq != seq {
		return Result{}, l.garbage(fmt.Errorf("answer to batch %d where %d was due", m.Seq, seq))
	}
	batch, err := abi.ParseBatch(m.Body, data)
	if err != nil {
		return Result{}, l.garbage(err)
	}
	if batch.InputCount() != n {
		return Result{}, l.garbage(fmt.Errorf("answer for %d records of %d", batch.InputCount(), n))
	}
	l.Instance.CountRecords(n, batch.Len())
	return l.result(batch)
}

// result reads the errors of a batch. One for the batch as a whole is the end of the task, unless it is retriable.
func (l *Link) result(batch abi.Batch) (Result, error) {
	r := Result{Batch: batch, from: l.Group}
	for i := range batch.ErrorCount() {
		e := batch.Error(i)
		f := RecordFailure{Record: int(e.Record), Stage: l.Group.stage(e.Stage), Code: e.Code}
		f.Message, f.Details = splitDetails(e.Message, e.Class)
		switch {
		case e.Record != abi.None:
			r.Failures = append(r.Failures, f)
		case e.Code == abi.CodeRetriable:
			r.Retry = &f
		default:
			message := strings.TrimSuffix(f.Message+"\n"+f.Details.Causes, "\n")
			failure := abi.Failure{Code: e.Code, Message: message, Class: f.Details.Class, Stage: int32(e.Stage), Record: -1}
			return r, &StageError{Stage: f.Stage, Record: -1, Err: &guest.Failure{Failure: failure}}
		}
	}
	return r, nil
}

// compose says of a result in terms of the batch that entered the chain what the last link said in terms of its input.
func compose(in, out Result) Result {
	if out.entered = in.entered; out.entered == nil {
		out.entered = &in.Batch
	}
	out.Origins = make([]uint32, out.Batch.Len())
	for i := range out.Origins {
		out.Origins[i] = uint32(in.Origin(in.lo + int(out.Batch.Entry(i).Origin())))
	}
	for i := range out.Failures {
		out.Failures[i].Record = in.Origin(in.lo + out.Failures[i].Record)
	}
	out.Failures = append(in.Failures, out.Failures...)
	return out
}

// StageError is the failure of an instance: where, and why.
type StageError struct {
	Stage  Stage
	Phase  string // what the guest was doing, "" unknown
	Record int    // index in the batch that entered the chain, -1 unknown
	Err    error
	Link   *Link // whose instance ended; nil: not in the answer to a batch
}

func (e *StageError) Error() string { return e.Err.Error() }
func (e *StageError) Unwrap() error { return e.Err }

// Where says it in one line.
func (e *StageError) Where() string {
	where := e.Stage.Where()
	if e.Phase != "" {
		where += ", in " + e.Phase
	}
	return where
}

// failed turns the end of an instance into a StageError.
func (l *Link) failed(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	failure := l.Group.failed(err)
	failure.Link = l
	return failure
}

// Failed turns the end of an instance of the group into a StageError.
func (g Group) Failed(err error) error { return g.failed(err) }

func (g Group) failed(err error) *StageError {
	at, _ := guest.Where(err)
	return &StageError{Phase: at.Phase, Record: int(at.Record), Err: err, Stage: g.stage(uint32(max(at.Stage, 0)))}
}

// garbage kills an instance whose answer is not what the ABI says.
func (l *Link) garbage(err error) error {
	err = fmt.Errorf("%w: %w", guest.ErrGarbage, err)
	l.Instance.Kill(err)
	return l.Group.Failed(err)
}
