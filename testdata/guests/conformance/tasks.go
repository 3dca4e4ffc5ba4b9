package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

var stringSchema = &abi.Schema{Type: abi.TypeString}

// sourceTask emits numbered records, then works as it is told.
type sourceTask struct {
	topic, task, work string
	next, count       int64
}

func newSource() guest.Source { return &sourceTask{} }

func (t *sourceTask) Start(_ context.Context, config guest.Config) error {
	t.topic, t.task, t.work = config.Text("topic"), text(config.All, "task", "0"), text(config.All, "task.work", "ok")
	count, err := strconv.ParseInt(text(config.All, "records", "0"), 10, 32)
	if err != nil {
		return err
	}
	t.count = count
	if err := act("task start", text(config.All, "task.start", "ok")); err != nil {
		return err
	}
	if offset, stored := config.Offset(map[string]any{"task": t.task}); stored {
		if seq, known := offset["seq"].(int64); known {
			t.next = seq + 1
		}
	}
	return nil
}

func (t *sourceTask) Poll(ctx context.Context) ([]*guest.Record, error) {
	switch {
	case t.work == "retriable":
		pause(ctx, 100*time.Millisecond)
		return nil, guest.Retriable(errors.New("poll retriable on purpose"))
	case t.next < t.count:
		return t.records(), nil
	}
	if err := act("poll", t.work); err != nil {
		return nil, err
	}
	pause(ctx, 50*time.Millisecond)
	return nil, nil
}

func (t *sourceTask) records() []*guest.Record {
	var list []*guest.Record
	for ; t.next < t.count; t.next++ {
		r := guest.NewRecord(t.topic)
		r.SetKey(stringSchema, fmt.Sprintf("k%d", t.next))
		r.SetValue(stringSchema, fmt.Sprintf("v%d", t.next))
		r.SourcePartition = map[string]any{"task": t.task}
		r.SourceOffset = map[string]any{"seq": t.next}
		list = append(list, r)
	}
	return list
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// sinkTask drops records, or fails on them as it is told.
type sinkTask struct{ work string }

func (t *sinkTask) Start(_ context.Context, config guest.Config) error {
	t.work = text(config.All, "task.work", "ok")
	return act("task start", text(config.All, "task.start", "ok"))
}

func (t *sinkTask) Put(_ context.Context, records []*guest.Record) error {
	switch {
	case len(records) == 0:
		return nil
	case t.work == "retriable":
		return guest.Retriable(errors.New("put retriable on purpose"))
	}
	return act("put", t.work)
}
