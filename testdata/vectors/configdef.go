package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/validate"
	"github.com/berth-connect/berth/host/worker"
)

// configs plays configdef.jsonl through what validates configurations.
type configs struct {
	worker    *worker.Worker
	validator *validate.Validator
}

// newConfigs makes the validator of a JVM without Connect's plugin loader, as was the one that answered: it knows no
// aliases, and no worker's converters.
func newConfigs(w *worker.Worker) configs {
	v := validate.New(withoutAliases{w.Registry}, validate.PolicyAll).WithWorker(validate.Worker{Standalone: true})
	return configs{w, v}
}

type withoutAliases struct{ validate.Plugins }

// Find knows no names like Cast$Value, which Connect has no aliases for.
func (p withoutAliases) Find(name, version string, kinds ...string) (abi.Plugin, error) {
	if strings.Contains(name, "$") && !strings.Contains(name, ".") {
		return abi.Plugin{}, host.NotFound("Unknown plugin " + name + ".")
	}
	return p.Plugins.Find(name, version, kinds...)
}

func (p withoutAliases) Infos() []host.PluginInfo {
	infos := p.Plugins.Infos()
	for i := range infos {
		infos[i].Aliases = nil
	}
	return infos
}

func (configs) key(v *vector) string                   { return v.text("op") }
func (c configs) open(context.Context, *vector) player { return c }
func (configs) close()                                 {}

func (c configs) play(ctx context.Context, v *vector) (any, error) {
	switch v.text("op") {
	case "names", "key":
		return c.table(v)
	case "parseType":
		return c.parseType(v)
	case "validator":
		return validator(v)
	case "validate":
		return c.validate(ctx, v)
	case "parse":
		return c.parse(v)
	case "enrich":
		return c.enrich(v)
	case "enrichValidate":
		results, err := c.validator.ValidateFramework(ctx, kindOf(v), propsOf(v))
		return c.results(v, results), err
	case "connectorConfig":
		return c.connector(ctx, v)
	case "workerConfig":
		return c.workerConfig(v)
	}
	return nil, unplayable("configdef.jsonl has no operation " + v.text("op"))
}

// definition finds the definition that a vector names.
func (c configs) definition(class string) (abi.ConfigDef, error) {
	kinds := map[string]string{"ConnectorConfig": "", "SourceConnectorConfig": abi.KindSource,
		"SinkConnectorConfig": abi.KindSink}
	workers := map[string]func() abi.ConfigDef{"WorkerConfig": validate.WorkerConfig,
		"StandaloneConfig": validate.StandaloneConfig, "DistributedConfig": validate.DistributedConfig}
	var d abi.ConfigDef
	kind, isConnector := kinds[class]
	switch {
	case isConnector:
		return c.validator.Enrich(kind, nil)
	case workers[class] != nil:
		d = workers[class]()
	default:
		found, err := c.worker.Registry.Find(class, "")
		if err != nil {
			return d, unplayable(err.Error())
		}
		if declaresAll(class) {
			if d, err = c.validator.Enrich("", nil); err != nil {
				return d, err
			}
		}
		d.Add(found.Config.Keys...)
	}
	d.Classes = c.validator.Classes()
	return d, nil
}

// declaresAll tells whether Kafka's plugin declares the keys of all connectors besides its own.
func declaresAll(class string) bool {
	return strings.HasPrefix(class, "org.apache.kafka.connect.mirror.")
}

func (c configs) table(v *vector) (any, error) {
	d, err := c.definition(v.text("def"))
	if err != nil {
		return nil, err
	}
	if v.text("op") == "key" {
		k := d.Key(v.text("name"))
		if k == nil {
			return object{}, nil
		}
		return object{"key": keyAnswer(*k)}, nil
	}
	names := list{}
	for _, k := range d.Keys {
		names = append(names, k.Name)
	}
	return object{"names": names, "groups": texts(d.Groups())}, nil
}

// keyAnswer leaves the documentation out, which is Berth's own.
func keyAnswer(k abi.ConfigKey) object {
	answer := object{"name": k.Name, "type": string(k.Type), "importance": string(k.Importance),
		"orderInGroup": fmt.Sprint(k.Order), "width": string(k.Width), "displayName": k.Display}
	if k.HasDefault && k.Default != nil {
		answer["default"] = *k.Default
	}
	if k.Group != nil {
		answer["group"] = *k.Group
	}
	if k.Validator != nil {
		answer["validator"] = cmp.Or(k.ValidValues(), "(no text)")
	}
	for name, holds := range map[string]bool{"required": !k.HasDefault, "recommender": k.Recommend != nil,
		"internal": k.Internal} {
		if holds {
			answer[name] = true
		}
	}
	return answer
}

func (c configs) parseType(v *vector) (any, error) {
	t := abi.ConfigType(v.text("type"))
	value, problem := abi.ParseConfigValue(v.text("name"), t, native(v.members["value"]), c.validator.Classes())
	if problem != nil {
		return configException(problem), nil
	}
	answer := object{}
	if text := t.Text(value); text != nil {
		answer["text"] = *text
	}
	switch {
	case t == abi.ConfigClass && value != nil:
		answer["class"] = value
	case t == abi.ConfigPassword && value != nil:
		answer["secret"] = value
	default:
		answer["value"] = encodeNative(value)
	}
	return answer, nil
}

// validator makes the validator that a vector describes and lets it look at a value.
func validator(v *vector) (any, error) {
	k := abi.ConfigKey{Name: v.text("name"), Validator: &abi.Validator{}}
	for _, arg := range listOf(v.members["args"]) {
		if arg == nil {
			k.Validator.Null = true
			continue
		}
		k.Validator.Values = append(k.Validator.Values, textOf(arg))
	}
	limit := func(x any) *float64 {
		if n, ok := number(native(x)); ok {
			return &n
		}
		return nil
	}
	switch v.text("validator") {
	case "Range.atLeast", "Range.atMost", "Range.between":
		k.Validator.Kind, k.Validator.Min, k.Validator.Max = abi.ValidRange, limit(v.members["min"]), limit(v.members["max"])
	case "ValidString.in":
		k.Validator.Kind = abi.ValidOneOf
	case "CaseInsensitiveValidString.in":
		k.Validator.Kind = abi.ValidOneOfCI
	case "NonEmptyString":
		k.Validator.Kind = abi.ValidNonEmpty
	case "NonEmptyListValidator":
		k.Type, k.Validator.Kind = abi.ConfigList, abi.ValidNonEmpty
	case "NonNullValidator":
		k.Validator.Kind = abi.ValidNonNull
	case "NonEmptyStringWithoutControlChars":
		k.Validator.Kind = abi.ValidNoControl
	case "ValidList.in":
		k.Type, k.Validator.Kind = abi.ConfigList, abi.ValidList
	case "ListSize.atMostOfSize":
		size := object{"t": "int32", "v": k.Validator.Values[0]}
		k.Type, k.Validator.Kind, k.Validator.Max = abi.ConfigList, abi.ValidListSize, limit(size)
	case "RegexValidator":
		k.Validator = validate.Regex
	default:
		return nil, unplayable("there is no validator " + v.text("validator"))
	}
	answer := object{"ok": true}
	if problem := k.Check(native(v.members["value"])); problem != nil {
		answer = configException(problem)
	}
	answer["toString"] = k.ValidValues()
	return answer, nil
}

func (c configs) validate(ctx context.Context, v *vector) (any, error) {
	found, err := c.worker.Registry.Find(v.text("def"), "")
	if err == nil && !declaresAll(found.Class) {
		results, err := c.validator.ValidatePlugin(ctx, found, propsOf(v))
		return c.results(v, results), err
	}
	d, err := c.definition(v.text("def"))
	if err != nil {
		return nil, err
	}
	props := propsOf(v)
	if thrown := thrownBy(d, props); thrown != nil {
		return configException(thrown), nil
	}
	return c.results(v, d.Validate(props)), nil
}

// thrownBy is the exception of a validator that ConfigDef.validate does not catch: any other than ConfigException.
func thrownBy(d abi.ConfigDef, props host.Config) *abi.ConfigError {
	for _, k := range d.Keys {
		text, given := props[k.Name]
		if !given || text == nil {
			continue // what stands there by default passes
		}
		value, _ := abi.ParseConfigValue(k.Name, k.Type, *text, d.Classes)
		if problem := k.Check(value); problem != nil && strings.HasPrefix(problem.Class, "java.lang.") {
			return problem
		}
	}
	return nil
}

// results shows what validation said; of large definitions, what was given, added by aliases, wrong or invisible.
func (c configs) results(v *vector, results []abi.KeyValidation) any {
	props := propsOf(v)
	expected, _ := v.members["result"].(object)
	values := list{}
	for _, r := range results {
		_, given := props[r.Name]
		if expected["partial"] == true && !given && !isOfChain(r.Name) && len(r.Errors) == 0 && r.Visible {
			continue
		}
		value := object{"name": r.Name}
		if r.Value != nil {
			value["value"] = *r.Value
		}
		if len(r.Errors) > 0 {
			value["errors"] = texts(r.Errors)
		}
		if !r.Visible {
			value["visible"] = false
		}
		if isOfChain(r.Name) && len(r.Recommended) > 0 { // lists of other plugins were not recorded
			value["recommended"] = texts(r.Recommended)
		}
		values = append(values, value)
	}
	answer := object{"values": values}
	if expected["partial"] == true {
		answer["partial"] = true
	}
	return answer
}

// isOfChain tells keys of aliased transformations and predicates from others.
func isOfChain(name string) bool {
	return strings.HasPrefix(name, "transforms.") || strings.HasPrefix(name, "predicates.")
}

func (c configs) parse(v *vector) (any, error) {
	d, err := c.definition(v.text("def"))
	if err != nil {
		return nil, err
	}
	props := propsOf(v)
	values, err := validate.Parse(d, props)
	if err != nil {
		return raised(err)
	}
	parsed := object{}
	for _, k := range d.Keys {
		if _, given := props[k.Name]; given {
			if text := k.Type.Text(values.Value(k.Name)); text != nil {
				parsed[k.Name] = *text
			}
		}
	}
	return object{"parsed": parsed}, nil
}

func (c configs) enrich(v *vector) (any, error) {
	d, err := c.validator.Enrich(kindOf(v), propsOf(v))
	if err != nil && v.members["requireFullConfig"] == true {
		return raised(err)
	}
	base, err := c.validator.Enrich(kindOf(v), nil)
	if err != nil {
		return nil, err
	}
	added := list{}
	for _, k := range d.Keys[len(base.Keys):] {
		added = append(added, keyAnswer(k))
	}
	return object{"groups": texts(d.Groups()), "added": added}, nil
}

func (c configs) connector(ctx context.Context, v *vector) (any, error) {
	props := propsOf(v)
	parse := map[string]func(host.Config) (validate.Connector, error){"plain": c.validator.ParseConnector,
		"source": c.validator.ParseSource, "sink": c.validator.ParseSink}[v.text("base")]
	parsed, err := parse(props)
	if err != nil {
		return raised(c.validator.FirstProblem(ctx, kindOf(v), props, err))
	}
	if refused, err := c.checkedByPlugins(ctx, kindOf(v), props); refused != nil || err != nil {
		return refused, err
	}
	answer := object{"errorRetryTimeout": fmt.Sprint(parsed.ErrorsRetryTimeoutMs),
		"errorMaxDelayInMillis": fmt.Sprint(parsed.ErrorsRetryDelayMaxMs),
		"tolerance":             strings.ToUpper(parsed.ErrorsTolerance), "tasksMax": fmt.Sprint(parsed.TasksMax)}
	if v.text("base") != "source" {
		return object{"config": answer}, nil
	}
	var groups []validate.TopicGroup
	if v.members["createTopics"] != false {
		if groups, err = validate.TopicGroups(props); err != nil {
			return raised(err)
		}
	}
	answer["transactionBoundary"], answer["usesTopicCreation"] = parsed.TransactionBoundary, len(groups) > 0
	if len(groups) > 0 {
		answer["groups"] = groupsAnswer(groups)
	}
	return object{"config": answer}, nil
}

// checkedByPlugins is the exception for the first key that only its transformation or predicate finds wrong; nil: none.
func (c configs) checkedByPlugins(ctx context.Context, kind string, props host.Config) (any, error) {
	results, err := c.validator.ValidateFramework(ctx, kind, props)
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		if len(r.Errors) > 0 {
			return configException(&abi.ConfigError{Message: r.Errors[0]}), nil
		}
	}
	return nil, nil
}

func groupsAnswer(groups []validate.TopicGroup) object {
	answer := object{}
	for _, g := range groups {
		other := object{}
		for name, value := range g.Configs {
			other[name] = value
		}
		answer[g.Name] = object{"include": texts(g.Include), "exclude": texts(g.Exclude),
			"replicationFactor": fmt.Sprint(g.ReplicationFactor), "partitions": fmt.Sprint(g.Partitions), "other": other}
	}
	return answer
}

func (c configs) workerConfig(v *vector) (any, error) {
	parse := validate.ParseStandalone
	if v.text("base") == "distributed" {
		parse = validate.ParseDistributed
	}
	if _, err := parse(propsOf(v), c.validator.Classes()); err != nil {
		return raised(err)
	}
	return object{"ok": true}, nil
}

// raised is the exception of a configuration that can't be used.
func raised(err error) (any, error) {
	var first *abi.ConfigError
	if errors.As(err, &first) {
		return configException(first), nil
	}
	return nil, err
}

func configException(e *abi.ConfigError) object {
	return exception("", (&validate.Exception{ConfigError: e}).JavaClass(), e.Message).(object)
}

// kindOf is the kind of connector that a vector is about; "": none in particular.
func kindOf(v *vector) string {
	return map[string]string{"source": abi.KindSource, "sink": abi.KindSink}[v.text("base")]
}

func propsOf(v *vector) host.Config { return configOf(v.members["props"]) }

func configOf(x any) host.Config {
	config := host.Config{}
	members, _ := x.(object)
	for name, value := range members {
		if value == nil {
			config[name] = nil
			continue
		}
		text := textOf(value)
		config[name] = &text
	}
	return config
}

func texts(items []string) list {
	all := make(list, len(items))
	for i, item := range items {
		all[i] = item
	}
	return all
}

func listOf(x any) list {
	items, _ := x.(list)
	return slices.Clone(items)
}
