package plugin

import (
	"slices"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
)

func TestTenantsHaveAPartOfTheGrants(t *testing.T) {
	reachable, err := network.ParsePolicy([]string{"*.example.com:443", "db.example.com:5432"})
	if err != nil {
		t.Fatal(err)
	}
	all := Grants{Dirs: []string{"/data", "/shared/in"}, Network: reachable}
	own := all.of(host.Tenant{Name: "a", Directories: []string{"/data/a", "/shared", "/etc", "/database"},
		Network: []string{"api.example.com:443", "evil.org:443", "db.example.com:1-65535"}})
	if !slices.Equal(own.Dirs, []string{"/data/a", "/shared/in"}) || own.Stdin != nil {
		t.Errorf("the tenant's folders are %v", own.Dirs)
	}
	for _, c := range []struct {
		name    string
		port    uint16
		allowed bool
	}{
		{"api.example.com", 443, true}, {"www.example.com", 443, false}, {"evil.org", 443, false},
		{"db.example.com", 5432, true}, {"db.example.com", 22, false}, {"10.0.0.1", 443, false},
	} {
		if err := own.Network.Check(c.name, c.port); (err == nil) != c.allowed {
			t.Errorf("%s:%d: %v", c.name, c.port, err)
		}
	}
	for name, tenant := range map[string]host.Tenant{"nothing": {Name: "a"}, "a bad record": {Name: "a",
		Network: []string{"no port"}}} {
		none := all.of(tenant)
		if len(none.Dirs) > 0 || !none.Network.Empty() || none.Network.Check("api.example.com", 443) == nil {
			t.Errorf("of %s a tenant has %+v", name, none)
		}
	}
	if same := all.of(host.Tenant{}); !slices.Equal(same.Dirs, all.Dirs) || same.Network != all.Network {
		t.Error("the default tenant has not all of the grants")
	}
}
