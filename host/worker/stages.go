package worker

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/validate"
)

// sourceStages is the order of a source's stages: poll, transformations, header, key and value converter
// (AbstractWorkerSourceTask.sendRecords).
func (w scope) sourceStages(found plugin.Plugin, c validate.Connector, task host.Config) ([]pipeline.Stage, error) {
	stages := []pipeline.Stage{{Stage: abi.Stage{Kind: abi.KindSource, Config: task}, Found: found}}
	transforms, err := w.transformStages(c)
	if err != nil {
		return nil, err
	}
	stages = append(stages, transforms...)
	for _, r := range []converterRole{headerRole, keyRole, valueRole} {
		s, err := w.converterStage(r, c, true)
		if err != nil {
			return nil, err
		}
		stages = append(stages, s)
	}
	return stages, nil
}

// toldOfQuirks tells a source whether to repeat the faults of Kafka's (host.KafkaQuirksKey). Nobody but the worker says
// so: a key that the connector has counts for nothing.
func (w scope) toldOfQuirks(task host.Config) host.Config {
	if _, said := task[host.KafkaQuirksKey]; !said && !w.config.KafkaQuirks {
		return task
	}
	told, on := host.Config{}, strconv.FormatBool(w.config.KafkaQuirks)
	maps.Copy(told, task)
	told[host.KafkaQuirksKey] = &on
	return told
}

// sinkStages is the order of a sink's: key, value and header converter, transformations, put
// (WorkerSinkTask.convertAndTransformRecord).
func (w scope) sinkStages(found plugin.Plugin, c validate.Connector, task host.Config) ([]pipeline.Stage, error) {
	var stages []pipeline.Stage
	for _, r := range []converterRole{keyRole, valueRole, headerRole} {
		s, err := w.converterStage(r, c, false)
		if err != nil {
			return nil, err
		}
		stages = append(stages, s)
	}
	transforms, err := w.transformStages(c)
	if err != nil {
		return nil, err
	}
	stages = append(stages, transforms...)
	return append(stages, pipeline.Stage{Stage: abi.Stage{Kind: abi.KindSink, Config: task}, Found: found}), nil
}

// transformStages puts each predicate right before the transformation that asks it: an earlier transformation may have
// changed what it looks at.
func (w scope) transformStages(c validate.Connector) ([]pipeline.Stage, error) {
	var stages []pipeline.Stage
	for _, t := range c.Transforms {
		if t.Predicate != "" {
			p, ok := c.Predicates[t.Predicate]
			if !ok {
				return nil, host.BadRequest(fmt.Sprintf("transforms.%s.predicate names %q, which predicates does not list",
					t.Alias, t.Predicate))
			}
			found, err := w.Registry.Resolve(p.Type, p.Version, abi.KindPredicate)
			if err != nil {
				return nil, fmt.Errorf("predicates.%s.type: %w", p.Alias, err)
			}
			stages = append(stages, pipeline.Stage{Found: found,
				Stage: abi.Stage{Kind: abi.KindPredicate, Alias: p.Alias, Config: p.Config}})
		}
		found, err := w.Registry.Resolve(t.Type, t.Version, abi.KindTransform)
		if err != nil {
			return nil, fmt.Errorf("transforms.%s.type: %w", t.Alias, err)
		}
		stages = append(stages, pipeline.Stage{Found: found, Stage: abi.Stage{Kind: abi.KindTransform, Alias: t.Alias,
			Config: t.Config, Guarded: t.Predicate != "", Negate: t.Negate}})
	}
	return stages, nil
}

// converterRole is one of the three converters of a task.
type converterRole struct {
	property string // in the worker's and the connector's configuration
	stage    string // kind of the stage
	plugin   string // kind of the plugin
	role     string // converter.type, which Connect sets
	fallback string // class when the worker names none
	of       func(validate.Connector) validate.Converter
}

var (
	keyRole = converterRole{"key.converter", abi.KindKeyConverter, abi.KindConverter, "key", "",
		func(c validate.Connector) validate.Converter { return c.KeyConverter }}
	valueRole = converterRole{"value.converter", abi.KindValueConverter, abi.KindConverter, "value", "",
		func(c validate.Connector) validate.Converter { return c.ValueConverter }}
	headerRole = converterRole{"header.converter", abi.KindHeaderConverter, abi.KindHeaderConverter, "header",
		"org.apache.kafka.connect.storage.SimpleHeaderConverter",
		func(c validate.Connector) validate.Converter { return c.HeaderConverter }}
)

// converterStage takes the connector's converter, or else the worker's with the worker's settings for it.
func (w scope) converterStage(r converterRole, c validate.Connector, from bool) (pipeline.Stage, error) {
	chosen := r.of(c)
	if chosen.Class == "" {
		chosen = validate.Converter{
			Class:   w.config.Properties.Get(r.property),
			Version: w.config.Properties.Get(r.property + ".plugin.version"),
			Config:  validate.ConverterConfig(w.config.Properties, r.property),
		}
		if chosen.Class == "" {
			chosen.Class = r.fallback
		}
	}
	found, err := w.Registry.Resolve(chosen.Class, chosen.Version, r.plugin)
	if err != nil {
		return pipeline.Stage{}, fmt.Errorf("%s: %w", r.property, err)
	}
	config := maps.Clone(chosen.Config)
	if config == nil {
		config = host.Config{}
	}
	config["converter.type"] = &r.role
	return pipeline.Stage{Found: found, Stage: abi.Stage{Kind: r.stage, Config: config, From: from}}, nil
}
