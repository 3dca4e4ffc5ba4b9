package herder

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// AnyTenant implements host.Tenants.
func (h *Herder) AnyTenant() bool { return h.configs.AnyTenant() }

// Tenant implements host.Tenants.
func (h *Herder) Tenant(name string) (host.Tenant, bool) { return h.configs.Tenant(name) }

// ownerOf names the tenant of a connector.
func (h *Herder) ownerOf(connector string) string { return host.OwnerOf(h.configs, connector) }

// Tenants lists the tenants by name; the default tenant has no record.
func (h *Herder) Tenants(ctx context.Context) ([]host.Tenant, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	tenants := h.configs.Snapshot().Tenants
	all := make([]host.Tenant, 0, len(tenants))
	for _, name := range slices.Sorted(maps.Keys(tenants)) {
		all = append(all, tenants[name])
	}
	return all, nil
}

// TenantRecord returns a tenant's record. Errors: ErrNotFound.
func (h *Herder) TenantRecord(ctx context.Context, name string) (host.Tenant, error) {
	if err := h.await(ctx); err != nil {
		return host.Tenant{}, err
	}
	tenant, known := h.configs.Tenant(name)
	if !known {
		return host.Tenant{}, noTenant(name)
	}
	return tenant, nil
}

// beingDeleted is the error of what would give a tenant something that is going.
func beingDeleted(name string) error {
	return host.Conflict(fmt.Sprintf("Tenant %s is being deleted with all that it has; wait until GET /tenants/%s "+
		"answers 404", name, name))
}

func noTenant(name string) error { return host.NotFound(fmt.Sprintf("Tenant %s not found", name)) }

// PutTenant stores a tenant's record and tells whether the tenant is new. Errors: *NotLeader, ErrConflict (connectors
// of the default tenant have names that would become another's).
func (h *Herder) PutTenant(ctx context.Context, tenant host.Tenant) (created bool, err error) {
	return decide(ctx, h, "writing the record of tenant "+tenant.Name, func(ctx context.Context) (bool, error) {
		if err := h.lead(); err != nil {
			return false, err
		}
		before, known := h.configs.Tenant(tenant.Name)
		if before.Deleting {
			return false, beingDeleted(tenant.Name)
		}
		if h.group != nil && !h.signs.Load() {
			return false, host.Conflict("Tenants need workers that sign their requests: set connect.protocol=sessioned on all " +
				"workers of the group")
		}
		if names := h.strays(); !known && len(names) > 0 {
			return false, host.Conflict(fmt.Sprintf("With tenants, the part of a connector's name before %s is its tenant's "+
				"name: delete or rename the connector(s) %s first", host.TenantSeparator, strings.Join(names, ", ")))
		}
		return !known, h.configs.PutTenant(ctx, tenant)
	})
}

// strays lists the connectors whose names have a tenant in front that does not exist.
func (h *Herder) strays() (names []string) {
	snapshot := h.configs.Snapshot()
	for _, name := range snapshot.Names() {
		tenant, _ := host.SplitTenant(name)
		if _, known := snapshot.Tenants[tenant]; tenant != "" && !known {
			names = append(names, name)
		}
	}
	return names
}

// connectorsOf lists a tenant's connectors by their full names.
func (h *Herder) connectorsOf(tenant string) (names []string) {
	for _, name := range h.configs.Snapshot().Names() {
		if h.ownerOf(name) == tenant {
			names = append(names, name)
		}
	}
	return names
}

// restartTenant starts what runs here of a tenant's connectors anew, with what its record now grants.
func (h *Herder) restartTenant(tenant string) {
	for _, name := range h.connectorsOf(tenant) {
		h.onRestart(store.RestartRequest{Connector: name, IncludeTasks: true})
	}
}
