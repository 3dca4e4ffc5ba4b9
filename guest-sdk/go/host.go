package guest

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/berth-connect/berth/abi"
)

// Host is what an instance runs on: the imports of module berth, and the two ways to sleep on the task fd. A module has
// one made of the imports; guesttest.Host is another.
type Host interface {
	// Poll writes the next event to buf and returns its length; 0: none now; -n: it needs n bytes.
	Poll(buf []byte) int
	// Put hands a message over.
	Put(kind abi.MessageKind, seq uint32, head, data []byte) abi.PutStatus
	// Commit answers FLUSH in sinks and ends a transaction in sources.
	Commit(seq uint32, body []byte) abi.PutStatus
	// Log writes a line to the task's log.
	Log(level abi.LogLevel, text string)
	// Metric adds to a counter or sets a gauge.
	Metric(name string, kind abi.MetricKind, value float64)
	// Position returns the words that tell where the instance is: stage, record, phase.
	Position() *[abi.PositionBytes / 4]uint32
	// AwaitReadable calls ready, and again each time Poll may have an event, until it returns true.
	AwaitReadable(ready func() bool) error
	// AwaitWritable does the same for Put; it ends with ctx's error when ctx is done.
	AwaitWritable(ctx context.Context, ready func() bool) error
}

// poll waits for an event. PAUSE and RESUME count from the moment they were polled, so that no RECORDS follow a PAUSE.
func (in *instance) poll(buf []byte) (abi.Event, []byte, error) {
	n := 0
	err := in.host.AwaitReadable(func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		if n = in.host.Poll(buf); n < 0 {
			buf = make([]byte, -n)
			n = in.host.Poll(buf)
		}
		if n >= abi.EventHeaderBytes {
			in.notePause(buf[:n])
		}
		return n > 0
	})
	if err != nil {
		return abi.Event{}, buf, fmt.Errorf("wait for an event: %w", err)
	}
	event, err := abi.ParseEvent(buf[:n])
	return event, buf, err
}

func (in *instance) notePause(event []byte) {
	e, err := abi.ParseEvent(event)
	switch {
	case err != nil:
	case e.Kind == abi.EventPause && in.resumed == nil:
		in.resumed = make(chan struct{})
	case e.Kind == abi.EventResume && in.resumed != nil:
		close(in.resumed)
		in.resumed = nil
	}
}

// pause returns a channel that RESUME closes, nil when the instance is not paused.
func (in *instance) pause() chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.resumed
}

// awaitResume returns when the instance is not paused.
func (in *instance) awaitResume(ctx context.Context) error {
	for {
		paused := in.pause()
		if paused == nil {
			return ctx.Err()
		}
		select {
		case <-paused:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// put hands a message over as soon as the host's window takes it.
func (in *instance) put(ctx context.Context, kind abi.MessageKind, seq uint32, head, data []byte) error {
	status := abi.PutFull
	err := in.host.AwaitWritable(ctx, func() bool {
		status = in.host.Put(kind, seq, head, data)
		return status != abi.PutFull
	})
	return putError("put", status, err)
}

// putRecords is put for RECORDS: not while the instance is paused.
func (in *instance) putRecords(ctx context.Context, seq uint32, head, data []byte) error {
	for {
		if err := in.awaitResume(ctx); err != nil {
			return err
		}
		status, paused := abi.PutFull, false
		err := in.host.AwaitWritable(ctx, func() bool {
			in.mu.Lock()
			defer in.mu.Unlock()
			if paused = in.resumed != nil; !paused {
				status = in.host.Put(abi.MessageRecords, seq, head, data)
			}
			return paused || status != abi.PutFull
		})
		if err != nil || !paused {
			return putError("put records", status, err)
		}
	}
}

func (in *instance) commit(seq uint32, body []byte) error {
	return putError("commit", in.host.Commit(seq, body), nil)
}

func putError(what string, status abi.PutStatus, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if status != abi.PutTaken {
		return fmt.Errorf("%s: the host refused it with %d", what, status)
	}
	return nil
}

// at notes where the instance is.
func (in *instance) at(phase abi.Phase, stage int, record uint32) {
	words := in.host.Position()
	for i, word := range [...]uint32{uint32(stage), record, uint32(phase)} {
		atomic.StoreUint32(&words[i], word) // a source notes it from two goroutines
	}
}

// position is what at noted last; record -1: none.
func (in *instance) position() (stage int32, record int64) {
	words := in.host.Position()
	stage, record = int32(atomic.LoadUint32(&words[0])), int64(atomic.LoadUint32(&words[1]))
	if record == abi.None {
		record = -1
	}
	return stage, record
}

type instanceKey struct{}

func instanceOf(ctx context.Context) *instance {
	in, _ := ctx.Value(instanceKey{}).(*instance)
	return in
}

// Log writes a line to the task's log; ctx is the one that the plugin was called with, or comes from it.
func Log(ctx context.Context, level abi.LogLevel, format string, args ...any) {
	if in := instanceOf(ctx); in != nil {
		in.host.Log(level, abi.CutLogLine(fmt.Sprintf(format, args...)))
	}
}

// Count adds to a counter of the task.
func Count(ctx context.Context, name string, n float64) {
	if in := instanceOf(ctx); in != nil {
		in.host.Metric(name, abi.MetricCounter, n)
	}
}

// Gauge sets a gauge of the task.
func Gauge(ctx context.Context, name string, x float64) {
	if in := instanceOf(ctx); in != nil {
		in.host.Metric(name, abi.MetricGauge, x)
	}
}

// CommitTransaction ends a source's transaction behind the records that the running Poll returns.
func CommitTransaction(ctx context.Context) {
	if in := instanceOf(ctx); in != nil {
		in.boundary = true
	}
}
