package plugin

import (
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

// SignatureRequired and SignatureKeys are the worker's properties about signatures of modules.
const (
	SignatureRequired = "berth.modules.signature.required"
	SignatureKeys     = "berth.modules.signature.keys"
)

// signatureMax bounds a signature, in bytes.
const signatureMax = 1 << 10

// Signatures is what an operator wants of uploaded modules. Modules that come with the worker or lie in plugin.path are
// the operator's own.
type Signatures struct {
	Required bool
	Keys     []SigningKey // of those who may sign
}

// SigningKey verifies signatures over a module's SHA-256: Ed25519 over its 32 bytes, or ECDSA with it as the digest, in
// ASN.1, as "cosign sign-blob" and "openssl dgst -sha256 -sign" make it.
type SigningKey struct {
	Name   string // of its file, without .pub or .pem
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
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return SigningKey{}, errors.New("it holds no PUBLIC KEY")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return SigningKey{}, err
	}
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".pem"), ".pub")
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

// Verify returns the name of the key that a module with that digest is signed by; "": it is not signed and need not be.
// Error: host.ErrBadRequest.
func (s Signatures) Verify(name, digest string, signature []byte) (by string, err error) {
	sum, err := hex.DecodeString(digest)
	if err != nil {
		return "", host.BadRequest(fmt.Sprintf("module %q: %q is no digest", name, digest))
	}
	if len(signature) == 0 {
		if s.Required {
			return "", host.BadRequest(fmt.Sprintf("module %q has no signature, which the worker's %s=true asks for: sign it "+
				"with \"berth plugin sign\" and send the signature along", name, SignatureRequired))
		}
		return "", nil
	}
	for _, key := range s.Keys {
		if len(signature) <= signatureMax && key.verifies(sum, signature) {
			return key.Name, nil
		}
	}
	return "", host.BadRequest(fmt.Sprintf("module %q (%.12s) has a signature that none of the %d keys of the worker's "+
		"%s verifies", name, digest, len(s.Keys), SignatureKeys))
}
