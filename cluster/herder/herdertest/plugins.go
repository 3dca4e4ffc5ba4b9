package herdertest

import (
	"context"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// catalogue is a plugin registry that never changes.
type catalogue []abi.Plugin

func testPlugins() []abi.Plugin {
	const file = "org.apache.kafka.connect.file.FileStream"
	const storage = "org.apache.kafka.connect.storage."
	optional := func(name string, kind abi.ConfigType, value *string) abi.ConfigKey {
		return abi.ConfigKey{Name: name, Type: kind, Importance: abi.High, Default: value, HasDefault: true, Order: -1,
			Width: abi.WidthNone, Display: name}
	}
	required := func(name string) abi.ConfigKey {
		return abi.ConfigKey{Name: name, Type: abi.ConfigString, Importance: abi.High, Order: -1,
			Width: abi.WidthNone, Display: name, Validator: &abi.Validator{Kind: abi.ValidNonEmpty}}
	}
	batch := "2000"
	plugins := []abi.Plugin{
		{Class: file + "SinkConnector", Aliases: []string{"FileStreamSink", "FileStreamSinkConnector"}, Kind: abi.KindSink,
			Version: "4.1.1", TaskClass: file + "SinkTask",
			Config: abi.ConfigDef{Keys: []abi.ConfigKey{optional("file", abi.ConfigString, nil)}}},
		{Class: file + "SourceConnector", Aliases: []string{"FileStreamSource", "FileStreamSourceConnector"},
			Kind: abi.KindSource, Version: "4.1.1", TaskClass: file + "SourceTask",
			Config: abi.ConfigDef{Keys: []abi.ConfigKey{optional("file", abi.ConfigString, nil), required("topic"),
				optional("batch.size", abi.ConfigInt, &batch)}}},
		{Class: "conformance.Plain", Aliases: []string{"Plain"}, Kind: abi.KindSource, Version: "undefined",
			TaskClass: "conformance.TestSourceTask"},
		{Class: "conformance.TestSink", Aliases: []string{"TestSink"}, Kind: abi.KindSink, Version: "1.0.0",
			TaskClass: "conformance.TestSinkTask"},
		{Class: "conformance.TestSource", Aliases: []string{"TestSource"}, Kind: abi.KindSource, Version: "1.0.0",
			TaskClass: "conformance.TestSourceTask"},
		{Class: "org.apache.kafka.connect.transforms.Filter", Aliases: []string{"Filter"}, Kind: abi.KindTransform,
			Version: "4.1.1"},
	}
	for _, class := range []string{"org.apache.kafka.connect.json.JsonConverter", storage + "StringConverter",
		storage + "SimpleHeaderConverter"} {
		for _, kind := range []string{abi.KindConverter, abi.KindHeaderConverter} {
			plugins = append(plugins, abi.Plugin{Class: class, Kind: kind, Version: "4.1.1"})
		}
	}
	return plugins
}

// Find implements validate.Plugins. Of Maven's ranges it knows [version]; no kinds are all kinds.
func (c catalogue) Find(name, version string, kinds ...string) (abi.Plugin, error) {
	if strings.HasPrefix(version, "[") && !strings.HasSuffix(version, "]") {
		return abi.Plugin{}, host.BadRequest("Unbounded range: " + version)
	}
	version = strings.Trim(version, "[]")
	for _, plugin := range c {
		named := plugin.Class == name || slices.Contains(plugin.Aliases, name)
		wanted := len(kinds) == 0 || slices.Contains(kinds, plugin.Kind)
		if named && wanted && (version == "" || version == plugin.Version) {
			return plugin, nil
		}
	}
	return abi.Plugin{}, host.NotFound("Unknown plugin " + name + ".")
}

// Infos implements validate.Plugins.
func (c catalogue) Infos() []host.PluginInfo {
	var infos []host.PluginInfo
	for _, p := range c {
		kind := host.PluginKind(p.Kind)
		if p.Kind == abi.KindTransform {
			kind = host.KindTransformation
		}
		infos = append(infos, host.PluginInfo{Class: p.Class, Aliases: p.Aliases, Kind: kind, Version: p.Version})
	}
	return infos
}

// Check implements validate.Plugins: connector.validate says how it ends.
func (c catalogue) Check(ctx context.Context, plugin abi.Plugin, _ string, config map[string]*string) (
	[]abi.KeyValidation, error) {
	switch host.Config(config).Get("connector.validate") {
	case "throw":
		return nil, &host.Error{Kind: host.ErrInternal, Message: "validate failed on purpose"}
	case "null":
		return nil, host.BadRequest(plugin.Class + ".validate() must return a Config that is not null.")
	case "reject":
		return []abi.KeyValidation{{Name: "connector.validate", Errors: []string{"rejected on purpose"}}}, nil
	case "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, nil
}
