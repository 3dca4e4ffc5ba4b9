package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/berth-connect/berth/testdata/disputed"
)

// Every recorded configuration is validated, parsed and resolved as by Kafka Connect.
func TestConfigurationVectors(t *testing.T) {
	recorded := os.Getenv("BERTH_CONFORMANCE")
	if recorded == "" {
		recorded = filepath.Join("..", "..", "..", "shared", "conformance")
	}
	expected, err := disputed.Names(filepath.Join("..", "vectors-disputed.md"), idForm)
	if err != nil {
		t.Fatal(err)
	}
	var all []*vector
	for _, file := range []string{"configdef", "config-transformer"} {
		if all, err = readFile(all, filepath.Join(recorded, "vectors", file+".jsonl")); err != nil {
			t.Fatalf("the recordings of Kafka Connect are missing: %v; set BERTH_CONFORMANCE to their folder", err)
		}
	}
	for v, outcome := range play(t.Context(), all, startWorkers(t).families()) {
		if outcome != "" && !expected[v.text("id")] {
			t.Errorf("%s: %s", v.text("id"), outcome)
		}
	}
}
