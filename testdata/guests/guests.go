// Package guests builds the modules that tests run: Go programs in the folders beside this file, and modules in
// WebAssembly text for what no compiler makes.
package guests

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/template"

	"github.com/berth-connect/berth/abi"
)

// Version is that of every hostile plugin.
const Version = "6.6.6"

var built struct {
	sync.Mutex
	modules map[string][]byte
}

// once builds a module the first time that it is asked for.
func once(t testing.TB, key string, build func(out string) (*exec.Cmd, error)) []byte {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if wasm, ok := built.modules[key]; ok {
		return wasm
	}
	out := filepath.Join(t.TempDir(), "guest.wasm")
	cmd, err := build(out)
	if err != nil {
		t.Fatalf("build guest %s: %v", key, err)
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build guest %s: %v\n%s", key, err, said)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if built.modules == nil {
		built.modules = map[string][]byte{}
	}
	built.modules[key] = wasm
	return wasm
}

// Go builds the program in a folder of the repository; ldflags sets its variables.
func Go(t testing.TB, folder, ldflags string) []byte {
	t.Helper()
	return once(t, folder+" "+ldflags, func(out string) (*exec.Cmd, error) {
		cmd := exec.Command("go", "build", "-ldflags", "-s -w "+ldflags, "-o", out,
			"github.com/berth-connect/berth/"+folder)
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
		return cmd, nil
	})
}

//go:embed text/*.wat
var text embed.FS

// Text is a module in WebAssembly text that speaks the ABI well until a step of its life, and then does what the
// template named How says.
type Text struct {
	How  string
	Step string // see text/skeleton.wat
	Kind string // of its one plugin

	Capabilities []string
}

// Class is its plugin's.
func (m Text) Class() string { return "text." + m.How + "." + m.Step }

// Build assembles it.
func (m Text) Build(t testing.TB) []byte {
	t.Helper()
	wat := m.source(t)
	if _, err := exec.LookPath("wat2wasm"); err != nil {
		t.Fatal("wat2wasm is missing: install it first (Debian's package wabt)")
	}
	return once(t, fmt.Sprint(m.Kind, m.Capabilities, m.Class()), func(out string) (*exec.Cmd, error) {
		return exec.Command("wat2wasm", "-o", out, out+".wat"), os.WriteFile(out+".wat", wat, 0o600)
	})
}

func (m Text) source(t testing.TB) []byte {
	t.Helper()
	var templates *template.Template
	expand := func(name string) (string, error) {
		var b strings.Builder
		err := templates.ExecuteTemplate(&b, name, m)
		return b.String(), err
	}
	templates = template.New("").Funcs(template.FuncMap{
		"expand": expand,
		"has":    func(name string) bool { return templates.Lookup(name) != nil },
		"quote":  quote,
		"size":   func(b []byte) int { return len(b) },
		"count": func(n int) []int {
			all := make([]int, n)
			for i := range all {
				all[i] = i
			}
			return all
		},
		"add":   func(a, b int) int { return a + b },
		"mul":   func(a, b int) int { return a * b },
		"runes": func(s string) []rune { return []rune(s) },
	})
	if _, err := templates.ParseFS(text, "text/*.wat"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "skeleton.wat", m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Manifest, TaskConfigs and KeyValidations are the answers of a guest that behaves.
func (m Text) Manifest() []byte {
	return abi.Manifest{ABI: abi.Version, SDK: "none",
		Plugins: []abi.Plugin{{Class: m.Class(), Kind: m.Kind, Version: Version, Capabilities: m.Capabilities}}}.Encode()
}

// TaskConfigs is one configuration.
func (m Text) TaskConfigs() []byte { return abi.EncodeTaskConfigs([]map[string]*string{{"task": nil}}) }

// KeyValidations has nothing to say.
func (m Text) KeyValidations() []byte { return abi.EncodeKeyValidations(nil) }

// quote writes bytes as a string of WebAssembly text.
func quote(b []byte) string {
	var s strings.Builder
	s.WriteByte('"')
	for _, c := range b {
		fmt.Fprintf(&s, `\%02x`, c)
	}
	s.WriteByte('"')
	return s.String()
}
