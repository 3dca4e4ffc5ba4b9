package main

import (
	"context"
	"fmt"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// sink drops records.
type sink struct {
	handle handle
	since  map[string]int // records of a topic partition since its last commit
}

func (s *sink) Start(ctx context.Context, config guest.Config) error {
	s.handle, s.since = handleOf(ctx, config.All), map[string]int{}
	s.handle.tell("start", "")
	return nil
}

func (s *sink) Open(_ context.Context, partitions []guest.PartitionOffset) error {
	s.handle.partitions("assigned", partitions)
	return nil
}

func (s *sink) ClosePartitions(_ context.Context, partitions []guest.PartitionOffset) error {
	s.handle.partitions("revoked", partitions)
	return nil
}

func (s *sink) Put(_ context.Context, records []*guest.Record) error {
	for _, r := range records {
		s.handle.put(r.Topic, r.Partition, r.Offset(), r.Value())
		s.since[fmt.Sprintf("%s:%d", r.Topic, r.Partition)]++
	}
	return nil
}

func (s *sink) Flush(_ context.Context, offsets []guest.PartitionOffset) ([]guest.PartitionOffset, error) {
	s.handle.partitions("committed", offsets)
	for _, o := range offsets {
		name := fmt.Sprintf("%s:%d", o.Topic, o.Partition)
		s.handle.count("commit", s.since[name])
		s.since[name] = 0
	}
	return offsets, nil
}

func (s *sink) Close() error {
	s.handle.tell("stop", "")
	return nil
}

var empty = ""

var blockDefinition = abi.ConfigDef{Keys: []abi.ConfigKey{{
	Name: "block", Type: abi.ConfigString, Default: &empty, Importance: abi.Medium, Doc: "Where to block for ever.",
}}}

// blockingSink blocks in the method that "block" names.
type blockingSink struct{ block string }

func (s *blockingSink) Start(_ context.Context, config guest.Config) error {
	s.block = text(config.All, "block", "")
	s.maybeBlock("Task::start")
	return nil
}

func (s *blockingSink) Put(context.Context, []*guest.Record) error {
	s.maybeBlock("SinkTask::put")
	return nil
}

func (s *blockingSink) Close() error {
	s.maybeBlock("Task::stop")
	return nil
}

func (s *blockingSink) maybeBlock(where string) {
	for s.block == where {
		time.Sleep(time.Hour)
	}
}
