package worker

import (
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/validate"
)

// scope is the worker for one tenant's connectors: what they name is looked up among what the tenant has. Its fields
// stand before those of the worker with the same names.
type scope struct {
	*Worker
	Registry  plugin.View
	Validator *validate.Validator
	tenant    string
}

// of is the scope of a tenant; "" is the default tenant.
func (w *Worker) of(tenant string) scope {
	view := w.Registry.Of(tenant)
	return scope{Worker: w, Registry: view, Validator: w.Validator.WithPlugins(view), tenant: tenant}
}

// around is the scope of a connector.
func (w *Worker) around(connector string) scope { return w.of(host.OwnerOf(w.Tenants, connector)) }
