package schemaregistry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/berth-connect/berth/host"
)

// Registry is one registry as the configuration of a converter names it.
type Registry struct {
	settings
	client *client
	cache  *cache
	users  int // guarded by the pool's mu
	key    [sha256.Size]byte
}

// Pool shares a client and its cache among all whose configuration says the same about the registry.
type Pool struct {
	log *slog.Logger

	mu    sync.Mutex
	known map[[sha256.Size]byte]*Registry // guarded by mu
}

// Bounds hold a registry to what the tenant may reach in whose connector's configuration it stands: the host dials what
// that names, and reads no file for it.
type Bounds struct {
	Tenant string
	// Dial connects to host:port, or refuses to: *network.Error.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// NewPool makes an empty one.
func NewPool(log *slog.Logger) *Pool {
	return &Pool{log: log, known: map[[sha256.Size]byte]*Registry{}}
}

// Open returns the registry of a converter's configuration, whose keys are without a prefix such as value.converter.
// bounds are nil for the default tenant. Each Open needs a Close. It does no I/O but to read certificates; its errors
// are host.ErrBadRequest.
func (p *Pool) Open(config host.Config, bounds *Bounds) (*Registry, error) {
	s, err := parseSettings(config, bounds)
	if err != nil {
		return nil, err
	}
	key := fingerprint(config, bounds)
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.known[key]
	if r == nil {
		r = &Registry{settings: s, client: newClient(s, p.log), cache: newCache(s.cacheSize), key: key}
		p.known[key] = r
	}
	r.users++
	return r, nil
}

// Check asks whether the hosts of a registry's addresses may be dialled.
func (r *Registry) Check(allowed func(host string, port uint16) error) error {
	for _, u := range r.urls {
		port, err := strconv.ParseUint(cmp.Or(u.Port(), map[string]string{"https": "443"}[u.Scheme], "80"), 10, 16)
		if err == nil {
			err = allowed(u.Hostname(), uint16(port))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Close gives a registry back.
func (p *Pool) Close(r *Registry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.users--; r.users == 0 {
		delete(p.known, r.key)
		r.client.close()
	}
}

// clientKeys are the beginnings of the keys that a client depends on.
var clientKeys = []string{"schema.registry.", "basic.auth.", "bearer.auth.", "http.", "max.retries", "retries.",
	"schemas.cache.config", "latest.cache.ttl.sec"}

func fingerprint(config host.Config, bounds *Bounds) [sha256.Size]byte {
	var text strings.Builder
	if bounds != nil {
		fmt.Fprintf(&text, "tenant %s\n", bounds.Tenant)
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if slices.ContainsFunc(clientKeys, func(begin string) bool { return strings.HasPrefix(key, begin) }) {
			fmt.Fprintf(&text, "%q=%q\n", key, config.Get(key))
		}
	}
	return sha256.Sum256([]byte(text.String()))
}
