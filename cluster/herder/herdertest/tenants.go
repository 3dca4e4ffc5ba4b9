package herdertest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// Tenant implements host.Tenants.
func (c *Configs) Tenant(name string) (host.Tenant, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, known := c.tenants[name]
	return t, known
}

// AnyTenant implements host.Tenants.
func (c *Configs) AnyTenant() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.tenants) > 0
}

// PutTenant implements herder.ConfigStore.
func (c *Configs) PutTenant(_ context.Context, tenant host.Tenant) error {
	kind := store.TenantChanged
	if tenant.Deleting {
		kind = store.TenantDoomed
	}
	return c.write(store.ConfigEvent{Kind: kind, Tenant: tenant.Name},
		func(c *Configs) { c.tenants[tenant.Name] = tenant })
}

// DeleteTenant implements herder.ConfigStore.
func (c *Configs) DeleteTenant(_ context.Context, name string) error {
	return c.write(store.ConfigEvent{Kind: store.TenantDeleted, Tenant: name},
		func(c *Configs) { delete(c.tenants, name) })
}

// ForgetTenant implements herder.ConfigStore.
func (c *Configs) ForgetTenant(ctx context.Context, tenant string) (found bool, err error) {
	for name := range c.Snapshot().Connectors {
		if owner, _ := host.SplitTenant(name); owner != tenant {
			continue
		}
		found = true
		if err := c.DeleteConnector(ctx, name); err != nil {
			return found, err
		}
		forget := func(c *Configs) { delete(c.connectors, name) }
		if err := c.write(store.ConfigEvent{Kind: store.ConnectorRemoved, Connector: name}, forget); err != nil {
			return found, err
		}
	}
	return found, nil
}

// Mentioned implements herder.StatusStore.
func (s *Statuses) Mentioned(prefix string) (names []string) {
	all := s.Connectors()
	s.mu.Lock()
	defer s.mu.Unlock()
	all = append(all, slices.Collect(maps.Keys(s.topics))...)
	return beginning(all, prefix)
}

// Mentioned implements herder.OffsetStore.
func (o *Offsets) Mentioned(_ context.Context, prefix string) ([]string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for name, offsets := range o.offsets {
		if len(offsets) > 0 {
			all = append(all, name)
		}
	}
	return beginning(all, prefix), nil
}

func beginning(names []string, prefix string) []string {
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return !strings.HasPrefix(name, prefix) })
}

// DeleteGroups implements herder.Admin.
func (a *Admin) DeleteGroups(context.Context, string) error { return a.Err }

// Forget implements herder.OffsetStore.
func (o *Offsets) Forget(_ context.Context, connector string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.offsets, connector)
	return nil
}
