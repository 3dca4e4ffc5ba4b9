package worker

import (
	"context"
	"maps"
	"slices"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/configprovider"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/validate"
)

// scope is the worker for one tenant's connectors: what they name is looked up among what the tenant has. Its fields
// stand before those of the worker with the same names.
type scope struct {
	*Worker
	Registry  plugin.View
	Validator *validate.Validator
	Values    *configprovider.Transformer
	tenant    host.Tenant
}

// of is the scope of a tenant; "" is the default tenant.
func (w *Worker) of(tenant string) scope {
	view, record := w.Registry.Of(tenant), host.Tenant{}
	if tenant != "" && w.Grants.Tenants != nil {
		record, _ = w.Grants.Tenants.Tenant(tenant)
		record.Name = tenant // of one that is gone: nothing is granted
	}
	return scope{Worker: w, Registry: view, Validator: w.Validator.Of(tenant, view), Values: w.Values.For(record),
		tenant: record}
}

// around is the scope of a connector.
func (w *Worker) around(connector string) scope {
	return w.of(host.OwnerOf(w.Grants.Tenants, connector))
}

// Resolve puts the values of configuration providers into a connector's configuration. Error: *validate.Exception.
func (w *Worker) Resolve(connector string, config host.Config) (host.Config, error) {
	resolved, err := w.around(connector).resolve(config)
	return resolved.Config, err
}

// validate checks a configuration. What the tenant is not granted is an error of its key.
func (w scope) validate(ctx context.Context, config host.Config) (host.ConfigInfos, error) {
	refused := w.Values.Refused(config)
	open := maps.Clone(config)
	maps.DeleteFunc(open, func(key string, _ *string) bool { return refused[key] != "" })
	resolved, err := w.resolve(open)
	if err != nil {
		return host.ConfigInfos{}, err
	}
	for key := range refused {
		resolved.Config[key] = config[key]
	}
	infos, err := w.Validator.Validate(ctx, resolved.Config)
	if err != nil {
		return infos, err
	}
	for _, key := range slices.Sorted(maps.Keys(refused)) {
		addProblem(&infos, key, config[key], refused[key])
	}
	for _, p := range w.Grants.Problems(w.tenant, resolved.Config) {
		addProblem(&infos, p.Key, resolved.Config[p.Key], p.Message)
	}
	w.checkTopicNeeds(&infos, resolved.Config)
	w.checkSignatures(&infos, resolved.Config)
	return infos, nil
}

// checkSignatures adds to what is wrong with a key that its class is there, and may not be used for its signature.
func (w scope) checkSignatures(infos *host.ConfigInfos, config host.Config) {
	for _, info := range infos.Configs {
		if info.Value == nil || len(info.Value.Errors) == 0 {
			continue
		}
		if err := w.Registry.Refused(config.Get(info.Value.Name)); err != nil {
			addProblem(infos, info.Value.Name, info.Value.Value, err.Error())
		}
	}
}

// addProblem adds an error to a key's result, or a result for a key that nobody defines.
func addProblem(infos *host.ConfigInfos, key string, value *string, message string) {
	infos.ErrorCount++
	for _, info := range infos.Configs {
		if info.Value != nil && info.Value.Name == key {
			info.Value.Errors = append(info.Value.Errors, message)
			return
		}
	}
	infos.Configs = append(infos.Configs, host.ConfigInfo{Value: &host.ConfigValueInfo{Name: key, Value: value,
		Errors: []string{message}, Visible: true}})
}
