// Package cli holds the commands of berth that are not a worker: they build and test plugins and ask running workers
// over REST; and what all commands share: options, properties files, signals.
package cli

import (
	"context"
	"io"
	"io/fs"

	"github.com/berth-connect/berth/host/plugin"
)

// Command is a sub-command; Run gets the arguments behind its name.
type Command struct {
	Name, Arguments, Does string
	Run                   func(args []string, out io.Writer) error
}

// Program is what the commands need of the program that they are part of.
type Program struct {
	Sources    fs.FS             // abi, guest-sdk and guests of testdata by their paths in the repository
	Bundle     []plugin.Bundled  // the modules in the program
	Properties map[string]string // those of a worker for development
	// Dev runs "berth dev" until ctx ends, logging to log.
	Dev func(ctx context.Context, o DevOptions, log io.Writer) error
}

// DevOptions are those of "berth dev" that the scenes set.
type DevOptions struct {
	Data, Listeners string
	KafkaPort       int
}

// Commands are in the order of "berth help".
func (p Program) Commands() []Command {
	return []Command{
		{"plugin", "new KIND NAME [-lang go|rust]", "start a plugin project", p.runPlugin},
		{"plugin", "build [DIR]", "compile it to a .wasm module", p.runPlugin},
		{"plugin", "inspect FILE.wasm", "what a module provides and asks for", p.runPlugin},
		{"plugin", "sign|verify FILE.wasm -key FILE.pem", "a module's signature", p.runPlugin},
		{"plugin", "upload FILE.wasm [-url URL]", "upload a module to a running worker", p.runPlugin},
		{"plugin", "ls [-url URL] [-json]", "the plugins in this program, or those of a running worker", p.runPlugin},
		{"plugin", "show|get|rm NAME VERSION [-url URL]", "one module of a running worker", p.runPlugin},
		{"preview", "-config FILE [-records FILE | -topic T]", "what a chain makes of records, stage by stage", runPreview},
		{"transform", "test [-module FILE.wasm] DIR|FILE …", "play golden files of chains, without Kafka", p.runTransform},
		{"usage", "[-url URL] [-tenant NAME] [-json]", "what tenants, connectors and plugins of a worker used", runUsage},
		{"scene", "upload|swap|amok", "a claim of the README, shown and proven on a worker of its own", p.runScene},
		{"swap", "CONNECTOR ALIAS VERSION | -rollback CONNECTOR ALIAS", "another version in running tasks", runSwap},
		{"shadow", "CONNECTOR ALIAS [VERSION] | -promote|-end …", "a candidate beside a live transformation", runShadow},
		{"tenant", "ls|show NAME|put NAME FILE|rm NAME [-url URL]", "the tenants of running workers", runTenant},
	}
}
