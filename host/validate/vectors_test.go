package validate

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// javaWords marks messages whose text a JVM's parsers made; only that there is one is compared.
func javaWords(message string) bool {
	return strings.Contains(message, "Invalid regex: ") || strings.Contains(message, "Syntax error in regular expression")
}

func sameMessages(want, got []string) bool {
	return slices.EqualFunc(want, got, func(w, g string) bool {
		return w == g || javaWords(w) && javaWords(g) && w[:strings.Index(w, ": ")] == g[:strings.Index(g, ": ")]
	})
}

func TestParseType(t *testing.T) {
	known := &classes{}
	for _, v := range vectors(t, "parseType") {
		if v.Value.T != "string" || v.Type == "CLASS" && v.Result.Error == nil {
			continue // the worker's configurations are text; which classes a JVM can load is its own affair
		}
		got, problem := parse(v.Name, &v.Value.V, abi.ConfigType(v.Type), known)
		switch {
		case v.Result.Error != nil && problem != v.Result.Error.Message:
			t.Errorf("%s: %s %q: problem %q, want %q", v.ID, v.Type, v.Value.V, problem, v.Result.Error.Message)
		case v.Result.Error == nil && (problem != "" || got.text != *v.Result.Text):
			t.Errorf("%s: %s %q: %q %q, want %q", v.ID, v.Type, v.Value.V, got.text, problem, *v.Result.Text)
		}
	}
}

func sessionFor(p Plugins, config host.Config, kind string) *session {
	v := New(p, PolicyAll).WithWorker(Worker{Standalone: true})
	s := &session{Validator: v, config: config, classes: &classes{p.Infos()}, plugin: abi.Plugin{Kind: kind}}
	return s
}

// namesAlias tells whether a type of the configuration is an alias: the vectors' JVM had no plugin loader.
func namesAlias(config host.Config, p *recordedPlugins) bool {
	known := &classes{p.Infos()}
	for name, value := range config {
		if strings.HasSuffix(name, ".type") && value != nil && known.alias(*value) != "" {
			return true
		}
	}
	return false
}

func TestEnrich(t *testing.T) {
	p := newRecordedPlugins(t)
	for _, v := range vectors(t, "enrich") {
		if v.RequireFullConfig || namesAlias(v.Props, p) {
			continue
		}
		s := sessionFor(p, v.Props, map[string]string{"source": abi.KindSource, "sink": abi.KindSink}[v.Base])
		d, _ := s.framework()
		if !slices.Equal(d.groups, v.Result.Groups) {
			t.Errorf("%s: groups %q, want %q", v.ID, d.groups, v.Result.Groups)
		}
		added := d.keys[len(d.keys)-len(v.Result.Added):]
		for i, want := range v.Result.Added {
			k := added[i]
			got := recordedKey{Name: k.name, Type: string(k.kind), Importance: k.importance, Width: k.width,
				DisplayName: k.display, Required: k.required, Default: k.fallback, Group: &k.group, OrderInGroup: int32(k.order)}
			want.DocSha256, want.Validator = "", ""
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: key %s, want %s", v.ID, short(got), short(want))
			}
		}
	}
}

func TestEnrichedValidation(t *testing.T) {
	p := newRecordedPlugins(t)
	for _, v := range vectors(t, "enrichValidate") {
		if namesAlias(v.Props, p) {
			continue
		}
		kind := abi.KindSource
		if v.Base == "sink" {
			kind = abi.KindSink
		}
		s := sessionFor(p, v.Props, kind)
		d, elements := s.framework()
		out := d.validate(v.Props, s.classes)
		if err := s.askElements(context.Background(), elements, out); err != nil {
			t.Fatal(err)
		}
		if kind == abi.KindSink {
			s.worker.checkSink(v.Props, out)
		}
		for _, want := range v.Result.Values {
			got := out.byName[want.Name]
			if got == nil {
				t.Errorf("%s: no value for %s", v.ID, want.Name)
				continue
			}
			visible := want.Visible == nil || *want.Visible
			if !reflect.DeepEqual(got.value.shown(), want.Value) || !sameMessages(want.Errors, got.errors) ||
				got.hidden == visible {
				t.Errorf("%s %s: %s %q hidden %v, want %s", v.ID, short(v.Props), short(got.value.shown()), got.errors, got.hidden,
					short(want))
			}
		}
	}
}

// TestDefinitions compares the framework's keys with Kafka's.
func TestDefinitions(t *testing.T) {
	common, source, sink := commonKeys(defaults{}), sourceKeys(), sinkKeys()
	for _, v := range vectors(t, "names") {
		want := map[string][]key{"ConnectorConfig": common, "SourceConnectorConfig": append(slices.Clone(common), source...),
			"SinkConnectorConfig": append(slices.Clone(common), sink...)}[v.Def]
		if want == nil {
			continue
		}
		d := newDefinition(want...)
		var names []string
		for _, k := range d.keys {
			names = append(names, k.name)
		}
		if !slices.Equal(names, v.Result.Names) || !slices.Equal(d.groups, v.Result.Groups) {
			t.Errorf("%s: %q %q, want %q %q", v.Def, names, d.groups, v.Result.Names, v.Result.Groups)
		}
	}
}

func TestPluginValidation(t *testing.T) {
	p := newRecordedPlugins(t)
	for _, v := range vectors(t, "validate") {
		plugin, err := p.Find(v.Def, "")
		if err != nil || strings.Contains(v.Def, "mirror") {
			continue
		}
		out := newDefinition(keysOf(plugin)...).validate(v.Props, &classes{p.Infos()})
		found, err := p.Check(t.Context(), plugin, plugin.Kind, v.Props)
		if err != nil {
			t.Fatal(err)
		}
		answers(found).addTo(out, "", notFacts)
		for _, want := range v.Result.Values {
			got := out.byName[want.Name]
			if got == nil || !reflect.DeepEqual(got.value.shown(), want.Value) || !sameMessages(want.Errors, got.errors) {
				t.Errorf("%s %s %s: %v, want %s", v.ID, v.Def, short(v.Props), got, short(want))
			}
		}
	}
}

// TestConnectorConfig reads every recorded configuration that does not depend on the definition of a plugin.
func TestConnectorConfig(t *testing.T) {
	played := 0
	for _, v := range vectors(t, "connectorConfig") {
		if needsPlugins(v) {
			continue
		}
		played++
		parse := ParseSource
		if v.Base == "sink" {
			parse = ParseSink
		}
		c, err := parse(v.Props)
		var groups []TopicGroup
		if isOn := v.CreateTopics == nil || *v.CreateTopics; err == nil && isOn && v.Base == "source" {
			groups, err = TopicGroups(v.Props)
		}
		if want := v.Result.Error; want != nil {
			if err == nil || err.Error() != want.Message && !(javaWords(want.Message) && javaWords(err.Error())) {
				t.Errorf("%s %s: error %v, want %s", v.ID, short(v.Props), err, want.Message)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", v.ID, short(v.Props), err)
			continue
		}
		want := v.Result.Config
		if c.TasksMax != want.TasksMax || !strings.EqualFold(c.ErrorsTolerance, want.Tolerance) ||
			fmt.Sprint(c.ErrorsRetryTimeoutMs) != want.ErrorRetryTimeout ||
			fmt.Sprint(c.ErrorsRetryDelayMaxMs) != want.ErrorMaxDelayInMillis {
			t.Errorf("%s %s: %+v, want %+v", v.ID, short(v.Props), c, want)
		}
		if v.Base == "source" && c.TransactionBoundary != want.TransactionBoundary {
			t.Errorf("%s: boundary %s, want %s", v.ID, c.TransactionBoundary, want.TransactionBoundary)
		}
		if len(groups) != len(want.Groups) {
			t.Errorf("%s: groups %+v, want %+v", v.ID, groups, want.Groups)
		}
		for _, g := range groups {
			got := recordedGroup{g.Include, g.Exclude, g.ReplicationFactor, g.Partitions, g.Configs}
			if !reflect.DeepEqual(got, want.Groups[g.Name]) {
				t.Errorf("%s: group %+v, want %+v", v.ID, got, want.Groups[g.Name])
			}
		}
	}
	if played < 60 {
		t.Errorf("only %d configurations played", played)
	}
}

// needsPlugins tells whether an error comes from looking classes up or from a plugin's own keys.
func needsPlugins(v vector) bool {
	if v.Result.Error == nil {
		return false
	}
	reasons := []string{"could not be found", "This class is abstract", "does not implement", "casting spec",
		"not found that matches", "renames", "configuration regex: ", "configuration pattern: ", "configuration fields: "}
	return slices.ContainsFunc(reasons, func(text string) bool { return strings.Contains(v.Result.Error.Message, text) })
}
