package herder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// SessionKeys says how requests between workers are signed (KIP-507).
type SessionKeys struct {
	Algorithm          string        // inter.worker.key.generation.algorithm
	Bits               int           // inter.worker.key.size; 0: the algorithm's own
	TTL                time.Duration // inter.worker.key.ttl.ms; 0: a key holds for ever
	SignatureAlgorithm string        // inter.worker.signature.algorithm
	Verification       []string      // inter.worker.verification.algorithms
}

// ErrUnavailable is a request that this worker can't check yet.
var ErrUnavailable = errors.New("unavailable")

var errNoKey = &host.Error{Kind: ErrUnavailable, Message: "This worker is still starting up and has not been able to " +
	"read a session key from the config topic yet"}

// PutTaskConfigs writes the task configurations that the owner of a connector has computed. Errors: those of
// checkSigned, *NotLeader, ErrNotFound, ErrBadRequest (tasks for a stopped connector).
func (h *Herder) PutTaskConfigs(ctx context.Context, name string, tasks []host.Config,
	signature *sessionkey.Signature) error {
	if err := h.checkSigned(ctx, signature); err != nil {
		return err
	}
	what := "writing task configurations of connector " + name
	_, err := decide(ctx, h, what, func(ctx context.Context) (struct{}, error) {
		if err := h.lead(); err != nil {
			return struct{}{}, err
		}
		connector, known := h.configs.Snapshot().Connector(name)
		switch {
		case !known:
			return struct{}{}, host.NotFound(fmt.Sprintf("Connector %s not found", name))
		case connector.Target == host.TargetStopped && len(tasks) > 0:
			return struct{}{}, host.BadRequest("Cannot submit non-empty set of task configs for stopped connector " + name)
		}
		return struct{}{}, h.putTasks(ctx, name, connector, tasks)
	})
	return err
}

// checkSigned refuses requests that no worker of the group can have made. Errors: ErrBadRequest, ErrForbidden,
// ErrUnavailable.
func (h *Herder) checkSigned(ctx context.Context, signature *sessionkey.Signature) error {
	if err := h.await(ctx); err != nil {
		return err
	}
	if h.group != nil && !h.signs.Load() && !h.AnyTenant() {
		return nil
	}
	if signature == nil {
		return host.BadRequest("Internal request missing required signature")
	}
	if !slices.Contains(h.config.SessionKeys.Verification, signature.Algorithm) {
		return host.BadRequest(fmt.Sprintf("This worker does not support the '%s' key signing algorithm used by other "+
			"workers. This worker is currently configured to use: [%s]. Check that all workers' configuration files permit "+
			"the same set of signature algorithms, and correct any misconfigured worker and restart it.",
			signature.Algorithm, strings.Join(h.config.SessionKeys.Verification, ", ")))
	}
	key := h.configs.Snapshot().SessionKey
	if key == nil {
		return errNoKey
	}
	if !signature.Valid(key.Key) {
		return &host.Error{Kind: ErrForbidden, Message: "Internal request contained invalid signature."}
	}
	return nil
}

// renewSessionKey hands out a session key when there is none, when it is too old or not as configured, and sees to it
// that this is looked at again when the key gets old. The leader calls it.
func (h *Herder) renewSessionKey(ctx context.Context) {
	if !h.signs.Load() || !h.leads() {
		h.keyDue = nil
		return
	}
	keys := h.config.SessionKeys
	fresh, err := sessionkey.Generate(keys.Algorithm, keys.Bits)
	if err != nil {
		h.log.Error("Failed to make a session key", "algorithm", keys.Algorithm, "bits", keys.Bits, "error", err)
		return
	}
	now, key := time.Now(), h.configs.Snapshot().SessionKey
	if key == nil || key.Algorithm != keys.Algorithm || len(key.Key) != len(fresh) || !now.Before(h.keyEnd(key)) {
		h.log.Info("Distributing a new session key")
		ctx, cancel := h.whileMember(context.WithoutCancel(ctx))
		defer cancel()
		key = &store.SessionKey{Key: fresh, Algorithm: keys.Algorithm, CreatedUnixMs: now.UnixMilli()}
		if err := h.configs.PutSessionKey(ctx, *key); err != nil {
			h.log.Error("Failed to write a session key, trying again", "error", err)
			h.keyDue = time.After(retryDelayMin)
			return
		}
	}
	h.keyDue = nil
	if keys.TTL > 0 {
		h.keyDue = time.After(time.Until(h.keyEnd(key)))
	}
}

// keyEnd is when a key has to be replaced.
func (h *Herder) keyEnd(key *store.SessionKey) time.Time {
	if h.config.SessionKeys.TTL <= 0 {
		return time.Unix(1<<40, 0)
	}
	return time.UnixMilli(key.CreatedUnixMs).Add(h.config.SessionKeys.TTL)
}

// Sign signs what this worker says to another one of its group; nil: the group does not sign. Errors: ErrUnavailable.
func (h *Herder) Sign(text []byte) (*sessionkey.Signature, error) {
	sign := h.signer()
	if sign == nil {
		return nil, nil
	}
	signature, err := sign(text)
	return &signature, err
}

// CheckSigned refuses what no worker of the group can have signed. Errors: ErrBadRequest, ErrForbidden, ErrUnavailable.
func (h *Herder) CheckSigned(ctx context.Context, signature *sessionkey.Signature) error {
	if h.group == nil || !h.signs.Load() {
		return &host.Error{Kind: ErrForbidden, Message: "The workers of this group do not sign their requests"}
	}
	return h.checkSigned(ctx, signature)
}
