package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// pipeline is one workload: which records move from where to where, and what changes on the way.
type pipeline struct {
	name   string
	way    way
	text   record // of the input; none for rows
	size   int    // of a record whose size is fixed
	factor int    // records of a repeat, in those of the other pipelines
	config map[string]string
	floor  floorKind
}

type way int

const (
	fileToTopic way = iota
	topicToFile
	topicToNothing
	rowsToTopic
)

// floorKind is what the bare loop can do of a pipeline.
type floorKind int

const (
	noFloor floorKind = iota
	floorMoves
	floorEdits // chain A with encoding/json and a map
)

// The null sink's progress shows only as often as offsets are committed, once a second, so it moves more. A topic's name
// begins with in- for chain C.
var pipelines = []pipeline{
	{"P1", fileToTopic, line100, 100, 1, nil, floorMoves},
	{"P2", topicToFile, line100, 100, 1, nil, floorMoves},
	{"P3", topicToNothing, json316, 0, 3, settings(jsonValues, chainA), floorEdits},
	{"P4", rowsToTopic, nil, 0, 1, settings(jsonWithSchemas, chainB), noFloor},
	{"P5s0", topicToNothing, line100, 100, 5, nil, floorMoves},
	{"P5s1", topicToNothing, line100, 100, 5, settings(firstOf(chainC)), noFloor},
	{"P5s5", topicToNothing, line100, 100, 5, settings(chainC), noFloor},
	{"P5j0", topicToNothing, json316, 0, 3, settings(jsonValues), noFloor},
	{"P5j1", topicToNothing, json316, 0, 3, settings(jsonValues, firstOf(chainA)), noFloor},
	{"P6src", fileToTopic, line1k, 1024, 1, nil, floorMoves},
	{"P6snk", topicToFile, line1k, 1024, 1, nil, floorMoves},
}

// choosePipelines finds pipelines by name; no names are all.
func choosePipelines(names string) ([]pipeline, error) {
	if strings.TrimSpace(names) == "" {
		return pipelines, nil
	}
	var chosen []pipeline
	for _, name := range strings.Fields(names) {
		at := slices.IndexFunc(pipelines, func(p pipeline) bool { return p.name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no pipeline %q", name)
		}
		chosen = append(chosen, pipelines[at])
	}
	return chosen, nil
}

// flow is a pipeline with its input made.
type flow struct {
	pipeline
	records int
	input   string // file or topic
}

// prepare makes the input of a pipeline; drop removes it.
func (b *bench) prepare(ctx context.Context, p pipeline) (f flow, drop func() error, err error) {
	f = flow{p, b.records * p.factor, "in-" + b.prefix + p.name}
	switch p.way {
	case rowsToTopic:
		return f, func() error { return nil }, nil
	case fileToTopic:
		f.input = filepath.Join(b.dir, f.input)
		return f, func() error { return os.Remove(f.input) }, writeLines(f.input, f.records, f.text)
	}
	drop = func() error { return b.kafka.deleteTopics(context.WithoutCancel(ctx), f.input) }
	if err := b.kafka.createTopic(ctx, f.input); err != nil {
		return f, drop, err
	}
	return f, drop, b.kafka.fill(ctx, f.input, f.records, f.text)
}

// hasOutputTopic tells whether the pipeline ends in a topic.
func (f flow) hasOutputTopic() bool { return f.way == fileToTopic || f.way == rowsToTopic }

// output is where the repeat of this name writes to.
func (b *bench) output(f flow, name string) string {
	switch f.way {
	case fileToTopic, rowsToTopic:
		return name
	case topicToFile:
		return filepath.Join(b.dir, name+".txt")
	default:
		return ""
	}
}

// connector is the configuration of the flow in a worker.
func (f flow) connector(output string, s *system) map[string]string {
	config := map[string]string{"tasks.max": "1"}
	switch f.way {
	case fileToTopic:
		config["connector.class"] = fileSource
		config["file"], config["topic"] = f.input, output
	case topicToFile:
		config["connector.class"] = fileSink
		config["file"], config["topics"] = output, f.input
	case topicToNothing:
		config["connector.class"] = s.nullSink
		config["topics"] = f.input
	case rowsToTopic:
		config["connector.class"] = s.rowSource
		config["topic"], config["records"] = output, strconv.Itoa(f.records)
	}
	maps.Copy(config, f.config)
	if s.tuned {
		maps.Copy(config, f.tuning())
	}
	return config
}

// tuning is what the tuned rows set beside Connect's defaults.
func (f flow) tuning() map[string]string {
	if f.hasOutputTopic() {
		return map[string]string{
			"producer.override.batch.size":    "262144",
			"producer.override.linger.ms":     "20",
			"producer.override.buffer.memory": "67108864",
		}
	}
	return map[string]string{
		"consumer.override.max.poll.records":          "5000",
		"consumer.override.max.partition.fetch.bytes": "4194304",
		"consumer.override.fetch.min.bytes":           "262144",
		"consumer.override.fetch.max.wait.ms":         "100",
	}
}

// floorArguments are those of the floor process that does the same.
func (b *bench) floorArguments(f flow, output, name string) []string {
	command := []string{"-bootstrap", b.bootstrap, "floor"}
	switch {
	case f.way == fileToTopic:
		return append(command, "source", f.input, output, b.floorOffsets())
	case f.floor == floorEdits:
		return append(command, "edit", f.input, name)
	}
	return append(command, "sink", f.input, output, name)
}

// progress counts the records that are through.
func (b *bench) progress(f flow, output, group string) func(context.Context) (int64, error) {
	return func(ctx context.Context) (int64, error) {
		switch f.way {
		case fileToTopic, rowsToTopic:
			return b.kafka.endOffset(ctx, output)
		case topicToFile:
			info, err := os.Stat(output)
			if errors.Is(err, os.ErrNotExist) {
				return 0, nil
			}
			if err != nil {
				return 0, err
			}
			return info.Size() / int64(f.size+1), nil
		default:
			return b.kafka.committed(ctx, group, f.input)
		}
	}
}

// compare voids a repeat whose output is not the input: byte by byte, in order. Of a null sink nothing is left.
func (b *bench) compare(ctx context.Context, f flow, output string) error {
	switch f.way {
	case fileToTopic:
		return errors.Join(b.kafka.readTopic(ctx, output, f.records, f.text.same()), b.kafka.deleteTopics(ctx, output))
	case rowsToTopic:
		return errors.Join(b.kafka.readTopic(ctx, output, f.records, sameRow), b.kafka.deleteTopics(ctx, output))
	case topicToFile:
		return errors.Join(compareLines(output, f.records, f.text), os.Remove(output))
	default:
		return nil
	}
}
