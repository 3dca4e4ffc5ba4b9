// Command berth is a Kafka Connect worker that runs every connector, converter and transformation as a WebAssembly
// module in its own sandbox.
package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/berth-connect/berth/web/cli"
)

func commands() []cli.Command {
	workers := []cli.Command{
		{Name: "dev", Arguments: "[-data DIR] [-allow-dir DIR]", Does: "broker, worker and REST API in one process",
			Run: runDev},
		{Name: "worker", Arguments: "-c FILE", Does: "a worker beside an existing Kafka", Run: runWorker},
		{Name: "standalone", Arguments: "WORKER.properties [CONNECTOR …]",
			Does: "one worker by itself, connectors from files", Run: runStandalone},
	}
	others := cli.Program{Sources: sources, Bundle: bundle(), Properties: devDefaults(""), Dev: runQuietDev}.Commands()
	return slices.Concat(workers, others, []cli.Command{{Name: "version", Does: "print the version", Run: printVersion}})
}

// sources are what plugin projects and scenes are made from.
//
//go:embed abi/*.go guest-sdk/go guest-sdk/rust/Cargo.toml guest-sdk/rust/src guest-sdk/template
//go:embed testdata/guests/stamp/*.go testdata/guests/hostile/*.go
var sources embed.FS

func main() {
	spareProcessor()
	err := dispatch(os.Args[1:], os.Stdout)
	if err == nil {
		return
	}
	if !errors.Is(err, cli.ErrUsage) {
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
		if c.Name == name {
			return c.Run(args, out)
		}
	}
	return fmt.Errorf("there is no command %q; berth help lists them", name)
}

func printHelp(out io.Writer) {
	fmt.Fprint(out, "berth: Kafka Connect with every plugin in a WebAssembly sandbox\n\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-52s %s\n", strings.TrimSpace("berth "+c.Name+" "+c.Arguments), c.Does)
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
