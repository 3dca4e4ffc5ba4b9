package abi

import (
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

// ValidatorKind names a check of a parsed value.
type ValidatorKind string

// Kinds of validators, after ConfigDef's.
const (
	ValidRange     ValidatorKind = "range"
	ValidOneOf     ValidatorKind = "one_of"
	ValidOneOfCI   ValidatorKind = "one_of_ci"
	ValidNonEmpty  ValidatorKind = "non_empty"
	ValidNonNull   ValidatorKind = "non_null"
	ValidNoControl ValidatorKind = "no_control"
	ValidList      ValidatorKind = "list"
	ValidRegex     ValidatorKind = "regex"  // checked by the plugin: it alone knows its dialect
	ValidCustom    ValidatorKind = "custom" // checked by the plugin
)

// Validator describes the check of one key.
type Validator struct {
	Kind   ValidatorKind
	Min    *float64
	Max    *float64
	Values []string
	Text   string // for the reader of a configuration page
}

// ConfigKey declares one configuration key.
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
	Dependents []string
	Internal   bool
	Validator  *Validator
}

// ConfigDef is the declared keys of a plugin, in order.
type ConfigDef struct{ Keys []ConfigKey }

// Hidden is what a PASSWORD shows.
const Hidden = "[hidden]"

// ConfigError is one wrong key; its text is Connect's.
type ConfigError struct {
	Key     string
	Message string
}

func (e *ConfigError) Error() string { return e.Message }

// InvalidValue is Connect's error for a value of a key; message may be "".
func InvalidValue(key, value, message string) *ConfigError {
	text := fmt.Sprintf("Invalid value %s for configuration %s", value, key)
	if message != "" {
		text += ": " + message
	}
	return &ConfigError{key, text}
}

// Validate checks a configuration as ConfigDef.validate does and returns one result a key, in the order of the keys.
// Keys that are not declared are passed over.
func (d ConfigDef) Validate(config map[string]*string) []KeyValidation {
	results := make([]KeyValidation, 0, len(d.Keys))
	for _, k := range d.Keys {
		value, errs := k.check(config)
		result := KeyValidation{Name: k.Name, Value: k.text(value), Visible: true}
		for _, err := range errs {
			result.Errors = append(result.Errors, err.Message)
		}
		results = append(results, result)
	}
	return results
}

// Parse returns the typed values of the declared keys; its error joins a *ConfigError for each wrong key.
func (d ConfigDef) Parse(config map[string]*string) (ConfigValues, error) {
	values := ConfigValues{make(map[string]any, len(d.Keys))}
	var wrong []error
	for _, k := range d.Keys {
		value, errs := k.check(config)
		values.byName[k.Name] = value
		if len(errs) > 0 {
			wrong = append(wrong, errs[0])
		}
	}
	return values, errors.Join(wrong...)
}

// check parses and validates; as in Connect, a value that does not parse goes on to the validator as null.
func (k ConfigKey) check(config map[string]*string) (value any, errs []*ConfigError) {
	text, given := config[k.Name]
	if !given {
		text = k.Default
	}
	if !given && !k.HasDefault {
		errs = append(errs, &ConfigError{k.Name,
			`Missing required configuration "` + k.Name + `" which has no default value.`})
	} else if text != nil {
		parsed, problem := parseConfigText(k.Type, *text)
		if problem != "" {
			errs = append(errs, InvalidValue(k.Name, *text, problem))
		}
		value = parsed
	}
	if k.Validator != nil {
		if err := k.Validator.check(k, value); err != nil {
			errs = append(errs, err)
		}
	}
	return value, errs
}

// text is the value as ConfigDef.convertToString shows it.
func (k ConfigKey) text(value any) *string {
	var s string
	switch x := value.(type) {
	case nil:
		return nil
	case []string:
		s = strings.Join(x, ",")
	default:
		s = javaText(x)
	}
	if k.Type == ConfigPassword {
		s = Hidden
	}
	return &s
}

// ConfigValues holds typed values by key. A getter of a key that is absent, null or of another type returns zero.
type ConfigValues struct{ byName map[string]any }

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
