package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/plugin"
)

// runPlugin is "berth plugin …": what a plugin's author does, from an empty folder to a running cluster.
func (p Program) runPlugin(args []string, out io.Writer) error {
	steps := map[string]func([]string, io.Writer) error{
		"new": p.newPlugin, "build": buildPlugin, "inspect": inspectPlugin, "sign": signPlugin, "verify": verifyPlugin,
		"upload": uploadPlugin, "push": uploadPlugin, "ls": p.lsPlugins, "show": showPlugin, "get": getPlugin,
		"rm": removePlugin,
	}
	if len(args) > 0 {
		if step, found := steps[args[0]]; found {
			return step(args[1:], out)
		}
	}
	return fmt.Errorf("berth plugin takes new, build, inspect, sign, verify, upload, ls, show, get or rm, each with -h " +
		"for its options")
}

// buildPlugin compiles the project in a folder to one .wasm file: Rust when there is a Cargo.toml, else Go.
func buildPlugin(args []string, out io.Writer) error {
	flags := NewFlags("plugin build", "[DIR]", out)
	target := flags.String("o", "", "the file to write; by default NAME.wasm in the folder, which is named NAME")
	positional, err := ParseFlags(flags, args, 0, 1)
	if err != nil {
		return err
	}
	dir := "."
	if len(positional) == 1 {
		dir = positional[0]
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if *target == "" {
		*target = filepath.Join(dir, filepath.Base(dir)+".wasm")
	}
	if *target, err = filepath.Abs(*target); err != nil {
		return err
	}
	build := buildGo
	if _, err := os.Stat(filepath.Join(dir, "Cargo.toml")); err == nil {
		build = buildRust
	}
	if err := build(dir, *target); err != nil {
		return err
	}
	info, err := os.Stat(*target)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %d KiB\n", *target, info.Size()>>10)
	return err
}

func buildGo(dir, target string) error {
	return runTool(dir, []string{"GOOS=wasip1", "GOARCH=wasm"}, "go", "build", "-trimpath", "-ldflags=-s -w",
		"-o", target, ".")
}

const rustTarget = "wasm32-wasip1"

// buildRust builds the release binary. A tool chain without the target's standard library can be told by environment
// variables to build it (CARGO_UNSTABLE_BUILD_STD); otherwise cargo's own message says what is missing.
func buildRust(dir, target string) error {
	if err := runTool(dir, nil, "cargo", "build", "--release", "--target", rustTarget); err != nil {
		return fmt.Errorf("%w; if the target is missing: rustup target add %s", err, rustTarget)
	}
	folder := os.Getenv("CARGO_TARGET_DIR")
	if folder == "" {
		folder = filepath.Join(dir, "target")
	}
	built, err := filepath.Glob(filepath.Join(folder, rustTarget, "release", "*.wasm"))
	if err != nil {
		return err
	}
	if len(built) != 1 {
		return fmt.Errorf("cargo built %d modules in %s; a plugin project has one binary", len(built), folder)
	}
	module, err := os.ReadFile(built[0])
	if err != nil {
		return fmt.Errorf("take the built module: %w", err)
	}
	return os.WriteFile(target, module, 0o644)
}

// runTool runs a compiler in dir and shows what it says when it fails.
func runTool(dir string, environment []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), environment...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(said))
	}
	return nil
}

// inspectPlugin tells what a module provides, as a worker would see it, by running it in the same sandbox.
func inspectPlugin(args []string, out io.Writer) error {
	positional, err := ParseFlags(NewFlags("plugin inspect", "FILE.wasm", out), args, 1, 1)
	if err != nil {
		return err
	}
	module, err := os.ReadFile(positional[0])
	if err != nil {
		return err
	}
	ctx := context.Background()
	e, err := engine.Open(ctx, "")
	if err != nil {
		return err
	}
	registry := plugin.New(plugin.Config{Log: slog.New(slog.DiscardHandler)}, e)
	if err := registry.Load(ctx); err != nil {
		return errors.Join(err, e.Close(ctx))
	}
	info, _, err := registry.Add(ctx, host.ModuleUpload{Name: filepath.Base(positional[0]), Wasm: module})
	if err != nil {
		return errors.Join(err, e.Close(ctx))
	}
	printModule(out, info)
	for _, p := range info.Plugins {
		described, err := registry.Find(p.Class, p.Version, abiKinds...)
		if err != nil {
			return errors.Join(err, e.Close(ctx))
		}
		printPlugin(out, p, described.Config.Keys)
	}
	return e.Close(ctx)
}

var abiKinds = []string{abi.KindSource, abi.KindSink, abi.KindTransform, abi.KindPredicate, abi.KindConverter,
	abi.KindHeaderConverter}

func printModule(out io.Writer, m host.ModuleInfo) {
	fmt.Fprintf(out, "module        %s\ndigest        sha256:%s\nsize          %d KiB\nsdk           %s\n",
		m.Name, m.Digest, m.SizeBytes>>10, m.SDK)
	fmt.Fprintf(out, "capabilities  %s\n", cmp.Or(strings.Join(m.Capabilities, ", "), "none"))
	for _, g := range m.Grants {
		if !g.Whole {
			fmt.Fprintf(out, "              of %s alone %s\n", g.Capability, cmp.Or(strings.Join(g.Needs, ", "), "nothing"))
		}
	}
}

func printPlugin(out io.Writer, p host.PluginInfo, keys []abi.ConfigKey) {
	fmt.Fprintf(out, "\n%s %s %s\n", p.Kind, p.Class, p.Version)
	if len(p.Aliases) > 0 {
		fmt.Fprintf(out, "  also %s\n", strings.Join(p.Aliases, ", "))
	}
	if p.Doc != "" {
		fmt.Fprintf(out, "  %s\n", p.Doc)
	}
	for _, key := range keys {
		need := "required"
		if key.HasDefault {
			need = "not set"
			if key.Default != nil {
				need = fmt.Sprintf("default %q", *key.Default)
			}
		}
		if valid := key.ValidValues(); valid != "" {
			need += ", " + valid
		}
		fmt.Fprintf(out, "  %-24s %-8s %-16s %s\n", key.Name, strings.ToLower(string(key.Type)), need, key.Doc)
	}
}
