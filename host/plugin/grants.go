package plugin

import (
	"io"
	"slices"

	"github.com/berth-connect/berth/abi"
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

// grantedOf are those of a module's capabilities that this worker grants.
func (r *Registry) grantedOf(m *module) []string {
	return slices.DeleteFunc(slices.Clone(m.info.Capabilities), func(capability string) bool {
		switch capability {
		case abi.CapabilityFiles:
			return len(r.config.Grants.Dirs) == 0
		case abi.CapabilityStdio:
			return m.from != fromBundle || r.config.Grants.Stdin == nil
		case abi.CapabilitySchemaRegistry:
			return false
		case abi.CapabilityNet:
			return r.config.Grants.Network.Empty()
		}
		return true
	})
}

// Granted returns what an instance of a module gets whose stages ask for these capabilities. The worker's own standard
// input and output are for the bundled module only.
func (r *Registry) Granted(digest string, capabilities []string) engine.Config {
	c := engine.Config{Limits: r.config.Limits, TimeZone: r.config.TimeZone}
	m := r.module(digest)
	if slices.Contains(capabilities, abi.CapabilityFiles) {
		c.Dirs = r.config.Grants.Dirs
	}
	if slices.Contains(capabilities, abi.CapabilityNet) {
		c.Network = &network.Access{Policy: r.config.Grants.Network}
	}
	if m != nil && m.from == fromBundle && slices.Contains(capabilities, abi.CapabilityStdio) {
		c.Stdin, c.Stdout = r.config.Grants.Stdin, r.config.Grants.Stdout
	}
	return c
}
