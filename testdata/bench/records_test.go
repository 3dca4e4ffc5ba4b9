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
		name string
		text record
		n    int
		want string
	}{
		{"line100", line100, 1000, "75a021bf99ad4e657d5e34432d72317b0e418910466957caa039249effa4699a"},
		{"line100", line100, 1_000_000, "b7b3a507035d5732c440b409559846ae8380ddab73b8a5248f56dcd638605dda"},
		{"line1k", line1k, 1000, "a01e85a7c42a80a16b7409a05c26df71932d850b1f610c9d5675066c7d258634"},
		{"line1k", line1k, 1_000_000, "ef40c51a96b5cb90316c2cbe8f5b8790de839db1e1ce51b82bc7d34d24387d4e"},
		{"json316", json316, 1000, "8546ad3077ce998c14472ab76c49f9ecb74523f8d7933ebe479f2f0123d42134"},
		{"json316", json316, 1_000_000, "0f0269f58bb227e0b67d92ea2389a370f2345173ea635da1c9adf4088659802b"},
	} {
		sum := sha256.New()
		var line []byte
		for i := range uint64(c.n) {
			line = append(c.text(line[:0], i), '\n')
			sum.Write(line)
		}
		if got := fmt.Sprintf("%x", sum.Sum(nil)); got != c.want {
			t.Errorf("%d of %s: digest %s, want %s", c.n, c.name, got, c.want)
		}
	}
}

func TestComparingFindsEveryDifference(t *testing.T) {
	line := func(i uint64) string { return string(line100(nil, i)) + "\n" }
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
		if err := compareLines(path, 3, line100); (err == nil) != c.same {
			t.Errorf("%s: %v", name, err)
		}
	}
}
