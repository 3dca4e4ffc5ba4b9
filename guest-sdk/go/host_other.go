//go:build !wasip1

package guest

import (
	"fmt"
	"os"
)

// Run is the main function of a module; outside of one there is no host to run on. guesttest has one for tests.
func Run(plugins ...Plugin) {
	for _, p := range plugins {
		fmt.Fprintf(os.Stderr, "%s %s\n", p.Class, p.Version)
	}
	fmt.Fprintln(os.Stderr, "these plugins run in a Berth worker: build this program with GOOS=wasip1 GOARCH=wasm")
	os.Exit(2)
}
