package plugin

import (
	"log/slog"
	"testing"
	"time"
)

// A worker without others finds in its folder what a module came from, whatever the module is.
func TestStoredModulesKeepTheirSource(t *testing.T) {
	const source = "oci://registry.example.com/team/good@sha256:00"
	r := New(Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}, nil)
	content := []byte("good")
	err := r.store.put(digestOf(content), content, record{Name: "good", Added: time.UnixMilli(0), Source: source,
		Manifest: manifestOf("a.Good", "1").Encode()})
	if err == nil {
		err = r.loadStored()
	}
	if err != nil {
		t.Fatal(err)
	}
	if m := r.module(digestOf(content)); m == nil || m.info.Source != source || m.info.Problem != "" {
		t.Errorf("got %+v", m)
	}
}
