package main

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// The digests are those of the workload's definition: same figures need the same bytes.
func TestLinesAreTheWorkloads(t *testing.T) {
	for n, want := range map[int]string{
		1000:      "75a021bf99ad4e657d5e34432d72317b0e418910466957caa039249effa4699a",
		1_000_000: "b7b3a507035d5732c440b409559846ae8380ddab73b8a5248f56dcd638605dda",
	} {
		sum := sha256.New()
		var line []byte
		for i := range uint64(n) {
			line = append(appendLine(line[:0], i), '\n')
			sum.Write(line)
		}
		if got := fmt.Sprintf("%x", sum.Sum(nil)); got != want {
			t.Errorf("%d lines: digest %s, want %s", n, got, want)
		}
	}
}
