package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// vector is one recorded call of Kafka Connect with its result.
type vector struct {
	file    string // name of the file, without .jsonl
	line    string
	members object
}

func (v *vector) text(member string) string { return textOf(v.members[member]) }

// utc is the default zone of vectors that name none.
const utc = "UTC"

// zone is the default zone of the JVM that answered.
func (v *vector) zone() string { return cmp.Or(v.text("tz"), utc) }

// zonesOf lists the default zones of vectors, and UTC.
func zonesOf(all []*vector) []string {
	zones := []string{utc}
	for _, v := range all {
		if !slices.Contains(zones, v.zone()) {
			zones = append(zones, v.zone())
		}
	}
	return zones
}

// lineBytesMax bounds a line of a file of vectors.
const lineBytesMax = 64 << 20

// readVectors reads every *.jsonl of a folder, by name.
func readVectors(dir string) ([]*vector, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no *.jsonl in %s; DIR= names the folder of the vectors", dir)
	}
	var all []*vector
	for _, file := range files {
		if all, err = readFile(all, file); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readFile(all []*vector, path string) ([]*vector, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, lineBytesMax)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		v, err := parseVector(strings.TrimSuffix(filepath.Base(path), ".jsonl"), lines.Text())
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

func parseVector(file, line string) (*vector, error) {
	v := &vector{file: file, line: line}
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&v.members); err != nil {
		return nil, err
	}
	if v.text("id") == "" || v.members["result"] == nil {
		return nil, fmt.Errorf("a vector has an id and a result")
	}
	return v, nil
}
