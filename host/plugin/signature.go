package plugin

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/berth-connect/berth/host"
)

// The worker's properties about signatures of modules.
const (
	SignatureRequired   = "berth.modules.signature.required"
	SignatureKeys       = "berth.modules.signature.keys"
	SignatureTenantKeys = "berth.modules.signature.tenant.keys"
)

// Signatures is what an operator wants of uploaded modules. Modules that come with the worker or lie in plugin.path are
// the operator's own.
type Signatures struct {
	Required bool
	Keys     []SigningKey // of those who may sign
	// TenantKeys: where Required, tenants' records may name keys that are not among Keys.
	TenantKeys bool

	asks, lists string // what requires a signature, and what lists the keys; "": the worker's properties
}

// SigningKey verifies signatures over a module's SHA-256: Ed25519 over its 32 bytes, or ECDSA with it as the digest, in
// ASN.1, as "cosign sign-blob" and "openssl dgst -sha256 -sign" make it.
type SigningKey struct {
	Name   string // of its file, without .pub or .pem; in a tenant's record its own
	public any    // ed25519.PublicKey or *ecdsa.PublicKey
}

// ReadSigningKeys reads public keys in PEM form.
func ReadSigningKeys(files []string) ([]SigningKey, error) {
	var keys []SigningKey
	for _, file := range files {
		key, err := readSigningKey(file)
		if err != nil {
			return nil, fmt.Errorf("Invalid value %s for configuration %s: %w; it must list files with public keys in PEM "+
				"form, Ed25519 or ECDSA", file, SignatureKeys, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func readSigningKey(file string) (SigningKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return SigningKey{}, err
	}
	return parseSigningKey(strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".pem"), ".pub"), text)
}

func parseSigningKey(name string, text []byte) (SigningKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return SigningKey{}, errors.New("it holds no PUBLIC KEY")
	}
	if more, _ := pem.Decode(rest); more != nil { // it would count for nothing
		return SigningKey{}, fmt.Errorf("it holds a %s behind its key", more.Type)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return SigningKey{}, err
	}
	switch public.(type) {
	case ed25519.PublicKey, *ecdsa.PublicKey:
		return SigningKey{name, public}, nil
	}
	return SigningKey{}, fmt.Errorf("it holds a %T", public)
}

func (k SigningKey) verifies(sum, signature []byte) bool {
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(public, sum, signature)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, sum, signature)
	}
	return false
}

func (k SigningKey) is(other SigningKey) bool {
	public, canEqual := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return canEqual && public.Equal(other.public)
}

// Verify returns the name of the key that a module with that digest is signed by; "": it is not signed and need not be.
// Error: host.ErrBadRequest.
func (s Signatures) Verify(name, digest string, signature []byte) (by string, err error) {
	sum, err := hex.DecodeString(digest)
	if err != nil {
		return "", host.BadRequest(fmt.Sprintf("module %q: %q is no digest", name, digest))
	}
	if len(signature) == 0 {
		if s.Required {
			return "", host.BadRequest(fmt.Sprintf("module %q (%.12s) has no signature, which %s asks for: sign it with "+
				"\"berth plugin sign\" and a key of %s, and upload it with the signature", name, digest,
				cmp.Or(s.asks, "the worker's "+SignatureRequired+"=true"), s.listed()))
		}
		return "", nil
	}
	for _, key := range s.Keys {
		if len(signature) <= host.SignatureBytesMax && key.verifies(sum, signature) {
			return key.Name, nil
		}
	}
	return "", host.BadRequest(fmt.Sprintf("module %q (%.12s) has a signature that none of the %d keys of %s verifies: "+
		"sign it with one of them and upload it with that signature", name, digest, len(s.Keys), s.listed()))
}

// listed says where the keys stand.
func (s Signatures) listed() string { return cmp.Or(s.lists, "the worker's "+SignatureKeys) }
