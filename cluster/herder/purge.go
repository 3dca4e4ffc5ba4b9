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

// DeleteTenant deletes a tenant's record, and with force all that the tenant has: connectors, offsets, consumer groups,
// statuses, modules, and what earlier connectors of its have left behind. Topics stay. It returns when nothing is left;
// after an error it can be asked for again. Errors: *NotLeader, ErrNotFound, ErrConflict (the tenant has something).
func (h *Herder) DeleteTenant(ctx context.Context, name string, force bool) error {
	at := &stage{text: "deleting tenant " + name, began: time.Now()}
	if _, err := decide(ctx, h, at.text, func(context.Context) (struct{}, error) {
		return struct{}{}, h.leadTenant(name)
	}); err != nil {
		return err
	}
	if force {
		if err := h.purge(ctx, name); err != nil {
			return h.timedCall(ctx, at, err)
		}
	}
	has, err := h.belongings(ctx, name)
	if err != nil {
		return h.timedCall(ctx, at, err)
	}
	if len(has) > 0 {
		return host.Conflict(fmt.Sprintf("Tenant %s still has %s; delete them first, or all that it has with ?force=true",
			name, strings.Join(has, "; ")))
	}
	_, err = decide(ctx, h, at.text, func(ctx context.Context) (struct{}, error) {
		if err := h.leadTenant(name); err != nil {
			return struct{}{}, err
		}
		if len(h.connectorsOf(name)) > 0 { // made meanwhile
			return struct{}{}, host.Conflict(fmt.Sprintf("Tenant %s has new connectors; try again", name))
		}
		return struct{}{}, h.configs.DeleteTenant(ctx, name)
	})
	return err
}

// leadTenant returns an error unless this worker leads the group and the tenant exists.
func (h *Herder) leadTenant(name string) error {
	if err := h.lead(); err != nil {
		return err
	}
	if _, known := h.configs.Tenant(name); !known {
		return noTenant(name)
	}
	return nil
}

// belongings lists what a tenant has, in words.
func (h *Herder) belongings(ctx context.Context, tenant string) (all []string, err error) {
	prefix := tenant + host.TenantSeparator
	add := func(what string, names []string) {
		for i := range names {
			names[i] = strings.TrimPrefix(names[i], prefix)
		}
		if len(names) > 0 {
			all = append(all, what+" "+strings.Join(names, ", "))
		}
	}
	add("the connector(s)", h.connectorsOf(tenant))
	add("the module(s)", h.modulesOf(tenant))
	withOffsets, err := h.offsets.Mentioned(ctx, prefix)
	add("the offsets of", withOffsets)
	return all, err
}

// modulesOf lists the names of the modules that a tenant has uploaded.
func (h *Herder) modulesOf(tenant string) (names []string) {
	for _, m := range h.runtime.Modules(tenant) {
		if m.Uploaded {
			names = append(names, m.Name)
		}
	}
	return names
}

// purge deletes all that a tenant has. Tasks that are on their way to their end may write once more, and hold their
// consumer groups meanwhile, so it looks again until it finds nothing.
func (h *Herder) purge(ctx context.Context, tenant string) error {
	sinks := h.sinksOf(tenant)
	if _, err := decide(ctx, h, "deleting the connectors of tenant "+tenant, func(ctx context.Context) (struct{}, error) {
		if err := h.lead(); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, h.configs.ForgetTenant(ctx, tenant)
	}); err != nil {
		return err
	}
	for clean := 0; clean < purgeLooks; {
		found, err := h.purgeOnce(ctx, tenant, sinks)
		switch {
		case err != nil:
			return err
		case found:
			clean = 0
		default:
			clean++
		}
		select {
		case <-time.After(purgeInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, m := range h.runtime.Modules(tenant) {
		if !m.Uploaded {
			continue
		}
		if err := h.runtime.DeleteModule(ctx, tenant, m.Digest); err != nil {
			return err
		}
	}
	return nil
}

// sinksOf are a tenant's sinks with their configurations, which tell where their groups are.
func (h *Herder) sinksOf(tenant string) map[string]host.Config {
	sinks, snapshot := map[string]host.Config{}, h.configs.Snapshot()
	for _, name := range h.connectorsOf(tenant) {
		connector, _ := snapshot.Connector(name)
		resolved, err := h.resolved(name, connector)
		if err == nil && h.kindOf(name, resolved.Config) == string(host.KindSink) {
			sinks[name] = resolved.Config
		}
	}
	return sinks
}

// purgeOnce deletes offsets, groups and statuses, and tells whether there were any or some can't be deleted yet.
func (h *Herder) purgeOnce(ctx context.Context, tenant string, sinks map[string]host.Config) (found bool, err error) {
	prefix := tenant + host.TenantSeparator
	names, err := h.offsets.Mentioned(ctx, prefix)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if err := h.offsets.Forget(ctx, name); err != nil {
			return false, err
		}
	}
	inUse, err := h.deleteGroups(ctx, prefix, sinks)
	if err != nil {
		return false, err
	}
	known := h.statuses.Mentioned(prefix)
	_, err = decide(ctx, h, "deleting the statuses of tenant "+tenant, func(context.Context) (struct{}, error) {
		for _, name := range known {
			h.deleteStatuses(name)
		}
		return struct{}{}, nil
	})
	return len(names)+len(known) > 0 || inUse, err
}

// deleteGroups deletes the consumer groups of sinks, and all others with the tenant's name; true: some have members.
func (h *Herder) deleteGroups(ctx context.Context, prefix string, sinks map[string]host.Config) (inUse bool,
	err error) {
	var failures []error
	for name, config := range sinks {
		group, err := h.openSink(name, config)
		if err != nil {
			continue // its properties are bad: it never had a group
		}
		failures = append(failures, group.Delete(ctx))
		group.Close()
	}
	for _, begin := range []string{"connect-" + prefix, prefix} {
		failures = append(failures, h.admin.DeleteGroups(ctx, begin))
	}
	failures = slices.DeleteFunc(failures, func(err error) bool {
		busy := errors.Is(err, host.ErrGroupInUse)
		inUse = inUse || busy
		return busy
	})
	return inUse, errors.Join(failures...)
}
