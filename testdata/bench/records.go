package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
)

var lineWords = [64]string{
	"amber", "anchor", "april", "arrow", "autumn", "basin", "beacon", "birch", "bolt", "breeze", "bridge", "cabin",
	"canal", "cargo", "cedar", "chart", "cliff", "cloud", "coast", "copper", "coral", "crane", "delta", "dock",
	"dune", "ember", "ferry", "field", "fjord", "flint", "gale", "garden", "glass", "grain", "harbor", "hazel",
	"helm", "inlet", "iron", "island", "jetty", "keel", "lagoon", "lantern", "ledger", "mast", "meadow", "mist",
	"north", "oak", "ocean", "pier", "pine", "quay", "reef", "ridge", "river", "sail", "shore", "stone", "tide",
	"timber", "vessel", "wharf",
}

// appendLine appends line i: its number in 12 digits, then words picked by splitmix64 seeded with i, cut at size bytes.
// A line depends on i alone, so that every reader of a topic or file can say what must stand where.
func appendLine(dst []byte, i uint64, size int) []byte {
	start := len(dst)
	dst = fmt.Appendf(dst, "%012d", i)
	state, bits := i, uint64(0)
	for word := 0; len(dst)-start < size; word++ {
		if word%10 == 0 { // 60 of the 64 random bits make ten words
			state += 0x9E3779B97F4A7C15
			bits = state
			bits = (bits ^ bits>>30) * 0xBF58476D1CE4E5B9
			bits = (bits ^ bits>>27) * 0x94D049BB133111EB
			bits ^= bits >> 31
		}
		dst = append(dst, ' ')
		dst = append(dst, lineWords[bits%64]...)
		bits /= 64
	}
	return dst[:start+size]
}

// writeLines writes n lines to a file.
func writeLines(path string, n, size int) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the input file: %w", err)
	}
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for i := range uint64(n) {
		line = append(appendLine(line[:0], i, size), '\n')
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("write the input file: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the input file: %w", err)
	}
	return nil
}

// compareLines reads the n lines of a file and reports the first that is not the generator's: a duplicate, a gap, a
// change.
func compareLines(path string, n, size int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	var want []byte
	next := uint64(0)
	for ; lines.Scan(); next++ {
		if want = appendLine(want[:0], next, size); !bytes.Equal(want, lines.Bytes()) {
			return fmt.Errorf("%s, line %d: %q instead of %q", path, next+1, lines.Bytes(), want)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if next != uint64(n) {
		return fmt.Errorf("%s holds %d lines, not %d", path, next, n)
	}
	return nil
}
