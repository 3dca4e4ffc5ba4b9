// Command revision is a module for tests whose plugins leave their version in what they touch.
package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// version is set by the build.
var version = "1.0.0"

func main() {
	topic := abi.ConfigDef{Keys: []abi.ConfigKey{
		{Name: "topic", Type: abi.ConfigString, Importance: abi.High, Doc: "Topic."}}}
	guest.Run(
		guest.Plugin{Class: "rev.Source", Version: version, Config: topic,
			NewSource: func() guest.Source { return &source{} }},
		guest.Plugin{Class: "rev.Mark", Version: version, NewTransform: func() guest.Transform { return mark{} }},
		guest.Plugin{Class: "rev.IsOfMine", Version: version, NewPredicate: func() guest.Predicate { return isOfMine{} }},
		guest.Plugin{Class: "rev.Text", Version: version, NewConverter: func() guest.Converter { return text{} }},
	)
}

var stringSchema = &abi.Schema{Type: abi.TypeString}

// source makes one record, which says what version it is of.
type source struct {
	topic string
	done  bool
}

func (s *source) Start(_ context.Context, config guest.Config) error {
	s.topic = config.String("topic")
	_, s.done = config.Offset(map[string]any{"source": "rev"})
	return nil
}

func (s *source) Poll(ctx context.Context) ([]*guest.Record, error) {
	if s.done {
		<-ctx.Done()
		return nil, nil
	}
	s.done = true
	r := guest.NewRecord(s.topic)
	r.SetValue(stringSchema, "source "+version)
	r.SourcePartition, r.SourceOffset = map[string]any{"source": "rev"}, map[string]any{"n": int64(1)}
	return []*guest.Record{r}, nil
}

type mark struct{}

func (mark) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	r.SetValue(stringSchema, fmt.Sprint(r.Value(), ", mark ", version))
	return guest.Keep, nil
}

// isOfMine holds for records of a source of its own version.
type isOfMine struct{}

func (isOfMine) Test(_ context.Context, r *guest.Record) (bool, error) {
	value, _ := r.Value().(string)
	return strings.HasPrefix(value, "source "+version), nil
}

type text struct{}

func (text) ToConnect(_ string, data []byte) (*abi.Schema, any, error) {
	return stringSchema, string(data) + ", text " + version, nil
}

func (text) FromConnect(_ string, _ *abi.Schema, value any) ([]byte, error) {
	return fmt.Append(nil, value, ", text ", version), nil
}
