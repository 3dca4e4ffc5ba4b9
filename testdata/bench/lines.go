package main

import (
	"bufio"
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

const lineBytes = 100

// appendLine appends line i: its number in 12 digits, then words picked by splitmix64 seeded with i, cut at 100 bytes.
// A line depends on i alone, so that every reader of a topic or file can say what must stand where.
func appendLine(dst []byte, i uint64) []byte {
	start := len(dst)
	dst = fmt.Appendf(dst, "%012d", i)
	state, bits := i, uint64(0)
	for word := 0; len(dst)-start < lineBytes; word++ {
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
	return dst[:start+lineBytes]
}

// writeLines writes n lines to a file.
func writeLines(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the input file: %w", err)
	}
	out := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for i := range uint64(n) {
		line = append(appendLine(line[:0], i), '\n')
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("write the input file: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the input file: %w", err)
	}
	return f.Close()
}
