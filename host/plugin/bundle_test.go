package plugin

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/modules"
)

// TestBundledManifestsAreTheModulesOwn: what stands beside a module is what it says of itself.
func TestBundledManifestsAreTheModulesOwn(t *testing.T) {
	e, err := engine.Open(t.Context(), filepath.Join(os.TempDir(), "berth-test-cache"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	r := New(Config{Log: slog.New(slog.DiscardHandler)}, e)
	for _, m := range modules.All() {
		b, wasm := Bundled(m), m.Wasm
		if b.Digest != "" {
			if wasm, err = unpack(b.Wasm); err != nil {
				t.Fatal(err)
			}
			if digestOf(wasm) != b.Digest || int64(len(wasm)) != unpackedSize(b.Wasm) {
				t.Errorf("modules/%s.wasm.gz is not what modules/%s.digest says: run modules/build.sh", m.Name, m.Name)
			}
		}
		manifest, err := r.describe(t.Context(), m.Name, wasm, b.digest())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(manifest.Encode(), m.Manifest) {
			t.Errorf("modules/%s.manifest is not what the module says: run modules/build.sh", m.Name)
		}
	}
}

// TestBundleIsListedWithoutCompiling: a start with a cold cache must not wait for modules that nobody uses.
func TestBundleIsListedWithoutCompiling(t *testing.T) {
	cache := t.TempDir()
	e, err := engine.Open(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	var bundle []Bundled
	for _, m := range modules.All() {
		bundle = append(bundle, Bundled(m))
	}
	before := filesBelow(t, cache)
	r := New(Config{Bundle: bundle, Log: slog.New(slog.DiscardHandler)}, e)
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve("AvroConverter", ""); err != nil {
		t.Error(err)
	}
	if after := filesBelow(t, cache); after != before {
		t.Errorf("%d files in the cache of compiled modules, %d before", after, before)
	}
}

func filesBelow(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
