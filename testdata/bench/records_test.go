package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// The digests are those of the workload's definition: same figures need the same bytes.
func TestLinesAreTheWorkloads(t *testing.T) {
	for _, c := range []struct {
		size, n int
		want    string
	}{
		{100, 1000, "75a021bf99ad4e657d5e34432d72317b0e418910466957caa039249effa4699a"},
		{100, 1_000_000, "b7b3a507035d5732c440b409559846ae8380ddab73b8a5248f56dcd638605dda"},
		{1024, 1000, "a01e85a7c42a80a16b7409a05c26df71932d850b1f610c9d5675066c7d258634"},
		{1024, 1_000_000, "ef40c51a96b5cb90316c2cbe8f5b8790de839db1e1ce51b82bc7d34d24387d4e"},
	} {
		sum := sha256.New()
		var line []byte
		for i := range uint64(c.n) {
			line = append(appendLine(line[:0], i, c.size), '\n')
			sum.Write(line)
		}
		if got := fmt.Sprintf("%x", sum.Sum(nil)); got != c.want {
			t.Errorf("%d lines of %d bytes: digest %s, want %s", c.n, c.size, got, c.want)
		}
	}
}

func TestComparingFindsEveryDifference(t *testing.T) {
	line := func(i uint64) string { return string(appendLine(nil, i, 100)) + "\n" }
	for name, c := range map[string]struct {
		text string
		same bool
	}{
		"the same":     {line(0) + line(1) + line(2), true},
		"a duplicate":  {line(0) + line(1) + line(1) + line(2), false},
		"a gap":        {line(0) + line(2), false},
		"out of order": {line(1) + line(0) + line(2), false},
		"a line more":  {line(0) + line(1) + line(2) + line(3), false},
		"a line less":  {line(0) + line(1), false},
		"half a line":  {line(0) + line(1) + line(2)[:50], false},
	} {
		path := filepath.Join(t.TempDir(), "lines")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := compareLines(path, 3, 100); (err == nil) != c.same {
			t.Errorf("%s: %v", name, err)
		}
	}
}
