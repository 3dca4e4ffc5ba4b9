// Package plugin knows every module and what it provides: it checks, stores and describes modules, finds plugins by
// class, alias and version, and asks them about configurations.
package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/guest"
)

// Config of a registry.
type Config struct {
	Dir    string   // where uploaded modules are kept; "": in memory only
	Path   []string // directories with *.wasm files that are read at start (plugin.path)
	Bundle []Bundled
	Grants Grants
	Limits host.Limits // of each instance
	// Tenants says what tenants are granted of Grants; nil: there are none.
	Tenants host.Tenants
	// Signatures is what uploaded modules must be signed with, besides what Tenants want; what lies in the store is held
	// against it, too.
	Signatures Signatures
	// TimeZone is the default zone of all instances, a name of the IANA database; "": UTC.
	TimeZone string
	// Shared has the uploaded modules of all workers; Dir then is a cache of them. nil: they are this worker's alone.
	Shared host.ModuleStore
	Log    *slog.Logger
}

// Bundled is a module that is part of the worker.
type Bundled struct {
	Name     string
	Wasm     []byte
	Manifest []byte // what the module says of itself: it need not be compiled to be listed
	Warm     bool   // compile it at the start, beside everything else, and not when it is first used
	Digest   string // of a module whose Wasm is packed with gzip: the SHA-256, hex, of what is in it; "": it is not packed
}

// Registry is safe for concurrent use.
type Registry struct {
	config Config
	engine *engine.Engine
	store  store

	mu      sync.RWMutex
	modules map[key]*module // guarded by mu
	whole   map[string]bool // digests of modules whose bytes in Dir were proven; guarded by mu
	adding  sync.Mutex      // one module is listed at a time, so that conflicts are seen
	local   chan struct{}   // closed when the modules are listed that come from no store
	loaded  chan struct{}   // closed when Load has ended
	arrived chan string     // digests of modules to be compiled before somebody uses them
}

// key names a module: each tenant has its own, of the same bytes too.
type key struct{ tenant, digest string }

// module is one module of the registry.
type module struct {
	tenant   string // who uploaded it
	info     host.ModuleInfo
	manifest abi.Manifest
	from     origin
	wasm     []byte // nil: in the store
	packed   bool   // wasm is, see unpack

	signature []byte                  // of an upload; nil: it has none
	judged    atomic.Pointer[verdict] // the last of signedBy; nil: nobody has asked
}

// Plugin is a plugin with the module that has it.
type Plugin struct {
	abi.Plugin
	Digest string
	Module string // its name
	// Bundled: it is of a module that is part of the worker.
	Bundled bool
}

// New returns an empty registry; Load fills it, once.
func New(config Config, e *engine.Engine) *Registry {
	return &Registry{config: config, engine: e, store: store{config.Dir}, modules: map[key]*module{},
		whole: map[string]bool{}, local: make(chan struct{}), loaded: make(chan struct{}),
		arrived: make(chan string, arrivalsMax)}
}

// Run loads and then waits for the end: compiling is no reason to keep REST and the group waiting.
func (r *Registry) Run(ctx context.Context) error {
	err := r.Load(ctx)
	if err == nil {
		r.warmUp(ctx)
		r.compileArrivals(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Load adds the bundled module, the uploaded ones and those of the plugin path. Until it ends, those who look for
// plugins or add one wait. A module that can't be used is listed with its problem and logged; it stops nobody.
func (r *Registry) Load(ctx context.Context) error {
	defer close(r.loaded)
	if err := r.loadLocal(ctx); err != nil {
		return err
	}
	if r.config.Shared == nil {
		return nil
	}
	select {
	case <-r.config.Shared.Ready():
		return r.prune()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loadLocal adds what this worker has without the others.
func (r *Registry) loadLocal(ctx context.Context) error {
	defer close(r.local)
	for _, b := range r.config.Bundle {
		if err := r.loadBundled(b); err != nil {
			return fmt.Errorf("load bundled module %s: %w", b.Name, err)
		}
	}
	if r.config.Shared == nil {
		if err := r.loadStored(); err != nil {
			return err
		}
	}
	for _, dir := range r.config.Path {
		if err := r.loadPath(ctx, dir); err != nil {
			return fmt.Errorf("read plugin.path %q: %w", dir, err)
		}
	}
	return nil
}

// warmUp compiles what nearly every connector uses. An error is told again to those who use it.
func (r *Registry) warmUp(ctx context.Context) {
	for _, b := range r.config.Bundle {
		if !b.Warm {
			continue
		}
		if _, err := r.Code(ctx, b.digest()); err != nil && ctx.Err() == nil {
			r.config.Log.Error("module can't be used", "module", b.Name, "problem", err)
		}
	}
}

func (r *Registry) loadBundled(b Bundled) error {
	manifest, err := abi.ParseManifest(b.Manifest)
	if err != nil {
		return err
	}
	m := &module{manifest: manifest, from: fromBundle, wasm: b.Wasm, packed: b.Digest != "",
		info: host.ModuleInfo{Name: b.Name, Digest: b.digest(), SizeBytes: int64(len(b.Wasm))}}
	if m.packed {
		m.info.SizeBytes = unpackedSize(b.Wasm)
	}
	r.list(m)
	return nil
}

func (r *Registry) loadStored() error {
	if r.config.Dir == "" {
		return nil
	}
	records, err := r.store.list()
	if err != nil {
		return err
	}
	for digest, rec := range records {
		manifest, err := abi.ParseManifest(rec.Manifest)
		m := &module{manifest: manifest, from: fromUpload, signature: rec.Signature, info: host.ModuleInfo{Name: rec.Name,
			Digest: digest, Source: rec.Source}}
		if err != nil {
			m.info.Problem = fmt.Sprintf("its stored manifest can't be read: %v; upload the module again", err)
		} else if _, err = r.Of("").signedBy(m); err != nil {
			m.info.Problem, m.manifest = err.Error(), abi.Manifest{}
		}
		if m.info.Problem != "" {
			r.config.Log.Error("module can't be used", "module", rec.Name, "problem", m.info.Problem)
		}
		if stat, err := os.Stat(filepath.Join(r.config.Dir, digest+".wasm")); err == nil {
			m.info.SizeBytes = stat.Size()
		}
		r.list(m)
	}
	return nil
}

func (r *Registry) loadPath(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.wasm"))
	if err != nil {
		return err
	}
	more, err := filepath.Glob(filepath.Join(dir, "*", "*.wasm"))
	if err != nil {
		return err
	}
	for _, file := range append(files, more...) {
		wasm, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if _, _, err := r.add(ctx, host.ModuleUpload{Name: moduleName(file), Wasm: wasm}, fromPath); err != nil {
			r.config.Log.Error("module can't be used", "file", file, "problem", err)
		}
	}
	return nil
}

func moduleName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".wasm") }

// Add checks, stores and lists an uploaded module, or only checks it. The same bytes again are answered with what is
// there already, and added is false. Errors: host.ErrBadRequest (no module that runs here), host.ErrConflict (a plugin
// of that class and version exists), those of the store.
func (r *Registry) Add(ctx context.Context, upload host.ModuleUpload) (info host.ModuleInfo, added bool, err error) {
	<-r.loaded
	upload.Name = moduleName(upload.Name)
	m, added, err := r.add(ctx, upload, fromUpload)
	if err != nil || upload.DryRun {
		r.forgetCode(digestOf(upload.Wasm))
	}
	if err != nil {
		return host.ModuleInfo{}, false, err
	}
	info = r.Of(m.tenant).infoOf(m)
	info.Changes = r.Of(m.tenant).changesOf(m)
	return info, added, nil
}

// origin is where a module comes from.
type origin int

const (
	fromBundle origin = iota
	fromPath
	fromUpload // is kept in the store
)

func (r *Registry) add(ctx context.Context, upload host.ModuleUpload, from origin) (*module, bool, error) {
	digest, view := digestOf(upload.Wasm), r.Of(upload.Tenant)
	if m := view.usable(digest); m != nil {
		return m, false, nil
	}
	m := &module{tenant: upload.Tenant, from: from, wasm: upload.Wasm, signature: upload.Signature,
		info: host.ModuleInfo{Name: upload.Name, Digest: digest, SizeBytes: int64(len(upload.Wasm)),
			Source: upload.Source}}
	var err error
	if from == fromUpload { // before anything of it is run
		if _, err = view.signedBy(m); err != nil {
			return nil, false, err
		}
	}
	if m.manifest, err = r.describe(ctx, upload.Name, upload.Wasm, digest); err != nil {
		return nil, false, err
	}
	if from == fromUpload && r.config.Shared != nil && !upload.DryRun {
		listed, err := r.share(ctx, m, upload.By)
		return listed, err == nil, err
	}
	r.adding.Lock()
	defer r.adding.Unlock()
	if m := view.usable(digest); m != nil {
		return m, false, nil // added by another meanwhile
	}
	if err := view.checkConflicts(upload.Name, digest, m.manifest); err != nil {
		return nil, false, err
	}
	if upload.DryRun {
		return r.informed(m), false, nil
	}
	if from == fromUpload && r.config.Dir != "" {
		rec := record{Name: upload.Name, Added: time.Now().UTC(), Manifest: m.manifest.Encode(), Signature: upload.Signature,
			Source: upload.Source}
		if err := r.store.put(digest, upload.Wasm, rec); err != nil {
			return nil, false, err
		}
		m.wasm = nil
	}
	r.list(m)
	return m, true, nil
}

func (r *Registry) describe(ctx context.Context, name string, wasm []byte, digest string) (abi.Manifest, error) {
	code, err := r.engine.Compile(ctx, wasm, digest)
	if err != nil {
		return abi.Manifest{}, host.BadRequest(fmt.Sprintf("module %q can't run here: %v", name, err))
	}
	manifest, err := guest.Describe(ctx, code, guest.Options{Log: r.config.Log.With("module", name),
		Engine: engine.Config{Limits: r.config.Limits}})
	if err != nil {
		return abi.Manifest{}, host.BadRequest(fmt.Sprintf("module %q does not describe itself: %v", name, err))
	}
	if manifest.ABI != abi.Version || len(manifest.Plugins) == 0 {
		return abi.Manifest{}, host.BadRequest(fmt.Sprintf(
			"module %q has ABI version %d and %d plugins; this worker wants version %d and at least one plugin",
			name, manifest.ABI, len(manifest.Plugins), abi.Version))
	}
	for _, p := range manifest.Plugins {
		if p.Class == "" || HostKind(p.Kind) == "" {
			return abi.Manifest{}, host.BadRequest(fmt.Sprintf(
				"module %q has a plugin with class %q and kind %q; both must be set, the kind to one that the ABI knows",
				name, p.Class, p.Kind))
		}
		if err := checkNeeds(name, p); err != nil {
			return abi.Manifest{}, err
		}
	}
	return manifest, nil
}

// checkConflicts refuses a second plugin of the same class, kind and version: which one a connector gets would be an
// accident. A tenant's policy of signatures has no say: all workers must come to the same, whichever record they know.
func (r View) checkConflicts(name, digest string, manifest abi.Manifest) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, m := range r.visible() {
		if m.info.Digest == digest {
			continue
		}
		for _, have := range m.manifest.Plugins {
			for _, p := range manifest.Plugins {
				if have.Class == p.Class && have.Kind == p.Kind && have.Version == p.Version {
					return host.Conflict(fmt.Sprintf("module %q provides %s %s version %s, which module %q (%.12s) provides already; "+
						"give the new one another version", name, HostKind(p.Kind), p.Class, p.Version, m.info.Name, m.info.Digest))
				}
			}
		}
	}
	return nil
}

// list makes a module known.
func (r *Registry) list(m *module) {
	r.informed(m)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.modules[key{m.tenant, m.info.Digest}] = m
}

// informed fills in what the manifest says.
func (r *Registry) informed(m *module) *module {
	m.info.SDK, m.info.Uploaded = m.manifest.SDK, m.from == fromUpload
	for _, p := range m.manifest.Plugins {
		m.info.Plugins = append(m.info.Plugins, host.PluginInfo{Class: p.Class, Aliases: p.Aliases,
			Kind: HostKind(p.Kind), Version: p.Version, Digest: m.info.Digest, Module: m.info.Name, Doc: p.Doc,
			Additional: m.from == fromBundle && !strings.HasPrefix(p.Class, "org.apache.kafka.")})
		for _, c := range p.Capabilities {
			if !slices.Contains(m.info.Capabilities, c) {
				m.info.Capabilities = append(m.info.Capabilities, c)
			}
		}
	}
	return m
}

// module finds a module of those that the view has.
func (r View) module(digest string) *module {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if m := r.modules[key{r.tenant, digest}]; m != nil {
		return m
	}
	if m := r.modules[key{"", digest}]; m != nil && m.from != fromUpload {
		return m
	}
	return nil
}

// usable finds a module of those that the view has and may use.
func (r View) usable(digest string) *module {
	m := r.module(digest)
	if m == nil || m.info.Problem != "" {
		return nil
	}
	if _, err := r.signedBy(m); err != nil {
		return nil
	}
	return m
}

// module finds one of the modules that have these bytes; nil: there is none.
func (r *Registry) module(digest string) *module {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found *module
	for k, m := range r.modules {
		if k.digest == digest && (found == nil || found.from == fromUpload && m.from != fromUpload) {
			found = m
		}
	}
	return found
}

// errNoModule: a digest that nobody added.
var errNoModule = errors.New("no such module")

// Engine is what runs the modules.
func (r *Registry) Engine() *engine.Engine { return r.engine }

// Code returns the compiled module of a digest, compiling it if need be.
func (r *Registry) Code(ctx context.Context, digest string) (*engine.Module, error) {
	m := r.module(digest)
	if m == nil {
		return nil, fmt.Errorf("compile %s: %w", digest, errNoModule)
	}
	wasm, err := r.content(m)
	if err != nil {
		return nil, err
	}
	code, err := r.engine.Compile(ctx, wasm, digest)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", m.info.Name, err)
	}
	r.forgetCode(digest) // it may have been deleted meanwhile
	return code, nil
}
