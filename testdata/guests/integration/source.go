package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

var (
	stringSchema = &abi.Schema{Type: abi.TypeString}
	int64Schema  = &abi.Schema{Type: abi.TypeInt64}
)

// source emits records with the numbers that follow its offset, messages.per.poll at a time.
type source struct {
	task, topic  string
	first, saved int64 // numbers: where this run began, and the last one that was emitted
	most         int64 // max.messages
	perPoll      int64
	perSecond    int64 // throughput; below 0: no limit
	began        time.Time
	handle       handle
}

func (s *source) Start(ctx context.Context, config guest.Config) error {
	s.task, s.topic = text(config.All, "task.id", ""), text(config.All, "topic", "sequential-topic")
	s.began = time.Now()
	for key, number := range map[string]struct {
		into   *int64
		preset int64
	}{"messages.per.poll": {&s.perPoll, 1}, "throughput": {&s.perSecond, -1}, "max.messages": {&s.most, math.MaxInt64}} {
		var err error
		*number.into, err = strconv.ParseInt(text(config.All, key, strconv.FormatInt(number.preset, 10)), 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if offset, stored := config.Offset(map[string]any{"task.id": s.task}); stored {
		s.saved, _ = offset["saved"].(int64)
	}
	s.first, s.handle = s.saved, handleOf(ctx, config.All)
	s.handle.tell("start", "")
	err := inject(config.All, "task-"+s.task+".start.inject.error", "Injecting errors during task start")
	if err != nil {
		_ = s.Close() // Connect stops a task whose start has failed, too
	}
	return err
}

func (s *source) Poll(ctx context.Context) ([]*guest.Record, error) {
	if s.saved >= s.most {
		pause(ctx, 50*time.Millisecond)
		return nil, nil
	}
	if s.perSecond >= 0 {
		due := s.began.Add(time.Duration(float64(s.saved-s.first) / float64(max(s.perSecond, 1)) * float64(time.Second)))
		pause(ctx, time.Until(due))
	}
	records := make([]*guest.Record, min(s.perPoll, s.most-s.saved))
	for i := range records {
		s.saved++
		records[i] = s.record()
	}
	s.handle.count("record", len(records))
	return records, nil
}

// Durable tells that Kafka has records: in transactions, when they are committed.
func (s *source) Durable(_ context.Context, records []*guest.Record) error {
	s.handle.count("commit", len(records))
	return nil
}

func (s *source) Close() error {
	s.handle.tell("stop", "")
	return nil
}

func (s *source) record() *guest.Record {
	r := guest.NewRecord(s.topic)
	r.SetKey(stringSchema, fmt.Sprintf("key-%s-%d", s.task, s.saved))
	r.SetValue(stringSchema, fmt.Sprintf("value-%s-%d", s.task, s.saved))
	r.AddHeader(fmt.Sprintf("header-%d", s.saved), int64Schema, s.saved)
	r.SourcePartition = map[string]any{"task.id": s.task}
	r.SourceOffset = map[string]any{"saved": s.saved}
	return r
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
