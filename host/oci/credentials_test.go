package oci

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestCredentialsAreDockers(t *testing.T) {
	auth := base64.StdEncoding.EncodeToString([]byte("ann:s:ecret"))
	all := credentials(t, `{"auths": {"ghcr.io": {"auth": "%s"}, "https://index.docker.io/v1/": {"username": "bob",
		"password": "p"}, "Registry.test:5000": {"username": "c", "password": "p", "tokenserver": "auth.test",
		"tenants": ["a"]}}, "HttpHeaders": {}}`, auth)
	for _, c := range []struct{ tenant, registry, user, password, tokenServer string }{
		{"", "ghcr.io:443", "ann", "s:ecret", ""},
		{"", "registry-1.docker.io:443", "bob", "p", "auth.docker.io:443"},
		{"", "registry.test:5000", "c", "p", "auth.test:443"},
		{"a", "registry.test:5000", "c", "p", "auth.test:443"},
		{"b", "registry.test:5000", "", "", ""},
		{"a", "ghcr.io:443", "", "", ""},
		{"", "registry.test:443", "", "", ""},
		{"", "x.ghcr.io:443", "", "", ""},
	} {
		got := all.of(c.tenant, c.registry)
		if got == nil {
			got = &credential{}
		}
		if got.user != c.user || got.password != c.password || got.tokenServer != c.tokenServer {
			t.Errorf("%s for tenant %q: got %+v", c.registry, c.tenant, got)
		}
	}
	if none, err := ParseCredentials(" "); err != nil || len(none) != 0 {
		t.Errorf("none: got %v, %v", none, err)
	}
}

func TestCredentialsThatAreNoneSayWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"secret":                             `not a JSON object with the member "auths"`,
		`{"ghcr.io": {"auth": "secret"}}`:    `not a JSON object with the member "auths"`,
		`{"auths": {"r.test": "secret"}}`:    `not a JSON object with the member "auths"`,
		`{"auths": {"r.test": {}}}`:          `entry "r.test": it must have a user name and a password`,
		`{"auths": {"r.test/a": {}}}`:        `entry "r.test/a": "r.test/a" is no registry`,
		`{"auths": {"r": {"auth": "?"}}}`:    `"auth" must be USER:PASSWORD in Base64`,
		`{"auths": {"r": {"auth": "YQ=="}}}`: `"auth" must be USER:PASSWORD in Base64`,
		`{"auths": {"r": {"username": "u", "password": "secret", "tokenserver": "a/b"}}}`:      "tokenserver: ",
		`{"auths": {"r": {"username": "u", "password": "secret", "identitytoken": "secret"}}}`: "identity tokens are not",
	} {
		_, err := ParseCredentials(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
