package plugin

import (
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/network"
)

// Grants is what the operator lets plugins reach. A plugin gets the part that its manifest asks for.
type Grants struct {
	Dirs   []string      // for abi.CapabilityFiles
	Stdin  *engine.Input // for abi.CapabilityStdio; nil: standard input is not granted
	Stdout io.Writer

	Network *network.Policy // for abi.CapabilityNet; nil: nothing is granted
}

// of is the part of the grants that a tenant has. Standard input and output are the default tenant's alone.
func (g Grants) of(tenant host.Tenant) Grants {
	if tenant.IsDefault() {
		return g
	}
	own, err := network.ParsePolicy(tenant.Network)
	if err != nil {
		own = nil // refused when the record was written
	}
	return Grants{Dirs: common(g.Dirs, tenant.Directories), Network: own.Within(g.Network)}
}

// common are the folders that lie in one of each list.
func common(some, others []string) []string {
	var all []string
	add := func(dir string, list []string) {
		if slices.ContainsFunc(list, func(outer string) bool { return within(dir, outer) }) && !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	for _, dir := range others {
		add(dir, some)
	}
	for _, dir := range some {
		add(dir, others)
	}
	return all
}

func within(dir, outer string) bool {
	dir, outer = filepath.Clean(dir), filepath.Clean(outer)
	return dir == outer || outer == "/" || strings.HasPrefix(dir, outer+"/")
}

// grants are those of the view's tenant; one whose record is gone has none.
func (r View) grants() Grants {
	if r.tenant == "" || r.config.Tenants == nil {
		return r.config.Grants
	}
	tenant, _ := r.config.Tenants.Tenant(r.tenant)
	tenant.Name = r.tenant
	return r.config.Grants.of(tenant)
}

// grantedOf are those of a module's capabilities that the tenant is granted.
func (r View) grantedOf(m *module) []string {
	grants := r.grants()
	return slices.DeleteFunc(slices.Clone(m.info.Capabilities), func(capability string) bool {
		switch capability {
		case abi.CapabilityFiles:
			return len(grants.Dirs) == 0
		case abi.CapabilityStdio:
			return m.from != fromBundle || grants.Stdin == nil
		case abi.CapabilitySchemaRegistry:
			return false
		case abi.CapabilityNet:
			return grants.Network.Empty()
		}
		return true
	})
}

// Granted returns what an instance of a module gets whose stages ask for these capabilities. The worker's own standard
// input and output are for the bundled module only.
func (r View) Granted(digest string, capabilities []string) engine.Config {
	c := engine.Config{Limits: r.config.Limits, TimeZone: r.config.TimeZone}
	m, grants := r.module(digest), r.grants()
	if slices.Contains(capabilities, abi.CapabilityFiles) {
		c.Dirs = grants.Dirs
	}
	if slices.Contains(capabilities, abi.CapabilityNet) {
		c.Network = &network.Access{Policy: grants.Network}
	}
	if m != nil && m.from == fromBundle && slices.Contains(capabilities, abi.CapabilityStdio) {
		c.Stdin, c.Stdout = grants.Stdin, grants.Stdout
	}
	return c
}
