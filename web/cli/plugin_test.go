package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPluginProjects(t *testing.T) {
	sharedCache(t)
	t.Setenv("GOPROXY", "off") // a project must build without a network
	t.Setenv("GOFLAGS", "-mod=mod")
	dir := t.TempDir()
	for _, kind := range pluginKinds {
		project := filepath.Join(dir, "my-"+kind)
		var out bytes.Buffer
		if err := dispatch([]string{"plugin", "new", kind, project}, &out); err != nil {
			t.Fatal(err)
		}
		if err := runTool(project, nil, "go", "test", "."); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		module := filepath.Join(dir, kind+".wasm")
		if err := dispatch([]string{"plugin", "build", project, "-o", module}, &out); err != nil {
			t.Fatal(err)
		}
		out.Reset()
		if err := dispatch([]string{"plugin", "inspect", module}, &out); err != nil {
			t.Fatal(err)
		}
		want := "\n" + strings.Replace(kind, "transform", "transformation", 1) + " " + className("my-"+kind) + " 0.1.0\n"
		if !strings.Contains(out.String(), want) {
			t.Errorf("inspect shows no %q:\n%s", want, out.String())
		}
		playProject(t, project, module)
	}
}

// playProject plays the golden file of a project, which its README names, if it has one.
func playProject(t *testing.T, project, module string) {
	t.Helper()
	if !strings.Contains(readFile(t, filepath.Join(project, "README.md")), "berth transform test") {
		return
	}
	var out bytes.Buffer
	args := []string{"transform", "test", "-module", module, filepath.Join(project, "testdata")}
	if err := dispatch(args, &out); err != nil || !strings.HasPrefix(out.String(), "ok ") {
		t.Errorf("%s: %v\n%s", project, err, out.String())
	}
}

func TestRustProjectHasItsSDK(t *testing.T) {
	project := filepath.Join(t.TempDir(), "my-sink")
	if err := dispatch([]string{"plugin", "new", "sink", project, "-lang", "rust"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"Cargo.toml", "src/main.rs", ".berth/sdk/guest-sdk/rust/src/lib.rs"} {
		if text := readFile(t, filepath.Join(project, file)); strings.Contains(text, "{{.") {
			t.Errorf("%s is not filled in", file)
		}
	}
}

func TestPluginNewRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ args, says string }{
		{"hat " + dir + "/x", "there is no kind of plugin"},
		{"sink " + dir + "/Big", "must be lower-case"},
		{"sink " + dir + "/x -lang cobol", "there is no SDK"},
		{"sink " + dir + "/here", "is there already"},
	} {
		if err := os.MkdirAll(filepath.Join(dir, "here"), 0o700); err != nil {
			t.Fatal(err)
		}
		err := dispatch(append([]string{"plugin", "new"}, strings.Fields(c.args)...), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", c.args, err)
		}
	}
}

func TestPluginPush(t *testing.T) {
	module := filepath.Join(t.TempDir(), "m.wasm")
	if err := os.WriteFile(module, []byte("bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuse := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error_code":400,"message":"no magic"}`)
			return
		}
		file, header, err := r.FormFile("file")
		if err != nil || r.URL.Path != "/plugins" {
			t.Errorf("%s: %v", r.URL, err)
			return
		}
		text, err := io.ReadAll(file)
		if err != nil || string(text) != "bytes" || header.Filename != "m.wasm" {
			t.Errorf("got %s %q %v", header.Filename, text, err)
		}
		_, _ = io.WriteString(w, `{"name":"m"}`)
	}))
	defer server.Close()
	var out bytes.Buffer
	if err := dispatch([]string{"plugin", "push", module, "-url", server.URL + "/"}, &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != "{\"name\":\"m\"}\n" {
		t.Errorf("printed %q", out.String())
	}
	refuse = true
	err := dispatch([]string{"plugin", "push", module, "-url", server.URL}, &out)
	if err == nil || !strings.HasSuffix(err.Error(), "m.wasm: the worker refused POST /plugins: no magic") {
		t.Errorf("got %v", err)
	}
}
