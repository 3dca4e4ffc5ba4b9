package main

import (
	"context"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// sink drops records.
type sink struct{}

func (*sink) Start(context.Context, guest.Config) error { return nil }

func (*sink) Put(context.Context, []*guest.Record) error { return nil }

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

func (s *blockingSink) Stop(context.Context) error {
	s.maybeBlock("Task::stop")
	return nil
}

func (s *blockingSink) maybeBlock(where string) {
	for s.block == where {
		time.Sleep(time.Hour)
	}
}
