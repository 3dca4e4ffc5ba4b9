package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Those steps must fail that are disputed, no others, and all must be played.
func TestUnexpectedOutcomes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "disputed.md")
	if err := os.WriteFile(file, []byte("# Why\n\n`a #1`, `b-c #12`, `e #1`\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		failed int
		steps  string
		want   string // of the lines
	}{
		{2, "a #1,b-c #12", ""},
		{1, "a #1", "b-c #12 is disputed"},
		{3, "a #1,b-c #12,d #1", "d #1 has failed"},
		{5, "a #1,b-c #12", "3 steps were not played"},
	} {
		played := count{passed: 1, failed: c.failed, failures: strings.Split(c.steps, ","), played: []string{"a", "b-c"}}
		lines, err := played.unexpected(file)
		said := strings.Join(lines, "; ")
		if err != nil || (said == "") != (c.want == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: got %q, %v, want %q", c.steps, said, err, c.want)
		}
	}
	if _, err := (count{}).unexpected(file + "x"); err == nil {
		t.Error("a file that is not there is no error")
	}
}
