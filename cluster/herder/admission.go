package herder

import (
	"fmt"
	"strconv"

	"github.com/berth-connect/berth/host"
)

// overQuota refuses what a tenant has no room for. Error: ErrForbidden.
func overQuota(tenant, quota string, limit, would int64, remedy string) error {
	return &host.Error{Kind: ErrForbidden, Message: fmt.Sprintf("Tenant %s would have %d of quota.%s=%d; %s, or have the "+
		"quota in the tenant's record raised", tenant, would, quota, limit, remedy)}
}

// admit refuses a configuration with which a tenant would have more connectors, or tasks by their tasks.max, than its
// quota. A connector that exists may always ask for less. Errors: ErrForbidden, ErrConflict (the tenant is going).
func (h *Herder) admit(name string, config host.Config) error {
	tenant, _ := h.configs.Tenant(h.ownerOf(name))
	if tenant.Deleting {
		return beingDeleted(tenant.Name)
	}
	if tenant.IsDefault() || tenant.Quota.Connectors == 0 && tenant.Quota.Tasks == 0 {
		return nil
	}
	snapshot := h.configs.Snapshot()
	before, known := snapshot.Connector(name)
	connectors, tasks := int64(1), tasksMax(config)
	for _, other := range h.connectorsOf(tenant.Name) {
		if connector, _ := snapshot.Connector(other); other != name {
			connectors++
			tasks += tasksMax(connector.Config)
		}
	}
	if limit := int64(tenant.Quota.Connectors); limit > 0 && !known && connectors > limit {
		return overQuota(tenant.Name, "connectors", limit, connectors, "delete a connector")
	}
	more := !known || tasksMax(config) > tasksMax(before.Config)
	if limit := int64(tenant.Quota.Tasks); limit > 0 && more && tasks > limit {
		return overQuota(tenant.Name, "tasks", limit, tasks, "lower tasks.max of this connector or of others")
	}
	return nil
}

// tasksMax is how many tasks a configuration allows; what is no number was refused before.
func tasksMax(config host.Config) int64 {
	n, err := strconv.ParseInt(config.Get("tasks.max"), 10, 32)
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// admitModule refuses a module with which a tenant's uploads would have more bytes than its quota. Error: ErrForbidden.
func (h *Herder) admitModule(upload host.ModuleUpload) error {
	tenant, _ := h.configs.Tenant(upload.Tenant)
	limit, would := tenant.Quota.ModuleBytes, int64(len(upload.Wasm))
	if tenant.IsDefault() || limit == 0 {
		return nil
	}
	for _, m := range h.runtime.Modules(upload.Tenant) {
		if m.Uploaded {
			would += m.SizeBytes
		}
	}
	if would > limit {
		return overQuota(tenant.Name, "module_bytes", limit, would, "delete a module that is not used")
	}
	return nil
}
