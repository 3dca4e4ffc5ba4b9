package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/worker"
)

// probe plays the vectors of what no plugin is asked directly: the library below the plugins. It is a transformation
// that turns a vector into its answer.
type probe struct{ workers byZone }

const probeClass = "probe.Vectors"

func (probe) key(v *vector) string { return v.file + " " + v.zone() }

func (f probe) open(ctx context.Context, v *vector) player {
	w := f.workers.of(v)
	if w == nil {
		return refused{nil, unplayable("no probe: name its module with -probe")}
	}
	config := host.Config{}
	for key, value := range map[string]string{"name": "vectors", "connector.class": "vectors", "transforms": "t",
		"transforms.t.type": probeClass, "transforms.t.file": v.file} {
		config[key] = &value
	}
	stages, err := w.Stages(abi.KindSource, config, worker.Transforms)
	if err != nil {
		return refused{nil, err}
	}
	links, err := w.Chain(ctx, stages)
	if err != nil {
		return refused{nil, err}
	}
	return &asked{chain{links: links}}
}

// asked is a probe that runs.
type asked struct{ chain }

// play gives the probe the line of the vector without its results, as the value of a record, and reads its answer.
func (a *asked) play(ctx context.Context, v *vector) (any, error) {
	question, err := question(v)
	if err != nil {
		return nil, err
	}
	var b abi.BatchBuilder
	b.Add(&abi.RecordFields{Topic: b.AddTopic("topic"), Partition: -1, Timestamp: abi.NoTimestamp, Offset: -1,
		SourcePartition: abi.None, Key: abi.Cell{Schema: abi.None},
		Value: abi.Cell{Schema: abi.None, Tag: abi.TagString, Bytes: question}})
	batch, err := abi.ParseBatch(b.AppendTo(nil), nil)
	if err != nil {
		return nil, err
	}
	out, err := pipeline.Apply(ctx, a.links, pipeline.Result{Batch: batch})
	if err != nil {
		return nil, err
	}
	if len(out.Failures) > 0 {
		return nil, errors.New(out.Failures[0].Message)
	}
	if out.Batch.Len() != 1 || out.Batch.Entry(0).Value().Tag != abi.TagString {
		return nil, fmt.Errorf("the probe answered with %d records", out.Batch.Len())
	}
	var answer any
	decoder := json.NewDecoder(strings.NewReader(string(out.Batch.Entry(0).Value().Bytes)))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		return nil, fmt.Errorf("the probe's answer is no JSON: %w", err)
	}
	return answer, refusalOf(answer)
}

// refusalOf says why the probe gave no result.
func refusalOf(answer any) error {
	members, _ := answer.(object)
	switch {
	case members["unknown"] == true:
		return unplayable("the probe does not know the operation")
	case members["foreign"] == true:
		return unplayable("the ABI can't hold a value of the input")
	case members["malformed"] == true:
		return errors.New("the probe can't read the vector")
	}
	return nil
}

// question keeps the results from the probe.
func question(v *vector) ([]byte, error) {
	asked := object{}
	for name, member := range v.members {
		if name != "result" && name != "resultJdk25" {
			asked[name] = member
		}
	}
	return json.Marshal(asked)
}
