package plugin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
)

// HostKind is the REST API's word for a plugin kind of the ABI; "" for an unknown one.
func HostKind(kind string) host.PluginKind {
	switch kind {
	case abi.KindTransform:
		return host.KindTransformation
	case abi.KindSource, abi.KindSink, abi.KindPredicate, abi.KindConverter, abi.KindHeaderConverter:
		return host.PluginKind(kind)
	}
	return ""
}

// kindOrder is the order of GET /connector-plugins.
var kindOrder = []host.PluginKind{host.KindSink, host.KindSource, host.KindTransformation, host.KindPredicate,
	host.KindConverter, host.KindHeaderConverter}

// Infos lists every plugin of the view: by kind in the order of GET /connector-plugins, then class, then version.
func (r View) Infos() []host.PluginInfo {
	<-r.loaded
	r.mu.RLock()
	var all []host.PluginInfo
	for _, m := range r.visible() {
		if _, err := r.signedBy(m); err == nil {
			all = append(all, m.info.Plugins...)
		}
	}
	r.mu.RUnlock()
	slices.SortFunc(all, func(a, b host.PluginInfo) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kindOrder, a.Kind), slices.Index(kindOrder, b.Kind)),
			strings.Compare(a.Class, b.Class),
			compareVersions(a.Version, b.Version))
	})
	return all
}

// Modules lists the modules by name.
func (r View) Modules() []host.ModuleInfo {
	<-r.loaded
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]host.ModuleInfo, 0, len(r.modules))
	for _, m := range r.visible() {
		all = append(all, r.infoOf(m))
	}
	slices.SortFunc(all, func(a, b host.ModuleInfo) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Digest, b.Digest))
	})
	return all
}

// infoOf is what a module is to the view's tenant now.
func (r View) infoOf(m *module) host.ModuleInfo {
	info := m.info
	info.Grants, info.Granted = r.grantsOf(m)
	if info.Problem == "" {
		by, err := r.signedBy(m)
		if info.SignedBy = by; err != nil {
			info.Problem, info.Plugins = err.Error(), nil
		}
	}
	return info
}

// Find is Resolve for those who need the description only.
func (r View) Find(name, version string, kinds ...string) (abi.Plugin, error) {
	p, err := r.Resolve(name, version, kinds...)
	return p.Plugin, err
}

// Resolve finds a plugin by class or alias, of one of kinds (ABI words; none = any), in the newest version that the
// specification allows ("" = latest). Errors: host.ErrNotFound, host.ErrBadRequest (version, ambiguous alias, only
// modules fit that may not be used for their signatures).
func (r View) Resolve(name, version string, kinds ...string) (Plugin, error) {
	wanted, err := parseVersionRange(version)
	if err != nil {
		return Plugin{}, err
	}
	found, refused := r.permitted(r.named(name, kinds), wanted)
	if len(found) == 0 && refused != nil {
		return Plugin{}, refused
	}
	if len(found) == 0 {
		return Plugin{}, host.NotFound(fmt.Sprintf("Unknown plugin %s. %s", name, host.MissingPluginRemedy))
	}
	if other := slices.IndexFunc(found, func(p Plugin) bool { return p.Class != found[0].Class }); other > 0 {
		return Plugin{}, host.BadRequest(fmt.Sprintf(
			"More than one plugin matches alias %s: %s and %s. Use the full class name.",
			name, found[0].Class, found[other].Class))
	}
	var versions []string
	best := -1
	for i, p := range found {
		versions = append(versions, p.Version)
		if wanted.contains(p.Version) && (best < 0 || compareVersions(p.Version, found[best].Version) > 0) {
			best = i
		}
	}
	if best < 0 && refused != nil {
		return Plugin{}, refused
	}
	if best < 0 {
		slices.SortFunc(versions, compareVersions)
		return Plugin{}, host.BadRequest(fmt.Sprintf("Plugin %s has no version that matches %q; available: %s",
			found[0].Class, version, strings.Join(versions, ", ")))
	}
	return found[best], nil
}

// named returns the plugins with that class, or, if there is none, with that alias.
func (r View) named(name string, kinds []string) []Plugin {
	<-r.loaded
	r.mu.RLock()
	defer r.mu.RUnlock()
	var byClass, byAlias []Plugin
	for _, m := range r.visible() {
		for _, p := range m.manifest.Plugins {
			if len(kinds) > 0 && !slices.Contains(kinds, p.Kind) {
				continue
			}
			found := Plugin{Plugin: p, Digest: m.info.Digest, Module: m.info.Name, Bundled: m.from == fromBundle}
			if p.Class == name {
				byClass = append(byClass, found)
			} else if slices.Contains(p.Aliases, name) {
				byAlias = append(byAlias, found)
			}
		}
	}
	if len(byClass) > 0 {
		return byClass
	}
	slices.SortFunc(byAlias, func(a, b Plugin) int { return strings.Compare(a.Class, b.Class) })
	return byAlias
}

// AlterOffsets asks a connector's plugin whether a user may set its offsets so; one that has nothing to say of that is
// not asked.
func (r View) AlterOffsets(ctx context.Context, p Plugin, config map[string]*string, offsets []abi.AlteredOffset) (
	abi.Altered, error) {
	if !p.Alters {
		return abi.Altered{Supported: true}, nil
	}
	code, err := r.Code(ctx, p.Digest)
	if err != nil {
		return abi.Altered{}, err
	}
	question := abi.AlterRequest{Plugin: p.Class, Kind: p.Kind, Config: config, Offsets: offsets}
	return guest.AlterOffsets(ctx, code, question, guest.Options{
		Log:    r.config.Log.With("plugin", p.Class),
		Engine: r.Granted(p.Digest, p.Plugin),
	})
}

// exactly finds a plugin that was found before; its version may be any text, and no range.
func (r View) exactly(p abi.Plugin, kind string) (Plugin, error) {
	found := r.named(p.Class, []string{kind})
	i := slices.IndexFunc(found, func(f Plugin) bool { return f.Class == p.Class && f.Version == p.Version })
	if i < 0 {
		return Plugin{}, host.NotFound(fmt.Sprintf("Plugin %s %s is gone.", p.Class, p.Version))
	}
	return found[i], nil
}

// Check asks the plugin itself about a configuration, in an instance of its own.
func (r View) Check(ctx context.Context, p abi.Plugin, kind string,
	config map[string]*string) ([]abi.KeyValidation, error) {
	found, err := r.exactly(p, kind)
	if err != nil {
		return nil, err
	}
	code, err := r.Code(ctx, found.Digest)
	if err != nil {
		return nil, err
	}
	stage := abi.Stage{Kind: kind, Plugin: p.Class, Config: config}
	return guest.Validate(ctx, code, stage, guest.Options{
		Log:    r.config.Log.With("plugin", p.Class),
		Engine: r.Granted(found.Digest, found.Plugin),
	})
}
