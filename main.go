// Command berth is a Kafka Connect worker that runs every connector, converter and transformation as a WebAssembly
// module in its own sandbox.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// command is a sub-command; run gets the arguments behind its name.
type command struct {
	name, arguments, does string
	run                   func(args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"dev", "[-data DIR] [-allow-dir DIR]", "broker, worker and REST API in one process", runDev},
		{"worker", "-c FILE", "a worker beside an existing Kafka", runWorker},
		{"standalone", "WORKER.properties [CONNECTOR …]", "one worker by itself, connectors from files", runStandalone},
		{"plugin", "new KIND NAME [-lang go|rust]", "start a plugin project", runPlugin},
		{"plugin", "build [DIR]", "compile it to a .wasm module", runPlugin},
		{"plugin", "inspect FILE.wasm", "what a module provides and asks for", runPlugin},
		{"plugin", "sign|verify FILE.wasm -key FILE.pem", "a module's signature", runPlugin},
		{"plugin", "upload FILE.wasm [-url URL]", "upload a module to a running worker", runPlugin},
		{"plugin", "ls [-url URL] [-json]", "the plugins in this program, or those of a running worker", runPlugin},
		{"plugin", "show|get|rm NAME VERSION [-url URL]", "one module of a running worker", runPlugin},
		{"preview", "-config FILE [-records FILE | -topic T]", "what a chain makes of records, stage by stage", runPreview},
		{"transform", "test [-module FILE.wasm] DIR|FILE …", "play golden files of chains, without Kafka", runTransform},
		{"usage", "[-url URL] [-tenant NAME] [-json]", "what tenants, connectors and plugins of a worker used", runUsage},
		{"scene", "upload|swap|amok", "a claim of the README, shown and proven on a worker of its own", runScene},
		{"swap", "CONNECTOR ALIAS VERSION | -rollback CONNECTOR ALIAS", "another version in running tasks", runSwap},
		{"shadow", "CONNECTOR ALIAS [VERSION] | -promote|-end …", "a candidate beside a live transformation", runShadow},
		{"tenant", "ls|show NAME|put NAME FILE|rm NAME [-url URL]", "the tenants of running workers", runTenant},
		{"version", "", "print the version", printVersion},
	}
}

func main() {
	spareProcessor()
	err := dispatch(os.Args[1:], os.Stdout)
	if err == nil {
		return
	}
	if !errors.Is(err, errUsage) {
		fmt.Fprintln(os.Stderr, "berth:", err)
	}
	os.Exit(1)
}

// spareProcessor lets Go run one thread more than there are cores. The engine lets only as many guests compute for
// long as there are cores, so that timers, network and REST always find a thread, and the system's scheduler a fair
// share for it. A GOMAXPROCS that the user sets is left alone.
func spareProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

func dispatch(args []string, out io.Writer) error {
	name := "help"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	if name == "help" || name == "-h" || name == "--help" {
		printHelp(out)
		return nil
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(args, out)
		}
	}
	return fmt.Errorf("there is no command %q; berth help lists them", name)
}

func printHelp(out io.Writer) {
	fmt.Fprint(out, "berth: Kafka Connect with every plugin in a WebAssembly sandbox\n\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-52s %s\n", strings.TrimSpace("berth "+c.name+" "+c.arguments), c.does)
	}
	fmt.Fprintln(out, "\nberth COMMAND -h explains the options of a command.")
}

// version is what the worker reports at GET / and berth version prints; a release build sets it with -ldflags -X.
var version = "0.1.0"

func printVersion(_ []string, out io.Writer) error {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value
			}
		}
	}
	_, err := fmt.Fprintf(out, "berth %s%s %s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
