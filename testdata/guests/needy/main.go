// Command needy is a module for tests whose connectors need some topics only.
package main

import (
	"context"
	"strings"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// needs is set by the build: patterns with commas between.
var needs string

// version is set by the build.
var version = "1.0.0"

func main() {
	topic := abi.ConfigDef{Keys: []abi.ConfigKey{
		{Name: "topic", Type: abi.ConfigString, Importance: abi.High, Doc: "Topic."}}}
	of := func(use string) abi.Needs {
		var all []string
		for pattern := range strings.SplitSeq(needs, ",") {
			all = append(all, use+":"+pattern)
		}
		return abi.Needs{abi.CapabilityTopics: all}
	}
	asks := []string{abi.CapabilityTopics}
	guest.Run(
		guest.Plugin{Class: "needy.Source", Version: version, Config: topic, Capabilities: asks, Needs: of("write"),
			NewSource: func() guest.Source { return &source{} }},
		guest.Plugin{Class: "needy.Sink", Version: version, Capabilities: asks, Needs: of("read"),
			NewSink: func() guest.Sink { return sink{} }},
	)
}

// source makes one record.
type source struct {
	topic string
	done  bool
}

func (s *source) Start(_ context.Context, config guest.Config) error {
	s.topic = config.String("topic")
	return nil
}

func (s *source) Poll(ctx context.Context) ([]*guest.Record, error) {
	if s.done {
		<-ctx.Done()
		return nil, nil
	}
	s.done = true
	r := guest.NewRecord(s.topic)
	r.SetValue(&abi.Schema{Type: abi.TypeString}, "one")
	return []*guest.Record{r}, nil
}

// sink takes all.
type sink struct{}

func (sink) Start(context.Context, guest.Config) error { return nil }

func (sink) Put(context.Context, []*guest.Record) error { return nil }
