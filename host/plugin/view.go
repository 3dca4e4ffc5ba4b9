package plugin

import (
	"context"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/network"
)

// View is the registry as one tenant sees it: with what the tenant uploaded and what every worker has, from its bundle
// and plugin.path.
type View struct {
	*Registry
	tenant string
}

// Of returns a tenant's view; "" is the default tenant.
func (r *Registry) Of(tenant string) View { return View{r, tenant} }

// visible are the view's modules, in no order. mu must be held.
func (r View) visible() []*module {
	var all []*module
	for _, m := range r.modules {
		if m.from != fromUpload || m.tenant == r.tenant {
			all = append(all, m)
		}
	}
	return all
}

// Infos lists every plugin that the default tenant sees.
func (r *Registry) Infos() []host.PluginInfo { return r.Of("").Infos() }

// Modules lists the modules that the default tenant sees.
func (r *Registry) Modules() []host.ModuleInfo { return r.Of("").Modules() }

// Find is View.Find of the default tenant.
func (r *Registry) Find(name, version string, kinds ...string) (abi.Plugin, error) {
	return r.Of("").Find(name, version, kinds...)
}

// Resolve is View.Resolve of the default tenant.
func (r *Registry) Resolve(name, version string, kinds ...string) (Plugin, error) {
	return r.Of("").Resolve(name, version, kinds...)
}

// Check is View.Check of the default tenant.
func (r *Registry) Check(ctx context.Context, p abi.Plugin, kind string,
	config map[string]*string) ([]abi.KeyValidation, error) {
	return r.Of("").Check(ctx, p, kind, config)
}

// Content is View.Content of the default tenant.
func (r *Registry) Content(digest string) ([]byte, error) { return r.Of("").Content(digest) }

// Delete is View.Delete of the default tenant.
func (r *Registry) Delete(ctx context.Context, digest string) error {
	return r.Of("").Delete(ctx, digest)
}

// Code is Registry.Code of a module that the tenant may use: whoever starts an instance comes by here, however long ago
// the module was found. Error besides: host.ErrBadRequest.
func (r View) Code(ctx context.Context, digest string) (*engine.Module, error) {
	if m := r.module(digest); m != nil {
		if _, err := r.signedBy(m); err != nil {
			return nil, err
		}
	}
	return r.Registry.Code(ctx, digest)
}

// Reachable is what the tenant's plugins reach of the network; nil: nothing.
func (r View) Reachable() *network.Policy { return r.grants().Network }
