package herder

import (
	"context"
	"slices"
	"time"

	"github.com/berth-connect/berth/host"
)

// Plugins lists the plugins that a tenant sees; connectors alone when connectorsOnly.
func (h *Herder) Plugins(ctx context.Context, tenant string, connectorsOnly bool) ([]host.PluginInfo, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	plugins := h.runtime.Plugins(tenant)
	if !connectorsOnly {
		return plugins, nil
	}
	return slices.DeleteFunc(slices.Clone(plugins), func(p host.PluginInfo) bool {
		return p.Kind != host.KindSource && p.Kind != host.KindSink
	}), nil
}

// PluginConfig returns the configuration keys of a plugin. Errors: ErrNotFound, ErrBadRequest.
func (h *Herder) PluginConfig(ctx context.Context, tenant, name, version string) ([]host.ConfigKeyInfo, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	return h.runtime.PluginConfig(tenant, name, version)
}

// Validate checks the configuration of a tenant's connector. Errors: ErrBadRequest.
func (h *Herder) Validate(ctx context.Context, tenant string, config host.Config) (host.ConfigInfos, error) {
	return h.validate(ctx, "performing validation for connector class "+config.Get("connector.class"), tenant, config)
}

// validate runs on the caller's goroutine: a plugin may take long to answer.
func (h *Herder) validate(ctx context.Context, what, tenant string, config host.Config) (host.ConfigInfos, error) {
	if err := h.await(ctx); err != nil {
		return host.ConfigInfos{}, err
	}
	at := &stage{text: what, began: time.Now()}
	infos, err := h.runtime.Validate(ctx, tenant, config)
	return infos, h.timedCall(ctx, at, err)
}

// pluginVersion is the version of a configuration's connector plugin, "" when it is not known. Of several versions the
// last listed is the newest.
func (h *Herder) pluginVersion(name string, config host.Config) string {
	class, version := config.Get("connector.class"), ""
	for _, plugin := range h.runtime.Plugins(h.ownerOf(name)) {
		if plugin.Class == class || slices.Contains(plugin.Aliases, class) {
			version = plugin.Version
		}
	}
	return version
}
