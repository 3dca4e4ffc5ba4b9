package store

import (
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// A record that can't be read keeps its tenant's names apart, grants nothing and takes no unsigned modules; one with
// another reach is an event.
func TestTenantRecordsAreRead(t *testing.T) {
	c := newConfigReader(slog.New(slog.DiscardHandler))
	c.started = true
	for i, step := range []struct {
		key, value string
		known      bool
		topics     int
		events     int
	}{
		{"berth-tenant-a", `{"name":"a","topics":["a.*"]}`, true, 1, 1},
		{"berth-tenant-a", `{"topics":["a.*"],"quota":{"tasks":1},"later":true}`, true, 1, 0},
		{"berth-tenant-A", `{"topics":["a.*"]}`, true, 1, 0},
		{"berth-tenant-a", `{"topics":"a"}`, true, 0, 1},
		{"berth-tenant-a", `{"topics":["x","y"]}`, true, 2, 1},
		{"berth-tenant-a", `{"topics":["x","y"],"deleting":true}`, true, 2, 1},
		{"berth-tenant-a", "", false, 0, 1},
	} {
		record := &kgo.Record{Key: []byte(step.key), Offset: int64(i)}
		if step.value != "" {
			record.Value = []byte(step.value)
		}
		c.apply(record)
		tenant, known := c.snapshot().Tenants["a"]
		if known != step.known || len(tenant.Topics) != step.topics || known && tenant.Name != "a" ||
			tenant.Signatures.Required != (known && step.topics == 0) || len(c.events) != step.events ||
			len(c.tenants) > 1 {
			t.Errorf("after %s=%s: %+v, %v, events %v", step.key, step.value, tenant, known, c.events)
		}
		c.events = nil
	}
}

// What a tenant's connectors have in the topic is known by key, also of those that were deleted.
func TestKeysOfTenants(t *testing.T) {
	c := newConfigReader(slog.New(slog.DiscardHandler))
	keys := []string{"connector-a::x", "target-state-a::x", "task-a::x-0", "commit-a::x", "tasks-fencing-a::x",
		"restart-connector-a::x", "berth-shadow-a::x/t", "berth-shadow-a%3A%3Ay/t", "logger-cluster-berth.connector.a::x"}
	for i, key := range append(keys, "connector-x", "task-b::x-0") {
		c.apply(&kgo.Record{Key: []byte(key), Value: []byte(`{"properties":{},"tasks":1,"task-count":1}`), Offset: int64(i)})
	}
	c.apply(&kgo.Record{Key: []byte("connector-a::x")})
	if got := c.live["a"]; len(got) != len(keys)-1 || got["connector-a::x"] || !got["task-a::x-0"] {
		t.Errorf("the keys of a are %v", got)
	}
	for _, key := range keys {
		c.apply(&kgo.Record{Key: []byte(key)})
	}
	if got := c.live["a"]; len(got) != 0 || len(c.live["b"]) != 1 || len(c.live) != 2 {
		t.Errorf("the keys of a are %v, of all %v", got, c.live)
	}
	if owner, _ := host.SplitTenant("a::x"); owner != "a" {
		t.Errorf("a::x is %q's", owner)
	}
}
