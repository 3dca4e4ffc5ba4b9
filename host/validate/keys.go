package validate

import (
	"errors"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// keysOf reads the keys that a plugin declares.
func keysOf(plugin abi.Plugin) []key {
	keys := make([]key, 0, len(plugin.Config.Keys))
	for _, declared := range plugin.Config.Keys {
		k := key{name: declared.Name, kind: declared.Type, importance: string(declared.Importance), doc: declared.Doc,
			required: !declared.HasDefault, fallback: declared.Default, order: int(declared.Order),
			width: string(declared.Width), display: declared.Display, dependents: declared.Dependents,
			check: checkOf(declared)}
		if declared.Group != nil {
			k.group = *declared.Group
		}
		if k.required {
			k.fallback = nil
		}
		keys = append(keys, k)
	}
	return keys
}

// checkOf is the check that a key declares. Regular expressions and custom checks are the guest's.
func checkOf(k abi.ConfigKey) check {
	v := k.Validator
	if v == nil {
		return nil
	}
	switch v.Kind {
	case abi.ValidRange:
		return inRange(v.Min, v.Max)
	case abi.ValidOneOf:
		return oneOf(v.Values...)
	case abi.ValidOneOfCI:
		return oneOfAnyCase(v.Values...)
	case abi.ValidNonEmpty:
		return nonEmpty(k.Type)
	case abi.ValidNonNull:
		return nonNull
	case abi.ValidNoControl:
		return noControl
	case abi.ValidList:
		return listOf(v.Values...)
	}
	return nil
}

// NoVersion is the version that stands for an empty version parameter: Connect reads it as a range without bounds,
// which no plugin matches.
const NoVersion = "[,]"

// PluginConfig returns the keys of a plugin: for connectors its own first, then the framework's. version "" or "latest"
// is the newest. Errors: host.ErrNotFound, host.ErrBadRequest (version, or a plugin of a kind without keys),
// host.ErrInternal for a class that is no plugin.
func (v *Validator) PluginConfig(name, version string) ([]host.ConfigKeyInfo, error) {
	known := &classes{v.plugins.Infos()}
	plugin, err := v.plugins.Find(name, "")
	if errors.Is(err, host.ErrNotFound) {
		return nil, known.notDescribed(name)
	}
	if err != nil {
		return nil, err
	}
	if plugin, err = v.versioned(plugin, name, version); err != nil {
		return nil, err
	}
	d := newDefinition(keysOf(plugin)...)
	switch plugin.Kind {
	case abi.KindSource:
		d.addMissing(append(commonKeys(connectorDefaults(known, plugin)), sourceKeys()...))
	case abi.KindSink:
		d.addMissing(append(commonKeys(connectorDefaults(known, plugin)), sinkKeys()...))
	}
	infos := make([]host.ConfigKeyInfo, 0, len(d.keys))
	for _, k := range d.keys {
		infos = append(infos, *k.info(""))
	}
	return infos, nil
}

func (v *Validator) versioned(newest abi.Plugin, name, version string) (abi.Plugin, error) {
	switch {
	case version == "" || version == "latest":
		return newest, nil
	case isUnbounded(version):
		return abi.Plugin{}, host.BadRequest("Invalid version specification: " + version)
	case version == NoVersion:
		return abi.Plugin{}, host.BadRequest(v.noVersion(newest.Class, version))
	}
	plugin, problem := v.find(name, version)
	if problem != "" {
		return abi.Plugin{}, host.BadRequest(problem)
	}
	return plugin, nil
}

// addMissing adds keys that the definition does not have yet.
func (d *definition) addMissing(keys []key) {
	for _, k := range keys {
		if d.byName[k.name] == nil {
			d.add(k)
		}
	}
}
