package herder_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

func TestTenantsHaveRoomForTheirQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer b.stop()
		tenant := host.Tenant{Name: "a", Quota: host.Quota{Connectors: 2, Tasks: 4, ModuleBytes: 10}}
		if created, err := b.PutTenant(t.Context(), tenant); err != nil || !created {
			t.Fatalf("%v, %v", created, err)
		}
		for i := range 3 { // nobody else's count
			b.create(string(rune('p'+i)), "", "tasks.max", "9")
		}
		b.create("a::one", "", "tasks.max", "2")
		refused := func(what string, err error, says string) {
			t.Helper()
			if !errors.Is(err, herder.ErrForbidden) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want %q", what, err, says)
			}
		}
		config, err := b.Config(t.Context(), "a::one")
		if err != nil {
			t.Fatal(err)
		}
		two := func(tasks string) host.Config {
			other := host.Config{}
			for key, value := range config {
				other[key] = value
			}
			name := "two"
			other["name"], other["tasks.max"] = &name, &tasks
			return other
		}
		_, _, err = b.PutConfig(t.Context(), "a::two", two("3"))
		refused("three more tasks", err, "Tenant a would have 5 of quota.tasks=4; lower tasks.max")
		if _, _, err = b.PutConfig(t.Context(), "a::two", two("2")); err != nil {
			t.Error(err)
		}
		_, _, err = b.PutConfig(t.Context(), "a::three", two("1"))
		refused("a third connector", err, "Tenant a would have 3 of quota.connectors=2; delete a connector")
		tenant.Quota.Tasks = 1
		if created, err := b.PutTenant(t.Context(), tenant); err != nil || created {
			t.Errorf("%v, %v", created, err)
		}
		if _, _, err = b.PutConfig(t.Context(), "a::two", two("1")); err != nil {
			t.Errorf("fewer tasks, though still too many: %v", err)
		}
		_, _, err = b.AddModule(t.Context(), host.ModuleUpload{Tenant: "a", Name: "m", Wasm: []byte("\x00asm1234567")})
		refused("a large module", err, "Tenant a would have 11 of quota.module_bytes=10; delete a module")
	})
}

func TestDeletedTenantsHaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer b.stop()
		b.create("b::other", "")
		_, err := b.PutTenant(t.Context(), host.Tenant{Name: "a"})
		if !errors.Is(err, host.ErrConflict) || !strings.Contains(err.Error(), "the connector(s) b::other first") {
			t.Fatalf("with a connector of that form: %v", err)
		}
		if err := b.Delete(t.Context(), "b::other"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.PutTenant(t.Context(), host.Tenant{Name: "a"}); err != nil {
			t.Fatal(err)
		}
		b.create("a::one", "")
		b.create("one", "")
		err = b.DeleteTenant(t.Context(), "a", false)
		if !errors.Is(err, host.ErrConflict) || !strings.Contains(err.Error(), "still has the connector(s) one;") {
			t.Errorf("with a connector: %v", err)
		}
		if err := b.DeleteTenant(t.Context(), "a", true); err != nil {
			t.Fatal(err)
		}
		if names, err := b.Connectors(t.Context()); err != nil || strings.Join(names, ",") != "one" {
			t.Errorf("left: %v, %v", names, err)
		}
		if err := b.DeleteTenant(t.Context(), "a", true); !errors.Is(err, host.ErrNotFound) {
			t.Errorf("once more: %v", err)
		}
	})
}
