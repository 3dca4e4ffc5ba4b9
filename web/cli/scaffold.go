package cli

import (
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
func (p Program) newPlugin(args []string, out io.Writer) error {
	flags := NewFlags("plugin new", strings.Join(pluginKinds, "|")+" NAME", out)
	language := flags.String("lang", "go", "go or rust")
	positional, err := ParseFlags(flags, args, 2, 2)
	if err != nil {
		return err
	}
	kind, dir := positional[0], positional[1]
	made := project{Name: filepath.Base(dir), Version: "0.1.0", Kind: kind, Golden: kind != "source" && kind != "sink",
		Test: map[string]string{"go": "go test ./...", "rust": "cargo test"}[*language]}
	made.Class = className(made.Name)
	switch {
	case !slices.Contains(pluginKinds, kind):
		return fmt.Errorf("there is no kind of plugin %q; it is one of %s", kind, strings.Join(pluginKinds, ", "))
	case !projectName.MatchString(made.Name):
		return fmt.Errorf("the name %q must be lower-case letters, digits and dashes, like my-transform", made.Name)
	case *language != "go" && *language != "rust":
		return fmt.Errorf("there is no SDK for %q; -lang is go or rust", *language)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already", dir)
	}
	if err := p.writeProject(dir, *language, made); err != nil {
		return fmt.Errorf("write the project: %w", err)
	}
	golden := ""
	if made.Golden {
		golden = fmt.Sprintf("  berth transform test -module %s.wasm testdata\n", made.Name)
	}
	_, err = fmt.Fprintf(out,
		"%s: a %s named %s\n\n  cd %s\n  %s\n  berth plugin build\n%s  berth plugin upload %s.wasm\n",
		dir, kind, made.Class, dir, made.Test, golden, made.Name)
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

func (p Program) writeProject(dir, language string, made project) error {
	for target, source := range projectFiles(language, made) {
		parsed, err := template.ParseFS(p.Sources, path.Join("guest-sdk/template", source))
		if err != nil {
			return err
		}
		var text strings.Builder
		if err := parsed.Execute(&text, made); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, target), []byte(text.String())); err != nil {
			return err
		}
	}
	return p.copySDK(filepath.Join(dir, sdkFolder), language)
}

// copySDK writes the sources that a project of a language builds against, without their tests: it builds offline, and
// never against another version than that of the worker it was made by.
func (p Program) copySDK(dir, language string) error {
	folders := []string{"guest-sdk/rust"}
	if language == "go" {
		folders = []string{"abi", "guest-sdk/go"}
		if err := writeFile(filepath.Join(dir, "go.mod"), []byte(sdkModule)); err != nil {
			return err
		}
	}
	for _, folder := range folders {
		if err := p.copyFolder(filepath.Join(dir, filepath.FromSlash(folder)), folder); err != nil {
			return err
		}
	}
	return nil
}

// copyFolder writes the sources of a folder, without their tests.
func (p Program) copyFolder(dir, folder string) error {
	return fs.WalkDir(p.Sources, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(p.Sources, name)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(name, folder))), text)
	})
}

func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}
