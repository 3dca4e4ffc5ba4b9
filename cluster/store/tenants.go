package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

var _ host.Tenants = (*ConfigStore)(nil)

// Tenant implements host.Tenants.
func (s *ConfigStore) Tenant(name string) (host.Tenant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := s.reader.tenants[name]
	return t, known
}

// AnyTenant implements host.Tenants.
func (s *ConfigStore) AnyTenant() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reader.tenants) > 0
}

// PutTenant writes a tenant's record.
func (s *ConfigStore) PutTenant(ctx context.Context, tenant host.Tenant) error {
	value, err := json.Marshal(tenant)
	if err != nil {
		return fmt.Errorf("encode the record of tenant %s: %w", tenant.Name, err)
	}
	return s.writeLeading(ctx, "writing the record of tenant "+tenant.Name,
		[]*kgo.Record{record(tenantKey+tenant.Name, value)})
}

// DeleteTenant deletes a tenant's record.
func (s *ConfigStore) DeleteTenant(ctx context.Context, name string) error {
	return s.writeLeading(ctx, "deleting the record of tenant "+name, []*kgo.Record{record(tenantKey+name, nil)})
}

// tenant takes over a record. One that can't be read keeps the tenant and grants nothing: its names stay apart.
func (c *configReader) tenant(name string, value any, text []byte) {
	if !host.ValidTenant(name) {
		c.ignored(tenantKey+name, "its key names no tenant")
		return
	}
	before, known := c.tenants[name]
	if value == nil {
		delete(c.tenants, name) // it has no connectors any more
		return
	}
	var t host.Tenant
	if err := json.Unmarshal(text, &t); err != nil {
		c.log.Error("the record of a tenant can't be read; the tenant is granted nothing until it is written again",
			"tenant", name, "offset", c.offset-1, "error", err)
		t = host.Tenant{}
	}
	t.Name = name
	c.tenants[name] = t
	if !known || !reflect.DeepEqual(reach(before), reach(t)) {
		c.note(ConfigEvent{Kind: TenantChanged, Tenant: name})
	}
}

// reach is what of a record its connectors are started with.
func reach(t host.Tenant) host.Tenant {
	t.Description, t.Quota, t.Members = "", host.Quota{}, nil
	return t
}
