package validate

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

func configOf(pairs ...string) host.Config {
	c := host.Config{}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i]] = &pairs[i+1]
	}
	return c
}

// errorsOf returns the messages by key.
func errorsOf(infos host.ConfigInfos) map[string][]string {
	found := map[string][]string{}
	for _, info := range infos.Configs {
		if len(info.Value.Errors) > 0 {
			found[info.Value.Name] = info.Value.Errors
		}
	}
	return found
}

func TestHashOrder(t *testing.T) {
	file, err := os.Open(oraclePath(t, filepath.Join("vectors", "java-format.jsonl")))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	played := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var v struct {
			ID, Op string
			Keys   []string
			Result struct{ Order []string }
		}
		// other operations of this file hold keys of other types
		if json.Unmarshal(lines.Bytes(), &v) != nil || v.Op != "HashMap.order" {
			continue
		}
		played++
		if got := abi.HashOrder(slices.Compact(v.Keys)); !slices.Equal(got, v.Result.Order) {
			t.Errorf("%s: %q, want %q", v.ID, got, v.Result.Order)
		}
	}
	if played == 0 {
		t.Error("no vectors of HashMap.order")
	}
}

func TestPatternProblem(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                      "",
		"a.*|b+?":               "",
		`\p{Alpha}\d{2,3}+`:     "",
		"(?<name>x)(?=y)(?i:z)": "",
		"[a-z&&[^bc]]]":         "",
		"[]a]":                  "",
		`\Q(\E`:                 "",
		"a{2}{3}":               "",
		"(":                     "Unclosed group near index 1\n(",
		"a)":                    "Unmatched closing ')' near index 0\na)\n^",
		"[":                     "Unclosed character class near index 0\n[\n^",
		"*a":                    "Dangling meta character '*' near index 0\n*a\n^",
		"a{2,1}":                "Illegal repetition range near index 5\na{2,1}\n     ^",
		"a{x}":                  "Illegal repetition near index 1\na{x}\n ^",
		`a\`:                    "Unexpected internal error near index 2\na\\",
		`\y`:                    "Illegal/unsupported escape sequence near index 1\n\\y\n ^",
	} {
		if got := patternProblem(pattern); got != want {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}

func FuzzPatternProblem(f *testing.F) {
	for _, seed := range []string{"a.*", "[a-z&&[^b]]", `\Qx\E`, "(?<n>x)", "a{2,1}", "(?", `[\`, "((("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		problem := patternProblem(pattern)
		if problem == "" && strings.Count(pattern, "(") == 1 && pattern[0] == '(' && !strings.ContainsAny(pattern, `)\[`) {
			t.Errorf("%q holds an open group", pattern)
		}
	})
}

func TestGroupConflicts(t *testing.T) {
	v := New(newRecordedPlugins(t), PolicyAll).WithWorker(Worker{GroupID: "connect-a"})
	sink := []string{"connector.class", "FileStreamSink", "topics", "t"}
	for name, c := range map[string]struct {
		extra []string
		want  map[string][]string
	}{
		"own group": {[]string{"name", "a"}, map[string][]string{
			"name": {"Consumer group for sink connector named a conflicts with Connect worker group connect-a"}}},
		"override": {[]string{"name", "b", keyGroupOverride, "connect-a"}, map[string][]string{
			keyGroupOverride: {"Consumer group connect-a conflicts with Connect worker group connect-a"}}},
		"override away": {[]string{"name", "a", keyGroupOverride, "g"}, map[string][]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			infos, err := v.Validate(t.Context(), configOf(append(slices.Clone(sink), c.extra...)...))
			if got := errorsOf(infos); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v %v, want %v", got, err, c.want)
			}
		})
	}
	standalone := v.WithWorker(Worker{GroupID: "connect-a", Standalone: true})
	infos, err := standalone.Validate(t.Context(), configOf(append(slices.Clone(sink), "name", "a")...))
	if err != nil || infos.ErrorCount != 0 {
		t.Errorf("a standalone worker has no group: %v %v", errorsOf(infos), err)
	}
}

func TestVersions(t *testing.T) {
	p := newRecordedPlugins(t)
	p.add("x.Sink", abi.KindSink, "2.0.0", nil)
	p.add("x.Sink", abi.KindSink, "1.0.0", nil)
	v := New(p, PolicyAll)
	config := configOf("connector.class", "x.Sink", "name", "n", "topics", "t")
	infos, err := v.Validate(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	got := infos.Configs[2].Value
	if *got.Value != "2.0.0" || !slices.Equal(got.RecommendedValues, []string{"2.0.0", "1.0.0"}) {
		t.Errorf("connector.plugin.version is %s", short(got))
	}
	config[keyConnectorVersion] = text("3")
	_, err = v.Validate(t.Context(), config)
	const want = "Plugin x.Sink not found that matches the version range [3,3], available versions: [2.0.0, 1.0.0]"
	if !errors.Is(err, host.ErrInternal) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestPolicies(t *testing.T) {
	const policies = "org.apache.kafka.connect.connector.policy."
	config := configOf("producer.override.acks", "1", "producer.override.sasl.mechanism", "PLAIN",
		"consumer.override.acks.not", "1", "admin.override.x", "y")
	for name, allowed := range map[string][]bool{ // acks, sasl.mechanism, linger.ms
		"All": {true, true, true},
		"NoneConnectorClientConfigOverridePolicy":                 {false, false, false},
		policies + "PrincipalConnectorClientConfigOverridePolicy": {false, true, false},
		"Allowlist": {true, false, true},
		policies + "AllowlistConnectorClientConfigOverridePolicy": {true, false, true},
	} {
		policy, err := ParsePolicy(name, []string{"acks", "linger.ms", "sasl"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, property := range []string{"acks", "sasl.mechanism", "linger.ms"} {
			if got := policy.problem(property) == ""; got != allowed[i] {
				t.Errorf("%s allows %s: %v", name, property, got)
			}
		}
	}
	if _, err := ParsePolicy("Mine", nil); !errors.Is(err, host.ErrBadRequest) {
		t.Errorf("policy Mine: %v", err)
	}
	if err := PolicyAll.Check(config, "producer.override."); err != nil {
		t.Error(err)
	}
	const want = "Client Config Overrides not allowed [The 'Principal' policy does not allow 'acks' to be overridden in " +
		"the connector configuration.]"
	if err := PolicyPrincipal.Check(config, "producer.override."); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A task's clients are checked, those that it does not have are not.
func TestOverridesOfTasks(t *testing.T) {
	for _, c := range []struct {
		kind    string
		config  host.Config
		refused string
	}{
		{abi.KindSource, configOf("consumer.override.a", "1", "admin.override.b", "1"), ""},
		{abi.KindSource, configOf("producer.override.a", "1"), "'a'"},
		{abi.KindSource, configOf("admin.override.b", "1", "topic.creation.default.partitions", "1"), "'b'"},
		{abi.KindSink, configOf("producer.override.a", "1", "admin.override.b", "1"), ""},
		{abi.KindSink, configOf("consumer.override.c", "1"), "'c'"},
		{abi.KindSink, configOf("producer.override.a", "1", "errors.deadletterqueue.topic.name", "d"), "'a'"},
		{abi.KindSink, configOf("admin.override.b", "1", "errors.deadletterqueue.topic.name", "d"), "'b'"},
	} {
		err := New(nil, PolicyNone).CheckOverrides(c.kind, c.config)
		if (err != nil) != (c.refused != "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%v %v: %v, want %s", c.kind, c.config, err, c.refused)
		}
		if err := New(nil, PolicyAll).CheckOverrides(c.kind, c.config); err != nil {
			t.Errorf("policy All: %v", err)
		}
	}
}

func TestParsedSink(t *testing.T) {
	config := configOf("name", "s", "connector.class", "x.Sink", "connector.plugin.version", "[1,2)", "tasks.max", "3",
		"topics", " a ,b,a", "key.converter", "String", "key.converter.encoding", "UTF-8", "header.converter", "Simple",
		"errors.tolerance", "all", "errors.retry.timeout", "9223372036854775807", "errors.log.enable", "true",
		"errors.deadletterqueue.topic.name", "dlq", "errors.deadletterqueue.context.headers.enable", "true",
		"transforms", "f, g", "transforms.f.type", "Filter", "transforms.f.predicate", "p", "transforms.f.negate", "true",
		"transforms.g.type", "RegexRouter", "transforms.g.plugin.version", "4.1.1", "transforms.g.regex", "x",
		"transforms.g.replacement", "y",
		"predicates", "p", "predicates.p.type", "HasHeaderKey", "predicates.p.name", "h")
	got, err := New(newRecordedPlugins(t), PolicyAll).ParseSink(config)
	if err != nil {
		t.Fatal(err)
	}
	want := Connector{
		Name: "s", Class: "x.Sink", Version: "[1,2)", TasksMax: 3, EnforceTasksMax: true, RestartOnReload: true,
		KeyConverter:    Converter{Class: "String", Config: configOf("encoding", "UTF-8", "converter.type", "key")},
		HeaderConverter: Converter{Class: "Simple", Config: configOf("converter.type", "header")},
		Transforms: []Transform{
			{Alias: "f", Type: "org.apache.kafka.connect.transforms.Filter", Predicate: "p", Negate: true,
				Config: host.Config{}},
			{Alias: "g", Type: "org.apache.kafka.connect.transforms.RegexRouter", Version: "4.1.1",
				Config: configOf("regex", "x", "replacement", "y")},
		},
		Predicates: map[string]Predicate{"p": {Alias: "p",
			Type: "org.apache.kafka.connect.transforms.predicates.HasHeaderKey", Config: configOf("name", "h")}},
		ErrorsTolerance:      "all",
		ErrorsRetryTimeoutMs: 9223372036854775807, ErrorsRetryDelayMaxMs: 60000, ErrorsLogEnable: true,
		Topics: []string{"a", "b"}, DLQTopic: "dlq", DLQReplicationFactor: 3, DLQContextHeaders: true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, want %s", short(got), short(want))
	}
}

func TestTopicGroupMatches(t *testing.T) {
	g := TopicGroup{Include: []string{"a.*", "b"}, Exclude: []string{"ax"}}
	for topic, want := range map[string]bool{"a": true, "ab": true, "ax": false, "b": true, "bb": false, "c": false} {
		if g.Matches(topic) != want {
			t.Errorf("%s: %v, want %v", topic, !want, want)
		}
	}
}
