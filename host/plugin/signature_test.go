package plugin

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

// publicFile writes the public key of a signer.
func publicFile(t *testing.T, name string, private crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSignaturesOfBothKinds(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ReadSigningKeys([]string{publicFile(t, "ed.pub", edwards), publicFile(t, "cosign.pem", curve)})
	if err != nil {
		t.Fatal(err)
	}
	digest := digestOf([]byte("module"))
	sum, _ := hex.DecodeString(digest)
	byEdwards := ed25519.Sign(edwards, sum)
	byCurve, err := ecdsa.SignASN1(rand.Reader, curve, sum)
	if err != nil {
		t.Fatal(err)
	}
	known, required := Signatures{Keys: keys}, Signatures{Required: true, Keys: keys}
	for _, c := range []struct {
		what      string
		policy    Signatures
		digest    string
		signature []byte
		by, fails string
	}{
		{"Ed25519", required, digest, byEdwards, "ed", ""},
		{"ECDSA", required, digest, byCurve, "cosign", ""},
		{"none, not required", known, digest, nil, "", ""},
		{"none", required, digest, nil, "", "has no signature, which the worker's berth.modules"},
		{"of other bytes", known, digestOf(nil), byEdwards, "", "none of the 2 keys of the worker's berth.modules"},
		{"no keys", Signatures{}, digest, byCurve, "", "none of the 0 keys"},
		{"cut", required, digest, byCurve[:20], "", "none of the 2 keys"},
		{"endless", required, digest, make([]byte, host.SignatureBytesMax+1), "", "none of the 2 keys"},
		{"no digest", required, "xyz", byCurve, "", `"xyz" is no digest`},
	} {
		by, err := c.policy.Verify("m", c.digest, c.signature)
		if by != c.by || (err == nil) != (c.fails == "") {
			t.Errorf("%s: got %q, %v", c.what, by, err)
		}
		if err != nil && (!errors.Is(err, host.ErrBadRequest) || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s: got %v, want %q", c.what, err, c.fails)
		}
	}
}

func TestFilesThatHoldNoSigningKeyAreRefused(t *testing.T) {
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"/none": "no such file", text: "no PUBLIC KEY",
		publicFile(t, "rsa", old): "it holds a *rsa.PublicKey"} {
		_, err := ReadSigningKeys([]string{file})
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "for configuration berth.modules.signature.keys") {
			t.Errorf("%s: got %v, want %q", file, err, want)
		}
	}
}

// Whoever can write to the topic of modules can put one there: it is listed, and can't be used.
func TestAStoredModuleWithoutItsSignatureIsNotUsed(t *testing.T) {
	r, _ := sharing(t)
	r.config.Signatures.Required = true
	stored := storedModule("good", []byte("good"), manifestOf("a.Good", "1"))
	if err := r.ListModule(stored, ""); err == nil || !strings.Contains(err.Error(), "has no signature") {
		t.Errorf("got %v", err)
	}
	if m := r.module(stored.Digest); m == nil || m.info.Problem == "" || len(m.info.Plugins) > 0 {
		t.Errorf("it is listed as %+v", m)
	}
}
