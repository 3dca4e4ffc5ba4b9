// Program docs makes the pages about the bundled plugins, modules/docs/*.md, from the texts in modules/docs/source:
//
//	docs [-check] MODULES
//
// A text has the prose and the examples of a page; names and tables of keys come from what the worker answers at
// GET /connector-plugins/{plugin}/config. Every example is run through a worker's stages and what came out becomes part
// of the page, so -check, which writes nothing and fails if a page would change, finds examples that work no longer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	flags := flag.NewFlagSet("docs", flag.ExitOnError)
	check := flags.Bool("check", false, "write nothing; fail if a page would change")
	_ = flags.Parse(os.Args[1:]) // it exits on errors
	if flags.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: docs [-check] MODULES, the folder with the built modules and docs/source")
		os.Exit(2)
	}
	finish := write
	if *check {
		finish = compare
	}
	pages, err := render(context.Background(), flags.Arg(0))
	if err == nil {
		err = finish(filepath.Join(flags.Arg(0), "docs"), pages)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

// render makes all pages: their texts by the names of their files.
func render(ctx context.Context, modules string) (map[string]string, error) {
	sources, err := readSources(filepath.Join(modules, "docs", "source"))
	if err != nil {
		return nil, err
	}
	runner, err := newRunner(ctx, modules)
	if err != nil {
		return nil, err
	}
	defer runner.close()
	site := newSite(runner.worker, runner.registry, sources)
	if err := site.checkCoverage(); err != nil {
		return nil, err
	}
	pages := map[string]string{}
	for _, s := range sources {
		if pages[s.file], err = site.page(ctx, s, runner.run); err != nil {
			return nil, fmt.Errorf("source/%s: %w", s.file, err)
		}
	}
	return pages, nil
}

// write brings the folder up to date; pages without a source go.
func write(dir string, pages map[string]string) error {
	old, err := readPages(dir)
	if err != nil {
		return err
	}
	for file := range old {
		if _, has := pages[file]; !has {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				return err
			}
		}
	}
	for file, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func readPages(dir string) (map[string]string, error) {
	files, err := fs.Glob(os.DirFS(dir), "*.md")
	if err != nil {
		return nil, err
	}
	pages := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		pages[file] = string(text)
	}
	return pages, nil
}

// compare names what write would change.
func compare(dir string, pages map[string]string) error {
	old, err := readPages(dir)
	if err != nil {
		return err
	}
	var problems []error
	for _, file := range slices.Sorted(maps.Keys(pages)) {
		if line := firstDifference(old[file], pages[file]); line != "" {
			problems = append(problems, fmt.Errorf("%s is not up to date, run make docs; %s",
				filepath.Join(dir, file), line))
		}
		delete(old, file)
	}
	for _, file := range slices.Sorted(maps.Keys(old)) {
		problems = append(problems, fmt.Errorf("%s has no source, run make docs", filepath.Join(dir, file)))
	}
	return errors.Join(problems...)
}
