package guests

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Stamp is a version, 1.0.0 or 2.0.0, of a transformation that counts records and says in each which version it is.
func Stamp(t testing.TB, version string) []byte {
	t.Helper()
	return Go(t, "testdata/guests/stamp", "-X main.version="+version)
}

// RustStamp is the same one in Rust. It needs the Rust tool chain for Wasm, as the tests of bundled modules do.
func RustStamp(t testing.TB, version string) []byte {
	t.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("find the repository: %v", err)
	}
	modules := filepath.Join(strings.TrimSpace(string(root)), "modules")
	return once(t, "rust stamp "+version, func(out string) (*exec.Cmd, error) {
		cmd := exec.Command("sh", "-c", `./build.sh kit "$0" && cp "built/$0-rust.wasm" "$1"`, "stamp-"+version, out)
		cmd.Dir = modules
		return cmd, nil
	})
}
