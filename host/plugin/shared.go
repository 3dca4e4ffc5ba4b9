package plugin

import (
	"context"
	"fmt"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// arrivalsMax bounds how many modules of other workers wait to be compiled; the rest is compiled on first use.
const arrivalsMax = 1000

var _ host.ModuleReceiver = (*Registry)(nil)

// share gives an upload to all workers; it comes back through ListModule, as it does to the others. Of two that
// conflict the store's order decides: the later one is taken back.
func (r *Registry) share(ctx context.Context, m *module, by string) (*module, error) {
	if err := r.Of(m.tenant).checkConflicts(m.info.Name, m.info.Digest, m.manifest); err != nil {
		return nil, err
	}
	if r.Of(m.tenant).module(m.info.Digest) != nil { // with a problem, which this upload may mend on all workers
		if err := r.config.Shared.Delete(ctx, m.tenant, m.info.Digest); err != nil {
			return nil, err
		}
	}
	rec := record{Name: m.info.Name, Added: time.Now().UTC(), Manifest: m.manifest.Encode()}
	if err := r.store.putContent(m.info.Digest, m.wasm); err != nil {
		return nil, err
	}
	stored := host.StoredModule{Tenant: m.tenant, Digest: m.info.Digest, Name: rec.Name, SizeBytes: m.info.SizeBytes,
		Manifest: rec.Manifest, Added: rec.Added, By: by, Signature: m.signature, Source: m.info.Source}
	if err := r.config.Shared.Put(ctx, stored, m.wasm); err != nil {
		return nil, err
	}
	listed := r.Of(m.tenant).module(m.info.Digest)
	if listed == nil {
		return nil, host.Conflict(fmt.Sprintf("Module %q was deleted while it was uploaded; upload it again",
			m.info.Name))
	}
	if listed.info.Problem == "" {
		return listed, nil
	}
	problem := host.Conflict(listed.info.Problem)
	if err := r.config.Shared.Delete(ctx, m.tenant, m.info.Digest); err != nil {
		return nil, fmt.Errorf("%w; taking it back: %w", problem, err)
	}
	return nil, problem
}

// CatchUp waits until everything is listed that any worker was given before the call.
func (r *Registry) CatchUp(ctx context.Context) error {
	if r.config.Shared == nil {
		return nil
	}
	return r.config.Shared.CatchUp(ctx)
}

// HasModule implements host.ModuleReceiver.
func (r *Registry) HasModule(digest string) bool {
	r.mu.RLock()
	whole := r.whole[digest]
	r.mu.RUnlock()
	if !whole && r.store.whole(digest) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.whole[digest], whole = true, true
	}
	return whole
}

// ListModule implements host.ModuleReceiver. A module that can't be used is listed with its problem.
func (r *Registry) ListModule(stored host.StoredModule, file string) error {
	<-r.local
	m := &module{tenant: stored.Tenant, from: fromUpload, signature: stored.Signature,
		info: host.ModuleInfo{Name: stored.Name, Digest: stored.Digest, SizeBytes: stored.SizeBytes, Source: stored.Source,
			Problem: stored.Problem}}
	if known := r.Of(stored.Tenant).module(stored.Digest); known != nil && known.from != fromUpload {
		return nil // the same bytes lie in plugin.path
	}
	manifest, err := abi.ParseManifest(stored.Manifest)
	if err == nil && file != "" {
		err = r.store.take(stored.Digest, file)
	}
	if err == nil && stored.Tenant == "" { // whoever can write to the topic can put a module there
		_, err = r.Of("").signedBy(m) // a tenant's is asked for when it is used: its record may come later
	}
	if err == nil {
		err = r.Of(stored.Tenant).checkConflicts(stored.Name, stored.Digest, manifest)
	}
	if err != nil && m.info.Problem == "" {
		m.info.Problem = err.Error()
	}
	if m.info.Problem != "" {
		r.list(m)
		return fmt.Errorf("list module %s: %s", stored.Name, m.info.Problem)
	}
	m.manifest = manifest
	r.list(m)
	r.announce(m)
	return nil
}

// announce has a module compiled that came after the start. What was there before may never be used here.
func (r *Registry) announce(m *module) {
	select {
	case <-r.config.Shared.Ready():
	default:
		return
	}
	if _, err := r.Of(m.tenant).signedBy(m); err != nil {
		r.config.Log.Error("module can't be used", "module", m.info.Name, "tenant", m.tenant, "problem", err)
		return
	}
	select {
	case r.arrived <- m.info.Digest:
	default:
	}
}

// compileArrivals compiles modules as they come, until ctx ends. An error is told again to those who use them.
func (r *Registry) compileArrivals(ctx context.Context) {
	for {
		select {
		case digest := <-r.arrived:
			if _, err := r.Code(ctx, digest); err != nil && ctx.Err() == nil && r.module(digest) != nil {
				r.config.Log.Error("module can't be used", "digest", digest, "problem", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// UnlistModule implements host.ModuleReceiver.
func (r *Registry) UnlistModule(tenant, digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := key{tenant, digest}
	if m := r.modules[k]; m != nil && m.from == fromUpload {
		delete(r.modules, k)
	}
}

// DiscardModule implements host.ModuleReceiver.
func (r *Registry) DiscardModule(digest string) {
	r.mu.Lock()
	delete(r.whole, digest)
	r.mu.Unlock()
	if err := r.store.remove(digest); err != nil {
		r.config.Log.Warn("a deleted module's file stays", "digest", digest, "error", err)
	}
	r.forgetCode(digest)
}

// forgetCode removes the file of compiled code that no module needs any more.
func (r *Registry) forgetCode(digest string) {
	if r.module(digest) == nil {
		r.engine.Forget(digest)
	}
}

// prune removes what the cache has of modules that were deleted while this worker was down.
func (r *Registry) prune() error {
	digests, err := r.store.digests()
	if err != nil {
		return err
	}
	for _, digest := range digests {
		if r.module(digest) == nil {
			r.DiscardModule(digest)
		}
	}
	return nil
}

// Delete takes an uploaded module away; tasks that run keep what they have. Errors: host.ErrNotFound, host.ErrConflict
// (the module was not uploaded), those of the store.
func (r View) Delete(ctx context.Context, digest string) error {
	<-r.loaded
	m := r.module(digest)
	switch {
	case m == nil:
		return host.NotFound(fmt.Sprintf("Module %.12s not found", digest))
	case m.from == fromBundle:
		return host.Conflict(fmt.Sprintf("Module %q is part of the worker and can't be deleted", m.info.Name))
	case m.from == fromPath:
		return host.Conflict(fmt.Sprintf("Module %q lies in plugin.path; remove its file and restart the worker",
			m.info.Name))
	case r.config.Shared != nil:
		return r.config.Shared.Delete(ctx, r.tenant, digest)
	}
	r.adding.Lock()
	defer r.adding.Unlock()
	if err := r.store.remove(digest); err != nil {
		return err
	}
	r.UnlistModule(r.tenant, digest)
	r.forgetCode(digest)
	return nil
}

// DeleteUploads takes all modules of a tenant away, for all workers. Errors: those of the store.
func (r View) DeleteUploads(ctx context.Context) error {
	<-r.loaded
	if r.config.Shared != nil {
		return r.config.Shared.ForgetTenant(ctx, r.tenant)
	}
	for _, m := range r.Modules() {
		if !m.Uploaded {
			continue
		}
		if err := r.Delete(ctx, m.Digest); err != nil {
			return err
		}
	}
	return nil
}

// Content returns the bytes of a module. Errors: host.ErrNotFound.
func (r View) Content(digest string) ([]byte, error) {
	<-r.loaded
	m := r.module(digest)
	if m == nil {
		return nil, host.NotFound(fmt.Sprintf("Module %.12s not found", digest))
	}
	return r.content(m)
}

// content reads the bytes of a module, wherever they are.
func (r *Registry) content(m *module) ([]byte, error) {
	switch {
	case m.packed:
		return unpack(m.wasm)
	case m.wasm != nil:
		return m.wasm, nil
	}
	return r.store.get(m.info.Digest)
}
