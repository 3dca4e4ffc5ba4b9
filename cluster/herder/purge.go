package herder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/berth-connect/berth/host"
)

// DeleteTenant deletes a tenant's record, and with force all that the tenant has: connectors, offsets, consumer groups,
// statuses, modules, and what earlier connectors of its have left behind. Topics stay. With force the tenant is marked
// first, and whoever leads the group does the rest until nothing is left: a request that ends before has begun it all
// the same. Errors: *NotLeader, ErrNotFound, ErrConflict (the tenant has something), those of the last attempt.
func (h *Herder) DeleteTenant(ctx context.Context, name string, force bool) error {
	if force {
		return h.doom(ctx, name, force)
	}
	at := &stage{text: "deleting tenant " + name, began: time.Now()}
	if _, err := decide(ctx, h, at.text, func(context.Context) (struct{}, error) {
		return struct{}{}, h.leadTenant(name)
	}); err != nil {
		return err
	}
	has, err := h.belongings(ctx, name)
	if err != nil {
		return h.timedCall(ctx, at, err)
	}
	if len(has) > 0 {
		return host.Conflict(fmt.Sprintf("Tenant %s still has %s; delete them first, or all that it has with ?force=true",
			name, strings.Join(has, "; ")))
	}
	return h.doom(ctx, name, force) // groups, statuses and torn uploads are nothing that anybody would miss
}

// doom marks a tenant as one that goes, and waits for the end of an attempt at that.
func (h *Herder) doom(ctx context.Context, name string, force bool) error {
	what, ended := "deleting tenant "+name, make(chan error, 1)
	_, err := decide(ctx, h, what, func(ctx context.Context) (struct{}, error) {
		if err := h.leadTenant(name); err != nil {
			return struct{}{}, err
		}
		if !force && len(h.connectorsOf(name))+len(h.modulesOf(name)) > 0 { // made meanwhile
			return struct{}{}, host.Conflict(fmt.Sprintf("Tenant %s has new connectors or modules; try again", name))
		}
		h.purgeOf(name).await(ended)
		record, _ := h.configs.Tenant(name)
		if record.Deleting {
			return struct{}{}, nil // the next look goes on with it
		}
		record.Deleting = true
		return struct{}{}, h.configs.PutTenant(ctx, record)
	})
	if err != nil {
		return err
	}
	select {
	case err := <-ended:
		return err
	case <-h.ended:
		return errStopping
	case <-ctx.Done():
		return &host.Error{Kind: host.ErrInternal, Message: fmt.Sprintf("Tenant %s is not deleted yet; the leader goes on "+
			"until nothing of it is left. Ask again to wait for it", name)}
	}
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

// purging is how far this worker is with the deletion of a tenant. It belongs to the deciding goroutine.
type purging struct {
	active  bool
	next    time.Time      // of the next attempt, after one that failed
	waiting []chan<- error // requests that wait for the end of an attempt
}

func (p *purging) await(ended chan<- error) {
	p.waiting, p.next = append(p.waiting, ended), time.Time{}
}

func (p *purging) tell(err error) {
	for _, waiting := range p.waiting {
		waiting <- err
	}
	p.waiting = nil
}

func (h *Herder) purgeOf(tenant string) *purging {
	if h.purges[tenant] == nil {
		h.purges[tenant] = &purging{}
	}
	return h.purges[tenant]
}

// purgeTenants begins what is to be done for tenants that are marked as going, if this worker leads: it may go on with
// what another leader has begun.
func (h *Herder) purgeTenants(ctx context.Context) {
	if h.lead() != nil {
		for _, p := range h.purges {
			p.tell(h.lead()) // who leads now goes on
		}
		return
	}
	for name, tenant := range h.configs.Snapshot().Tenants {
		if !tenant.Deleting {
			continue
		}
		if p := h.purgeOf(name); !p.active && time.Now().After(p.next) {
			p.active = true
			h.running.Go(func() {
				err := h.purge(ctx, name)
				h.inbox.post(func() { h.onPurged(name, err) })
			})
		}
	}
}

// onPurged hears of the end of an attempt.
func (h *Herder) onPurged(tenant string, err error) {
	p := h.purgeOf(tenant)
	p.active, p.next = false, time.Now().Add(purgeRetryDelay)
	p.tell(err)
	if err == nil {
		delete(h.purges, tenant)
		return
	}
	h.log.Warn("A tenant is not deleted yet; it is tried again until nothing of it is left", "tenant", tenant, "error",
		err)
}

// purge deletes all that a tenant has, the record last. Each step can be done again, and none needs what one before it
// has deleted: so whoever begins anew after a crash finds all that is left. Connectors keep their configurations until
// their groups and offsets are gone, since they alone tell where these are.
func (h *Herder) purge(ctx context.Context, tenant string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := h.stopTenant(ctx, tenant); err != nil {
		return err
	}
	r := &remains{Herder: h, tenant: tenant, prefix: tenant + host.TenantSeparator, own: h.ownPlaces(tenant)}
	if err := r.untilNothing(ctx, r.deletePositions); err != nil {
		return err
	}
	if err := r.untilNothing(ctx, r.deleteRecords, r.deletePositions); err != nil {
		return err
	}
	if err := h.runtime.DeleteModules(ctx, tenant); err != nil {
		return err
	}
	_, err := decide(ctx, h, "deleting the record of tenant "+tenant, func(ctx context.Context) (struct{}, error) {
		if err := h.leadTenant(tenant); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, h.configs.DeleteTenant(ctx, tenant)
	})
	return err
}

// stopTenant stops a tenant's connectors and takes their tasks away.
func (h *Herder) stopTenant(ctx context.Context, tenant string) error {
	_, err := decide(ctx, h, "stopping the connectors of tenant "+tenant, func(ctx context.Context) (struct{}, error) {
		if err := h.leadTenant(tenant); err != nil {
			return struct{}{}, err
		}
		for _, name := range h.connectorsOf(tenant) {
			connector, _ := h.configs.Snapshot().Connector(name)
			if connector.Target == host.TargetStopped && connector.TaskCount <= 0 {
				continue
			}
			if err := h.configs.PutTasks(ctx, name, nil); err != nil {
				return struct{}{}, err
			}
			if err := h.configs.PutTargetState(ctx, name, host.TargetStopped); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

// place is where a connector has its position by its own configuration.
type place struct {
	config   host.Config
	sink     bool
	failures int
}

// ownPlaces are those of a tenant's connectors. A configuration whose references can't be resolved tells none: it can
// have run with other values only.
func (h *Herder) ownPlaces(tenant string) map[string]*place {
	places, snapshot := map[string]*place{}, h.configs.Snapshot()
	for _, name := range h.connectorsOf(tenant) {
		connector, _ := snapshot.Connector(name)
		if resolved, err := h.resolved(name, connector); err == nil {
			kind := h.kindOf(name, resolved.Config)
			places[name] = &place{config: resolved.Config, sink: kind == string(host.KindSink)}
		}
	}
	return places
}

// remains is what is left of a tenant.
type remains struct {
	*Herder
	tenant, prefix string
	own            map[string]*place
}

// untilNothing looks again until it has found nothing several times: tasks that are on their way to their end may write
// once more, and hold their groups meanwhile. Error: something can't be deleted for long.
func (r *remains) untilNothing(ctx context.Context, looks ...func(context.Context) (string, error)) error {
	found := ""
	for clean, n := 0, 0; clean < purgeLooks; n++ {
		if n > purgeLooksMax {
			return fmt.Errorf("deleting tenant %s: there is still, or again and again, %s", r.tenant, found)
		}
		clean++
		for _, look := range looks {
			what, err := look(ctx)
			if err != nil {
				return fmt.Errorf("deleting tenant %s: %w", r.tenant, err)
			}
			if what != "" {
				clean, found = 0, what
			}
		}
		select {
		case <-time.After(purgeInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// deletePositions deletes offsets and consumer groups, and says of what there was something or can't be deleted yet.
func (r *remains) deletePositions(ctx context.Context) (found string, err error) {
	if err := r.stillLeads(ctx); err != nil {
		return "", err
	}
	withOffsets, err := r.offsets.Mentioned(ctx, r.prefix)
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(r.own)) {
		if r.deleteOwn(ctx, name, r.own[name]) {
			found = "what the clients of connector " + name + " have"
		}
	}
	for _, name := range withOffsets {
		found = "the offsets of " + name
		if err := r.offsets.Forget(ctx, name); err != nil {
			return "", err
		}
	}
	for _, begin := range []string{"connect-" + r.prefix, r.prefix} {
		err := r.admin.DeleteGroups(ctx, begin)
		switch {
		case errors.Is(err, host.ErrGroupInUse):
			found = err.Error()
		case err != nil:
			return "", err
		}
	}
	return found, nil
}

// stillLeads: another leader may have ended the deletion, and somebody made a tenant of that name anew.
func (r *remains) stillLeads(ctx context.Context) error {
	_, err := decide(ctx, r.Herder, "deleting tenant "+r.tenant, func(context.Context) (struct{}, error) {
		return struct{}{}, r.leadTenant(r.tenant)
	})
	return err
}

// deleteOwn deletes what a connector's own clients have of its position, and tells whether there was any or it has to
// be tried again. What they can't reach or others hold, in a Kafka that is gone or a group of somebody else, is given
// up in the end: it is not the worker's.
func (r *remains) deleteOwn(ctx context.Context, name string, p *place) (again bool) {
	if p.failures > purgeFailuresMax {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, purgeOwnDurationMax)
	defer cancel()
	var err error
	if p.sink {
		err = r.deleteGroup(ctx, name, p.config)
	} else {
		again, err = r.deleteSourceOffsets(ctx, name, p.config)
	}
	if err == nil {
		return again
	}
	if p.failures++; p.failures > purgeFailuresMax {
		r.log.Error("What a deleted tenant's connector has by its own clients' configuration stays", "connector", name,
			"error", err)
	}
	return true
}

// deleteGroup deletes a sink's group. Properties that are bad never made one.
func (r *remains) deleteGroup(ctx context.Context, name string, config host.Config) error {
	group, err := r.openSink(name, config)
	if err != nil {
		return nil
	}
	defer group.Close()
	return group.Delete(ctx)
}

// deleteSourceOffsets deletes a source's offsets where its configuration says that they are.
func (r *remains) deleteSourceOffsets(ctx context.Context, name string, config host.Config) (found bool, err error) {
	source, err := r.openSource(name, config)
	if err != nil {
		return false, nil // bad properties never made any
	}
	stored, err := source.Load(ctx)
	if err != nil {
		return false, err
	}
	var gone []host.SourceOffset
	for _, o := range withoutOffsets(stored) {
		gone = append(gone, host.SourceOffset{Partition: o.Partition})
	}
	return len(gone) > 0, source.Store(ctx, gone)
}

// deleteRecords deletes what the topics of configurations and statuses have.
func (r *remains) deleteRecords(ctx context.Context) (found string, err error) {
	return decide(ctx, r.Herder, "deleting the records of tenant "+r.tenant, func(ctx context.Context) (string, error) {
		if err := r.leadTenant(r.tenant); err != nil {
			return "", err
		}
		configured, err := r.configs.ForgetTenant(ctx, r.tenant)
		if err != nil {
			return "", err
		}
		if configured {
			found = "configurations"
		}
		for _, name := range r.statuses.Mentioned(r.prefix) {
			found = "statuses of " + name
			r.deleteStatuses(name)
		}
		return found, nil
	})
}
