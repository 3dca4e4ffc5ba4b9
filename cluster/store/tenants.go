package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

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

// tenant takes over a record. One that can't be read keeps the tenant and grants nothing: its names stay apart, and its
// modules must be signed, as it may have asked for.
func (c *configReader) tenant(name string, value any, text []byte) {
	if !host.ValidTenant(name) {
		c.ignored(tenantKey+name, "its key names no tenant")
		return
	}
	before, known := c.tenants[name]
	if value == nil {
		delete(c.tenants, name)
		c.forgetLeftovers(name)
		c.note(ConfigEvent{Kind: TenantDeleted, Tenant: name})
		return
	}
	var t host.Tenant
	if err := json.Unmarshal(text, &t); err != nil {
		c.log.Error("the record of a tenant can't be read; the tenant is granted nothing until it is written again",
			"tenant", name, "offset", c.offset-1, "error", err)
		t = host.Tenant{Signatures: host.SignaturePolicy{Required: true}}
	}
	t.Name = name
	c.tenants[name] = t
	switch {
	case t.Deleting:
		c.note(ConfigEvent{Kind: TenantDoomed, Tenant: name})
	case !known || !reflect.DeepEqual(reach(before), reach(t)):
		c.note(ConfigEvent{Kind: TenantChanged, Tenant: name})
	}
}

// forgetLeftovers drops what is left behind by the connectors of a tenant that has none any more: generations, counts
// of fenced tasks, tasks without a commit.
func (c *configReader) forgetLeftovers(tenant string) {
	maps.DeleteFunc(c.connectors, func(name string, known Connector) bool {
		owner, _ := host.SplitTenant(name)
		return owner == tenant && known.Config == nil
	})
	maps.DeleteFunc(c.staged, func(name string, _ map[int]host.Config) bool {
		owner, _ := host.SplitTenant(name)
		return owner == tenant
	})
}

// reach is what of a record its connectors are started with.
func reach(t host.Tenant) host.Tenant {
	t.Description, t.Quota, t.Members, t.Deleting = "", host.Quota{}, nil, false
	return t
}

// ForgetTenant writes tombstones for all that the topic has of a tenant's connectors, and tells whether it had
// anything: also what Connect leaves behind when a connector is deleted, its tasks' configurations among it.
func (s *ConfigStore) ForgetTenant(ctx context.Context, tenant string) (found bool, err error) {
	s.mu.Lock()
	keys := slices.Collect(maps.Keys(s.reader.live[tenant]))
	s.mu.Unlock()
	slices.SortFunc(keys, func(a, b string) int { // the connectors first: the rest then is nobody's
		if first := strings.HasPrefix(a, connectorKey); first != strings.HasPrefix(b, connectorKey) {
			return map[bool]int{true: -1, false: 1}[first]
		}
		return strings.Compare(a, b)
	})
	if len(keys) == 0 {
		return false, nil
	}
	var tombstones []*kgo.Record
	for _, key := range keys {
		tombstones = append(tombstones, record(key, nil))
	}
	return true, s.writeLeading(ctx, "deleting all records of tenant "+tenant, tombstones)
}

// connectorKeys are the prefixes of keys with the name of a connector.
var connectorKeys = []string{targetStateKey, connectorKey, taskKey, commitKey, restartKey, fencingKey, shadowKey,
	loggerKey + host.ConnectorLogger("")}

// noteLive remembers which keys the topic has of tenants' connectors.
func (c *configReader) noteLive(key string, present bool) {
	tenant := tenantOfKey(key)
	switch {
	case tenant == "":
	case !present:
		delete(c.live[tenant], key)
	case c.live[tenant] == nil:
		c.live[tenant] = map[string]bool{key: true}
	default:
		c.live[tenant][key] = true
	}
}

// tenantOfKey is the tenant of the connector that a key names; "": the default one's, or it names none.
func tenantOfKey(key string) string {
	for _, prefix := range connectorKeys {
		name, is := strings.CutPrefix(key, prefix)
		if !is {
			continue
		}
		if unescaped, err := url.PathUnescape(name); prefix == shadowKey && err == nil {
			name = unescaped
		}
		tenant, _ := host.SplitTenant(name)
		return tenant
	}
	return ""
}

// Mentioned lists the connectors of which there is a status, a topic in use or a swap, and whose names begin with
// prefix.
func (s *StatusStore) Mentioned(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{}
	for name := range s.reader.connectors {
		names[name] = true
	}
	for name, tasks := range s.reader.tasks {
		names[name] = names[name] || len(tasks) > 0
	}
	for name, topics := range s.reader.topics {
		names[name] = names[name] || len(topics) > 0
	}
	for name, swaps := range s.reader.swaps {
		names[name] = names[name] || len(swaps) > 0
	}
	return beginning(names, prefix)
}

// Mentioned lists the connectors that have offsets and whose names begin with prefix, read up to the log's end.
func (s *OffsetStore) Mentioned(ctx context.Context, prefix string) ([]string, error) {
	if err := s.records.readToEnd(ctx); err != nil {
		return nil, fmt.Errorf("looking for offsets: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{}
	for name, entries := range s.reader.connectors {
		names[name] = len(entries.byKey) > 0
	}
	return beginning(names, prefix), nil
}

func beginning(names map[string]bool, prefix string) []string {
	maps.DeleteFunc(names, func(name string, has bool) bool { return !has || !strings.HasPrefix(name, prefix) })
	return slices.Sorted(maps.Keys(names))
}

// Forget writes tombstones for all keys of a connector, whatever stands under them.
func (s *OffsetStore) Forget(ctx context.Context, connector string) error {
	var tombstones []*kgo.Record
	s.mu.Lock()
	if entries := s.reader.connectors[connector]; entries != nil {
		for key := range entries.byKey {
			tombstones = append(tombstones, record(key, nil))
		}
	}
	s.mu.Unlock()
	if len(tombstones) == 0 {
		return nil
	}
	if err := s.records.write(ctx, tombstones...); err != nil {
		return fmt.Errorf("deleting the offsets of connector %s: %w", connector, err)
	}
	return nil
}
