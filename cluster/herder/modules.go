package herder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/berth-connect/berth/host"
)

// digestCharsMin is how many characters of a digest name a module.
const digestCharsMin = 12

// AddModule checks a module and adds it unless that is all that was asked; its plugins can be used when it returns.
// Any worker does so: what the group has is the order of uploads in its topic. added: the module is new. Errors:
// ErrBadRequest, ErrConflict.
func (h *Herder) AddModule(ctx context.Context, upload host.ModuleUpload) (host.ModuleInfo, bool, error) {
	if err := h.await(ctx); err != nil {
		return host.ModuleInfo{}, false, err
	}
	if h.gone(upload.Tenant) {
		return host.ModuleInfo{}, false, beingDeleted(upload.Tenant)
	}
	if err := h.admitModule(upload); err != nil {
		return host.ModuleInfo{}, false, err
	}
	at := &stage{text: "adding module " + upload.Name, began: time.Now()}
	info, added, err := h.runtime.AddModule(ctx, upload)
	if err == nil && added && h.gone(upload.Tenant) { // while it was on its way
		err = errors.Join(beingDeleted(upload.Tenant), h.runtime.DeleteModule(ctx, upload.Tenant, info.Digest))
	}
	return info, added, h.timedCall(ctx, at, err)
}

// gone tells whether a tenant is deleted, or is going.
func (h *Herder) gone(tenant string) bool {
	record, known := h.configs.Tenant(tenant)
	return tenant != "" && (!known || record.Deleting)
}

// Modules lists the modules that a tenant sees.
func (h *Herder) Modules(ctx context.Context, tenant string) ([]host.ModuleInfo, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	return h.runtime.Modules(tenant), nil
}

// Module finds a module by its name, or by a class or alias of one of its plugins, and by the version of such a plugin
// or the beginning of the module's digest. Errors: ErrNotFound, ErrBadRequest (there are several).
func (h *Herder) Module(ctx context.Context, tenant, name, version string) (host.ModuleInfo, error) {
	all, err := h.Modules(ctx, tenant)
	if err != nil {
		return host.ModuleInfo{}, err
	}
	found := slices.DeleteFunc(all, func(m host.ModuleInfo) bool { return !isModule(m, name, version) })
	switch len(found) {
	case 0:
		return host.ModuleInfo{}, host.NotFound(fmt.Sprintf("No module provides %s in version %s", name, version))
	case 1:
		return found[0], nil
	}
	var digests []string
	for _, m := range found {
		digests = append(digests, m.Digest)
	}
	return host.ModuleInfo{}, host.BadRequest(fmt.Sprintf("%s in version %s is in several modules; name one by its "+
		"digest instead of the version: %s", name, version, strings.Join(digests, ", ")))
}

func isModule(m host.ModuleInfo, name, version string) bool {
	byDigest := len(version) >= digestCharsMin && strings.HasPrefix(m.Digest, version)
	if m.Name == name && byDigest {
		return true
	}
	return slices.ContainsFunc(m.Plugins, func(p host.PluginInfo) bool {
		named := m.Name == name || p.Class == name || slices.Contains(p.Aliases, name)
		return named && (byDigest || p.Version == version)
	})
}

// ModuleContent returns the bytes of a module. Errors: ErrNotFound.
func (h *Herder) ModuleContent(ctx context.Context, tenant, digest string) ([]byte, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	return h.runtime.ModuleContent(tenant, digest)
}

// DeleteModule takes a module away. The leader does so: it alone writes the configurations that may name the module.
// Errors: *NotLeader, ErrNotFound, ErrConflict (a connector uses it, or it was not uploaded).
func (h *Herder) DeleteModule(ctx context.Context, tenant, name, version string) error {
	_, err := decide(ctx, h, "deleting module "+name, func(ctx context.Context) (struct{}, error) {
		if err := h.lead(); err != nil {
			return struct{}{}, err
		}
		m, err := h.Module(ctx, tenant, name, version)
		if err != nil {
			return struct{}{}, err
		}
		if users := h.usersOf(tenant, m.Digest); len(users) > 0 {
			return struct{}{}, host.Conflict(fmt.Sprintf("Module %s (%.12s) is used by the connector(s) %s; delete them "+
				"or give them another version first", m.Name, m.Digest, strings.Join(users, ", ")))
		}
		return struct{}{}, h.runtime.DeleteModule(ctx, tenant, m.Digest)
	})
	return err
}

// usersOf lists the tenant's connectors that use a module, sorted.
func (h *Herder) usersOf(tenant, digest string) (users []string) {
	snapshot := h.configs.Snapshot()
	for _, name := range h.connectorsOf(tenant) {
		if connector, known := snapshot.Connector(name); known && h.runtime.UsesModule(tenant, connector.Config, digest) {
			users = append(users, name)
		}
	}
	return users
}
