package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/worker"
)

// runChain takes records through converters, transformations and the same converters back.
func (r *runner) runChain(ctx context.Context, e *example, config host.Config) (result, error) {
	forms := converters(config)
	records, err := forms.parse(e.input)
	if err != nil {
		return result{}, err
	}
	stages, err := r.chainStages(config)
	if err != nil {
		return result{}, err
	}
	links, err := r.worker.Chain(ctx, stages)
	if err != nil {
		return result{}, err
	}
	defer func() {
		for _, l := range links {
			l.Instance.Kill(errors.New("the example is over"))
		}
	}()
	out, err := links[0].Enter(ctx, records)
	if err == nil {
		out, err = pipeline.Apply(ctx, links[1:], out)
	}
	if err != nil {
		return result{}, err
	}
	if len(out.Failures) > 0 {
		f := out.Failures[0]
		return result{}, fmt.Errorf("record %d fails at %s: %s", f.Record, f.Stage.Where(), f.Message)
	}
	sent, err := pipeline.AppendProducerRecords(nil, &out.Batch, 0, out.Batch.Len())
	if err != nil {
		return result{}, err
	}
	return result{takes: "Records in the topic:", input: forms.show(consumed(records)), inputForm: "json",
		gives: "become:", output: forms.show(sent), outputForm: "json"}, nil
}

// chainStages are the stages of a sink up to its connector, and those of a source behind its transformations.
func (r *runner) chainStages(config host.Config) ([]pipeline.Stage, error) {
	sink, source := host.Config{}, host.Config{}
	for key, value := range config {
		sink[key], source[key] = value, value
	}
	name, class, topic := "example", blackhole, inputTopic
	sink["name"], source["name"], sink["connector.class"], source["connector.class"] = &name, &name, &class, &class
	sink["topics"] = &topic
	var all []pipeline.Stage
	for _, step := range []struct {
		kind   string
		config host.Config
		part   worker.Part
	}{
		{abi.KindSink, sink, worker.KeyConverter}, {abi.KindSink, sink, worker.ValueConverter},
		{abi.KindSink, sink, worker.HeaderConverter}, {abi.KindSink, sink, worker.Transforms},
		{abi.KindSource, source, worker.HeaderConverter}, {abi.KindSource, source, worker.KeyConverter},
		{abi.KindSource, source, worker.ValueConverter},
	} {
		stages, err := r.worker.Stages(step.kind, step.config, step.part)
		if err != nil {
			return nil, err
		}
		all = append(all, stages...)
	}
	return all, nil
}
