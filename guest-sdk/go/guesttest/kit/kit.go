// Package kit holds the plugins of the conformance list; guest-sdk/CONFORMANCE.md says what each does, and the kit of
// every other SDK does the same.
package kit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// Plugins is the kit.
func Plugins() []guest.Plugin {
	const version = "1.0.0"
	return []guest.Plugin{
		{Class: "kit.Counter", Version: version, Doc: "Counts.", Config: counterConfig(), Validate: validateCounter,
			NewSource:    func() guest.Source { return &Counter{} },
			NewConnector: func() guest.Connector { return &counterConnector{} }},
		{Class: "kit.Collect", Version: version, Doc: "Collects.", NewSink: func() guest.Sink { return NewCollect() }},
		{Class: "kit.Upper", Version: version, Doc: "Makes text upper case.",
			NewTransform: func() guest.Transform { return Upper{} }},
		{Class: "kit.Explode", Version: version, Doc: "Makes one record of each item.",
			NewTransform: func() guest.Transform { return Explode{} }},
		{Class: "kit.Drop", Version: version, Doc: "Drops records.",
			NewTransform: func() guest.Transform { return Drop{} }},
		{Class: "kit.IsTombstone", Version: version, Doc: "Tells whether the value is null.",
			NewPredicate: func() guest.Predicate { return IsTombstone{} }},
		{Class: "kit.Hex", Version: version, Doc: "Bytes as hexadecimal text.",
			NewConverter:       func() guest.Converter { return Hex{} },
			NewHeaderConverter: func() guest.HeaderConverter { return Hex{} }},
		{Class: "kit.Fail", Version: version, Doc: "Fails on demand.", Config: abi.ConfigDef{Keys: []abi.ConfigKey{
			key("start", abi.ConfigString, nil, true)}},
			NewTransform: func() guest.Transform { return Fail{} }},
		{Class: "kit.Number", Version: version, Doc: "Numbers texts.", KeepsState: true,
			NewTransform: func() guest.Transform { return &Number{} }},
	}
}

func key(name string, t abi.ConfigType, preset *string, hasDefault bool) abi.ConfigKey {
	importance := abi.High
	if hasDefault {
		importance = abi.Medium
	}
	return abi.ConfigKey{Name: name, Type: t, Importance: importance, Default: preset, HasDefault: hasDefault,
		Order: -1, Width: abi.WidthNone, Display: name}
}

// Number numbers texts, from 1; what it keeps is the last number.
type Number struct{ last int }

// Transform implements guest.Transform.
func (n *Number) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	if view := r.ValueView(); view.Tag == abi.TagString {
		n.last++
		r.SetValue(r.ValueSchema(), fmt.Sprintf("%s %d", view.String(), n.last))
	}
	return guest.Keep, nil
}

// ExportState implements guest.StateKeeper.
func (n *Number) ExportState(context.Context) ([]byte, error) {
	if n.last == 0 {
		return nil, errors.New("nothing was numbered")
	}
	return []byte(strconv.Itoa(n.last)), nil
}

// ImportState implements guest.StateKeeper.
func (n *Number) ImportState(_ context.Context, _ string, state []byte) (err error) {
	if n.last, err = strconv.Atoi(string(state)); err != nil {
		return errors.New("not a number")
	}
	return nil
}

// Upper makes text upper case, ASCII letters only.
type Upper struct{}

// Transform implements guest.Transform.
func (Upper) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	if view := r.ValueView(); view.Tag == abi.TagString {
		r.SetValue(r.ValueSchema(), strings.Map(upper, view.String()))
	}
	return guest.Keep, nil
}

func upper(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

// Explode makes one record of each item of an array.
type Explode struct{}

// Transform implements guest.Transform.
func (Explode) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	items, ok := r.Value().([]any)
	if !ok {
		return guest.Keep, nil
	}
	var elem *abi.Schema
	if s := r.ValueSchema(); s != nil {
		elem = s.Elem
	}
	var made []*guest.Record
	for _, item := range items {
		one := r.Copy()
		one.SetValue(elem, item)
		made = append(made, one)
	}
	return guest.Many(made...), nil
}

// Drop drops.
type Drop struct{}

// Transform implements guest.Transform.
func (Drop) Transform(context.Context, *guest.Record) (guest.Outcome, error) { return guest.Drop, nil }

// IsTombstone is true for null values.
type IsTombstone struct{}

// Test implements guest.Predicate.
func (IsTombstone) Test(_ context.Context, r *guest.Record) (bool, error) {
	return r.IsTombstone(), nil
}

// Hex converts bytes to hexadecimal text and back.
type Hex struct{}

var hexSchema = &abi.Schema{Type: abi.TypeString, Optional: true}

// ToConnect implements guest.Converter.
func (Hex) ToConnect(_ string, data []byte) (*abi.Schema, any, error) {
	if data == nil {
		return hexSchema, nil, nil
	}
	return hexSchema, hex.EncodeToString(data), nil
}

// FromConnect implements guest.Converter.
func (Hex) FromConnect(_ string, _ *abi.Schema, value any) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	text, ok := value.(string)
	if !ok {
		return nil, guest.DataError(errors.New("not a string"))
	}
	data, err := hex.DecodeString(text)
	if err != nil {
		return nil, guest.DataError(errors.New("not hexadecimal"))
	}
	return data, nil
}

// ToConnectHeader implements guest.HeaderConverter.
func (h Hex) ToConnectHeader(topic, _ string, data []byte) (*abi.Schema, any, error) {
	return h.ToConnect(topic, data)
}

// FromConnectHeader implements guest.HeaderConverter.
func (h Hex) FromConnectHeader(topic, _ string, s *abi.Schema, value any) ([]byte, error) {
	return h.FromConnect(topic, s, value)
}

// Fail fails on demand of the value.
type Fail struct{}

// Start implements guest.Starter.
func (Fail) Start(_ context.Context, c guest.Config) error {
	if c.String("start") == "config" {
		return guest.ConfigError("start", "config", "refused")
	}
	return nil
}

// Transform implements guest.Transform.
func (Fail) Transform(_ context.Context, r *guest.Record) (guest.Outcome, error) {
	switch string(r.ValueView().Bytes()) {
	case "retriable":
		return guest.Keep, guest.Retriable(errors.New("later"))
	case "data":
		return guest.Keep, guest.DataError(errors.New("bad data"))
	case "config":
		return guest.Keep, guest.ConfigError("y", "x", "bad config")
	case "error":
		return guest.Keep, errors.New("plain error")
	case "detailed":
		err := guest.WithCause(guest.DataError(errors.New("bad item")), "kit.Cause", "why")
		err = guest.InField(guest.InField(err, "[1]"), "list")
		return guest.Keep, guest.WithClass(err, "kit.BadItem")
	case "panic":
		panic("on demand")
	}
	return guest.Keep, nil
}

// Collect keeps the next offset of each partition.
type Collect struct {
	next    map[partition]int64
	retried map[place]bool
	late    []*guest.Record // taken, and given up by the next Flush
}

type partition struct {
	topic string
	id    int32
}

type place struct {
	partition
	offset int64
}

// NewCollect returns an empty sink.
func NewCollect() *Collect { return &Collect{next: map[partition]int64{}, retried: map[place]bool{}} }

// Start implements guest.Sink.
func (*Collect) Start(context.Context, guest.Config) error { return nil }

// Put implements guest.Sink.
func (c *Collect) Put(_ context.Context, records []*guest.Record) error {
	var errant []error
	next := map[partition]int64{}
	for _, r := range records {
		at := partition{r.Topic, r.Partition}
		switch text, _ := r.Value().(string); text {
		case "errant":
			errant = append(errant, guest.Errant(r, errors.New("errant record")))
		case "broken":
			return errors.New("broken")
		case "late":
			c.late = append(c.late, r)
		case "retry":
			if here := (place{at, r.Offset()}); !c.retried[here] {
				c.retried[here] = true
				return guest.Retriable(errors.New("try again"))
			}
		}
		next[at] = max(next[at], r.Offset()+1)
	}
	for at, offset := range next {
		c.next[at] = max(c.next[at], offset)
	}
	return errors.Join(errant...)
}

// Flush implements guest.Flusher.
func (c *Collect) Flush(ctx context.Context, offsets []guest.PartitionOffset) ([]guest.PartitionOffset, error) {
	for _, r := range c.late {
		if err := guest.ReportErrant(ctx, r, guest.InField(errors.New("late errant record"), "f")); err != nil {
			return nil, err
		}
	}
	c.late = nil
	for i, o := range offsets {
		if next, ok := c.next[partition{o.Topic, o.Partition}]; ok {
			offsets[i].Offset = next
		}
	}
	return offsets, nil
}

// ClosePartitions implements guest.PartitionCloser.
func (c *Collect) ClosePartitions(_ context.Context, partitions []guest.PartitionOffset) error {
	for _, p := range partitions {
		delete(c.next, partition{p.Topic, p.Partition})
	}
	return nil
}

// Counter counts.
type Counter struct {
	topic        string
	task         int64
	next, count  int64
	batch        int64
	transactions bool
}

func counterConfig() abi.ConfigDef {
	three, two, no, one := "3", "2", "false", 1.0
	batch := key("batch", abi.ConfigInt, &two, true)
	batch.Validator = &abi.Validator{Kind: abi.ValidRange, Min: &one}
	return abi.ConfigDef{Keys: []abi.ConfigKey{key("topic", abi.ConfigString, nil, false),
		key("count", abi.ConfigInt, &three, true), batch, key("transactions", abi.ConfigBoolean, &no, true)}}
}

// Start implements guest.Source.
func (c *Counter) Start(_ context.Context, config guest.Config) error {
	c.topic, c.task, c.count = config.String("topic"), int64(config.Task), config.Int("count")
	c.batch, c.transactions = config.Int("batch"), config.Bool("transactions")
	if offset, ok := config.Offset(map[string]any{"task": c.task}); ok {
		position, _ := offset["position"].(int64)
		c.next = position + 1
	}
	return nil
}

// Poll implements guest.Source.
func (c *Counter) Poll(ctx context.Context) ([]*guest.Record, error) {
	if c.next >= c.count {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	var records []*guest.Record
	for ; c.next < c.count && int64(len(records)) < c.batch; c.next++ {
		records = append(records, c.record(c.next))
	}
	if c.transactions {
		guest.CommitTransaction(ctx)
	}
	return records, nil
}

func (c *Counter) record(i int64) *guest.Record {
	r := guest.NewRecord(c.topic)
	r.Timestamp, r.TimestampType = 1000+i, abi.TimestampTypeCreate
	r.SetKey(&abi.Schema{Type: abi.TypeInt32}, int32(i))
	r.SetValue(&abi.Schema{Type: abi.TypeString, Optional: true}, "n"+strconv.FormatInt(i, 10))
	if i%2 == 0 {
		r.AddHeader("even", nil, true)
	}
	r.SourcePartition = map[string]any{"task": c.task}
	r.SourceOffset = map[string]any{"position": i}
	return r
}

// counterConnector numbers its tasks.
type counterConnector struct{ config map[string]*string }

func (c *counterConnector) Start(_ context.Context, config guest.Config) error {
	c.config = config.All
	return nil
}

func (c *counterConnector) TaskConfigs(_ context.Context, max int) ([]map[string]*string, error) {
	var configs []map[string]*string
	for i := range max {
		number := strconv.Itoa(i)
		config := maps.Clone(c.config)
		config["task.number"] = &number
		configs = append(configs, config)
	}
	return configs, nil
}

func validateCounter(_ context.Context, config map[string]*string) ([]abi.KeyValidation, error) {
	topic := config["topic"]
	if topic == nil || !strings.Contains(*topic, " ") {
		return nil, nil
	}
	message := fmt.Sprint(guest.ConfigError("topic", *topic, "Topic may not contain spaces"))
	return []abi.KeyValidation{{Name: "topic", Value: topic, Errors: []string{message}, Visible: true}}, nil
}
