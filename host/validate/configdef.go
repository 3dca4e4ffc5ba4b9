package validate

import (
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// key is one entry of a configuration definition: a ConfigDef.ConfigKey.
type key struct {
	name       string
	kind       abi.ConfigType
	importance string // HIGH MEDIUM LOW
	doc        string
	required   bool    // no default value
	fallback   *string // default as text; nil = null
	group      string  // "" = none
	order      int     // -1 = unset
	width      string  // NONE SHORT MEDIUM LONG
	display    string
	dependents []string
	check      check
	recommend  recommend
}

// check says what is wrong with a parsed value, or "". checkName is the name that the message shall use: a key of a
// plugin keeps its own name there even where its value comes from a prefixed key.
type check func(checkName string, v parsed) string

// recommend returns the recommended values of a key and whether the key is of interest, given all parsed values.
type recommend func(values map[string]parsed) (recommended []string, visible bool)

// definition is an ordered set of keys with the groups they appear in: a ConfigDef.
type definition struct {
	keys   []*key
	byName map[string]*key
	groups []string
}

func newDefinition(keys ...key) *definition {
	d := &definition{byName: map[string]*key{}}
	for _, k := range keys {
		d.add(k)
	}
	return d
}

// add appends a key, or replaces the one of the same name where it stands.
func (d *definition) add(k key) {
	if k.group != "" && !slices.Contains(d.groups, k.group) {
		d.groups = append(d.groups, k.group)
	}
	if old := d.byName[k.name]; old != nil {
		*old = k
		return
	}
	d.keys = append(d.keys, &k)
	d.byName[k.name] = &k
}

// outcome is the result of validating one key: a ConfigValue.
type outcome struct {
	name        string
	value       parsed
	errors      []string
	recommended []string
	hidden      bool
}

func (o *outcome) fail(message string) { o.errors = append(o.errors, message) }

// outcomes keeps results by name, in the order in which the names came.
type outcomes struct {
	order  []string
	byName map[string]*outcome
}

func newOutcomes() *outcomes { return &outcomes{byName: map[string]*outcome{}} }

// at returns the result for name, made on first use.
func (o *outcomes) at(name string) *outcome {
	if o.byName[name] == nil {
		o.order = append(o.order, name)
		o.byName[name] = &outcome{name: name}
	}
	return o.byName[name]
}

// validate parses and checks every key as ConfigDef.validateAll does: first all values, each key before its
// dependents, then the recommenders, which see all values.
func (d *definition) validate(config host.Config, classes *classes) *outcomes {
	out := newOutcomes()
	isDependent := map[string]bool{}
	for _, k := range d.keys {
		out.at(k.name)
		for _, name := range k.dependents {
			isDependent[name] = true
		}
	}
	values := map[string]parsed{}
	for _, k := range d.keys {
		if !isDependent[k.name] {
			d.value(k.name, config, classes, values, out, nil)
		}
	}
	for _, k := range d.keys {
		if k.recommend == nil {
			continue
		}
		o := out.at(k.name)
		recommended, visible := k.recommend(values)
		o.recommended, o.hidden = recommended, !visible
	}
	return out
}

// value parses and checks one key, then its dependents; above holds the keys on the way here, so that dependents in
// a circle end.
func (d *definition) value(name string, config host.Config, classes *classes, values map[string]parsed, out *outcomes,
	above []string) {
	k := d.byName[name]
	if k == nil || slices.Contains(above, name) {
		return
	}
	v, errors := k.read(config, classes)
	o := out.at(name)
	o.value, o.errors = v, append(o.errors, errors...)
	values[name] = v
	for _, dependent := range k.dependents {
		d.value(dependent, config, classes, values, out, append(above, name))
	}
}

// read parses and checks the key's value or default.
func (k *key) read(config host.Config, classes *classes) (parsed, []string) {
	var v parsed
	var errors []string
	raw, given := config[k.name]
	switch {
	case given:
		var problem string
		if v, problem = parse(k.name, raw, k.kind, classes); problem != "" {
			errors = append(errors, problem)
		}
	case k.required:
		errors = append(errors, `Missing required configuration "`+k.name+`" which has no default value.`)
	default:
		v, _ = parse(k.name, k.fallback, k.kind, nil)
	}
	if k.check != nil {
		if problem := k.check(k.name, v); problem != "" {
			errors = append(errors, problem)
		}
	}
	return v, errors
}

// first returns the first problem in order of definition, as parsing for use (not for display) reports it: an
// unparsable or missing value ends the parsing before it is checked.
func (d *definition) first(config host.Config, classes *classes) (map[string]parsed, string) {
	values := map[string]parsed{}
	for _, k := range d.keys {
		v, errors := k.read(config, classes)
		if len(errors) > 0 {
			return nil, errors[0]
		}
		values[k.name] = v
	}
	return values, ""
}
