package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// source is the text of a page:
//
//	# Title
//	plugins: alias or class, … (none: a page about something else)
//
//	What it is for.
//
//	## A section, with examples as fenced blocks: one that begins with ```properties is a configuration,
//	and those that follow it and begin with ```json input or ```text input are what goes in.
type source struct {
	file    string
	title   string
	plugins []string
	lead    string
	parts   []section
}

type section struct {
	title  string
	pieces []piece // in turn
}

// piece is prose, or an example.
type piece struct {
	prose   string
	example *example
}

const fence = "```"

func readSources(dir string) ([]*source, error) {
	files, err := fs.Glob(os.DirFS(dir), "*.md")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no *.md", dir)
	}
	var all []*source
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		s, err := parseSource(file, string(text))
		if err != nil {
			return nil, fmt.Errorf("source/%s: %w", file, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parseSource(file, text string) (*source, error) {
	head, rest, _ := strings.Cut(text, "\n\n")
	title, plugins, _ := strings.Cut(head, "\n")
	s := &source{file: file, title: strings.TrimPrefix(title, "# ")}
	if s.title == title || strings.Contains(plugins, "\n") {
		return nil, fmt.Errorf(`it must begin with "# Title", then "plugins: …" or an empty line`)
	}
	if plugins != "" {
		list, found := strings.CutPrefix(plugins, "plugins: ")
		if !found {
			return nil, fmt.Errorf(`the second line must be empty or "plugins: alias, …", and is %q`, plugins)
		}
		s.plugins = strings.Split(list, ", ")
	}
	parts := strings.Split("\n"+rest, "\n## ")
	first := true
	s.lead = strings.TrimSpace(parts[0])
	for _, part := range parts[1:] {
		title, body, _ := strings.Cut(part, "\n")
		pieces, err := parsePieces(body)
		if err != nil {
			return nil, fmt.Errorf("section %q: %w", title, err)
		}
		for _, p := range pieces {
			if p.example != nil {
				p.example.first, first = first, false
			}
		}
		s.parts = append(s.parts, section{title, pieces})
	}
	return s, nil
}

// parsePieces takes a section apart: fenced blocks that are an example's become one, all else is prose.
func parsePieces(body string) ([]piece, error) {
	var pieces []piece
	blocks := strings.Split("\n"+body, "\n"+fence) // prose, block, prose, block, … each block with its info line
	if len(blocks)%2 == 0 {
		return nil, fmt.Errorf("a fenced block does not end")
	}
	for i, text := range blocks {
		if i%2 == 0 {
			if prose := strings.TrimSpace(text); prose != "" {
				pieces = append(pieces, piece{prose: prose})
			}
			continue
		}
		info, content, _ := strings.Cut(text, "\n")
		switch {
		case info == "properties":
			pieces = append(pieces, piece{example: &example{config: content}})
		case strings.HasSuffix(info, " input"):
			last := len(pieces) - 1
			if last < 0 || pieces[last].example == nil {
				return nil, fmt.Errorf("%q follows no configuration", info)
			}
			pieces[last].example.input = content
		default:
			pieces = append(pieces, piece{prose: fence + info + "\n" + content + "\n" + fence})
		}
	}
	return pieces, nil
}
