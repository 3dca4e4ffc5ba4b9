package validate

import (
	"cmp"
	"errors"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// define makes a definition of keys.
func define(keys ...abi.ConfigKey) abi.ConfigDef {
	var d abi.ConfigDef
	d.Add(keys...)
	return d
}

// Exception is a configuration that can't be used, in Connect's words. It is a host.ErrBadRequest.
type Exception struct{ *abi.ConfigError }

func (e *Exception) Unwrap() []error { return []error{e.ConfigError, host.BadRequest(e.Message)} }

// JavaClass is the exception that Connect raises.
func (e *Exception) JavaClass() string {
	return cmp.Or(e.Class, "org.apache.kafka.common.config.ConfigException")
}

// Parse parses a configuration for use. Error: *Exception with the first problem in order of definition.
func Parse(d abi.ConfigDef, config host.Config) (abi.ConfigValues, error) {
	values, err := d.Parse(config)
	var first *abi.ConfigError
	if errors.As(err, &first) {
		return abi.ConfigValues{}, &Exception{first}
	}
	return values, nil
}

// items reads a key as a list; nil: it is not set.
func items(config host.Config, key string) []string {
	raw := config[key]
	if raw == nil {
		return nil
	}
	list, _ := abi.ParseConfigValue(key, abi.ConfigList, *raw, nil) // every text is a list
	return list.([]string)
}

// outcomes keeps the results of validation by name, in the order in which the names came.
type outcomes struct {
	order  []string
	byName map[string]*outcome
}

// outcome is the result of validating one key: a ConfigValue.
type outcome abi.KeyValidation

func (o *outcome) fail(message string) { o.Errors = append(o.Errors, message) }

// value is the value's text; null is "".
func (o *outcome) value() string {
	if o.Value == nil {
		return ""
	}
	return *o.Value
}

func validated(d abi.ConfigDef, config host.Config) *outcomes {
	out := &outcomes{byName: map[string]*outcome{}}
	for _, result := range d.Validate(config) {
		*out.at(result.Name) = outcome(result)
	}
	return out
}

// list returns the results in order.
func (o *outcomes) list() []abi.KeyValidation {
	list := make([]abi.KeyValidation, len(o.order))
	for i, name := range o.order {
		list[i] = abi.KeyValidation(*o.byName[name])
	}
	return list
}

// at returns the result for name, made on first use.
func (o *outcomes) at(name string) *outcome {
	if o.byName[name] == nil {
		o.order = append(o.order, name)
		o.byName[name] = &outcome{Name: name, Visible: true}
	}
	return o.byName[name]
}
