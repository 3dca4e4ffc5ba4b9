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
	order   int
}

var roles = []role{
	{"key.converter", "Key", "keys", converter, "key", 6},
	{"value.converter", "Value", "values", converter, "value", 8},
	{"header.converter", "Header", "headers", headerConverter, "header", 10},
}

// converterKeys are the keys that choose converters, with their versions (KIP-891).
func converterKeys(d defaults) []key {
	var keys []key
	for _, r := range roles {
		c := d.converters[r.key]
		class := optional(r.key, abi.ConfigClass, c.class, "LOW", groupCommon, r.order, "SHORT", r.name+" converter class",
			"Which converter turns record "+r.subject+" into bytes and back. Without it the worker's own applies.",
			func(_ string, v parsed) string {
				if !v.set {
					return ""
				}
				return d.classes.concrete(v.text, r.kind)
			})
		class.recommend = func(map[string]parsed) ([]string, bool) { return d.classes.ofKind(r.kind.host), true }
		version := optional(r.key+versionSuffix, abi.ConfigString, c.version, "LOW", groupCommon, r.order+1, "SHORT",
			r.name+" converter version",
			"Which version of the converter of record "+r.subject+" to use: one version, a range, or latest.", nil)
		version.recommend = func(values map[string]parsed) ([]string, bool) {
			chosen := values[r.key]
			return d.classes.versions(chosen.text, r.kind.host), chosen.set
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
		if s.config[r.key] == nil || len(chosen.errors) > 0 || len(version.errors) > 0 {
			continue
		}
		plugin, problem := s.find(chosen.value.text, version.value.text, r.kind.abi)
		if problem != "" {
			version.fail(problem)
			if !isUnbounded(version.value.text) {
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
	d := newDefinition(keysOf(plugin)...)
	own := stripped(s.config, prefix)
	if _, given := own["converter.type"]; !given {
		own["converter.type"] = &r.typ
	}
	results := d.validate(own, s.classes)
	if needsGuest(plugin) {
		found, err := s.plugins.Check(ctx, plugin, plugin.Kind, own)
		if err != nil {
			return section{}, failure(err)
		}
		answers(found).addTo(results, "", nil)
	}
	var ordered []*outcome
	for _, name := range hashOrder(results.order) {
		ordered = append(ordered, results.byName[name])
	}
	return prefixed(prefix, d, ordered), nil
}
