package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// sdk holds the sources that a plugin project builds against. They are written into each project, so that it builds
// offline and never with another version than the worker it was made by.
//
//go:embed abi/*.go guest-sdk/go guest-sdk/rust/Cargo.toml guest-sdk/rust/src guest-sdk/template
var sdk embed.FS

const sdkFolder = ".berth/sdk"

// sdkModule makes the copied Go sources a module of their own.
const sdkModule = "module github.com/berth-connect/berth\n\ngo 1.26.0\n"

var pluginKinds = []string{"source", "sink", "transform", "predicate", "converter"}

var projectName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// project is what the templates are filled with.
type project struct {
	Name, Class, Version string
	Kind, Test           string // what tests the code itself
	Golden               bool   // it is part of a chain, which has a golden file
}

// newPlugin is "berth plugin new": a project that builds and whose tests pass.
func newPlugin(args []string, out io.Writer) error {
	flags := newFlags("plugin new", strings.Join(pluginKinds, "|")+" NAME", out)
	language := flags.String("lang", "go", "go or rust")
	positional, err := parseFlags(flags, args, 2, 2)
	if err != nil {
		return err
	}
	kind, dir := positional[0], positional[1]
	p := project{Name: filepath.Base(dir), Version: "0.1.0", Kind: kind, Golden: kind != "source" && kind != "sink",
		Test: map[string]string{"go": "go test ./...", "rust": "cargo test"}[*language]}
	p.Class = className(p.Name)
	switch {
	case !slices.Contains(pluginKinds, kind):
		return fmt.Errorf("there is no kind of plugin %q; it is one of %s", kind, strings.Join(pluginKinds, ", "))
	case !projectName.MatchString(p.Name):
		return fmt.Errorf("the name %q must be lower-case letters, digits and dashes, like my-transform", p.Name)
	case *language != "go" && *language != "rust":
		return fmt.Errorf("there is no SDK for %q; -lang is go or rust", *language)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already", dir)
	}
	if err := writeProject(dir, *language, p); err != nil {
		return fmt.Errorf("write the project: %w", err)
	}
	golden := ""
	if p.Golden {
		golden = fmt.Sprintf("  berth transform test -module %s.wasm testdata\n", p.Name)
	}
	_, err = fmt.Fprintf(out,
		"%s: a %s named %s\n\n  cd %s\n  %s\n  berth plugin build\n%s  berth plugin upload %s.wasm\n",
		dir, kind, p.Class, dir, p.Test, golden, p.Name)
	return err
}

// className turns my-transform into MyTransform.
func className(name string) string {
	var class strings.Builder
	for part := range strings.SplitSeq(name, "-") {
		class.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return class.String()
}

// projectFiles maps the files of a project to their templates.
func projectFiles(language string, p project) map[string]string {
	files := map[string]string{"README.md": "README.md.tmpl"}
	if p.Golden {
		files[filepath.Join("testdata", p.Kind+goldenSuffix)] = p.Kind + goldenSuffix + ".tmpl"
	}
	own := map[string]string{
		"go.mod": "go.mod.tmpl", "main.go": p.Kind + ".go.tmpl", "main_test.go": p.Kind + "_test.go.tmpl",
		".gitignore": "gitignore.tmpl",
	}
	if language == "rust" {
		own = map[string]string{
			"Cargo.toml": "Cargo.toml.tmpl", "src/main.rs": p.Kind + ".rs.tmpl", ".gitignore": "gitignore.tmpl",
		}
	}
	for target, source := range own {
		files[target] = path.Join(language, source)
	}
	return files
}

func writeProject(dir, language string, p project) error {
	for target, source := range projectFiles(language, p) {
		parsed, err := template.ParseFS(sdk, path.Join("guest-sdk/template", source))
		if err != nil {
			return err
		}
		var text strings.Builder
		if err := parsed.Execute(&text, p); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, target), []byte(text.String())); err != nil {
			return err
		}
	}
	return copySDK(filepath.Join(dir, sdkFolder), language)
}

// copySDK writes the embedded sources for a language, without their tests.
func copySDK(dir, language string) error {
	folders := []string{"guest-sdk/rust"}
	if language == "go" {
		folders = []string{"abi", "guest-sdk/go"}
		if err := writeFile(filepath.Join(dir, "go.mod"), []byte(sdkModule)); err != nil {
			return err
		}
	}
	for _, folder := range folders {
		err := fs.WalkDir(sdk, folder, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := sdk.ReadFile(name)
			if err != nil {
				return err
			}
			return writeFile(filepath.Join(dir, filepath.FromSlash(name)), text)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}
