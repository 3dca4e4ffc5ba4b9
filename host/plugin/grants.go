package plugin

import (
	"io"
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/engine"
)

// Grants is what the operator lets plugins reach. A plugin gets the part that its manifest asks for.
type Grants struct {
	Dirs   []string      // for abi.CapabilityFiles
	Stdin  *engine.Input // for abi.CapabilityStdio; nil: standard input is not granted
	Stdout io.Writer
}

// Engine returns the engine's part of an instance whose stages ask for these capabilities.
func (g Grants) Engine(capabilities []string) engine.Config {
	var c engine.Config
	if slices.Contains(capabilities, abi.CapabilityFiles) {
		c.Dirs = g.Dirs
	}
	if slices.Contains(capabilities, abi.CapabilityStdio) {
		c.Stdin, c.Stdout = g.Stdin, g.Stdout
	}
	return c
}
