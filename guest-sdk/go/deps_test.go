package guest

import (
	"os/exec"
	"strings"
	"testing"
)

// TestPluginsCarryNoForeignCode: what an author imports ends up in every module, so it is the standard library and abi.
func TestPluginsCarryNoForeignCode(t *testing.T) {
	const own = "github.com/berth-connect/berth/"
	allowed := map[string]bool{own + "abi": true, own + "guest-sdk/go": true, own + "guest-sdk/go/guesttest": true,
		own + "guest-sdk/go/guesttest/kit": true, own + "guest-sdk/go/guesttest/kitmain": true,
		own + "guest-sdk/go/network": true, own + "guest-sdk/go/web": true}
	for _, goos := range []string{"wasip1", ""} {
		list := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./...")
		if goos != "" {
			list.Env = append(list.Environ(), "GOOS="+goos, "GOARCH=wasm")
		}
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		found := strings.Fields(string(out))
		if len(found) != len(allowed) {
			t.Errorf("GOOS=%s: %d packages, want %d", goos, len(found), len(allowed))
		}
		for _, dep := range found {
			if !allowed[dep] {
				t.Errorf("GOOS=%s: depends on %s", goos, dep)
			}
		}
	}
}
