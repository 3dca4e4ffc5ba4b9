package abi

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ConfigType is the type of a configuration key (ConfigDef.Type).
type ConfigType string

// Types of configuration keys.
const (
	ConfigBoolean  ConfigType = "BOOLEAN"
	ConfigString   ConfigType = "STRING"
	ConfigInt      ConfigType = "INT"
	ConfigShort    ConfigType = "SHORT"
	ConfigLong     ConfigType = "LONG"
	ConfigDouble   ConfigType = "DOUBLE"
	ConfigList     ConfigType = "LIST"
	ConfigClass    ConfigType = "CLASS"
	ConfigPassword ConfigType = "PASSWORD"
)

func (t ConfigType) known() bool {
	return slices.Contains([]ConfigType{ConfigBoolean, ConfigString, ConfigInt, ConfigShort, ConfigLong, ConfigDouble,
		ConfigList, ConfigClass, ConfigPassword}, t)
}

// Importance of a key.
type Importance string

// Importances.
const (
	High   Importance = "HIGH"
	Medium Importance = "MEDIUM"
	Low    Importance = "LOW"
)

// Width of a key's input field.
type Width string

// Widths.
const (
	WidthNone   Width = "NONE"
	WidthShort  Width = "SHORT"
	WidthMedium Width = "MEDIUM"
	WidthLong   Width = "LONG"
)

// ConfigKey declares one configuration key (ConfigDef.ConfigKey).
type ConfigKey struct {
	Name       string
	Type       ConfigType
	Importance Importance
	Doc        string
	Default    *string // text form; nil with HasDefault: null
	HasDefault bool    // without it the key is required
	Group      *string
	Order      int32 // -1: unset
	Width      Width
	Display    string
	Dependents []string // keys whose recommended values depend on this one
	Internal   bool     // left out of documentation
	Validator  *Validator
	Recommend  Recommender // stays where it was declared: a manifest does not hold it
}

// Recommender returns the values that a key could well have and whether the key matters at all (is visible), given the
// parsed values of all keys (ConfigDef.Recommender).
type Recommender func(values ConfigValues) (recommended []string, visible bool)

// ConfigDef is declared keys, in order.
type ConfigDef struct {
	Keys    []ConfigKey
	Classes ClassLoader // nil: every name of a class will do
}

// ClassLoader resolves the name of a class, or an alias, to the class.
type ClassLoader func(name string) (class string, ok bool)

// Hidden is what a PASSWORD shows.
const Hidden = "[hidden]"

// ConfigError is one wrong key; its text is Connect's.
type ConfigError struct {
	Key     string
	Message string
	Class   string // of the exception that Connect raises; "": ConfigException
}

func (e *ConfigError) Error() string { return e.Message }

// InvalidValue is Connect's error for a value of a key; message may be "".
func InvalidValue(key, value, message string) *ConfigError {
	text := fmt.Sprintf("Invalid value %s for configuration %s", value, key)
	if message != "" {
		text += ": " + message
	}
	return &ConfigError{Key: key, Message: text}
}

// Add appends keys; one whose name is there already takes the place of the old one.
func (d *ConfigDef) Add(keys ...ConfigKey) {
	for _, k := range keys {
		if old := d.Key(k.Name); old != nil {
			*old = k
		} else {
			d.Keys = append(d.Keys, k)
		}
	}
}

// Key finds a key by its name; nil: there is none. It is valid until the next Add.
func (d *ConfigDef) Key(name string) *ConfigKey {
	for i := range d.Keys {
		if d.Keys[i].Name == name {
			return &d.Keys[i]
		}
	}
	return nil
}

// Groups lists the groups of the keys, in the order in which they come first.
func (d *ConfigDef) Groups() []string {
	var groups []string
	for _, k := range d.Keys {
		if k.Group != nil && !slices.Contains(groups, *k.Group) {
			groups = append(groups, *k.Group)
		}
	}
	return groups
}

// Embed adds the keys of another definition under a prefix and in a group, in the order in which they are displayed
// (ConfigDef.embed). Validators speak of them by their own names.
func (d *ConfigDef) Embed(prefix, group string, order int32, from ConfigDef) {
	for i, own := range from.displayed() {
		k := own
		k.Name, k.Order = prefix+own.Name, order+int32(i)
		under := group
		if own.Group != nil {
			under += ": " + *own.Group
		}
		k.Group, k.Dependents = &under, nil
		for _, dependent := range own.Dependents {
			k.Dependents = append(k.Dependents, prefix+dependent)
		}
		if own.Validator != nil {
			k.Validator = &Validator{Kind: ValidCustom, Text: own.ValidValues(),
				Check: func(_ string, value any) *ConfigError { return own.Check(value) }}
		}
		if own.Recommend != nil {
			k.Recommend = func(values ConfigValues) ([]string, bool) { return own.Recommend(values.under(prefix)) }
		}
		d.Add(k)
	}
}

// displayed orders keys by group, order, required first, importance and name.
func (d *ConfigDef) displayed() []ConfigKey {
	groups := d.Groups()
	ofGroup := func(k ConfigKey) int {
		if k.Group == nil {
			return -1
		}
		return slices.Index(groups, *k.Group)
	}
	required := func(k ConfigKey) int {
		if k.HasDefault {
			return 1
		}
		return 0
	}
	importances := []Importance{High, Medium, Low}
	sorted := slices.Clone(d.Keys)
	slices.SortStableFunc(sorted, func(a, b ConfigKey) int {
		return cmp.Or(
			cmp.Compare(ofGroup(a), ofGroup(b)),
			cmp.Compare(a.Order, b.Order),
			cmp.Compare(required(a), required(b)),
			cmp.Compare(slices.Index(importances, a.Importance), slices.Index(importances, b.Importance)),
			strings.Compare(a.Name, b.Name))
	})
	return sorted
}

// Validate checks a configuration as ConfigDef.validate does and returns one result a key, in the order of the keys:
// first all values, each key before its dependents, then the recommenders, which see all values. Keys that are not
// declared are passed over.
func (d ConfigDef) Validate(config map[string]*string) []KeyValidation {
	v := validation{ConfigDef: d, config: config, values: ConfigValues{make(map[string]any, len(d.Keys))},
		results: make([]KeyValidation, len(d.Keys))}
	isDependent := map[string]bool{}
	for i, k := range d.Keys {
		v.results[i] = KeyValidation{Name: k.Name, Visible: true}
		for _, name := range k.Dependents {
			isDependent[name] = true
		}
	}
	for _, k := range d.Keys {
		if !isDependent[k.Name] {
			v.check(k.Name, nil)
		}
	}
	for i, k := range d.Keys {
		if k.Recommend != nil {
			v.results[i].Recommended, v.results[i].Visible = k.Recommend(v.values)
		}
	}
	return v.results
}

// Answers is what Validate has to say of the keys that no host can check without the plugin: those with a Check or a
// Recommender.
func (d ConfigDef) Answers(config map[string]*string) []KeyValidation {
	var answers []KeyValidation
	for i, result := range d.Validate(config) {
		k := d.Keys[i]
		if k.Recommend != nil || k.Validator != nil && k.Validator.Check != nil {
			answers = append(answers, result)
		}
	}
	return answers
}

// validation is one run of Validate.
type validation struct {
	ConfigDef
	config  map[string]*string
	values  ConfigValues
	results []KeyValidation
}

// check parses and checks one key, then its dependents; above holds the keys on the way here, so that dependents in a
// circle end.
func (v *validation) check(name string, above []string) {
	i := slices.IndexFunc(v.Keys, func(k ConfigKey) bool { return k.Name == name })
	if i < 0 || slices.Contains(above, name) {
		return
	}
	k, result := v.Keys[i], &v.results[i]
	value, errs := k.check(v.config, v.Classes)
	v.values.byName[name] = value
	result.Value = k.Type.Text(value)
	for _, err := range errs {
		result.Errors = append(result.Errors, err.Message)
	}
	for _, dependent := range k.Dependents {
		v.check(dependent, append(above, name))
	}
}

// Parse returns the typed values of the declared keys; its error joins a *ConfigError for each wrong key, in the order
// of the keys.
func (d ConfigDef) Parse(config map[string]*string) (ConfigValues, error) {
	values := ConfigValues{make(map[string]any, len(d.Keys))}
	var wrong []error
	for _, k := range d.Keys {
		value, errs := k.check(config, d.Classes)
		values.byName[k.Name] = value
		if len(errs) > 0 {
			wrong = append(wrong, errs[0])
		}
	}
	return values, errors.Join(wrong...)
}

// check parses and validates; as in Connect, a value that does not parse goes on to the validator as null.
func (k ConfigKey) check(config map[string]*string, classes ClassLoader) (value any, errs []*ConfigError) {
	text, given := config[k.Name]
	if !given {
		text, classes = k.Default, nil
	}
	if !given && !k.HasDefault {
		errs = append(errs, &ConfigError{Key: k.Name,
			Message: `Missing required configuration "` + k.Name + `" which has no default value.`})
	} else if text != nil {
		parsed, err := ParseConfigValue(k.Name, k.Type, *text, classes)
		if err != nil {
			errs = append(errs, err)
		}
		value = parsed
	}
	if k.Validator != nil {
		if err := k.Validator.check(k.Type, k.Name, value); err != nil {
			errs = append(errs, err)
		}
	}
	return value, errs
}

// ConfigValues holds typed values by key. A getter of a key that is absent, null or of another type returns zero.
type ConfigValues struct{ byName map[string]any }

// under returns the values under a prefix by their names without it.
func (v ConfigValues) under(prefix string) ConfigValues {
	own := ConfigValues{map[string]any{}}
	for name, value := range v.byName {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			own.byName[rest] = value
		}
	}
	return own
}

// Value returns a value of any type; nil: null.
func (v ConfigValues) Value(key string) any { return v.byName[key] }

// String returns a STRING, CLASS or PASSWORD.
func (v ConfigValues) String(key string) string { s, _ := v.byName[key].(string); return s }

// Has tells whether the key has a value that is not null.
func (v ConfigValues) Has(key string) bool { return v.byName[key] != nil }

// Bool returns a BOOLEAN.
func (v ConfigValues) Bool(key string) bool { b, _ := v.byName[key].(bool); return b }

// Int returns an INT, SHORT or LONG.
func (v ConfigValues) Int(key string) int64 {
	switch n := v.byName[key].(type) {
	case int16:
		return int64(n)
	case int32:
		return int64(n)
	case int64:
		return n
	}
	return 0
}

// Float returns a DOUBLE.
func (v ConfigValues) Float(key string) float64 { f, _ := v.byName[key].(float64); return f }

// List returns a LIST.
func (v ConfigValues) List(key string) []string { l, _ := v.byName[key].([]string); return l }
