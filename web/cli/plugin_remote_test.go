package cli

import (
	"strings"
	"testing"
)

func TestAReferenceWithoutItsSchemeIsNoFile(t *testing.T) {
	var out strings.Builder
	err := uploadPlugin([]string{"registry.example.com/team/geo@sha256:00"}, &out)
	if err == nil || !strings.Contains(err.Error(), "write oci:// before a reference to a registry") {
		t.Errorf("got %v", err)
	}
}
