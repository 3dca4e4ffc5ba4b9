// Package oci pulls modules out of OCI registries: artifacts that are named by digest, from registries that the
// operator granted, each byte checked against that digest.
package oci

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
)

// The worker's properties about registries.
const (
	RegistriesProperty  = "berth.oci.registries"
	PlainProperty       = "berth.oci.http"
	CredentialsProperty = "berth.oci.credentials"
)

// Kinds of errors besides host.ErrBadRequest, which is for references and artifacts.
var (
	ErrNotGranted = errors.New("not granted")
	ErrTooLarge   = errors.New("module too large")
	ErrRegistry   = errors.New("registry failed")
)

// Config of a puller.
type Config struct {
	// Registries are those that may be asked, with the token and blob servers that they send to. Empty: none is.
	Registries  *network.Policy
	Plain       *network.Policy // those that are asked in plain HTTP
	Credentials Credentials
	// Signed tells that an artifact's own signature counts, as it does for tenants whose records have keys. Where nobody's
	// keys are known it would be refused.
	Signed bool

	Tenants  host.Tenants     // whose networks have to allow it, too; nil: there are none
	Resolver network.Resolver // nil: the system's
	Roots    *x509.CertPool   // of certificates; nil: the system's
}

// Module is what an artifact holds.
type Module struct {
	Name      string // the last part of the repository's
	Source    string // the reference without a tag
	Wasm      []byte
	Signature []byte // of the artifact; nil: it has none
}

// Puller is safe for concurrent use.
type Puller struct{ config Config }

// New returns a puller; it does no I/O.
func New(config Config) *Puller { return &Puller{config} }

// Pull gets a module for a tenant. hold is told how large the module is before it comes, and may refuse. Errors:
// host.ErrBadRequest (the reference, or what it names), ErrNotGranted, ErrTooLarge, ErrRegistry, hold's, the context's.
func (p *Puller) Pull(ctx context.Context, tenant, reference string, hold func(bytes int64) error) (Module, error) {
	if p.config.Registries.Empty() {
		return Module{}, &host.Error{Kind: ErrNotGranted, Message: "Modules can't be pulled from registries: the worker's " +
			RegistriesProperty + " lists none"}
	}
	r, err := ParseReference(reference)
	if err != nil {
		return Module{}, err
	}
	policy, err := p.policyOf(tenant)
	if err != nil {
		return Module{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, host.PullDurationMax)
	defer cancel()
	s := p.open(r, policy, tenant)
	defer s.close()
	m, err := s.pull(ctx, hold)
	if err != nil {
		return Module{}, explained(ctx, r, err)
	}
	return m, nil
}

// policyOf is what both the worker's properties and the tenant's record allow.
func (p *Puller) policyOf(name string) (*network.Policy, error) {
	if name == "" || p.config.Tenants == nil {
		return p.config.Registries, nil
	}
	tenant, known := p.config.Tenants.Tenant(name)
	if !known {
		return nil, host.NotFound(fmt.Sprintf("Tenant %s not found", name))
	}
	policy, err := network.ParsePolicy(tenant.Network)
	if err != nil {
		return nil, err
	}
	return policy.ListedIn("the network of tenant " + name).Within(p.config.Registries), nil
}

func (p *Puller) signed(tenant string) bool {
	if p.config.Signed || tenant == "" || p.config.Tenants == nil {
		return p.config.Signed
	}
	record, _ := p.config.Tenants.Tenant(tenant)
	return len(record.Signatures.Keys) > 0
}

// explained puts the artifact's name in front of what is wrong, and finds the kind of what the network says. When the
// time is over that is what is wrong, whatever a connection that was cut looks like.
func explained(ctx context.Context, r Reference, err error) error {
	kind, message := ErrRegistry, err.Error()
	var known *host.Error
	var refused *network.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil:
		message = fmt.Sprintf("it did not come within %s", host.PullDurationMax)
	case errors.As(err, &known):
		kind, message = known.Kind, known.Message
	case errors.As(err, &refused):
		message = refused.Message
		if refused.Code == abi.NetNotGranted {
			kind = ErrNotGranted
		}
	}
	return &host.Error{Kind: kind, Message: fmt.Sprintf("Can't pull %s: %s", r, message)}
}

// pull gets the manifest, and the module that it names.
func (s *session) pull(ctx context.Context, hold func(bytes int64) error) (Module, error) {
	text, err := s.manifest(ctx)
	if err != nil {
		return Module{}, err
	}
	found, err := parseManifest(text)
	if err != nil {
		return Module{}, err
	}
	if err := hold(found.size); err != nil {
		return Module{}, err
	}
	wasm, err := s.blob(ctx, found)
	if err != nil {
		return Module{}, err
	}
	m := Module{Name: s.reference.name(), Source: s.reference.String(), Wasm: wasm}
	if s.signed {
		m.Signature = found.signature
	}
	return m, nil
}

// manifest gets the one that the reference names.
func (s *session) manifest(ctx context.Context) ([]byte, error) {
	body, err := s.get(ctx, "manifests", s.reference.Digest, manifestTypes)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, host.ManifestBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("read its manifest: %w", err)
	}
	if len(text) > host.ManifestBytesMax {
		return nil, host.BadRequest(fmt.Sprintf("its manifest has more than %d bytes", host.ManifestBytesMax))
	}
	return text, checkDigest("its manifest", text, s.reference.Digest)
}

// blob gets a module of exactly the size that its manifest says, whatever comes.
func (s *session) blob(ctx context.Context, l layer) ([]byte, error) {
	body, err := s.get(ctx, "blobs", l.digest, "*/*")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	wasm := make([]byte, l.size)
	if n, err := io.ReadFull(body, wasm); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, host.BadRequest(fmt.Sprintf("its module ends after %d of the %d bytes that its manifest says", n, l.size))
	} else if err != nil {
		return nil, fmt.Errorf("read its module: %w", err)
	}
	if n, _ := io.CopyN(io.Discard, body, 1); n > 0 {
		return nil, host.BadRequest(fmt.Sprintf("its module has more than the %d bytes that its manifest says", l.size))
	}
	return wasm, checkDigest("its module", wasm, l.digest)
}

// checkDigest refuses content that is not what was asked for.
func checkDigest(what string, content []byte, digest string) error {
	sum := sha256.Sum256(content)
	if got := hex.EncodeToString(sum[:]); got != digest {
		return host.BadRequest(fmt.Sprintf("%s has the digest sha256:%s, not sha256:%s", what, got, digest))
	}
	return nil
}
