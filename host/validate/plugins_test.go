package validate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
)

// recordedPlugins plays the registry with Kafka's own plugins, as the recordings describe them, and the connectors that
// were made for the recordings.
type recordedPlugins struct {
	plugins []abi.Plugin
}

func newRecordedPlugins(t testing.TB) *recordedPlugins {
	t.Helper()
	defs := map[string][]abi.ConfigKey{}
	for _, v := range vectors(t, "key") {
		defs[v.Def] = append(defs[v.Def], configKey(v.Result.Key))
	}
	r := &recordedPlugins{}
	listed := readScenario(t, "plugins-list").Steps[2].Expect.Body.(map[string]any)["$contains"].([]any)
	for _, entry := range listed {
		plugin := entry.(map[string]any)
		class := plugin["class"].(string)
		kind := plugin["type"].(string)
		if kind == "transformation" {
			kind = abi.KindTransform
		}
		keys, ok := defs[class]
		if !ok {
			keys = defs[strings.Replace(class, "$Key", "$Value", 1)]
		}
		r.add(class, kind, "4.1.1", keys)
	}
	r.add("conformance.TestSource", abi.KindSource, "1.0.0", behaviour(true))
	r.add("conformance.TestSink", abi.KindSink, "1.0.0", behaviour(false))
	r.add("conformance.Plain", abi.KindSource, "undefined", nil)
	return r
}

func (r *recordedPlugins) add(class, kind, version string, keys []abi.ConfigKey) {
	p := abi.Plugin{Class: class, Kind: kind, Version: version, Config: abi.ConfigDef{Keys: keys}}
	simple := class[strings.LastIndex(class, ".")+1:]
	if !strings.Contains(simple, "$") {
		suffix := map[string]string{abi.KindSource: "Connector", abi.KindSink: "Connector", abi.KindConverter: "Converter",
			abi.KindHeaderConverter: "HeaderConverter", abi.KindTransform: "Transformation", abi.KindPredicate: "Predicate"}
		p.Aliases = []string{simple, strings.TrimSuffix(simple, suffix[kind])}
	}
	r.plugins = append(r.plugins, p)
}

// configKey makes a declared key of a recorded one.
func configKey(k recordedKey) abi.ConfigKey {
	return abi.ConfigKey{Name: k.Name, Type: abi.ConfigType(k.Type), Importance: abi.Importance(k.Importance),
		Doc: "doc of " + k.Name, Default: k.Default, HasDefault: !k.Required, Group: k.Group, Order: k.OrderInGroup,
		Width: abi.Width(k.Width), Display: k.DisplayName, Validator: validatorOf(k.Validator)}
}

// validatorOf reads the text of a ConfigDef.Validator.
func validatorOf(text string) *abi.Validator {
	words := func(s string) []string {
		return strings.Split(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), ", ")
	}
	switch {
	case text == "" || strings.Contains(text, "..."):
		return nil
	case text == "valid regex":
		return &abi.Validator{Kind: abi.ValidRegex}
	case text == "non-null string":
		return &abi.Validator{Kind: abi.ValidNonNull}
	case text == "non-empty string" || text == "non-empty list":
		return &abi.Validator{Kind: abi.ValidNonEmpty}
	case strings.HasPrefix(text, "(case insensitive) "):
		return &abi.Validator{Kind: abi.ValidOneOfCI, Values: words(strings.TrimPrefix(text, "(case insensitive) "))}
	case strings.HasPrefix(text, "["):
		return &abi.Validator{Kind: abi.ValidOneOf, Values: words(text)}
	}
	return &abi.Validator{Kind: abi.ValidCustom}
}

func (r *recordedPlugins) Infos() []host.PluginInfo {
	var infos []host.PluginInfo
	for _, p := range r.plugins {
		kind := host.PluginKind(p.Kind)
		if p.Kind == abi.KindTransform {
			kind = host.KindTransformation
		}
		infos = append(infos, host.PluginInfo{Class: p.Class, Aliases: p.Aliases, Kind: kind, Version: p.Version})
	}
	return infos
}

func (r *recordedPlugins) Find(name, version string, kinds ...string) (abi.Plugin, error) {
	for _, byAlias := range []bool{false, true} {
		for _, p := range r.plugins {
			matches := p.Class == name || byAlias && slices.Contains(p.Aliases, name)
			if !matches || len(kinds) > 0 && !slices.Contains(kinds, p.Kind) {
				continue
			}
			if !slices.Contains([]string{"", "latest", p.Version, "[4.0,5)"}, abi.TrimConfig(version)) {
				return abi.Plugin{}, host.BadRequest("no version " + version)
			}
			return p, nil
		}
	}
	return abi.Plugin{}, host.NotFound("Unknown plugin " + name + ".")
}

func (r *recordedPlugins) Check(_ context.Context, p abi.Plugin, _ string, config map[string]*string) (
	[]abi.KeyValidation, error) {
	if strings.HasPrefix(p.Class, "conformance.Test") {
		return behave(p, config)
	}
	if p.Class == "org.apache.kafka.connect.file.FileStreamSourceConnector" {
		return []abi.KeyValidation{{Name: keyExactlyOnce, Value: text(supported), Visible: true}}, nil
	}
	var found []abi.KeyValidation
	for _, k := range p.Config.Keys {
		if k.Validator == nil {
			continue
		}
		problem := ""
		switch k.Name {
		case "regex", "pattern":
			value, _ := abi.ParseConfigValue(k.Name, k.Type, given(config, k.Name), nil)
			if err := Regex.Check(k.Name, value); err != nil {
				problem = err.Message
			}
		case "spec":
			problem = specProblem(items(config, k.Name))
		case "renames":
			problem = renameProblem(items(config, k.Name))
		}
		if problem != "" {
			found = append(found, abi.KeyValidation{Name: k.Name, Errors: []string{problem}, Visible: true})
		}
	}
	return found, nil
}

// given is the text of a key or nil.
func given(config host.Config, key string) any {
	if config[key] == nil {
		return nil
	}
	return *config[key]
}

func specProblem(spec []string) string {
	if len(spec) == 0 {
		return "Must specify at least one field to cast."
	}
	for _, item := range spec {
		if strings.Count(item, ":") > 1 {
			return abi.InvalidValue("renames", abi.ConfigText(spec), "Invalid rename mapping: "+item).Message
		}
		if strings.HasSuffix(item, "bogus") {
			return "Invalid value java.lang.IllegalArgumentException: No enum constant org.apache.kafka.connect.data." +
				"Schema.Type.BOGUS for configuration Invalid type found in casting spec: bogus"
		}
	}
	return ""
}

func renameProblem(renames []string) string {
	for _, item := range renames {
		if strings.Count(item, ":") != 1 {
			return abi.InvalidValue("renames", abi.ConfigText(renames), "Invalid rename mapping: "+item).Message
		}
	}
	return ""
}

// behaviour is the definition of the connectors made for the recordings (rest/test-plugin/Behaviour.java).
func behaviour(source bool) []abi.ConfigKey {
	key := func(name string, kind abi.ConfigType, importance abi.Importance, fallback *string,
		v *abi.Validator) abi.ConfigKey {
		return abi.ConfigKey{Name: name, Type: kind, Importance: importance, Default: fallback, HasDefault: true, Doc: name,
			Order: -1, Width: abi.WidthNone, Display: name, Validator: v}
	}
	group := func(k abi.ConfigKey, group string, order int32, width abi.Width, display string) abi.ConfigKey {
		k.Group, k.Order, k.Width, k.Display = &group, order, width, display
		return k
	}
	limit := func(f float64) *float64 { return &f }
	between := func(low, high *float64) *abi.Validator {
		return &abi.Validator{Kind: abi.ValidRange, Min: low, Max: high}
	}
	of := func(kind abi.ValidatorKind, words ...string) *abi.Validator {
		return &abi.Validator{Kind: kind, Values: words}
	}
	keys := []abi.ConfigKey{
		key("connector.start", "STRING", "HIGH", text("ok"), of(abi.ValidOneOf, "ok", "throw", "hang")),
		key("connector.tasks", "STRING", "HIGH", text("ok"), of(abi.ValidOneOf, "ok", "throw", "toomany", "none")),
		key("connector.validate", "STRING", "HIGH", text("ok"), nil),
		key("connector.alter", "STRING", "HIGH", text("unsupported"), nil),
		key("task.start", "STRING", "MEDIUM", text("ok"), nil),
		key("task.work", "STRING", "MEDIUM", text("ok"), nil),
		group(key("records", "INT", "MEDIUM", text("0"), between(limit(0), limit(1000))), "Load", 1, "SHORT",
			"Records per task"),
		group(key("an.int", "INT", "LOW", text("7"), between(limit(1), nil)), "Types", 1, "NONE", "An int"),
		group(key("a.long", "LONG", "LOW", text("70000000000"), nil), "Types", 2, "SHORT", "A long"),
		group(key("a.short", "SHORT", "LOW", text("3"), nil), "Types", 3, "MEDIUM", "A short"),
		group(key("a.double", "DOUBLE", "LOW", text("0.5"), between(limit(0), limit(1))), "Types", 4, "LONG", "A double"),
		group(key("a.boolean", "BOOLEAN", "LOW", text("true"), nil), "Types", 5, "SHORT", "A boolean"),
		group(key("a.list", "LIST", "LOW", text("x,y"), of(abi.ValidList, "x", "y", "z")), "Types", 6, "SHORT", "A list"),
		group(key("a.password", "PASSWORD", "LOW", nil, nil), "Types", 7, "SHORT", "A password"),
		group(key("a.class", "CLASS", "LOW", nil, nil), "Types", 8, "SHORT", "A class"),
		group(key("a.colour", "STRING", "LOW", text("red"), of(abi.ValidOneOfCI, "red", "green", "blue")), "Types", 9,
			"SHORT", "A colour"),
		group(key("a.name", "STRING", "LOW", text("n"), of(abi.ValidNoControl)), "Types", 10, "SHORT", "A name"),
	}
	keys[7].Dependents = []string{"a.long", "a.short"}
	if source {
		topic := key("topic", "STRING", "HIGH", nil, of(abi.ValidNonEmpty))
		topic.HasDefault = false
		keys = append(keys, topic, key("eos", "STRING", "LOW", text("null"), nil),
			key("boundaries", "STRING", "LOW", text("unsupported"), nil))
	}
	return keys
}

// behave is what those connectors say about a configuration.
func behave(p abi.Plugin, config host.Config) ([]abi.KeyValidation, error) {
	switch config.Get("connector.validate") {
	case "throw":
		raised := &guest.Failure{Failure: abi.Failure{Code: abi.CodeConnect, Message: "validate failed on purpose"}}
		return nil, fmt.Errorf("validate %s: %w", p.Class, raised)
	case "null":
		return nil, &guest.Failure{Failure: abi.Failure{
			Message: p.Class + ".validate() must return a Config that is not null.",
			Class:   "org.apache.kafka.connect.runtime.rest.errors.BadRequestException"}}
	}
	found := []abi.KeyValidation{{Name: "a.colour", Recommended: []string{"red", "green", "blue"},
		Visible: !strings.EqualFold(config.Get("a.boolean"), "false")}}
	if config.Get("connector.validate") == "reject" {
		found = append(found, abi.KeyValidation{Name: "connector.validate", Errors: []string{"rejected on purpose"},
			Visible: true})
	}
	for name, fact := range map[string]string{"eos": keyExactlyOnce, "boundaries": keyBoundary} {
		switch said := config[name]; {
		case said == nil:
		case *said == "throw":
			method := map[string]string{"eos": "exactlyOnceSupport", "boundaries": "canDefineTransactionBoundaries"}[name]
			found = append(found, abi.KeyValidation{Name: fact, Errors: []string{method + " failed on purpose"}, Visible: true})
		case *said == "null":
			found = append(found, abi.KeyValidation{Name: fact, Visible: true})
		default:
			found = append(found, abi.KeyValidation{Name: fact, Value: said, Visible: true})
		}
	}
	return found, nil
}

// The keys of a chain are checked in order of definition, whoever knows their rules.
func TestFirstProblemIsThatOfTheFirstKey(t *testing.T) {
	const (
		transforms = "org.apache.kafka.connect.transforms."
		regex      = "Invalid value ( for configuration regex: "
		negate     = "Invalid value x for configuration transforms.b.negate: Expected value to be either true or false"
	)
	v := New(newRecordedPlugins(t), PolicyAll)
	for name, c := range map[string]struct {
		a, b string // regex of the first, negate of the second transformation
		want string
	}{
		"the plugin's first":  {"(", "x", regex},
		"the host's alone":    {"a", "x", negate},
		"a plugin's comes by": {"(", "true", ""},
	} {
		config := host.Config{}
		for key, value := range map[string]string{"name": "n", "connector.class": "c", "topics": "t",
			"transforms": "a,b", "transforms.a.type": transforms + "RegexRouter", "transforms.a.regex": c.a,
			"transforms.a.replacement": "r", "transforms.b.type": transforms + "Filter",
			"transforms.b.predicate": "p", "transforms.b.negate": c.b, "predicates": "p",
			"predicates.p.type": transforms + "predicates.RecordIsTombstone"} {
			config[key] = &value
		}
		_, err := v.ParseSink(config)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var first *Exception
		if err = v.FirstProblem(t.Context(), abi.KindSink, config, err); !errors.As(err, &first) ||
			!strings.HasPrefix(first.Message, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
