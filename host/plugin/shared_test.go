package plugin

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
)

// topic is a host.ModuleStore that has what a test says before it is ready.
type topic struct {
	ready    chan struct{}
	receiver *Registry
	put      []string // digests
	deleted  []string
	before   []host.StoredModule // of other workers: they come before what is put
}

func (s *topic) Ready() <-chan struct{}        { return s.ready }
func (s *topic) CatchUp(context.Context) error { return nil }

func (s *topic) ForgetTenant(ctx context.Context, tenant string) error {
	for _, digest := range s.put {
		if err := s.Delete(ctx, tenant, digest); err != nil {
			return err
		}
	}
	return nil
}

func (s *topic) Put(_ context.Context, m host.StoredModule, _ []byte) error {
	s.put = append(s.put, m.Digest)
	for _, other := range s.before {
		if err := s.receiver.ListModule(other, ""); err != nil {
			return err
		}
	}
	_ = s.receiver.ListModule(m, "") // the error is a problem of the module, as the real store takes it
	return nil
}

func (s *topic) Delete(_ context.Context, tenant, digest string) error {
	s.deleted = append(s.deleted, digest)
	s.receiver.UnlistModule(tenant, digest)
	s.receiver.DiscardModule(digest)
	return nil
}

// sharing makes a registry whose local part is loaded.
func sharing(t *testing.T) (*Registry, *topic) {
	t.Helper()
	e, err := engine.Open(t.Context(), filepath.Join(os.TempDir(), "berth-test-cache"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	shared := &topic{ready: make(chan struct{})}
	r := New(Config{Dir: t.TempDir(), Shared: shared, Log: slog.New(slog.DiscardHandler)}, e)
	shared.receiver = r
	if err := r.loadLocal(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r, shared
}

func manifestOf(class, version string) abi.Manifest {
	return abi.Manifest{ABI: abi.Version, SDK: "test/1", Plugins: []abi.Plugin{
		{Class: class, Version: version, Kind: abi.KindTransform}}}
}

func storedModule(name string, content []byte, manifest abi.Manifest) host.StoredModule {
	return host.StoredModule{Name: name, Digest: digestOf(content), SizeBytes: int64(len(content)),
		Manifest: manifest.Encode(), Added: time.UnixMilli(0)}
}

func incomingFile(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "incoming")
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestModulesArriveAndGo(t *testing.T) {
	r, _ := sharing(t)
	content := []byte("one")
	m := storedModule("one", content, manifestOf("a.One", "1"))
	if r.HasModule(m.Digest) {
		t.Error("it is there before it came")
	}
	if err := r.ListModule(m, incomingFile(t, content)); err != nil || !r.HasModule(m.Digest) {
		t.Fatalf("%v, its bytes are there: %v", err, r.HasModule(m.Digest))
	}
	close(r.loaded)
	if found, err := r.Resolve("a.One", "1"); err != nil || found.Digest != m.Digest || found.Bundled {
		t.Errorf("%+v, %v", found, err)
	}
	if got, err := r.Content(m.Digest); err != nil || string(got) != "one" {
		t.Errorf("%q, %v", got, err)
	}
	again := storedModule("two", []byte("two"), manifestOf("a.One", "1"))
	if err := r.ListModule(again, incomingFile(t, []byte("two"))); err == nil {
		t.Error("a second module with the same plugin is usable")
	}
	if info := r.module(again.Digest).info; !strings.Contains(info.Problem, "provides already") || len(info.Plugins) > 0 {
		t.Errorf("%+v", info)
	}
	r.UnlistModule("", m.Digest)
	_, err := r.Resolve("a.One", "1")
	if err == nil || !strings.Contains(err.Error(), "Unknown plugin a.One. Upload the module that has it") {
		t.Errorf("no remedy in %v", err)
	}
	if !errors.Is(err, host.ErrNotFound) || !r.HasModule(m.Digest) {
		t.Errorf("after its end: %v, its bytes are there: %v", err, r.HasModule(m.Digest))
	}
	r.DiscardModule(m.Digest)
	if _, err := os.Stat(r.store.file(m.Digest)); r.HasModule(m.Digest) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file stays: %v", err)
	}
}

// The cache is no authority: what is damaged in it is read again, what nobody lists goes.
func TestCacheIsCheckedAndPruned(t *testing.T) {
	r, shared := sharing(t)
	good, damaged, gone := digestOf([]byte("good")), digestOf([]byte("damaged")), digestOf([]byte("gone"))
	for digest, content := range map[string]string{good: "good", damaged: "dam", gone: "gone"} {
		if err := r.store.putContent(digest, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if !r.HasModule(good) || r.HasModule(damaged) {
		t.Errorf("good %v, damaged %v", r.HasModule(good), r.HasModule(damaged))
	}
	for _, m := range []host.StoredModule{storedModule("good", []byte("good"), manifestOf("a.Good", "1")),
		storedModule("damaged", []byte("damaged"), manifestOf("a.Damaged", "1"))} {
		file := ""
		if m.Digest == damaged {
			file = incomingFile(t, []byte("damaged"))
		}
		if err := r.ListModule(m, file); err != nil {
			t.Fatal(err)
		}
	}
	close(shared.ready)
	if err := r.prune(); err != nil {
		t.Fatal(err)
	}
	if !r.HasModule(good) || !r.HasModule(damaged) || r.HasModule(gone) {
		t.Errorf("good %v, damaged %v, gone %v", r.HasModule(good), r.HasModule(damaged), r.HasModule(gone))
	}
}

// Two workers are given plugins of the same class and version at once: the later in the topic's order is taken back.
func TestLaterOfTwoUploadsIsTakenBack(t *testing.T) {
	r, shared := sharing(t)
	other := storedModule("other", []byte("other"), manifestOf("a.One", "1"))
	shared.before = []host.StoredModule{other}
	content := []byte("mine")
	mine := &module{manifest: manifestOf("a.One", "1"), from: fromUpload, wasm: content,
		info: host.ModuleInfo{Name: "mine", Digest: digestOf(content), SizeBytes: 4}}
	_, err := r.share(t.Context(), mine, "ann")
	if !errors.Is(err, host.ErrConflict) || !strings.Contains(err.Error(), `module "other"`) {
		t.Errorf("got %v", err)
	}
	if len(shared.deleted) != 1 || shared.deleted[0] != mine.info.Digest || r.module(mine.info.Digest) != nil {
		t.Errorf("deleted %v, listed: %v", shared.deleted, r.module(mine.info.Digest))
	}
}
