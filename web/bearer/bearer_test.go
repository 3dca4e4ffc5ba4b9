package bearer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// issuer hands out tokens and keys.
type issuer struct {
	t     *testing.T
	url   string
	keys  atomic.Pointer[jose.JSONWebKeySet]
	asked atomic.Int32
}

func newIssuer(t *testing.T, keys ...jose.JSONWebKey) *issuer {
	t.Helper()
	i := &issuer{t: t}
	i.keys.Store(&jose.JSONWebKeySet{Keys: keys})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "openid-configuration") {
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.url, "jwks_uri": i.url + "/keys"})
			return
		}
		i.asked.Add(1)
		_ = json.NewEncoder(w).Encode(i.keys.Load())
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func public(key crypto.PublicKey, id string, algorithm string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: algorithm, Use: "sig"}
}

func (i *issuer) claims(more map[string]any) map[string]any {
	claims := map[string]any{"iss": i.url, "aud": "berth", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix(),
		"groups": []string{"ops"}}
	maps.Copy(claims, more)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

func (i *issuer) token(algorithm jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	i.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		i.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

func newRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestTokens(t *testing.T) {
	key, other := newRSA(t), newRSA(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("a secret that all who read the keys have")
	i := newIssuer(t, public(&key.PublicKey, "r", "RS256"), public(&curve.PublicKey, "e", ""),
		jose.JSONWebKey{Key: secret, KeyID: "s"})
	v, err := New(Config{Issuer: i.url, Audiences: []string{"other", "berth"}})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	good := i.token(jose.RS256, key, "r", i.claims(nil))
	parts := strings.Split(good, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	with := func(name string, value any) string {
		return i.token(jose.RS256, key, "r", i.claims(map[string]any{name: value}))
	}
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	for name, c := range map[string]struct {
		token string
		good  bool
	}{
		"RS256":                {good, true},
		"ES256, no alg":        {i.token(jose.ES256, curve, "e", i.claims(nil)), true},
		"several audiences":    {with("aud", []string{"x", "berth"}), true},
		"no key id":            {i.token(jose.RS256, key, "", i.claims(nil)), true},
		"other issuer":         {with("iss", "https://evil"), false},
		"other audience":       {with("aud", "x"), false},
		"no audience":          {with("aud", nil), false},
		"no subject":           {with("sub", nil), false},
		"expired":              {with("exp", in(-time.Hour)), false},
		"never expires":        {with("exp", nil), false},
		"not yet":              {with("nbf", in(time.Hour)), false},
		"unknown key":          {i.token(jose.RS256, other, "r", i.claims(nil)), false},
		"unknown key id":       {i.token(jose.RS256, key, "x", i.claims(nil)), false},
		"alg of another key":   {i.token(jose.RS512, key, "r", i.claims(nil)), false},
		"public key as secret": {i.token(jose.HS256, der, "r", i.claims(nil)), false},
		"shared secret":        {i.token(jose.HS256, secret, "s", i.claims(nil)), false},
		"none":                 {encode(`{"alg":"none"}`) + "." + parts[1] + ".", false},
		"none, signed":         {encode(`{"alg":"none"}`) + "." + parts[1] + "." + parts[2], false},
		"other claims":         {parts[0] + "." + encode(`{"sub":"root"}`) + "." + parts[2], false},
		"cut":                  {parts[0] + "." + parts[1], false}, "empty": {"", false}, "text": {"x", false},
	} {
		who, err := v.Verify(t.Context(), c.token)
		if (err == nil) != c.good || c.good && (who.Principal != "ann" || who.Claims["groups"] == nil) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	if n := i.asked.Load(); n > 2 {
		t.Errorf("the issuer was asked %d times for its keys within a moment", n)
	}
}

// A key that comes later is found by its first token, and one that is gone holds no longer.
func TestKeysRotate(t *testing.T) {
	old, fresh := newRSA(t), newRSA(t)
	i := newIssuer(t, public(&old.PublicKey, "1", "RS256"))
	file := filepath.Join(t.TempDir(), "keys.json")
	store := func(age time.Duration) {
		text, err := json.Marshal(i.keys.Load())
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err == nil {
			err = os.Chtimes(file, time.Time{}, time.Now().Add(-age))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	store(time.Hour)
	byURL := newKeySet(i.url+"/keys", Algorithms, http.DefaultClient)
	sets := map[string]*keySet{"URL": byURL, "file": newKeySet(file, Algorithms, http.DefaultClient)}
	before, after := i.token(jose.RS256, old, "1", nil), i.token(jose.RS256, fresh, "2", nil)
	for name, s := range sets {
		if _, err := s.VerifySignature(t.Context(), before); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.VerifySignature(t.Context(), after); err == nil {
			t.Errorf("%s: a key that is not there yet has signed", name)
		}
	}
	i.keys.Store(&jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public(&fresh.PublicKey, "2", "RS256")}})
	store(0)
	byURL.tried = time.Time{} // as if refreshMin had passed
	for name, s := range sets {
		if _, err := s.VerifySignature(t.Context(), after); err != nil {
			t.Errorf("%s: the new key: %v", name, err)
		}
		if _, err := s.VerifySignature(t.Context(), before); err == nil {
			t.Errorf("%s: the old key holds on", name)
		}
	}
}

func TestIssuerThatIsAway(t *testing.T) {
	key := newRSA(t)
	i := newIssuer(t, public(&key.PublicKey, "1", ""))
	s := newKeySet(i.url+"/keys", Algorithms, http.DefaultClient)
	token := i.token(jose.RS256, key, "1", nil)
	if _, err := s.VerifySignature(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	s.source, s.tried, s.read = "http://127.0.0.1:1/keys", time.Time{}, time.Now().Add(-2*refreshAfter)
	if _, err := s.VerifySignature(t.Context(), token); err != nil {
		t.Errorf("keys that could not be read again: %v", err)
	}
	s.mu.Lock()
	s.read = time.Now().Add(-2 * staleMax)
	s.mu.Unlock()
	if _, err := s.VerifySignature(t.Context(), token); err == nil {
		t.Error("keys hold for ever")
	}
}

func TestConfigurations(t *testing.T) {
	for name, c := range map[string]Config{
		"no issuer": {Audiences: []string{"a"}}, "no audience": {Issuer: "i"},
		"shared secret": {Issuer: "i", Audiences: []string{"a"}, Algorithms: []string{"HS256"}},
		"none":          {Issuer: "i", Audiences: []string{"a"}, Algorithms: []string{"none"}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
