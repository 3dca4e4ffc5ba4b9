package validate

import (
	"context"

	"github.com/berth-connect/berth/abi"
)

// role is one of the three places of a converter in a connector's configuration.
type role struct {
	key     string // key.converter
	name    string // Key
	subject string
	kind    pluginKind
	typ     string // converter.type given to the converter
	order   int32
}

var roles = []role{
	{"key.converter", "Key", "keys", converter, "key", 6},
	{"value.converter", "Value", "values", converter, "value", 8},
	{"header.converter", "Header", "headers", headerConverter, "header", 10},
}

// converterKeys are the keys that choose converters, with their versions (KIP-891).
func converterKeys(d defaults) []abi.ConfigKey {
	var keys []abi.ConfigKey
	for _, r := range roles {
		c := d.converters[r.key]
		class := optional(r.key, abi.ConfigClass, c.class, "LOW", groupCommon, r.order, "SHORT", r.name+" converter class",
			"Which converter turns record "+r.subject+" into bytes and back. Without it the worker's own applies.",
			custom("A concrete subclass of "+r.kind.javaInterface+", A class with a public, no-argument constructor",
				func(key string, class any) *abi.ConfigError { return d.classes.check(key, class, r.kind) }))
		class.Recommend = func(abi.ConfigValues) ([]string, bool) { return d.classes.recommended(r.kind.host), true }
		version := optional(r.key+versionSuffix, abi.ConfigString, c.version, "LOW", groupCommon, r.order+1, "SHORT",
			r.name+" converter version",
			"Which version of the converter of record "+r.subject+" to use: one version, a range, or latest.", versionCheck)
		version.Recommend = func(values abi.ConfigValues) ([]string, bool) {
			return d.classes.versions(values.String(r.key), r.kind.host), values.Has(r.key)
		}
		keys = append(keys, class, version)
	}
	return keys
}

// converters validates the keys of the converters that the connector chooses itself, in Connect's order.
func (s *session) converters(ctx context.Context, out *outcomes) ([]section, error) {
	var sections []section
	for _, r := range []role{roles[2], roles[0], roles[1]} {
		chosen, version := out.at(r.key), out.at(r.key+versionSuffix)
		if s.config[r.key] == nil || len(chosen.Errors) > 0 || len(version.Errors) > 0 {
			continue
		}
		plugin, problem := s.find(chosen.value(), version.value(), r.kind.abi)
		if problem != "" {
			version.fail(problem)
			if !isUnbounded(version.value()) {
				chosen.fail(problem)
			}
			continue
		}
		found, err := s.converterKeys(ctx, r, plugin)
		if err != nil {
			return nil, err
		}
		sections = append(sections, found)
	}
	return sections, nil
}

func (s *session) converterKeys(ctx context.Context, r role, plugin abi.Plugin) (section, error) {
	prefix := r.key + "."
	own := stripped(s.config, prefix)
	if _, given := own["converter.type"]; !given {
		own["converter.type"] = &r.typ
	}
	results, err := s.validatePlugin(ctx, plugin, own)
	if err != nil {
		return section{}, err
	}
	var ordered []*outcome
	for _, name := range abi.HashOrder(results.order) {
		ordered = append(ordered, results.byName[name])
	}
	return prefixed(prefix, plugin.Config, ordered), nil
}
