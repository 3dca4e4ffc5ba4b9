package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// What examples call these stands for a folder and an address of this run.
const (
	dataFolder      = "/data"
	registryAddress = "http://registry:8081"
)

// runConnector runs a connector until it has done what there is to do, or failed.
func (r *runner) runConnector(ctx context.Context, e *example, config host.Config) (result, error) {
	r.connector++
	name := config.Get("name")
	folder := filepath.Join(r.dir, strconv.Itoa(r.connector))
	if err := os.Mkdir(folder, 0o755); err != nil {
		return result{}, err
	}
	places := strings.NewReplacer(dataFolder+"/", folder+"/", registryAddress, r.schemas.server.URL,
		sourceBroker, r.clusters.source.ListenAddrs()[0], targetBroker, r.clusters.target.ListenAddrs()[0])
	actual := host.Config{}
	for key, value := range config {
		text := places.Replace(*value)
		actual[key] = &text
	}
	r.kafka.reset()
	if e.first {
		r.schemas.reset()
	}
	shown, err := r.provide(ctx, e, actual)
	if err != nil {
		return result{}, err
	}
	tasks, err := r.worker.StartConnector(ctx, name, actual, host.TargetStarted, func() {})
	if err != nil {
		return result{}, fmt.Errorf("start the connector: %w", err)
	}
	if len(tasks) != 1 {
		return result{}, fmt.Errorf("the connector made %d tasks; an example must have one", len(tasks))
	}
	id := host.TaskID{Connector: name}
	r.worker.StartTask(id, len(tasks), actual, tasks[0], host.TargetStarted)
	trace, err := r.kafka.await(ctx)
	r.worker.StopTasks(ctx, id)
	r.worker.StopConnector(ctx, name, "")
	if err != nil {
		return result{}, err
	}
	back := strings.NewReplacer(folder+"/", dataFolder+"/", r.schemas.server.URL, registryAddress, r.dir, dataFolder)
	err = r.gather(&shown, actual, trace)
	shown.output = back.Replace(shown.output)
	return shown, err
}

// provide puts the input where the connector looks for it, and says when all is done.
func (r *runner) provide(ctx context.Context, e *example, config host.Config) (result, error) {
	if r.worker.ConnectorKind(config.Get("name"), config) == abi.KindSource {
		return r.provideSource(ctx, e, config)
	}
	forms := converters(config)
	records, err := forms.parse(e.input)
	if err != nil {
		return result{}, err
	}
	r.kafka.produce(records)
	return result{takes: "Records in the topic:", input: forms.show(consumed(records)), inputForm: "json"}, nil
}

// provideSource expects as many records as the input has lines, or as count says, or else that the task fails.
func (r *runner) provideSource(ctx context.Context, e *example, config host.Config) (result, error) {
	if e.input == "" {
		count, err := strconv.Atoi(config.Get("count"))
		if err != nil {
			count = math.MaxInt
		}
		r.kafka.expect(count)
		return result{}, nil
	}
	if topic := config.Get("topics"); topic != "" {
		count, err := r.clusters.fill(ctx, topic, e.input)
		r.kafka.expect(count)
		return result{takes: "Records in topic " + topic + " of the other cluster:", input: e.input, inputForm: "text"}, err
	}
	r.kafka.expect(strings.Count(e.input, "\n") + 1)
	err := os.WriteFile(config.Get("file"), []byte(e.input+"\n"), 0o644)
	return result{takes: "Lines in the file:", input: e.input, inputForm: "text"}, err
}

// moduleDigest is what a trace says of a module's bytes: another build has another.
var moduleDigest = regexp.MustCompile(`\(module ([\w-]+), [0-9a-f]{12}\)`)

// gather reads what came of it: the trace, records, schemas or a file.
func (r *runner) gather(shown *result, config host.Config, trace string) error {
	isSource := r.worker.ConnectorKind(config.Get("name"), config) == abi.KindSource
	switch {
	case trace != "":
		shown.failed = true
		shown.gives, shown.outputForm = "The task is FAILED; its status tells:", "text"
		shown.output = strings.TrimSpace(moduleDigest.ReplaceAllString(trace, "(module $1)"))
		shown.output = strings.ReplaceAll(shown.output, "\t", "    ")
	case isSource:
		shown.gives, shown.outputForm = "Records in the topic:", "json"
		shown.output = converters(config).show(withoutTimestamps(r.kafka.sent()))
		shown.schemas = r.schemas.shown()
	case config.Get("file") != "":
		text, err := os.ReadFile(config.Get("file"))
		if err != nil {
			return err
		}
		shown.gives, shown.outputForm = "Lines in the file:", "text"
		shown.output = strings.TrimSpace(string(text))
	default:
		shown.gives, shown.output, shown.outputForm = "All were taken; what is committed:", r.kafka.committed(), "text"
	}
	return nil
}
