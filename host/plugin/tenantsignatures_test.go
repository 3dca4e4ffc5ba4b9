package plugin

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/berth-connect/berth/host"
)

// signer is somebody who signs, with the public key as a record has it.
type signer struct {
	ed25519.PrivateKey
	public string
}

func newSigner(t testing.TB) signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{private, publicText(t, private.Public())}
}

func publicText(t testing.TB, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pemText("PUBLIC KEY", der)
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (s signer) sign(digest string) []byte {
	sum, _ := hex.DecodeString(digest)
	return ed25519.Sign(s.PrivateKey, sum)
}

func (s signer) key(t testing.TB, name string) SigningKey {
	t.Helper()
	key, err := parseSigningKey(name, []byte(s.public))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// records are tenants by name, as they are now.
type records struct{ sync.Map }

func (r *records) AnyTenant() bool { return true }

func (r *records) Tenant(name string) (host.Tenant, bool) {
	record, known := r.Load(name)
	if !known {
		return host.Tenant{}, false
	}
	return record.(host.Tenant), true
}

func (r *records) want(tenant string, policy host.SignaturePolicy) {
	r.Store(tenant, host.Tenant{Name: tenant, Signatures: policy})
}

// What the worker asks for is the least: a record adds to it, and narrows whose keys count.
func TestPoliciesOfWorkerAndTenantTogether(t *testing.T) {
	platform, other, team := newSigner(t), newSigner(t), newSigner(t)
	digest := digestOf([]byte("module"))
	signed := map[string][]byte{"none": nil, "platform": platform.sign(digest), "other": other.sign(digest),
		"team": team.sign(digest)}
	keys := []SigningKey{platform.key(t, "platform"), other.key(t, "other")}
	teams := map[string]string{"team": team.public}
	for name, c := range map[string]struct {
		worker  Signatures
		own     host.SignaturePolicy
		takes   string
		refused string // of Check; "": the record may be written
	}{
		"neither wants anything": {takes: "none"},
		"worker has keys":        {worker: Signatures{Keys: keys}, takes: "none platform other"},
		"worker requires":        {worker: Signatures{Required: true, Keys: keys}, takes: "platform other"},
		"tenant requires the worker's": {worker: Signatures{Keys: keys}, own: host.SignaturePolicy{Required: true},
			takes: "platform other"},
		"tenant has keys":     {own: host.SignaturePolicy{Keys: teams}, takes: "none team"},
		"tenant requires its": {own: host.SignaturePolicy{Required: true, Keys: teams}, takes: "team"},
		"tenant's in place of the worker's": {worker: Signatures{Keys: keys},
			own: host.SignaturePolicy{Required: true, Keys: teams}, takes: "team"},
		"tenant narrows": {worker: Signatures{Required: true, Keys: keys},
			own: host.SignaturePolicy{Keys: map[string]string{"p": platform.public}}, takes: "platform"},
		"tenant requires of nobody": {own: host.SignaturePolicy{Required: true}, refused: "nothing could be uploaded"},
		"tenant would widen": {worker: Signatures{Required: true, Keys: keys}, own: host.SignaturePolicy{Keys: teams},
			takes: "", refused: "signatures.keys.team is none of the 2 keys of the worker's berth.modules.signature.keys"},
		"tenant would widen in part": {worker: Signatures{Required: true, Keys: keys}, own: host.SignaturePolicy{
			Keys: map[string]string{"a": platform.public, "team": team.public}}, takes: "platform",
			refused: "keys.team is none"},
		"tenant may have its own": {worker: Signatures{Required: true, TenantKeys: true, Keys: keys},
			own: host.SignaturePolicy{Keys: teams}, takes: "team"},
		"tenant can't do without": {worker: Signatures{Required: true, TenantKeys: true, Keys: keys},
			own: host.SignaturePolicy{Required: false}, takes: "platform other"},
	} {
		err := c.worker.Check("a", c.own)
		if (err == nil) != (c.refused == "") || err != nil && (!errors.Is(err, host.ErrBadRequest) ||
			!strings.HasPrefix(err.Error(), "Tenant a: signatures.") || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: the record: %v, want %q", name, err, c.refused)
		}
		for by, signature := range signed {
			_, err := c.worker.For("a", c.own).Verify("m", digest, signature)
			if takes := strings.Contains(" "+c.takes+" ", " "+by+" "); (err == nil) != takes {
				t.Errorf("%s, signed by %s: %v", name, by, err)
			}
		}
	}
}

func TestKeysThatARecordMayNotHave(t *testing.T) {
	good := newSigner(t)
	der, _ := pem.Decode([]byte(good.public))
	private, _ := x509.MarshalPKCS8PrivateKey(good.PrivateKey)
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	exchange, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	offCurve, _ := pem.Decode([]byte(publicText(t, curve.Public())))
	offCurve.Bytes[len(offCurve.Bytes)-1] ^= 1
	for says, text := range map[string]string{
		"it holds no PUBLIC KEY; it must be one public key": "", "signatures.keys.k=\"text\"…: it holds no": "text",
		"\"-----BEGIN PRIVATE KEY-----\"…: it holds no": pemText("PRIVATE KEY", private),
		"\"-----BEGIN CERTIFICATE-----\"…: it holds no": pemText("CERTIFICATE", der.Bytes),
		"it holds a PUBLIC KEY behind":                  good.public + newSigner(t).public,
		"it holds a PRIVATE KEY behind":                 good.public + pemText("PRIVATE KEY", private),
		"it holds a *rsa.PublicKey":                     publicText(t, old.Public()),
		"it holds a *ecdh.PublicKey":                    publicText(t, exchange.Public()),
		"P256 point not on curve":                       pemText("PUBLIC KEY", offCurve.Bytes),
		"asn1: ":                                        pemText("PUBLIC KEY", der.Bytes[:20]),
		"x509: trailing data":                           pemText("PUBLIC KEY", append(slices.Clone(der.Bytes), 0)),
		"it holds no PUBLIC KEY; it must be":            strings.ReplaceAll(good.public, "MC", "%%"),
		"has 1201 bytes; a public key has at most 1024": good.public + strings.Repeat("\n", 1201-len(good.public)),
	} {
		own := host.SignaturePolicy{Keys: map[string]string{"k": text}}
		err := Signatures{}.Check("a", own)
		if !errors.Is(err, host.ErrBadRequest) || !strings.Contains(err.Error(), says) ||
			!strings.HasPrefix(err.Error(), "Tenant a: signatures.keys.k") {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
		if err != nil && strings.Contains(err.Error(), base64.StdEncoding.EncodeToString(private)[20:]) {
			t.Errorf("a private key is in the error: %v", err)
		}
	}
	many := map[string]string{}
	for i := range host.SignatureKeysMax + 1 {
		many[fmt.Sprint("k", i)] = good.public
	}
	for says, keys := range map[string]map[string]string{
		"signatures.keys has 17 keys; at most 16": many,
		`the name "" must have 1 to 64 letters`:   {"": good.public}, `the name "a b" must`: {"a b": good.public},
		"must have 1 to 64 letters": {strings.Repeat("k", 65): good.public},
	} {
		err := Signatures{}.Check("a", host.SignaturePolicy{Keys: keys})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// Signatures that look like one of a known key are none.
func TestSignaturesThatAreNone(t *testing.T) {
	team := newSigner(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	digest := digestOf([]byte("module"))
	sum, _ := hex.DecodeString(digest)
	policy := Signatures{}.For("a", host.SignaturePolicy{Required: true,
		Keys: map[string]string{"team": team.public, "curve": publicText(t, curve.Public())}})
	good := team.sign(digest)
	byCurve, err := curve.Sign(rand.Reader, sum, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	for by, signature := range map[string][]byte{"team": good, "curve": byCurve} {
		if got, err := policy.Verify("m", digest, signature); err != nil || got != by {
			t.Fatalf("of %s: %q, %v", by, got, err)
		}
	}
	larger := append([]byte{}, good...) // S + L, which a careless verifier takes
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := make([]byte, 32)
	for i := range s {
		s[i] = good[63-i]
	}
	moved := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(s)
	for i := range s {
		larger[63-i] = moved[i]
	}
	r, z := make([]byte, 64), make([]byte, 64)
	_, _ = rand.Read(r)
	for what, signature := range map[string][]byte{"nothing": {}, "short": good[:63], "long": append(good[:64:64], 0),
		"zeros": z, "noise": r, "S beyond the order": larger, "in Base64": []byte(base64.StdEncoding.EncodeToString(good)),
		"in hex": []byte(hex.EncodeToString(good)), "of another module": team.sign(digestOf([]byte("other"))),
		"of the digest's text": ed25519.Sign(team.PrivateKey, []byte(digest)), "of a stranger": newSigner(t).sign(digest),
		"ECDSA, more behind": append(byCurve[:len(byCurve):len(byCurve)], 0), "ECDSA of zeros": {0x30, 6, 2, 1, 0, 2, 1, 0},
		"ECDSA, cut": byCurve[:len(byCurve)-1], "key in place of it": []byte(team.public),
	} {
		_, err := policy.Verify("m", digest, signature)
		if !errors.Is(err, host.ErrBadRequest) || !strings.Contains(err.Error(), digest[:12]) ||
			!strings.Contains(err.Error(), "tenant a's signatures") || !strings.Contains(err.Error(), "upload it") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Whatever a record holds, however it got there: a key verifies under its own name, and no module passes the worker's
// requirement by one that is not the worker's.
func FuzzSigningKeys(f *testing.F) {
	team := newSigner(f)
	digest := digestOf([]byte("module"))
	f.Add("team", team.public, team.sign(digest))
	f.Add("team", team.public+team.public, team.sign(digest))
	f.Add("", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", []byte{0x30, 6, 2, 1, 0, 2, 1, 0})
	f.Fuzz(func(t *testing.T, name, key string, signature []byte) {
		own := host.SignaturePolicy{Required: true, Keys: map[string]string{name: key}}
		by, err := Signatures{}.For("a", own).Verify("m", digest, signature)
		if err == nil && by != name {
			t.Errorf("signed by %q", by)
		}
		worker := Signatures{Required: true, Keys: []SigningKey{newSigner(t).key(t, "platform")}}
		if by, err := worker.For("a", own).Verify("m", digest, signature); err == nil {
			t.Errorf("a key that is not the worker's has signed: %q", by)
		}
	})
}

func wanting(required bool, signers map[string]signer) host.SignaturePolicy {
	policy := host.SignaturePolicy{Required: required, Keys: map[string]string{}}
	for name, s := range signers {
		policy.Keys[name] = s.public
	}
	return policy
}

// A module that came by the topic is held against the tenant's record as it is when the module is used: before the
// record came, after it has changed, for this tenant alone.
func TestStoredModulesAreHeldAgainstTheRecord(t *testing.T) {
	first, second := newSigner(t), newSigner(t)
	r, _ := sharing(t)
	var tenants records
	r.config.Tenants = &tenants
	stored := storedModule("good", []byte("good"), manifestOf("a.Good", "2"))
	stored.Tenant, stored.Signature = "a", first.sign(stored.Digest)
	older := storedModule("older", []byte("older"), manifestOf("a.Good", "1"))
	older.Tenant, older.Signature = "a", second.sign(older.Digest)
	copied := stored
	copied.Tenant = "b"
	unsigned := storedModule("unsigned", []byte("unsigned"), manifestOf("a.Other", "1"))
	unsigned.Tenant = "a"
	replayed := storedModule("replayed", []byte("replayed"), manifestOf("a.Replayed", "1"))
	replayed.Tenant, replayed.Signature = "a", stored.Signature
	tenants.want("b", wanting(true, map[string]signer{"second": second}))
	for _, m := range []host.StoredModule{stored, older, copied, unsigned, replayed} {
		if err := r.ListModule(m, ""); err != nil { // before the record of a
			t.Fatal(err)
		}
	}
	close(r.loaded)
	for _, step := range []struct {
		what   string
		policy host.SignaturePolicy
		finds  string // the version of a.Good
		by     string
		listed int // plugins
	}{
		{"of the first key", wanting(true, map[string]signer{"first": first}), "2", "first", 1},
		{"with a second one", wanting(true, map[string]signer{"first": first, "second": second}), "2", "first", 2},
		{"the first revoked", wanting(true, map[string]signer{"second": second}), "1", "", 1},
		{"not required, the first revoked", wanting(false, map[string]signer{"second": second}), "1", "", 2},
		{"of nobody whom we know", wanting(true, map[string]signer{"third": newSigner(t)}), "", "", 0},
		{"of the first key again", wanting(true, map[string]signer{"first": first}), "2", "first", 1},
	} {
		tenants.want("a", step.policy)
		a := r.Of("a")
		found, err := a.Resolve("a.Good", "")
		if found.Version != step.finds || (err == nil) != (step.finds != "") {
			t.Errorf("%s: found %q, %v", step.what, found.Version, err)
		}
		if err != nil && !strings.Contains(err.Error(), "none of the 1 keys of tenant a's signatures.keys") {
			t.Errorf("%s: %v", step.what, err)
		}
		if step.by == "" {
			_, err := a.Resolve("a.Good", "2")
			if err == nil || !strings.Contains(err.Error(), `a.Good 2 can't be used: module "good" (`+stored.Digest[:12]) {
				t.Errorf("%s: version 2: %v", step.what, err)
			}
			if _, err := a.Code(t.Context(), stored.Digest); !errors.Is(err, host.ErrBadRequest) {
				t.Errorf("%s: its code can be had: %v", step.what, err)
			}
		}
		last := a.module(stored.Digest).judged.Load()
		if n := len(a.Infos()); n != step.listed {
			t.Errorf("%s: %d plugins, want %d", step.what, n, step.listed)
		}
		info := a.infoOf(a.module(stored.Digest))
		if by := step.by; info.SignedBy != by || (info.Problem == "") != (by != "") || (len(info.Plugins) > 0) != (by != "") {
			t.Errorf("%s: it is listed as %+v", step.what, info)
		}
		if _, err := r.Of("b").Resolve("a.Good", ""); err == nil {
			t.Errorf("%s: b takes what none of its keys has signed", step.what)
		}
		if a.module(stored.Digest).judged.Load() != last {
			t.Errorf("%s: it was verified again", step.what)
		}
	}
}
