package worker

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/schemaregistry"
)

// serveRegistry answers a request to a schema registry.
type serveRegistry func(*schemaregistry.Registry, context.Context, abi.Request) abi.Reply

// services returns what serves the requests of a group's stages: a stage reaches the registry that its own
// configuration names, and no other. serve is nil when no stage asks for a capability of that kind. release must be
// called at the end.
func (w scope) services(group pipeline.Group, answer serveRegistry) (serve guest.Serve, release func(), err error) {
	registries := map[int32]*schemaregistry.Registry{}
	release = func() {
		for _, r := range registries {
			w.registries.Close(r)
		}
	}
	for i, s := range group.Stages {
		if !slices.Contains(s.Found.Capabilities, abi.CapabilitySchemaRegistry) {
			continue
		}
		r, err := w.registries.Open(s.Config, w.registryBounds())
		if err == nil && !w.tenant.IsDefault() {
			if err = r.Check(w.Registry.Reachable().Check); err != nil {
				w.registries.Close(r)
				err = host.BadRequest(fmt.Sprintf("Tenant %s may not use this schema registry: %v; the field network of the "+
					"tenant's record must allow it, and %s", w.tenant.Name, err, network.Property))
			}
		}
		if err != nil {
			release()
			return nil, nil, fmt.Errorf("%s: %w", s.Where(), err)
		}
		registries[int32(i)] = r
	}
	if len(registries) == 0 {
		return nil, release, nil
	}
	return func(ctx context.Context, request abi.Request) abi.Reply {
		r, granted := registries[request.Stage]
		if !granted || request.Capability != abi.CapabilitySchemaRegistry {
			return abi.Reply{Code: abi.CodeInternal, Message: fmt.Sprintf(
				"stage %d has no capability %q: its manifest must ask for it", request.Stage, request.Capability)}
		}
		return answer(r, ctx, request)
	}, release, nil
}

// registryBounds are nil for the default tenant, whose configurations may name any registry, as in Connect. A grant
// that is taken away is gone from the next connection on.
func (w scope) registryBounds() *schemaregistry.Bounds {
	if w.tenant.IsDefault() {
		return nil
	}
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		return network.Dialer{Policy: w.Registry.Reachable()}.DialContext(ctx, "tcp", address)
	}
	return &schemaregistry.Bounds{Tenant: w.tenant.Name, Dial: dial}
}
