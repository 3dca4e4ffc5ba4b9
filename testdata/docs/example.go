package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/host"
)

// example is a configuration with what goes in. With connector.class it is a connector's, which runs as it would in a
// worker; without, it is a chain: records are read from Kafka by the converters, pass the transformations, and are
// written by the converters.
type example struct {
	config string // properties, as a user would write them
	input  string // records, or lines for a file
	first  bool   // of its page: the schema registry is empty
}

// result is what becomes part of the page.
type result struct {
	takes, input, inputForm   string // a heading, the input as it is shown, and the form of the block
	gives, output, outputForm string
	schemas                   string // that it registered
	failed                    bool   // the output is a trace
}

// run plays an example. An example that fails is shown with the trace of its task, which a chain has not: there, a
// record that fails is an error.
func (r *runner) run(ctx context.Context, e *example) (result, error) {
	config, err := parseProperties(e.config)
	if err != nil {
		return result{}, err
	}
	if config.Get("connector.class") == "" {
		return r.runChain(ctx, e, config)
	}
	return r.runConnector(ctx, e, config)
}

// parseProperties reads key=value lines; a line that ends in \ goes on in the next one.
func parseProperties(text string) (host.Config, error) {
	config := host.Config{}
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\\\n", ""), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if !found {
			return nil, fmt.Errorf("configuration: %q is not key=value", line)
		}
		value = strings.TrimSpace(value)
		config[strings.TrimSpace(key)] = &value
	}
	return config, nil
}

// Connectors that examples of other plugins use.
const (
	blackhole = "berth.Blackhole"
	datagen   = "berth.Datagen"
)

// workerProperties are the worker's where examples run.
func workerProperties() host.Config {
	text, json, off := "org.apache.kafka.connect.storage.StringConverter",
		"org.apache.kafka.connect.json.JsonConverter", "false"
	return host.Config{"key.converter": &text, "value.converter": &json, "value.converter.schemas.enable": &off}
}

// converters tells for a configuration what bytes of keys and values are.
func converters(config host.Config) formats {
	worker := workerProperties()
	of := func(property string) format {
		class := config.Get(property)
		if class == "" {
			class = worker.Get(property)
		}
		return formatOf(class)
	}
	return formats{key: of("key.converter"), value: of("value.converter")}
}
