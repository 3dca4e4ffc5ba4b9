package e2e

import (
	"bufio"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Somebody shows tokens and passwords that are forged, of another or of no use here. None of them lets anybody in, and
// the audit log has each that reached the worker.
func TestRedTeamTokens(t *testing.T) {
	i := newTokenIssuer(t)
	p := startGuarded(t, "BERTH_REST_ROLES_ADMIN=user:root;claim:roles=admin", "BERTH_REST_ROLES_A_ADMIN=claim:tenant=a",
		"BERTH_REST_JWT_ISSUER="+i.url, "BERTH_REST_JWT_KEYS="+i.url+"/keys", "BERTH_REST_JWT_AUDIENCE=berth")
	f := &fortress{neighbour: startNeighbour(p)}
	f.goroutines = p.gauge("go_goroutines")
	f.tenant("a")
	f.tenant("b")
	good := "Authorization: Bearer " + i.good()
	if status := p.showing("GET", "/connectors", good); status != http.StatusOK {
		t.Fatalf("a good token: %d", status)
	}
	if status := p.showing("GET", "/connectors", strings.Replace(good, "Bearer", "bearer", 1)); status != http.StatusOK {
		t.Errorf("a good token in lower-case scheme: %d", status) // RFC 9110, 11.1
	}
	attacks := i.forged()
	maps.Copy(attacks, passwordAttacks(good))
	var want []string
	for _, name := range slices.Sorted(maps.Keys(attacks)) {
		want = append(want, " DELETE /connectors/"+name+" refused")
		f.attack(t, name, func(p *process) { p.intrude(name, attacks[name], http.StatusUnauthorized) })
	}
	for name, c := range i.overreaching() {
		f.attack(t, name, func(p *process) { p.intrude(c.path+name, []string{c.header}, c.status) })
	}
	for name, header := range map[string]string{
		"token-with-a-nul":    "Authorization: Bearer " + i.good() + "\x00",
		"token-with-a-return": "Authorization: Bearer " + i.good() + "\rX: y",
		"token-that-is-huge":  "Authorization: Bearer " + i.good() + strings.Repeat("A", 4<<20),
	} {
		f.attack(t, name, func(p *process) {
			if status := p.showing("DELETE", "/connectors/"+name, header); status < 400 || status >= 500 {
				p.t.Errorf("got %d", status)
			}
		})
	}
	if asked := i.stolen.Load(); asked > 0 {
		t.Errorf("the worker asked the attacker %d times for keys", asked)
	}
	p.await("the audit log", func() bool {
		seen := p.audited()
		return !slices.ContainsFunc(want, func(line string) bool { return !slices.Contains(seen, line) })
	})
	f.finish()
}

// intrude asks for what must be refused.
func (p *process) intrude(name string, headers []string, want int) {
	p.t.Helper()
	path := "/connectors/" + name
	if strings.HasPrefix(name, "/") {
		path = name
	}
	if status := p.showing("DELETE", path, headers...); status != want {
		p.t.Errorf("%.200q: %d, want %d", headers, status, want)
	}
}

// showing makes a request whose headers no client library would send, and returns the status of the answer.
func (p *process) showing(method, path string, headers ...string) int {
	p.t.Helper()
	base, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", base.Host)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	text := method + " " + path + " HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n"
	for _, header := range headers {
		text += header + "\r\n"
	}
	go func() { _, _ = conn.Write([]byte(text + "\r\n")) }() // what is too long is not read to its end
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// tokenIssuer is a server with the keys of one who signs tokens, and what an attacker would have asked for.
type tokenIssuer struct {
	t          *testing.T
	url        string
	key, other *rsa.PrivateKey
	stolen     atomic.Int32 // how often the attacker's keys were asked for
	published  atomic.Value // []map[string]string
}

func newTokenIssuer(t *testing.T) *tokenIssuer {
	t.Helper()
	i := &tokenIssuer{t: t, key: newTokenKey(t), other: newTokenKey(t)}
	i.published.Store([]map[string]string{published(i.key, "k1")})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys := i.published.Load()
		if r.URL.Path != "/keys" {
			i.stolen.Add(1)
			keys = []map[string]string{published(i.other, "k1")}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func newTokenKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// published is a public key as a JSON Web Key.
func published(key *rsa.PrivateKey, id string) map[string]string {
	return map[string]string{"kty": "RSA", "kid": id, "use": "sig", "n": encoded(key.N.Bytes()),
		"e": encoded(big.NewInt(int64(key.E)).Bytes())}
}

func encoded(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }

// claims are those of a good token, with others in their place; nil takes one away.
func (i *tokenIssuer) claims(more map[string]any) string {
	i.t.Helper()
	all := map[string]any{"iss": i.url, "aud": "berth", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix(),
		"roles": []string{"admin"}}
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(all)
	if err != nil {
		i.t.Fatal(err)
	}
	return string(text)
}

func (i *tokenIssuer) good() string {
	return i.sign(i.key, `{"alg":"RS256","kid":"k1"}`, i.claims(nil))
}

// sign makes a token by RS256, whatever its header says.
func (i *tokenIssuer) sign(key *rsa.PrivateKey, header, claims string) string {
	i.t.Helper()
	text := encoded([]byte(header)) + "." + encoded([]byte(claims))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		i.t.Fatal(err)
	}
	return text + "." + encoded(signature)
}

// withSecret makes a token by HS256 whose secret is what all may read: the public key.
func (i *tokenIssuer) withSecret(secret []byte) string {
	text := encoded([]byte(`{"alg":"HS256","kid":"k1"}`)) + "." + encoded([]byte(i.claims(nil)))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + encoded(mac.Sum(nil))
}

// forged are the headers of requests with tokens that prove nothing, by the names of the attacks.
func (i *tokenIssuer) forged() map[string][]string {
	der, err := x509.MarshalPKIXPublicKey(&i.key.PublicKey)
	if err != nil {
		i.t.Fatal(err)
	}
	tokens := map[string]string{
		"token-by-the-public-key-as-der": i.withSecret(der),
		"token-by-the-public-key-as-pem": i.withSecret(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"token-by-the-modulus":           i.withSecret(i.key.N.Bytes()),
		"token-by-an-empty-secret":       i.withSecret(nil),
		"token-by-another-key":           i.sign(i.other, `{"alg":"RS256","kid":"k1"}`, i.claims(nil)),
		"token-that-is-empty":            "", "token-that-is-text": "a.b.c", "token-of-dots": "..",
		"token-as-json": `{"payload":"","signatures":[]}`,
	}
	maps.Copy(tokens, i.forgedHeaders())
	maps.Copy(tokens, i.forgedClaims())
	parts := strings.Split(i.good(), ".")
	otherClaims := encoded([]byte(i.claims(map[string]any{"sub": "root"})))
	maps.Copy(tokens, map[string]string{
		"token-cut":                  parts[0] + "." + parts[1],
		"token-without-a-signature":  parts[0] + "." + parts[1] + ".",
		"token-of-half-a-signature":  parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])/2],
		"token-of-garbage":           parts[0] + "." + parts[1] + "." + encoded(make([]byte, 256)),
		"token-of-other-claims":      parts[0] + "." + otherClaims + "." + parts[2],
		"token-of-four-parts":        i.good() + "." + parts[2],
		"token-followed-by-a-second": i.good() + "," + i.good(),
	})
	headers := map[string][]string{}
	for name, token := range tokens {
		headers[name] = []string{"Authorization: Bearer " + token}
	}
	return headers
}

// forgedHeaders are tokens whose headers want to say how they are to be checked.
func (i *tokenIssuer) forgedHeaders() map[string]string {
	jwk, err := json.Marshal(published(i.other, "k1"))
	if err != nil {
		i.t.Fatal(err)
	}
	headers := map[string]string{
		"with-the-key-in-it":       `{"alg":"RS256","jwk":` + string(jwk) + `}`,
		"with-jku":                 fmt.Sprintf(`{"alg":"RS256","kid":"k1","jku":"%s/stolen"}`, i.url),
		"with-x5u":                 fmt.Sprintf(`{"alg":"RS256","kid":"k1","x5u":"%s/stolen"}`, i.url),
		"with-kid-of-a-url":        fmt.Sprintf(`{"alg":"RS256","kid":"%s/stolen"}`, i.url),
		"with-kid-of-a-path":       `{"alg":"RS256","kid":"../../../../dev/null"}`,
		"with-kid-of-sql":          `{"alg":"RS256","kid":"x' UNION SELECT 'key' --"}`,
		"with-kid-of-a-command":    `{"alg":"RS256","kid":"k1|/bin/true"}`,
		"with-kid-with-a-nul":      `{"alg":"RS256","kid":"k1\u0000"}`,
		"with-kid-that-is-unknown": `{"alg":"RS256","kid":"k9"}`,
	}
	tokens := map[string]string{}
	for name, header := range headers {
		tokens["token-"+name] = i.sign(i.other, header, i.claims(nil))
	}
	for name, header := range map[string]string{
		"with-crit":           `{"alg":"RS256","kid":"k1","crit":["x"],"x":1}`,
		"with-crit-of-b64":    `{"alg":"RS256","kid":"k1","crit":["b64"],"b64":false}`,
		"with-two-algorithms": `{"alg":"none","alg":"RS256","kid":"k1"}`,
		"with-another-kid":    `{"alg":"RS256","kid":"k9"}`,
		"with-no-algorithm":   `{"kid":"k1"}`,
	} {
		tokens["token-of-the-issuer-"+name] = i.sign(i.key, header, i.claims(nil))
	}
	for n, alg := range []string{"none", "None", "NONE", "nOnE", "", " none", "none\\u0000"} {
		header, claims := encoded([]byte(`{"alg":"`+alg+`","kid":"k1"}`)), encoded([]byte(i.claims(nil)))
		tokens[fmt.Sprintf("token-of-alg-none-%d", n)] = header + "." + claims + "."
		tokens[fmt.Sprintf("token-of-alg-none-signed-%d", n)] = i.sign(i.key, `{"alg":"`+alg+`","kid":"k1"}`, i.claims(nil))
	}
	return tokens
}

// forgedClaims are tokens of the issuer's that are not for this worker, not now, or for nobody.
func (i *tokenIssuer) forgedClaims() map[string]string {
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	tokens := map[string]string{}
	for name, claims := range map[string]map[string]any{
		"that-is-expired": {"exp": in(-time.Hour)}, "that-is-expired-for-ever": {"exp": -1},
		"that-is-not-yet-good": {"nbf": in(time.Hour)}, "that-never-expires": {"exp": nil},
		"that-expires-in-words": {"exp": "never"},
		"of-another-issuer":     {"iss": "https://evil.example"}, "of-no-issuer": {"iss": nil},
		"of-an-issuer-below":      {"iss": i.url + "/evil"},
		"for-another-service":     {"aud": "other"},
		"for-no-service":          {"aud": nil},
		"for-a-service-like-this": {"aud": []string{"berth2", "BERTH", "berth "}},
		"of-nobody":               {"sub": nil}, "of-an-empty-name": {"sub": ""}, "of-a-number": {"sub": 1},
	} {
		tokens["token-"+name] = i.sign(i.key, `{"alg":"RS256","kid":"k1"}`, i.claims(claims))
	}
	twice := strings.Replace(i.claims(nil), `{`, fmt.Sprintf(`{"exp":%d,`, in(time.Hour)), 1)
	twice = strings.TrimSuffix(twice, "}") + fmt.Sprintf(`,"exp":%d}`, in(-time.Hour))
	tokens["token-that-expires-twice"] = i.sign(i.key, `{"alg":"RS256","kid":"k1"}`, twice)
	return tokens
}

// overreach is a request with a good token for what its bearer may not do.
type overreach struct {
	path, header string
	status       int
}

func (i *tokenIssuer) overreaching() map[string]overreach {
	bearer := func(claims map[string]any) string {
		return "Authorization: Bearer " + i.sign(i.key, `{"alg":"RS256","kid":"k1"}`, i.claims(claims))
	}
	ofA := bearer(map[string]any{"roles": nil, "tenant": "a"})
	attacks := map[string]overreach{
		"token-of-another-tenant":     {"/tenants/b/connectors/", ofA, http.StatusNotFound},
		"token-of-a-tenant-elsewhere": {"/connectors/", ofA, http.StatusForbidden},
		"token-of-a-tenant-list":      {"/connectors/", bearer(map[string]any{"roles": nil}), http.StatusForbidden},
	}
	for name, roles := range map[string]any{
		"object": map[string]any{"admin": true}, "number": 1, "true": true, "nested-list": [][]string{{"admin"}},
		"text-of-a-list": "[admin]", "list-in-a-text": "view,admin", "capitals": "ADMIN", "star": "*",
		"with-a-space": " admin",
	} {
		attacks["token-with-roles-as-"+name] = overreach{"/connectors/", bearer(map[string]any{"roles": roles}),
			http.StatusForbidden}
	}
	return attacks
}

// passwordAttacks are the headers of requests with wrong names and passwords, or with several credentials.
func passwordAttacks(good string) map[string][]string {
	basic := func(credentials string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
	}
	password := base64.StdEncoding.EncodeToString([]byte("root:root"))
	return map[string][]string{
		"two-authorizations":              {good, basic("root:wrong")},
		"two-authorizations-the-bad-one":  {basic("eve:eve"), good},
		"two-authorizations-both-good":    {good, basic("root:root")},
		"password-of-no-one":              {basic(":")},
		"password-that-is-empty":          {basic("root:")},
		"password-that-begins-well":       {basic("root:roo")},
		"password-that-goes-on":           {basic("root:root2")},
		"password-with-a-nul":             {basic("root:root\x00")},
		"password-of-a-user-in-a-tenant":  {basic("a::root:root")},
		"password-of-a-tenants-separator": {basic("::root:root")},
		"password-of-a-path":              {basic("../root:root")},
		"password-of-a-slash":             {basic("a/root:root")},
		"password-of-capitals":            {basic("ROOT:root")},
		"password-of-a-name-with-a-nul":   {basic("root\x00:root")},
		"password-as-a-bearers":           {"Authorization: Bearer " + password},
		"scheme-that-is-unknown":          {strings.Replace(basic("root:root"), "Basic", "Negotiate", 1)},
		"scheme-without-a-value":          {"Authorization: Basic"},
		"no-authorization":                nil,
	}
}
