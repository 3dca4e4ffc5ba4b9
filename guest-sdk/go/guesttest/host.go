// Package guesttest runs plugins natively, without a module and a worker. An author's test starts a task with Start,
// sends batches or waits for records, and looks at what the plugin answered. Play runs the conformance list.
package guesttest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// Message is what an instance put.
type Message struct {
	Kind abi.MessageKind
	Seq  uint32
	Body []byte
}

// wire is what a host's ends of poll, put and commit are made of: an open queue, or a script.
type wire interface {
	Event() []byte // the next event, not yet taken; nil: none now
	Take()         // that event was handed over
	Put(m Message) abi.PutStatus
	Commit(seq uint32, body []byte) abi.PutStatus
}

// Host is a guest.Host in memory.
type Host struct {
	mu      sync.Mutex
	cond    *sync.Cond
	change  int // counts changes, so that a waiter misses none
	closed  bool
	wire    wire
	logs    []string
	metrics map[string]float64
	words   [abi.PositionBytes / 4]uint32
}

func newHost(w wire) *Host {
	h := &Host{wire: w, metrics: map[string]float64{}}
	h.cond = sync.NewCond(&h.mu)
	return h
}

var errClosed = errors.New("host is closed")

// changed wakes all waiters; mu is held.
func (h *Host) changed() {
	h.change++
	h.cond.Broadcast()
}

func (h *Host) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.changed()
}

// Poll implements guest.Host.
func (h *Host) Poll(buf []byte) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	event := h.wire.Event()
	if len(event) > len(buf) {
		return -len(event)
	}
	if event != nil {
		copy(buf, event)
		h.wire.Take()
		h.changed()
	}
	return len(event)
}

// Put implements guest.Host.
func (h *Host) Put(kind abi.MessageKind, seq uint32, head, data []byte) abi.PutStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	status := h.wire.Put(Message{kind, seq, slices.Concat(head, data)})
	if status != abi.PutFull {
		h.changed()
	}
	return status
}

// Commit implements guest.Host.
func (h *Host) Commit(seq uint32, body []byte) abi.PutStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.changed()
	return h.wire.Commit(seq, slices.Clone(body))
}

// Log implements guest.Host.
func (h *Host) Log(_ abi.LogLevel, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logs = append(h.logs, text)
	h.changed()
}

// Metric implements guest.Host.
func (h *Host) Metric(name string, kind abi.MetricKind, value float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if kind == abi.MetricCounter {
		value += h.metrics[name]
	}
	h.metrics[name] = value
}

// Position implements guest.Host.
func (h *Host) Position() *[abi.PositionBytes / 4]uint32 { return &h.words }

// AwaitReadable implements guest.Host.
func (h *Host) AwaitReadable(ready func() bool) error {
	return h.AwaitWritable(context.Background(), ready)
}

// AwaitWritable implements guest.Host.
func (h *Host) AwaitWritable(ctx context.Context, ready func() bool) error {
	defer context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.changed()
	})()
	for {
		h.mu.Lock()
		seen, closed := h.change, h.closed
		h.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case closed:
			return errClosed
		case ready():
			return nil
		}
		h.mu.Lock()
		for h.change == seen {
			h.cond.Wait()
		}
		h.mu.Unlock()
	}
}

// queue is the wire of Task: events as they are sent, all messages taken.
type queue struct {
	events   [][]byte
	messages []Message
	commits  []Message
}

func (q *queue) Event() []byte {
	if len(q.events) == 0 {
		return nil
	}
	return q.events[0]
}

func (q *queue) Take() { q.events = q.events[1:] }

func (q *queue) Put(m Message) abi.PutStatus {
	q.messages = append(q.messages, m)
	return abi.PutTaken
}

func (q *queue) Commit(seq uint32, body []byte) abi.PutStatus {
	q.commits = append(q.commits, Message{Seq: seq, Body: body})
	return abi.PutTaken
}

// Task is a running instance under test.
type Task struct {
	t     testing.TB
	host  *Host
	queue *queue
	seq   uint32
	ended chan error
}

// Start runs plugins under a plan and waits until the instance is ready; the test fails when it is not. The instance is
// stopped when the test ends.
func Start(t testing.TB, plan abi.Plan, plugins ...guest.Plugin) *Task {
	t.Helper()
	q := &queue{}
	task := &Task{t: t, host: newHost(q), queue: q, ended: make(chan error, 1)}
	task.Send(abi.EventPlan, plan.Encode())
	go func() {
		err := guest.RunOn(context.Background(), task.host, plugins...)
		task.host.close()
		task.ended <- err
	}()
	t.Cleanup(task.host.close)
	task.Next(abi.MessageReady)
	return task
}

// Send hands an event over and returns its seq.
func (t *Task) Send(kind abi.EventKind, body []byte) uint32 {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	t.seq++
	t.queue.events = append(t.queue.events, abi.AppendEvent(nil, kind, t.seq, body))
	t.host.changed()
	return t.seq
}

// Next waits for the next message, which must be of this kind.
func (t *Task) Next(kind abi.MessageKind) Message {
	t.t.Helper()
	h := t.host
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(t.queue.messages) == 0 {
		if h.closed {
			t.t.Fatalf("instance ended, want a message of kind %d", kind)
		}
		h.cond.Wait()
	}
	m := t.queue.messages[0]
	t.queue.messages = t.queue.messages[1:]
	if m.Kind != kind {
		t.t.Fatalf("message of kind %d (%s), want %d", m.Kind, TextOfMessage(m, nil), kind)
	}
	return m
}

// Records waits for RECORDS and returns them as a batch.
func (t *Task) Records() abi.Batch {
	t.t.Helper()
	return t.parse(t.Next(abi.MessageRecords).Body, nil)
}

// Apply sends a batch and returns the answer.
func (t *Task) Apply(batch *abi.BatchBuilder) abi.Batch {
	t.t.Helper()
	body := batch.AppendTo(nil)
	input := t.parse(body, nil)
	t.Send(abi.EventBatch, body)
	answer := t.parse(t.Next(abi.MessageResult).Body, input.Data())
	if err := answer.CheckAnswer(&input); err != nil {
		t.t.Fatal(err)
	}
	return answer
}

func (t *Task) parse(body, ref []byte) abi.Batch {
	t.t.Helper()
	batch, err := abi.ParseBatch(body, ref)
	if err == nil {
		err = batch.ValidateValues()
	}
	if err != nil {
		t.t.Fatal(err)
	}
	return batch
}

// Flush sends FLUSH and returns what the sink says is safe to commit.
func (t *Task) Flush(offsets ...abi.PartitionOffset) []abi.PartitionOffset {
	t.t.Helper()
	seq := t.Send(abi.EventFlush, abi.EncodePartitionOffsets(offsets))
	h := t.host
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(t.queue.commits) == 0 && !h.closed {
		h.cond.Wait()
	}
	if len(t.queue.commits) == 0 || t.queue.commits[0].Seq != seq {
		t.t.Fatalf("no commit for FLUSH %d", seq)
	}
	list, err := abi.ParsePartitionOffsets(t.queue.commits[0].Body)
	if err != nil {
		t.t.Fatal(err)
	}
	t.queue.commits = t.queue.commits[1:]
	return list
}

// Stop tells the instance to stop and returns its error.
func (t *Task) Stop() error {
	t.Send(abi.EventStop, nil)
	return <-t.ended
}

// Logs returns the lines that were logged.
func (t *Task) Logs() []string {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	return slices.Clone(t.host.logs)
}
