package validate

import (
	"errors"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

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
	d := define(plugin.Config.Keys...)
	switch plugin.Kind {
	case abi.KindSource:
		addMissing(&d, append(commonKeys(connectorDefaults(known, plugin)), sourceKeys()...))
	case abi.KindSink:
		addMissing(&d, append(commonKeys(connectorDefaults(known, plugin)), sinkKeys()...))
	}
	infos := make([]host.ConfigKeyInfo, 0, len(d.Keys))
	for _, k := range d.Keys {
		infos = append(infos, *keyInfo(k, ""))
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
func addMissing(d *abi.ConfigDef, keys []abi.ConfigKey) {
	for _, k := range keys {
		if d.Key(k.Name) == nil {
			d.Add(k)
		}
	}
}
