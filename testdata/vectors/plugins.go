package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/worker"
)

// plugins plays the vectors of transformations, predicates and converters: for each configuration a connector's, with
// the stages that a worker in the vector's zone makes of it, in an instance of the bundled module.
type plugins struct {
	workers byZone
}

// setup is what a vector says about a connector.
type setup struct {
	kind   string // of the connector: a source converts from Connect, a sink to it
	part   worker.Part
	config host.Config
	own    host.Config // of the plugin
	prefix string      // of its keys in config
}

func (f plugins) key(v *vector) string {
	s := setupOf(v)
	return fmt.Sprint(v.zone(), s.kind, s.part) + shown(s.config)
}

func (f plugins) open(ctx context.Context, v *vector) player {
	s, w := setupOf(v), f.workers.of(v)
	stages, err := w.Stages(s.kind, s.config, s.part)
	if err != nil {
		answer, err := s.refusedByWorker(err)
		return refused{answer, err}
	}
	if s.part == worker.HeaderConverter && v.text("class") != "" {
		stages[0].Config = s.own // these vectors ask what happens without the converter.type that the worker adds
	}
	links, err := w.Chain(ctx, stages)
	if err != nil {
		answer, err := failedStart(err)
		return refused{answer, err}
	}
	return &chain{setup: s, links: links}
}

const (
	filter                = "org.apache.kafka.connect.transforms.Filter"
	simpleHeaderConverter = "org.apache.kafka.connect.storage.SimpleHeaderConverter"
)

// setupOf makes the configuration of a connector. A predicate decides for Filter, which drops what it holds for.
func setupOf(v *vector) setup {
	s := setup{kind: abi.KindSource, config: host.Config{}, own: host.Config{}}
	set := func(key, value string) { s.config[key] = &value }
	set("name", "vectors")
	set("connector.class", "vectors")
	class := v.text("class")
	switch op := v.text("op"); {
	case v.file == "predicates":
		s.prefix = "predicates.p."
		set("predicates", "p")
		set("predicates.p.type", class)
		set("transforms", "t")
		set("transforms.t.type", filter)
		set("transforms.t.predicate", "p")
	case op == "":
		s.prefix = "transforms.t."
		set("transforms", "t")
		set("transforms.t.type", class)
	default:
		if class == "" {
			class = simpleHeaderConverter
		}
		property := "value.converter"
		s.part = worker.ValueConverter
		switch {
		case strings.Contains(strings.ToLower(op), "header"):
			property, s.part = "header.converter", worker.HeaderConverter
		case v.members["isKey"] == true:
			property, s.part = "key.converter", worker.KeyConverter
		}
		s.prefix = property + "."
		set(property, class)
		if strings.HasPrefix(strings.ToLower(strings.TrimPrefix(op, "header")), "to") {
			s.kind = abi.KindSink
			set("topics", "topic")
		}
	}
	config, _ := v.members["config"].(object)
	for key, value := range config {
		set(s.prefix+key, textOf(value))
		s.own[key] = s.config[s.prefix+key]
	}
	return s
}

// refusedByWorker is the answer where the worker refuses the configuration by what the plugin declares. Its errors name
// keys as they stand in the connector's configuration, those of vectors as the plugin knows them.
func (s setup) refusedByWorker(err error) (any, error) {
	var refusal *abi.ConfigError
	if !errors.As(err, &refusal) || refusal.Key == s.prefix+"type" {
		return nil, unplayable(err.Error()) // no such plugin is here
	}
	message := strings.ReplaceAll(refusal.Message, s.prefix, "")
	return exception("configure", guest.Class(abi.CodeConfig, refusal.Class), message), nil
}

// failedStart is the answer of a plugin that refuses its configuration; the error says why nothing was started.
func failedStart(err error) (any, error) {
	var failure *guest.Failure
	if errors.As(err, &failure) {
		return exception("configure", guest.Class(failure.Code, failure.Class), failure.Message), nil
	}
	return nil, err
}

// exception is an error as the worker shows it. Causes stand in lines of the message.
func exception(phase, class, message string) any {
	lines := strings.Split(message, "\nCaused by: ")
	shown := object{"phase": phase, "class": class, "message": lines[0]}
	var causes list
	for _, line := range lines[1:] {
		class, message, hasMessage := strings.Cut(line, ": ")
		cause := object{"class": class}
		if hasMessage {
			cause["message"] = message
		}
		causes = append(causes, cause)
	}
	if causes != nil {
		shown["causes"] = causes
	}
	return object{"error": shown}
}

// refused answers what came of starting the plugin.
type refused struct {
	answer any
	err    error
}

func (r refused) play(context.Context, *vector) (any, error) { return r.answer, r.err }
func (r refused) close()                                     {}

// chain is stages that run.
type chain struct {
	setup
	links []*pipeline.Link
}

func (c *chain) close() {
	for _, l := range c.links {
		l.Instance.Kill(errors.New("all of its vectors are played"))
	}
}

func (c *chain) play(ctx context.Context, v *vector) (any, error) {
	if c.part != worker.Transforms {
		return c.convert(ctx, v)
	}
	input, ok := v.members["input"].(object)
	if !ok {
		return object{"configured": true}, nil
	}
	batch, err := encodeRecord(input)
	if err != nil {
		return nil, cannotHold(err)
	}
	out, err := pipeline.Apply(ctx, c.links, pipeline.Result{Batch: batch})
	if err != nil {
		return nil, err
	}
	if v.file == "predicates" && len(out.Failures) == 0 {
		return object{"test": out.Batch.Len() == 0}, nil
	}
	return recordAnswer(&out, input)
}

// cannotHold says that the input of a vector has no form in the ABI, and why.
func cannotHold(err error) error { return unplayable("the ABI can't hold the input: " + err.Error()) }

func recordAnswer(out *pipeline.Result, input object) (any, error) {
	if len(out.Failures) > 0 {
		return failureAnswer("apply", out.Failures[0]), nil
	}
	if out.Batch.Len() == 0 {
		return object{"dropped": true}, nil
	}
	record, err := decodeRecord(&out.Batch, out.Origin(0), input)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return object{"record": record}, nil
}

// failureAnswer is the exception that the worker shows for a record that failed.
func failureAnswer(phase string, f pipeline.RecordFailure) any {
	message := strings.TrimSuffix(f.Message+"\n"+f.Details.Causes, "\n")
	return exception(phase, guest.Class(f.Code, f.Details.Class), message)
}

func (c *chain) convert(ctx context.Context, v *vector) (any, error) {
	out, err := c.enter(ctx, v)
	if err != nil {
		return nil, err
	}
	if len(out.Failures) > 0 {
		return failureAnswer("convert", out.Failures[0]), nil
	}
	if out.Batch.Len() != 1 {
		return nil, fmt.Errorf("a converter made %d records of one", out.Batch.Len())
	}
	if c.kind == abi.KindSource {
		return c.bytesOf(&out.Batch)
	}
	cell := c.cellOf(out.Batch.Entry(0))
	find := schemasOf(&out.Batch)
	schema, err := find(cell.Schema)
	if err != nil {
		return nil, err
	}
	value, err := decodeValue(abi.Value{Tag: cell.Tag, Payload: cell.Bytes}, schema, find)
	return object{"schema": schema, "value": value}, err
}

// enter takes the vector's value through the converter: as a record of a source, or as one consumed from Kafka.
func (c *chain) enter(ctx context.Context, v *vector) (pipeline.Result, error) {
	if c.kind == abi.KindSource {
		batch, err := encodeOne(v.members["schema"], v.members["value"], c.part)
		if err != nil {
			return pipeline.Result{}, cannotHold(err)
		}
		return pipeline.Apply(ctx, c.links, pipeline.Result{Batch: batch})
	}
	var raw []byte
	if text, ok := v.members["bytes"].(string); ok {
		var err error
		if raw, err = base64.StdEncoding.DecodeString(text); err != nil {
			return pipeline.Result{}, err
		}
	}
	r := host.ConsumerRecord{Topic: "topic"}
	switch c.part {
	case worker.KeyConverter:
		r.Key = raw
	case worker.HeaderConverter:
		r.Headers = []host.Header{{Key: headerName, Value: raw}}
	default:
		r.Value = raw
	}
	return c.links[0].Enter(ctx, []host.ConsumerRecord{r})
}

const headerName = "h"

// bytesOf is what the producer would get.
func (c *chain) bytesOf(batch *abi.Batch) (any, error) {
	records, err := pipeline.AppendProducerRecords(nil, batch, 0, 1)
	if err != nil {
		return nil, err
	}
	raw := records[0].Value
	switch c.part {
	case worker.KeyConverter:
		raw = records[0].Key
	case worker.HeaderConverter:
		raw = records[0].Headers[0].Value
	}
	if raw == nil {
		return object{"bytes": nil}, nil
	}
	return object{"bytes": base64.StdEncoding.EncodeToString(raw)}, nil
}

func (c *chain) cellOf(e abi.Entry) abi.Cell {
	switch c.part {
	case worker.KeyConverter:
		return e.Key()
	case worker.HeaderConverter:
		for h := range e.Headers() {
			return abi.Cell{Schema: h.Schema, Tag: h.Tag, Bytes: h.Value}
		}
	}
	return e.Value()
}
