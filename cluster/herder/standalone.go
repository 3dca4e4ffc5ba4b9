package herder

import (
	"context"
	"fmt"
	"time"

	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// Standalone is the herder of a standalone worker, with what its REST API answers otherwise than a distributed one's
// (StandaloneHerder): a new configuration is carried out before the answer, and unknown connectors meet other errors.
type Standalone struct{ *Herder }

// Create returns when the connector has started and its tasks are on their way. Errors: as Herder.Create;
// ErrInternal when the connector can't start, though it stays, FAILED.
func (s Standalone) Create(ctx context.Context, name string, config host.Config, target host.TargetState) (
	ConnectorInfo, error) {
	if _, err := s.Herder.Create(ctx, name, config, target); err != nil {
		return ConnectorInfo{}, err
	}
	return s.started(ctx, name)
}

// PutConfig waits as Create does.
func (s Standalone) PutConfig(ctx context.Context, name string, config host.Config) (ConnectorInfo, bool, error) {
	_, created, err := s.Herder.PutConfig(ctx, name, config)
	if err != nil {
		return ConnectorInfo{}, false, err
	}
	info, err := s.started(ctx, name)
	return info, created, err
}

// PatchConfig waits as Create does.
func (s Standalone) PatchConfig(ctx context.Context, name string, patch host.Config) (ConnectorInfo, error) {
	if _, err := s.Herder.PatchConfig(ctx, name, patch); err != nil {
		return ConnectorInfo{}, err
	}
	return s.started(ctx, name)
}

// started waits until the connector's conductor has carried out what was just written.
func (s Standalone) started(ctx context.Context, name string) (ConnectorInfo, error) {
	done := make(chan error, 1)
	began := &stage{text: "starting connector " + name, began: time.Now()}
	_, err := decide(ctx, s.Herder, began.text, func(ctx context.Context) (struct{}, error) {
		s.takeConfigEvents(ctx) // or the conductor would not know yet what it is asked about
		c := s.conductors[name]
		if c == nil { // deleted meanwhile
			return struct{}{}, host.NotFound(fmt.Sprintf("Connector %s not found", name))
		}
		c.do(errand{ctx: ctx, done: done, run: func(context.Context) error {
			if c.failed() {
				return internal(fmt.Sprintf("Failed to transition connector %s to state %s", name, c.target))
			}
			return nil
		}})
		return struct{}{}, nil
	})
	if err != nil {
		return ConnectorInfo{}, err
	}
	select {
	case err := <-done:
		if err != nil {
			return ConnectorInfo{}, err
		}
	case <-s.ended:
		return ConnectorInfo{}, errStopping
	case <-ctx.Done():
		return ConnectorInfo{}, s.timedOut(ctx, began)
	}
	return s.Connector(ctx, name)
}

// Stop answers an unknown connector as Connect's standalone worker does. Errors: ErrInternal.
func (s Standalone) Stop(ctx context.Context, name string) error {
	if err := s.await(ctx); err != nil {
		return err
	}
	if !s.knows(name) {
		return internal(fmt.Sprintf("No connector `%s` configured", name))
	}
	return s.Herder.Stop(ctx, name)
}

// RestartConnector as Stop.
func (s Standalone) RestartConnector(ctx context.Context, name string) error {
	if err := s.await(ctx); err != nil {
		return err
	}
	if !s.knows(name) {
		return internal(fmt.Sprintf("Connector %s can't be restarted: it is not configured", name))
	}
	return s.Herder.RestartConnector(ctx, name)
}

// RestartTask as Stop. Errors: ErrNotFound for an unknown task of a known connector, ErrInternal.
func (s Standalone) RestartTask(ctx context.Context, id host.TaskID) error {
	if err := s.await(ctx); err != nil {
		return err
	}
	switch {
	case !s.knows(id.Connector):
		return internal(fmt.Sprintf("Failed to start task %s since it is not a recognizable type (source or sink)", id))
	case !s.hasTask(id):
		return host.NotFound(fmt.Sprintf("Task %s not found", id))
	}
	return s.Herder.RestartTask(ctx, id)
}

// PutTaskConfigs implements a request between workers, of which there are none. Errors: ErrInternal.
func (Standalone) PutTaskConfigs(context.Context, string, []host.Config, *sessionkey.Signature) error {
	return internal("Kafka Connect in standalone mode does not support externally setting task configurations.")
}

// FenceZombies as PutTaskConfigs.
func (Standalone) FenceZombies(context.Context, string, *sessionkey.Signature) error {
	return internal("Kafka Connect in standalone mode does not support exactly-once source connectors.")
}

func (s Standalone) knows(name string) bool {
	_, known := s.configs.Snapshot().Connector(name)
	return known
}

// PutTenant refuses tenants: their records lie in the config topic, which a standalone worker does not have. Error:
// ErrBadRequest.
func (Standalone) PutTenant(context.Context, host.Tenant) (bool, error) {
	return false, host.BadRequest("A standalone worker has no tenants: start it with berth worker -c FILE")
}
