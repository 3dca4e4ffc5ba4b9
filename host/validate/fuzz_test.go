package validate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// FuzzConfiguration validates what nobody would configure, as lines key=value; a line without = is a null. What passes
// must also be read when the connector starts: REST would else take what can only fail.
func FuzzConfiguration(f *testing.F) {
	plugins := newRecordedPlugins(f)
	for _, name := range []string{"validate-basic", "validate-transforms", "validate-sink", "validate-types",
		"validate-converters", "validate-framework-keys", "validate-topic-creation"} {
		for _, step := range readScenario(f, name).Steps {
			if body, isConfig := step.Body.(map[string]any); isConfig {
				f.Add(linesOf(body))
			}
		}
	}
	v := validatorFor(plugins, "plain")
	f.Fuzz(func(t *testing.T, text string) {
		config := configOfLines(text)
		infos, err := v.Validate(t.Context(), config)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		messages := 0
		for _, ofKey := range errorsOf(infos) {
			messages += len(ofKey)
		}
		if messages != infos.ErrorCount {
			t.Errorf("%d errors are told, and error_count is %d", messages, infos.ErrorCount)
		}
		if infos.ErrorCount == 0 {
			checkStart(t, v, config)
		}
	})
}

// checkStart reads a valid configuration as the worker does.
func checkStart(t *testing.T, v *Validator, config host.Config) {
	t.Helper()
	plugin, err := v.plugins.Find(config.Get(keyConnectorClass), config.Get(keyConnectorVersion), abi.KindSource,
		abi.KindSink)
	if err != nil {
		t.Fatalf("the class of a valid configuration: %v", err)
	}
	parse := v.ParseSource
	if plugin.Kind == abi.KindSink {
		parse = v.ParseSink
	}
	if _, err := parse(config); err != nil {
		t.Errorf("a valid configuration can't be started: %v", err)
	}
}

func linesOf(config map[string]any) string {
	var lines strings.Builder
	for key, value := range config {
		fmt.Fprintf(&lines, "%s=%v\n", key, value)
	}
	return lines.String()
}

func configOfLines(text string) host.Config {
	config := host.Config{}
	for line := range strings.SplitSeq(text, "\n") {
		key, value, isSet := strings.Cut(line, "=")
		switch {
		case isSet:
			config[key] = &value
		case key != "":
			config[key] = nil
		}
	}
	return config
}
