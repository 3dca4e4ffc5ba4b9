package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A case that differs, one that breaks the program and a line that is no JSON fail; the rest is still played.
func TestFailuresAreTold(t *testing.T) {
	dir := t.TempDir()
	lines := `{"id":1,"kind":"protocol_version","version":2,"mode":"sessioned"}
{"id":2,"kind":"protocol_version","version":2,"mode":"eager"}
{"id":3,"kind":"metadata","direction":"decode","hex":"00"}
{"id":4,
`
	if err := os.WriteFile(filepath.Join(dir, "protocol.jsonl"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	asExpected, err := run(options{dir: dir, out: &out, notes: io.Discard})
	if err != nil || asExpected || !strings.HasSuffix(out.String(), "1 passed, 3 failed\n") {
		t.Errorf("as expected: %t, %v:\n%s", asExpected, err, out.String())
	}
	for _, id := range []string{"protocol.jsonl 2: ", "protocol.jsonl 3: ", "protocol.jsonl ?: "} {
		if !strings.Contains(out.String(), id) {
			t.Errorf("no line begins with %q:\n%s", id, out.String())
		}
	}
}

// Those cases must fail that are disputed, and no others.
func TestDisputedCasesMustFail(t *testing.T) {
	dir := t.TempDir()
	lines := `{"id":1,"kind":"protocol_version","version":2,"mode":"sessioned"}
{"id":2,"kind":"protocol_version","version":2,"mode":"eager"}
`
	disputed := filepath.Join(dir, "disputed.md")
	for text, want := range map[string]bool{
		"`protocol 2`, for a reason": true, "`protocol 1`, `protocol 2`": false, "none": false,
	} {
		err := errors.Join(os.WriteFile(filepath.Join(dir, "protocol.jsonl"), []byte(lines), 0o600),
			os.WriteFile(disputed, []byte(text), 0o600))
		if err != nil {
			t.Fatal(err)
		}
		got, err := run(options{dir: dir, disputed: disputed, out: io.Discard, notes: io.Discard})
		if err != nil || got != want {
			t.Errorf("%s: as expected is %t, %v", text, got, err)
		}
	}
}

func TestFolderWithoutRecordings(t *testing.T) {
	if _, err := run(options{dir: t.TempDir(), out: io.Discard, notes: io.Discard}); err == nil {
		t.Error("an empty folder is no error")
	}
}

func TestOutcomesOfSubtests(t *testing.T) {
	printed := `{"Action":"run","Test":"TestA"}
{"Action":"output","Test":"TestA/1_x","Output":"=== RUN   TestA/1_x\n"}
{"Action":"pass","Test":"TestA/1_x"}
{"Action":"output","Test":"TestA/2","Output":"    a_test.go:1: offset = 3, want 4\n"}
{"Action":"fail","Test":"TestA/2"}
{"Action":"fail","Test":"TestA"}
`
	got := readEvents([]byte(printed))
	want := []outcome{{"1_x", ""}, {"2", "a_test.go:1: offset = 3, want 4 (failed)"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}
