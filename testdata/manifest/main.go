// Command manifest writes what a module says of itself to a file, for modules/build.sh: manifest MODULE.wasm FILE.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/guest"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: manifest MODULE.wasm FILE")
		os.Exit(2)
	}
	if err := write(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "manifest:", err)
		os.Exit(1)
	}
}

func write(ctx context.Context, module, file string) (err error) {
	wasm, err := os.ReadFile(module)
	if err != nil {
		return err
	}
	e, err := engine.Open(ctx, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close(ctx)) }()
	code, err := e.Compile(ctx, wasm, "module")
	if err != nil {
		return err
	}
	manifest, err := guest.Describe(ctx, code, guest.Options{Log: slog.Default()})
	if err != nil {
		return err
	}
	return os.WriteFile(file, manifest.Encode(), 0o644)
}
