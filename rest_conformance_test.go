package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// conformance is the folder with what the Java worker answered.
func conformance(t *testing.T, parts ...string) string {
	t.Helper()
	dir := os.Getenv("BERTH_CONFORMANCE")
	if dir == "" {
		dir = filepath.Join("..", "shared", "conformance")
	}
	path := filepath.Join(append([]string{dir}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the recordings of Kafka Connect are missing: %v; set BERTH_CONFORMANCE to their folder", err)
	}
	return path
}

// wholeScenarios are the recorded REST scenarios that the program with the bundled plugins passes in every step. The
// others need test connectors, a group of workers, or parts of the REST API that a single worker does without.
var wholeScenarios = []string{
	"create-delete", "config-put", "config-patch", "create-scalars", "create-errors", "list-expand", "pause-resume-stop",
	"restart", "topics", "initial-state", "names", "negotiation", "unknown-paths", "wrong-methods",
}

// The recorded exchanges of Apache Kafka Connect 4.1.1, replayed against the built program: what a client sees does not
// differ.
func TestRecordedExchanges(t *testing.T) {
	p := startProcess(t)
	args := []string{conformance(t, "rest", "replay"), "--base", p.url, "--tmp", p.files, "--patience", "4"}
	for _, name := range wholeScenarios {
		args = append(args, conformance(t, "rest", name+".json"))
	}
	out, err := exec.Command("python3", args...).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(lines[len(lines)-1])
}
