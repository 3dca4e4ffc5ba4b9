package host

import (
	"strings"
	"testing"
)

func TestNamesAreOfTheirTenant(t *testing.T) {
	for _, c := range []struct{ name, tenant, local string }{
		{"orders", "", "orders"},
		{"team-a::orders", "team-a", "orders"},
		{"team-a::a::b", "team-a", "a::b"},
		{"a:b", "", "a:b"},
		{"::orders", "", "::orders"},
		{"team-a::", "", "team-a::"},
		{"Team::orders", "", "Team::orders"},
		{"-a::orders", "", "-a::orders"},
		{"src->dst.Mirror", "", "src->dst.Mirror"},
		{strings.Repeat("a", TenantNameMax) + "::x", strings.Repeat("a", TenantNameMax), "x"},
		{strings.Repeat("a", TenantNameMax+1) + "::x", "", strings.Repeat("a", TenantNameMax+1) + "::x"},
	} {
		tenant, local := SplitTenant(c.name)
		if tenant != c.tenant || local != c.local {
			t.Errorf("%q is %q's %q, want %q's %q", c.name, tenant, local, c.tenant, c.local)
		}
		if joined := JoinTenant(tenant, local); joined != c.name {
			t.Errorf("%q became %q", c.name, joined)
		}
	}
}
