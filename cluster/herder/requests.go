package herder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/berth-connect/berth/host"
)

// Create stores a new connector in a target state and returns what was stored. Errors: ErrBadRequest (invalid
// configuration), *NotLeader, ErrConflict (the name is taken).
func (h *Herder) Create(ctx context.Context, name string, config host.Config, target host.TargetState) (
	ConnectorInfo, error) {
	if err := h.checkValid(ctx, name, config); err != nil {
		return ConnectorInfo{}, err
	}
	return decide(ctx, h, "creating connector "+name, func(ctx context.Context) (ConnectorInfo, error) {
		if err := h.lead(); err != nil {
			return ConnectorInfo{}, err
		}
		if _, known := h.configs.Snapshot().Connector(name); known {
			return ConnectorInfo{}, host.Conflict(fmt.Sprintf("Connector %s already exists", name))
		}
		return h.putConfig(ctx, name, config, target)
	})
}

// PutConfig stores a connector's configuration and tells whether the connector is new. Errors: ErrBadRequest,
// *NotLeader.
func (h *Herder) PutConfig(ctx context.Context, name string, config host.Config) (ConnectorInfo, bool, error) {
	if err := h.checkValid(ctx, name, config); err != nil {
		return ConnectorInfo{}, false, err
	}
	created := false
	info, err := decide(ctx, h, "updating connector "+name, func(ctx context.Context) (ConnectorInfo, error) {
		if err := h.lead(); err != nil {
			return ConnectorInfo{}, err
		}
		_, known := h.configs.Snapshot().Connector(name)
		created = !known
		return h.putConfig(ctx, name, config, "")
	})
	if err != nil {
		return ConnectorInfo{}, false, err
	}
	return info, created, nil
}

// PatchConfig merges patch into a connector's configuration; a null deletes the key (KIP-477). Errors: *NotLeader,
// ErrNotFound, ErrBadRequest.
func (h *Herder) PatchConfig(ctx context.Context, name string, patch host.Config) (ConnectorInfo, error) {
	for {
		if _, err := decide(ctx, h, "patching connector "+name, func(context.Context) (struct{}, error) {
			return struct{}{}, h.lead()
		}); err != nil {
			return ConnectorInfo{}, err
		}
		stored, err := h.Config(ctx, name)
		if err != nil {
			return ConnectorInfo{}, err
		}
		merged := maps.Clone(stored)
		for key, value := range patch {
			if value == nil {
				delete(merged, key)
			} else {
				merged[key] = value
			}
		}
		if err := h.checkValid(ctx, name, merged); err != nil {
			return ConnectorInfo{}, err
		}
		overtaken := false
		info, err := decide(ctx, h, "patching connector "+name, func(ctx context.Context) (ConnectorInfo, error) {
			if err := h.lead(); err != nil {
				return ConnectorInfo{}, err
			}
			connector, known := h.configs.Snapshot().Connector(name)
			if overtaken = !known || !sameConfig(connector.Config, stored); overtaken {
				return ConnectorInfo{}, nil
			}
			return h.putConfig(ctx, name, merged, "")
		})
		if err != nil || !overtaken {
			return info, err
		}
	}
}

func (h *Herder) putConfig(ctx context.Context, name string, config host.Config, target host.TargetState) (
	ConnectorInfo, error) {
	if err := h.admit(name, config); err != nil {
		return ConnectorInfo{}, err
	}
	if err := h.configs.PutConnector(ctx, name, config, target); err != nil {
		return ConnectorInfo{}, fmt.Errorf("write the configuration of connector %s: %w", name, err)
	}
	return h.info(name, config), nil
}

// checkValid validates a configuration with its plugin; the error lists every message, as Connect's does.
func (h *Herder) checkValid(ctx context.Context, name string, config host.Config) error {
	if len(name) > host.ConnectorNameBytesMax {
		return host.BadRequest(fmt.Sprintf("Invalid connector name %.60q…: it has %d bytes, at most %d are taken", name,
			len(name), host.ConnectorNameBytesMax))
	}
	infos, err := h.validate(ctx, "performing validation for connector "+name, h.ownerOf(name), config)
	if err != nil {
		return err
	}
	_, own := h.config.Restarts.of(config)
	_, swaps := host.DefaultSwapPolicy.Of(config)
	own = append(own, swaps...)
	if infos.ErrorCount+len(own) == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Connector configuration is invalid and contains the following %d error(s):",
		infos.ErrorCount+len(own))
	for _, config := range infos.Configs {
		if config.Value != nil {
			for _, message := range config.Value.Errors {
				text.WriteString("\n" + message)
			}
		}
	}
	for _, problem := range own {
		text.WriteString("\n" + problem.Error())
	}
	text.WriteString("\nYou can also find the above list of errors at the endpoint " +
		"`/connector-plugins/{connectorType}/config/validate`")
	return host.BadRequest(text.String())
}

// Delete removes a connector. Its tasks stop soon after; its source offsets stay. Errors: *NotLeader, ErrNotFound.
func (h *Herder) Delete(ctx context.Context, name string) error {
	_, err := decide(ctx, h, "deleting connector "+name, func(ctx context.Context) (struct{}, error) {
		if err := h.lead(); err != nil {
			return struct{}{}, err
		}
		if _, known := h.configs.Snapshot().Connector(name); !known {
			return struct{}{}, host.NotFound(fmt.Sprintf("Connector %s not found", name))
		}
		return struct{}{}, h.configs.DeleteConnector(ctx, name)
	})
	return err
}

// Pause asks for the connector and its tasks to be paused. Errors: ErrNotFound.
func (h *Herder) Pause(ctx context.Context, name string) error {
	return h.setTarget(ctx, name, host.TargetPaused)
}

// Resume asks for the connector and its tasks to run. Errors: ErrNotFound.
func (h *Herder) Resume(ctx context.Context, name string) error {
	return h.setTarget(ctx, name, host.TargetStarted)
}

func (h *Herder) setTarget(ctx context.Context, name string, target host.TargetState) error {
	return h.change(ctx, "changing the target state of connector "+name, name,
		func(ctx context.Context) error { return h.configs.PutTargetState(ctx, name, target) })
}

// Stop asks for the connector to be stopped and its tasks to be deleted (KIP-875). Errors: ErrNotFound, *NotLeader.
func (h *Herder) Stop(ctx context.Context, name string) error {
	return h.change(ctx, "stopping connector "+name, name,
		func(ctx context.Context) error {
			if err := h.lead(); err != nil {
				return err
			}
			if err := h.configs.PutTasks(ctx, name, nil); err != nil {
				return err
			}
			return h.configs.PutTargetState(ctx, name, host.TargetStopped)
		})
}

// change runs a write about a connector that exists.
func (h *Herder) change(ctx context.Context, what, name string, write func(context.Context) error) error {
	_, err := decide(ctx, h, what, func(ctx context.Context) (struct{}, error) {
		if _, known := h.configs.Snapshot().Connector(name); !known {
			return struct{}{}, host.NotFound("Unknown connector " + name)
		}
		err := write(ctx)
		var other *NotLeader
		if err != nil && !errors.As(err, &other) {
			return struct{}{}, fmt.Errorf("%s: %w", what, err)
		}
		return struct{}{}, err
	})
	return err
}

// PutLoggerLevel writes a log level for all workers of the cluster.
func (h *Herder) PutLoggerLevel(ctx context.Context, namespace, level string) error {
	_, err := decide(ctx, h, "setting a log level", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, h.configs.PutLoggerLevel(ctx, namespace, level)
	})
	return err
}
