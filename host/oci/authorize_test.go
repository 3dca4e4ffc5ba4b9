package oci

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/oci/ocitest"
)

func TestChallengesAreRead(t *testing.T) {
	for header, want := range map[string]challenge{
		`Bearer realm="https://a.test/token",service="r",scope="repository:x:pull,push"`: {"bearer", map[string]string{
			"realm": "https://a.test/token", "service": "r", "scope": "repository:x:pull,push"}},
		`bearer Realm=https://a.test , service="a\"b"`: {"bearer", map[string]string{"realm": "https://a.test",
			"service": `a"b`}},
		"Basic":                {"basic", map[string]string{}},
		`Bearer realm="open`:   {"bearer", map[string]string{"realm": "open"}},
		`Bearer realm="open\`:  {"bearer", map[string]string{"realm": `open\`}},
		"":                     {"", map[string]string{}},
		"Negotiate abc, x = y": {"negotiate", map[string]string{"abc, x": "y"}},
	} {
		if got := parseChallenge(header); got.scheme != want.scheme || !maps.Equal(got.parameters, want.parameters) {
			t.Errorf("%s: got %v, want %v", header, got, want)
		}
	}
}

func FuzzParseChallenge(f *testing.F) {
	f.Add(`Bearer realm="https://a.test/token",service=r,scope="\""`)
	f.Fuzz(func(t *testing.T, header string) {
		parameters := parseChallenge(header).parameters
		if len(parameters) > strings.Count(header, "=") {
			t.Errorf("%q has the parameters %q", header, parameters)
		}
		for name, value := range parameters {
			if len(value) > len(header) {
				t.Errorf("%q has the parameter %q=%q", header, name, value)
			}
		}
	})
}

// withTokens is a registry that gives tokens itself.
func withTokens(t *testing.T, user string) (r *ocitest.Registry, address, reference string, p *Puller) {
	t.Helper()
	r = &ocitest.Registry{User: user, Password: "secret"}
	server, address := serve(t, r)
	r.Realm = server.URL + "/token"
	digest := r.Push("team/a", ocitest.Module(wasm), wasm)
	config := Config{Registries: policy(t, address)}
	if user != "" {
		config.Credentials = credentials(t, `{"auths": {"%s": {"username": "%s", "password": "secret"}}}`, address, user)
	}
	return r, address, address + "/team/a@" + digest, puller(t, server, config)
}

func TestTokensAreForTheRepositoryAlone(t *testing.T) {
	for _, user := range []string{"", "ann"} {
		r, _, reference, p := withTokens(t, user)
		if _, err := p.try(t, reference); err != nil {
			t.Errorf("user %q: %v", user, err)
		}
		tokens := 0
		for _, line := range r.Heard() {
			if strings.HasPrefix(line, "GET /token?") {
				tokens++
				basic := strings.Contains(line, " Basic ")
				const want = "GET /token?scope=repository%3Ateam%2Fa%3Apull&service=registry"
				if !strings.HasPrefix(line, want) || basic != (user != "") {
					t.Errorf("user %q: asked %s", user, line)
				}
			} else if strings.Contains(line, "Basic") {
				t.Errorf("the registry was shown the password: %s", line)
			}
		}
		if tokens != 1 {
			t.Errorf("user %q: %d tokens were made", user, tokens)
		}
	}
}

func TestBasicAuthentication(t *testing.T) {
	r := &ocitest.Registry{User: "ann", Password: "secret", Basic: true}
	server, address := serve(t, r)
	reference := address + "/a@" + r.Push("a", ocitest.Module(wasm), wasm)
	config := Config{Registries: policy(t, address)}
	_, err := puller(t, server, config).try(t, reference)
	refused(t, "nobody", err, host.ErrBadRequest, "wants to know who asks",
		CredentialsProperty+" has nothing for "+address)
	config.Credentials = credentials(t, `{"auths": {"%s": {"username": "ann", "password": "wrong"}}}`, address)
	_, err = puller(t, server, config).try(t, reference)
	refused(t, "wrong", err, host.ErrBadRequest, "answers 401", `the user "ann" of the worker's `+CredentialsProperty)
	config.Credentials = credentials(t, `{"auths": {"%s": {"username": "ann", "password": "secret"}}}`, address)
	if _, err := puller(t, server, config).try(t, reference); err != nil {
		t.Error(err)
	}
}

// Credentials are for the registry, and for the token server that the operator named with them: a registry can't send
// them elsewhere, and can't have tokens made that others accept.
func TestCredentialsGoNowhereElse(t *testing.T) {
	collector := &ocitest.Registry{}
	_, elsewhere := serve(t, collector)
	r := &ocitest.Registry{Realm: "https://" + elsewhere + "/token"}
	server, address := serve(t, r)
	reference := address + "/a@" + r.Push("a", ocitest.Module(wasm), wasm)
	config := Config{Registries: policy(t, address, elsewhere)}
	entry := `{"auths": {"%s": {"username": "ann", "password": "secret"%s}}}`
	config.Credentials = credentials(t, entry, address, "")
	_, err := puller(t, server, config).try(t, reference)
	refused(t, "another token server", err, host.ErrBadRequest, "has its tokens from "+elsewhere,
		`"tokenserver": "`+elsewhere+`"`)
	if heard := collector.Heard(); len(heard) > 0 {
		t.Errorf("it was asked: %v", heard)
	}
	config.Credentials = credentials(t, entry, address, `, "tokenserver": "`+elsewhere+`"`)
	_, err = puller(t, server, config).try(t, reference)
	refused(t, "a token that the registry does not take", err, host.ErrBadRequest, "answers 401")
	if heard := collector.Heard(); len(heard) != 1 || !strings.Contains(heard[0], " Basic ") ||
		!strings.Contains(heard[0], "scope=repository%3Aa%3Apull&") {
		t.Errorf("the token server was asked %v", heard)
	}
	for _, line := range r.Heard() {
		if strings.Contains(line, "Basic") {
			t.Errorf("the registry was shown the password: %s", line)
		}
	}
}

func TestCredentialsOfTheWorkerAreNotEachTenants(t *testing.T) {
	_, address, reference, p := withTokens(t, "ann")
	p.config.Tenants = tenants{"a": {address}, "b": {address}}
	c := p.config.Credentials[address]
	c.tenants = []string{"a"}
	p.config.Credentials = Credentials{address: c}
	if _, err := p.Pull(t.Context(), "a", reference, anySize); err != nil {
		t.Errorf("a: %v", err)
	}
	_, err := p.Pull(t.Context(), "b", reference, anySize)
	refused(t, "b", err, host.ErrBadRequest, "that this tenant may use")
}

func TestTokenServersThatGiveNone(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	reference := address + "/a@" + r.Push("a", ocitest.Module(wasm), wasm)
	p := puller(t, server, Config{Registries: policy(t, address)})
	r.Realm = server.URL + "/tokens"
	for want, answer := range map[string]func(w http.ResponseWriter){
		"gives no JSON with a token": func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, "token") },
		"gives no token":             func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, "{}") },
		"answers 500":                func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"answers 302": func(w http.ResponseWriter) {
			w.Header().Set("Location", "/token")
			w.WriteHeader(http.StatusFound)
		},
		"gives no JSON": func(w http.ResponseWriter) {
			_, _ = fmt.Fprintf(w, `{"token": "%s"}`, strings.Repeat("x", tokenBytesMax))
		},
	} {
		r.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
			if request.URL.Path == "/tokens" {
				answer(w)
			}
			return request.URL.Path == "/tokens"
		})
		_, err := p.try(t, reference)
		refused(t, want, err, ErrRegistry, want, "the token server "+address)
	}
	for _, realm := range []string{"", ":", "file:///etc/passwd", "token", "https://", "gopher://a.test"} {
		r.AnswerWith(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		})
		_, err := p.try(t, reference)
		refused(t, "realm "+realm, err, ErrRegistry, "names no token server that can be asked")
	}
}
