package guest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/berth-connect/berth/abi"
)

// sourceTask is a task whose first stage is a source: Poll runs beside the events.
type sourceTask struct {
	*instance
	source    Source
	committer Committer
	durable   Acknowledger
	seq       uint32      // of the last RECORDS
	sent      chan polled // records put, for Durable and Commit
	waiting   []polled    // those that neither has been told of, in order

	passing sync.Mutex // held while polled records pass the stages and are put, and while ALONE is answered
	left    chan error // what became of the answer to ALONE; nil: it was not asked
}

// polled is the records of one RECORDS batch.
type polled struct {
	seq     int64
	records []*Record
}

// sentMax is how many batches may be put before the event loop notes them; it is more than any host's window.
const sentMax = 4096

// pollRetryPause keeps a source that fails at once from spinning.
const pollRetryPause = 100 * time.Millisecond

// heedInterval is how often a source that never waits heeds events: a module's scheduler looks for them only when no
// goroutine can go on, for as long as heedPause, which a timer must not be over before it looks.
const (
	heedInterval = 5 * time.Millisecond
	heedPause    = 50 * time.Microsecond
)

// runSource polls and puts until STOP, which ends the wait of Poll.
func (in *instance) runSource(ctx context.Context) error {
	t := &sourceTask{instance: in, source: in.chain[0].plugin.(Source), sent: make(chan polled, sentMax)}
	t.committer, _ = t.source.(Committer)
	t.durable, _ = t.source.(Acknowledger)
	pollCtx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- in.guard(func() error { return t.pump(pollCtx) }) }()
	events := in.events(ctx)
	for {
		select {
		case err := <-ended:
			return err
		case err := <-t.left:
			if err != nil {
				return err
			}
		case e := <-events:
			if e.err != nil {
				return e.err
			}
			if e.Kind == abi.EventStop {
				stop()
				return stopped(t.wait(ended))
			}
			if err := in.guard(func() error { return t.handle(pollCtx, e.Event) }); err != nil {
				return failed(0, -1, err)
			}
		}
	}
}

// wait returns when nothing runs beside the events any more.
func (t *sourceTask) wait(ended <-chan error) error {
	err := <-ended
	t.passing.Lock()
	defer t.passing.Unlock()
	return err
}

// stopped passes over what a source says because it was told to stop.
func stopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// pump takes what Poll returns through the stages and puts it, batch by batch.
func (t *sourceTask) pump(ctx context.Context) error {
	heeded := time.Now()
	for {
		if time.Since(heeded) >= heedInterval {
			pauseFor(ctx, heedPause)
			heeded = time.Now()
		}
		if err := t.awaitResume(ctx); err != nil {
			return err
		}
		t.at(abi.PhasePoll, 0, abi.None)
		t.boundary = false
		records, err := t.source.Poll(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && codeOf(err) == abi.CodeRetriable:
			Log(ctx, abi.LogWarn, "poll failed, will be tried again: %v", err)
			pauseFor(ctx, pollRetryPause)
			continue
		case err != nil:
			return failed(0, -1, err)
		}
		if err := t.process(ctx, records); err != nil {
			return err
		}
	}
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (t *sourceTask) process(ctx context.Context, records []*Record) error {
	var last sealed
	for i, r := range records {
		if err := last.seal(r, uint32(i)); err != nil {
			return failed(0, int64(i), err)
		}
	}
	original := records
	if (t.committer != nil || t.durable != nil) && len(t.chain) > 1 {
		original = make([]*Record, len(records)) // transforms change the others
		for i, r := range records {
			original[i] = r.Copy()
		}
	}
	t.passing.Lock()
	defer t.passing.Unlock()
	errs := map[uint32]abi.RecordError{}
	list := records
	if !t.alone {
		list = t.apply(ctx, records, errs)
	}
	if err := t.putAll(ctx, original, list, errs); err != nil || !t.boundary {
		return err
	}
	return t.commit(t.seq, nil)
}

// sealed is the last source partition that was encoded: records of one poll often share the very map.
type sealed struct {
	of      uintptr // the map; 0: none
	order   []string
	encoded []byte
}

// seal encodes source partition and offset, which no transform may change.
func (s *sealed) seal(r *Record, origin uint32) error {
	r.origin = origin
	if r.Topic == "" {
		r.flags |= abi.FlagNoTopic
	}
	if r.SourcePartition != nil {
		of := reflect.ValueOf(r.SourcePartition).Pointer()
		if of != s.of || !slices.Equal(r.PartitionOrder, s.order) {
			partition, err := abi.ToValue(r.orderedPartition())
			if err != nil {
				return fmt.Errorf("source partition: %w", err)
			}
			s.of, s.order, s.encoded = of, r.PartitionOrder, partition.Payload
		}
		r.source.partition = s.encoded
	}
	if r.SourceOffset != nil {
		offset, err := abi.ToValue(r.SourceOffset)
		if err != nil {
			return fmt.Errorf("source offset: %w", err)
		}
		r.source.offset = offset.Payload
	}
	return nil
}

// orderedPartition has the named members first, then the others in a Java HashMap's order.
func (r *Record) orderedPartition() *abi.OrderedMap {
	var ordered abi.OrderedMap
	for _, name := range r.PartitionOrder {
		if value, has := r.SourcePartition[name]; has {
			ordered.Set(name, value)
		}
	}
	for _, name := range abi.HashOrder(slices.Sorted(maps.Keys(r.SourcePartition))) {
		ordered.Set(name, r.SourcePartition[name])
	}
	return &ordered
}

// putAll puts what became of the polled records, split where the plan's largest batch ends.
func (t *sourceTask) putAll(ctx context.Context, original, list []*Record, errs map[uint32]abi.RecordError) error {
	limitBytes, limitRecords := t.limits()
	b := &t.codec.batch
	b.Reset()
	first := 0 // index of the first polled record in the batch that is being written
	for i := range original {
		n := 0
		for n < len(list) && list[n].origin == uint32(i) {
			n++
		}
		mark := b.Mark()
		t.addGroup(list[:n], i, first, errs)
		if i > first && (b.Size() > limitBytes || b.Len() > limitRecords) {
			b.Rollback(mark)
			if err := t.flush(ctx, original[first:i]); err != nil {
				return err
			}
			first = i
			t.addGroup(list[:n], i, first, errs)
		}
		list = list[n:]
	}
	if len(original) == 0 {
		return nil
	}
	return t.flush(ctx, original[first:])
}

func (t *sourceTask) limits() (bytes, records int) {
	bytes, records = abi.BatchBytesMax, abi.BatchRecordsMax
	if n := t.plan.BatchBytes; n > 0 {
		bytes = int(min(n, abi.BatchBytesMax))
	}
	if n := t.plan.BatchRecords; n > 0 {
		records = int(min(n, abi.BatchRecordsMax))
	}
	return bytes, records
}

// addGroup writes what polled record i became: records, or its error.
func (t *sourceTask) addGroup(group []*Record, i, first int, errs map[uint32]abi.RecordError) {
	origin := uint32(i - first)
	e, bad := errs[uint32(i)]
	b := &t.codec.batch
	mark := b.Mark()
	for _, r := range group {
		if err := t.codec.add(r, nil, origin); err != nil {
			b.Rollback(mark)
			e = abi.RecordError{Stage: uint32(len(t.chain) - 1), Code: abi.CodeData, Message: err.Error()}
			bad = true
			break
		}
	}
	if bad {
		e.Record = origin
		b.AddError(e)
	}
}

func (t *sourceTask) flush(ctx context.Context, records []*Record) error {
	t.codec.batch.SetInputCount(len(records))
	head, data := t.codec.batch.Encode()
	t.seq++
	if t.committer != nil || t.durable != nil {
		select {
		case t.sent <- polled{int64(t.seq), slices.Clone(records)}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := t.putRecords(ctx, t.seq, head, data)
	t.codec.batch.Reset()
	return err
}

// handle takes an event. None of them waits for records that pass the stages: RESUME and STOP are behind it.
func (t *sourceTask) handle(ctx context.Context, e abi.Event) error {
	if e.Kind == abi.EventAlone {
		t.left = make(chan error, 1)
		go func() { t.left <- t.guard(func() error { return t.leave(ctx, e) }) }()
		return nil
	}
	return t.acknowledge(ctx, e)
}

// leave answers ALONE between two batches: no record behind that message has passed the other stages, unless one of
// them can't say what it keeps.
func (t *sourceTask) leave(ctx context.Context, e abi.Event) error {
	t.passing.Lock()
	defer t.passing.Unlock()
	if ctx.Err() != nil {
		return nil
	}
	err := t.goAlone(ctx, e)
	if ctx.Err() != nil {
		return nil
	}
	t.at(abi.PhasePoll, 0, abi.None) // which Poll may be in for long
	return err
}

// acknowledge handles DURABLE, COMMITTED and WRITTEN.
func (t *sourceTask) acknowledge(ctx context.Context, e abi.Event) error {
	for len(t.sent) > 0 {
		t.waiting = append(t.waiting, <-t.sent)
	}
	switch e.Kind {
	case abi.EventWritten:
		return t.noteWritten(e.Body)
	case abi.EventDurable:
		seqs, err := abi.ParseDurable(e.Body)
		if err != nil {
			return err
		}
		return t.tellDurable(ctx, seqs)
	case abi.EventCommitted:
		seq, err := abi.ParseCommitted(e.Body)
		if err != nil {
			return err
		}
		return t.tellCommitted(ctx, seq)
	}
	return nil
}

// noteWritten gives records that wait for Durable and Commit their offsets in Kafka.
func (t *sourceTask) noteWritten(body []byte) error {
	list, err := abi.ParseWritten(body)
	if err != nil {
		return err
	}
	for _, w := range list {
		i := slices.IndexFunc(t.waiting, func(p polled) bool { return p.seq == w.Seq })
		if i < 0 {
			continue
		}
		for k, r := range t.waiting[i].records[:min(len(w.Offsets), len(t.waiting[i].records))] {
			r.offset = w.Offsets[k]
		}
	}
	return nil
}

func (t *sourceTask) tellDurable(ctx context.Context, seqs []int64) error {
	for _, seq := range seqs {
		i := slices.IndexFunc(t.waiting, func(p polled) bool { return p.seq == seq })
		if i < 0 {
			continue
		}
		if t.durable != nil {
			if err := t.durable.Durable(ctx, t.waiting[i].records); err != nil {
				return err
			}
		}
		if t.committer == nil {
			t.waiting = slices.Delete(t.waiting, i, i+1)
		}
	}
	return nil
}

func (t *sourceTask) tellCommitted(ctx context.Context, seq int64) error {
	var records []*Record
	n := 0
	for n < len(t.waiting) && t.waiting[n].seq <= seq {
		records = append(records, t.waiting[n].records...)
		n++
	}
	if t.committer == nil || n == 0 {
		return nil
	}
	t.waiting = slices.Delete(t.waiting, 0, n)
	t.at(abi.PhaseCommit, 0, abi.None)
	return t.committer.Commit(ctx, records)
}
