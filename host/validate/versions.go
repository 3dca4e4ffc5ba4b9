package validate

import (
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// defaults are the defaults of the framework's keys that depend on the configuration and the worker.
type defaults struct {
	classes   *classes
	connector struct {
		version  *string
		versions []string
	}
	converters map[string]choice // by key: key.converter ...
}

// choice is a default converter.
type choice struct {
	class, version *string
}

// defaults follows Connect (KIP-891): the version's default is the newest of the class that applies; the worker's
// converters are the default where the connector chooses none.
func (s *session) defaults() defaults {
	d := connectorDefaults(s.classes, s.plugin)
	workers := map[string]string{roles[0].key: s.worker.KeyConverter, roles[1].key: s.worker.ValueConverter,
		roles[2].key: s.worker.HeaderConverter}
	for _, r := range roles {
		class := workers[r.key]
		var c choice
		if class != "" {
			loaded, _ := s.classes.load(class)
			c.class = &loaded
		}
		if chosen := s.config[r.key]; chosen != nil {
			class = abi.TrimConfig(*chosen)
		}
		if loaded, ok := s.classes.load(class); ok {
			c.version = s.latest(loaded, r.kind.abi)
		}
		d.converters[r.key] = c
	}
	return d
}

// connectorDefaults are the defaults without a configuration: of the connector's version only.
func connectorDefaults(c *classes, plugin abi.Plugin) defaults {
	d := defaults{classes: c, converters: map[string]choice{}}
	d.connector.version = text(shownVersion(plugin.Version))
	kind := host.PluginKind(plugin.Kind) // sources and sinks have one word in the ABI and in the REST API
	d.connector.versions = c.versions(plugin.Class, kind)
	return d
}

// latest is the newest version of a class, nil when there is none of the kind.
func (s *session) latest(class, kind string) *string {
	plugin, err := s.plugins.Find(class, "", kind)
	if err != nil {
		return nil
	}
	return text(shownVersion(plugin.Version))
}

// find looks for a version of a plugin whose class is known to exist; the second result says why there is none.
func (v *Validator) find(name, version string, kinds ...string) (abi.Plugin, string) {
	if isUnbounded(version) {
		return abi.Plugin{}, "Unbounded range: " + abi.TrimConfig(version)
	}
	plugin, err := v.plugins.Find(name, abi.TrimConfig(version), kinds...)
	if err == nil {
		return plugin, ""
	}
	newest, latestErr := v.plugins.Find(name, "", kinds...)
	if latestErr != nil {
		return abi.Plugin{}, latestErr.Error()
	}
	return abi.Plugin{}, v.noVersion(newest.Class, version)
}

// noVersion is Connect's text for a version that is not there. It lists a class once for each kind it serves as.
func (v *Validator) noVersion(class, version string) string {
	var available []string
	for _, p := range v.plugins.Infos() {
		if p.Class == class {
			available = append(available, shownVersion(p.Version))
		}
	}
	return fmt.Sprintf("Plugin %s not found that matches the version range %s, available versions: [%s]",
		class, rangeText(version), strings.Join(available, ", "))
}

// isUnbounded tells whether a range has a beginning without an end.
func isUnbounded(version string) bool {
	version = abi.TrimConfig(version)
	return strings.IndexAny(version, "[(") == 0 && !strings.ContainsAny(version, "])")
}

// rangeText shows a version specification as a range: a bare version is a range from it to itself.
func rangeText(version string) string {
	version = abi.TrimConfig(version)
	if strings.IndexAny(version, "[(") == 0 {
		return version
	}
	return "[" + version + "," + version + "]"
}
