package guest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/fair"
)

// Body is what an event carries: it is written straight into guest memory when the guest polls.
type Body interface {
	// Size is the exact number of bytes that WriteTo writes.
	Size() int
	WriteTo(dst []byte)
}

// Bytes is a body that is encoded already.
type Bytes []byte

// Size implements Body.
func (b Bytes) Size() int { return len(b) }

// WriteTo implements Body.
func (b Bytes) WriteTo(dst []byte) { copy(dst, b) }

// Message is what a guest handed over through put or commit; Body is the receiver's to keep.
type Message struct {
	Kind abi.MessageKind
	Seq  uint32
	Body []byte

	pooled *[]byte // the memory of Body, nil: not from the pool
}

// Release gives Body's memory to the messages to come: nothing may refer to it any more. A receiver that can't tell
// leaves it to the garbage collector.
func (m Message) Release() {
	if m.pooled != nil {
		bodies.Put(m.pooled)
	}
}

// bodies is memory for the batches of all sources. The collector empties it, so that idle ones hold nothing.
var bodies sync.Pool

// newBody returns memory for n bytes, what is in it is left over.
func newBody(n int) *[]byte {
	if b, ok := bodies.Get().(*[]byte); ok && cap(*b) >= n {
		*b = (*b)[:n]
		return b
	}
	b := make([]byte, n)
	return &b
}

// CommitMessage is the kind under which Link passes on the guest's commit calls, beside the kinds of put.
const CommitMessage abi.MessageKind = 0x100

// ErrGarbage: the guest handed over bytes that are not what the ABI says. Its instance is killed.
var ErrGarbage = errors.New("the module broke the ABI")

// Metrics takes what a guest measures.
type Metrics func(name string, counter bool, value float64)

// Link is the hand-off between a guest and the host: events wait here until the guest polls, messages until the host
// receives. It is the only thing that both goroutines touch. It implements engine.Calls.
type Link struct {
	log     *slog.Logger
	metrics Metrics
	usage   Usage
	limits  host.Limits
	source  bool  // the instance has a source stage
	sink    bool  // the instance has a sink stage
	serve   Serve // nil: requests are not allowed
	// boundaries: the source ends transactions, which is passed on as CommitMessage.
	boundaries bool
	ctx        context.Context // ends with the instance
	wake       chan struct{}   // a token for the guest that sleeps
	broken     chan error      // the first breach of the ABI
	precedence *fair.Precedence

	mu      sync.Mutex
	events  []event // guarded by mu
	lastSeq uint32  // of the last event; guarded by mu
	refuse  bool    // after a breach; guarded by mu
	pending []owed  // BATCH, FLUSH… that the guest has not answered, in order; guarded by mu
	asked   int     // requests that the host has not answered; guarded by mu
	put     uint32  // seq of the last RECORDS; the guest's goroutine only
	ended   uint32  // seq of the RECORDS behind which a transaction was ended last; the guest's goroutine only

	outbox chan Message
	full   atomic.Bool // the guest has heard that outbox has no room, and not yet that there is again

	lines lineBudget
}

type event struct {
	kind abi.EventKind
	seq  uint32
	body Body
}

// breached tells whether the guest has broken the ABI before: nothing more is taken from it.
func (l *Link) breached() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refuse
}

// owed is an event that asks for an answer.
type owed struct {
	seq  uint32
	kind abi.EventKind
}

func newLink(log *slog.Logger, metrics Metrics, limits host.Limits) *Link {
	return &Link{
		log:     log,
		metrics: metrics,
		usage:   uncounted{},
		limits:  limits,
		lines:   lineBudget{perSecond: limits.SecondLines},
		wake:    make(chan struct{}, 1),
		broken:  make(chan error, 1),
		outbox:  make(chan Message, host.OutboxBatchesMax+1), // a boundary behind the last batch always has room
	}
}

// send queues an event and returns its seq.
func (l *Link) send(kind abi.EventKind, body Body) uint32 {
	l.mu.Lock()
	l.lastSeq++
	seq := l.lastSeq
	l.events = append(l.events, event{kind, seq, body})
	if kind == abi.EventReply {
		l.asked--
	}
	if answer(kind) != 0 {
		l.pending = append(l.pending, owed{seq, kind})
	}
	l.mu.Unlock()
	l.notify()
	return seq
}

// answer is the message that an event must be answered with; 0: none.
func answer(kind abi.EventKind) abi.MessageKind {
	switch kind {
	case abi.EventPlan:
		return abi.MessageReady
	case abi.EventBatch:
		return abi.MessageResult
	case abi.EventFlush:
		return CommitMessage
	case abi.EventConfigs:
		return abi.MessageConfigs
	case abi.EventValidate:
		return abi.MessageValidated
	case abi.EventAlter:
		return abi.MessageAltered
	case abi.EventExport, abi.EventAlone:
		return abi.MessageState
	case abi.EventImport:
		return abi.MessageImported
	}
	return 0
}

func (l *Link) notify() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Wake implements engine.Calls.
func (l *Link) Wake() <-chan struct{} { return l.wake }

// Ready implements engine.Calls.
func (l *Link) Ready() (readable, writable bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.events) > 0, l.room() && l.asked < host.RequestsMax
}

// room tells the guest whether outbox takes a batch; if not, it is woken once there is room. Without that, each message
// that the host receives would wake a guest that has nothing to do.
func (l *Link) room() bool {
	if len(l.outbox) < host.OutboxBatchesMax {
		return true
	}
	l.full.Store(true)
	return len(l.outbox) < host.OutboxBatchesMax // there may be room since
}

// received tells the guest that there is room in outbox, if it waits for that.
func (l *Link) received() {
	if l.full.CompareAndSwap(true, false) {
		l.notify()
	}
}

// Owes implements engine.Calls.
func (l *Link) Owes() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending) > 0
}

// Poll implements engine.Calls.
func (l *Link) Poll(dst []byte) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) == 0 {
		return 0
	}
	e := l.events[0]
	size := 0
	if e.body != nil {
		size = e.body.Size()
	}
	need := abi.EventHeaderBytes + size
	if need > len(dst) {
		return -need
	}
	abi.AppendEventHeader(dst[:0], e.kind, e.seq, size)
	if e.body != nil {
		e.body.WriteTo(dst[abi.EventHeaderBytes:need])
	}
	l.events[0] = event{}
	l.events = l.events[1:]
	l.usage.Handed(need)
	return need
}

// Put implements engine.Calls.
func (l *Link) Put(kind, seq uint32, head, data []byte) abi.PutStatus {
	if l.breached() {
		return abi.PutNotAllowed
	}
	if len(head)+len(data) > abi.BatchBytesMax {
		return l.breach(abi.PutTooLarge, "put of %d bytes; at most %d", len(head)+len(data), abi.BatchBytesMax)
	}
	if n := len(head) + len(data); n > l.limits.OutputBytes {
		l.end(&host.LimitError{Name: host.LimitOutput, Limit: fmt.Sprintf("%d bytes", l.limits.OutputBytes),
			What: fmt.Sprintf("handed over %d bytes at once", n)})
		return abi.PutTooLarge
	}
	k := abi.MessageKind(kind)
	switch k {
	case abi.MessageReady, abi.MessageResult, abi.MessageConfigs, abi.MessageValidated, abi.MessageAltered,
		abi.MessageState, abi.MessageImported:
		if !l.owes(k, seq) {
			return l.breach(abi.PutUnknown, "put of kind %d for seq %d, which asks for none", k, seq)
		}
	case abi.MessageRecords, abi.MessageManifest, abi.MessageFailed, abi.MessageReconfigure:
	case abi.MessageErrant:
		if !l.sink {
			return l.breach(abi.PutNotAllowed, "put of kind %d, which only a sink may", kind)
		}
	case abi.MessageRequest:
		return l.request(seq, head, data)
	default:
		return l.breach(abi.PutUnknown, "put of unknown kind %d", kind)
	}
	if len(l.outbox) >= host.OutboxBatchesMax {
		return abi.PutFull
	}
	if k == abi.MessageRecords {
		l.put = seq
	}
	l.settle(k)
	l.usage.Took(len(head) + len(data))
	l.outbox <- newMessage(k, seq, head, data)
	if l.precedence.Given() {
		runtime.Gosched() // whoever waits for the answer goes on before the guest does
	}
	return abi.PutTaken
}

// Serve answers a request of a guest; ctx ends with the instance.
type Serve func(ctx context.Context, request abi.Request) abi.Reply

// request has a request answered beside the instance, which goes on.
func (l *Link) request(seq uint32, head, data []byte) abi.PutStatus {
	if l.serve == nil {
		return l.breach(abi.PutNotAllowed, "a request, which needs a capability that its manifest does not ask for")
	}
	request, err := abi.ParseRequest(slices.Concat(head, data))
	if err != nil {
		return l.breach(abi.PutBadLayout, "%w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked == host.RequestsMax {
		return abi.PutFull
	}
	l.asked++
	go func() {
		reply := l.serve(l.ctx, request)
		reply.Request = seq
		l.send(abi.EventReply, Bytes(reply.Encode()))
	}()
	return abi.PutTaken
}

// Awaits implements engine.Calls.
func (l *Link) Awaits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked > 0
}

// newMessage copies a message out of guest memory. Batches of sources are released once Kafka has them.
func newMessage(kind abi.MessageKind, seq uint32, head, data []byte) Message {
	m := Message{Kind: kind, Seq: seq}
	if kind == abi.MessageRecords {
		m.pooled = newBody(len(head) + len(data))
		m.Body = *m.pooled
	} else {
		m.Body = make([]byte, len(head)+len(data))
	}
	copy(m.Body[copy(m.Body, head):], data)
	return m
}

// Commit implements engine.Calls.
func (l *Link) Commit(seq uint32, body []byte) abi.PutStatus {
	if l.breached() {
		return abi.PutNotAllowed
	}
	if l.source {
		return l.endTransaction(seq)
	}
	if !l.owes(CommitMessage, seq) {
		return l.breach(abi.PutUnknown, "commit for seq %d, which asks for none", seq)
	}
	if len(l.outbox) >= host.OutboxBatchesMax {
		return abi.PutFull
	}
	l.settle(CommitMessage)
	l.outbox <- newMessage(CommitMessage, seq, nil, body)
	return abi.PutTaken
}

// endTransaction passes a source's transaction boundary on, where the task has transactions that its connector ends.
// There is one at most behind each batch, so guests need not wait with it.
func (l *Link) endTransaction(seq uint32) abi.PutStatus {
	if !l.boundaries || seq == l.ended {
		return abi.PutTaken
	}
	if seq != l.put {
		return l.breach(abi.PutUnknown, "a transaction boundary behind batch %d, where batch %d was put last", seq, l.put)
	}
	l.ended = seq
	l.outbox <- Message{Kind: CommitMessage, Seq: seq}
	return abi.PutTaken
}

// owes tells whether the oldest unanswered event is the one that this message answers.
func (l *Link) owes(kind abi.MessageKind, seq uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending) > 0 && l.pending[0].seq == seq && answer(l.pending[0].kind) == kind
}

func (l *Link) settle(kind abi.MessageKind) {
	switch kind {
	case abi.MessageRecords, abi.MessageManifest, abi.MessageFailed, abi.MessageReconfigure, abi.MessageErrant:
		return
	}
	l.mu.Lock()
	l.pending = l.pending[1:]
	l.mu.Unlock()
}

// breach remembers the first breach, which ends the instance, and returns the code for the guest.
func (l *Link) breach(status abi.PutStatus, format string, args ...any) abi.PutStatus {
	l.end(fmt.Errorf("%w: "+format, append([]any{ErrGarbage}, args...)...))
	return status
}

// end refuses everything from now on and has the instance killed.
func (l *Link) end(cause error) {
	l.mu.Lock()
	l.refuse = true
	l.mu.Unlock()
	select {
	case l.broken <- cause:
	default:
	}
}

// Log implements engine.Calls.
func (l *Link) Log(level uint32, line []byte) {
	if dropped, ok := l.lines.take(l.usage.Line); ok {
		if dropped > 0 {
			l.log.Warn("lines of the module's log were dropped", "lines", dropped)
		}
		l.log.Log(context.Background(), slogLevel(abi.LogLevel(level)), string(line))
	}
}

func slogLevel(level abi.LogLevel) slog.Level {
	switch level {
	case abi.LogTrace, abi.LogDebug:
		return slog.LevelDebug
	case abi.LogWarn:
		return slog.LevelWarn
	case abi.LogError:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// Metric implements engine.Calls.
func (l *Link) Metric(name []byte, kind uint32, value float64) {
	if l.metrics != nil {
		l.metrics(string(name), abi.MetricKind(kind) == abi.MetricCounter, value)
	}
}
