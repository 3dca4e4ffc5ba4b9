package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/web/bearer"
)

// tenantsHerder is a herder that has tenants and whose group signs.
type tenantsHerder struct {
	fakeHerder
	tenants map[string]host.Tenant
}

func (h *tenantsHerder) AnyTenant() bool { return len(h.tenants) > 0 }

func (h *tenantsHerder) Tenant(name string) (host.Tenant, bool) {
	t, is := h.tenants[name]
	return t, is
}

func (h *tenantsHerder) TenantRecord(_ context.Context, name string) (host.Tenant, error) {
	t, is := h.tenants[name]
	if !is {
		return t, noTenant(name)
	}
	return t, nil
}

func (h *tenantsHerder) Tenants(context.Context) (all []host.Tenant, err error) {
	for _, name := range []string{"a", "b"} {
		if t, is := h.tenants[name]; is {
			all = append(all, t)
		}
	}
	return all, nil
}

var groupKey = []byte("the group's key")

func (h *tenantsHerder) Sign(text []byte) (*sessionkey.Signature, error) {
	s, err := sessionkey.Sign(groupKey, "HmacSHA256", text)
	return &s, err
}

func (h *tenantsHerder) CheckSigned(_ context.Context, s *sessionkey.Signature) error {
	if !s.Valid(groupKey) {
		return &host.Error{Kind: herder.ErrForbidden, Message: "forged"}
	}
	return nil
}

func newTenantsHerder() *tenantsHerder {
	return &tenantsHerder{tenants: map[string]host.Tenant{
		"a": {Name: "a", Members: []host.Member{{Subject: "user:amy", Role: "edit"},
			{Subject: "claim:groups=blue", Role: "view"}},
			Client: map[string]string{"sasl.jaas.config": "password", "sasl.mechanism": "${file:x:y}"}},
		"b": {Name: "b"}}}
}

// Every route is in the table of permissions, and the table has no route that is not there.
func TestEveryRouteHasItsPermission(t *testing.T) {
	s, err := New(allRoutes(), &fakeHerder{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{}
	for _, route := range s.main.Routes() {
		served[route.Method+" "+route.Path] = true
		if route.Method == "HEAD" || route.Method == "OPTIONS" || isInternal(route.Method, route.Path) {
			continue
		}
		if _, known := permissions[route.Method+" "+route.Path]; !known {
			t.Errorf("%s %s has no line", route.Method, route.Path)
		}
	}
	for line := range permissions {
		if !served[line] {
			t.Errorf("%s is no route", line)
		}
	}
}

func TestRoles(t *testing.T) {
	binding := func(text string, role Role, tenant string) Binding {
		subject, err := ParseSubject(text)
		if err != nil {
			t.Fatal(err)
		}
		return Binding{subject, role, tenant}
	}
	users := map[string]string{}
	for _, name := range []string{"root", "amy", "bob", "ops", "look", "none", "ada"} {
		users[name] = name
	}
	server := newServer(t, newTenantsHerder(), Config{Access: Access{Users: users, Bindings: []Binding{
		binding("user:root", Admin, ""), binding("user:ops", Operate, ""), binding("user:bob", Edit, "b"),
		binding("user:look", View, "a"), binding("user:ada", Admin, "a")}}})
	for _, c := range []struct {
		user, method, path string
		want               int
	}{
		{"root", "GET", "/connectors", 200}, {"amy", "GET", "/connectors", 403}, {"none", "GET", "/connectors", 403},
		{"wrong", "GET", "/connectors", 401}, {"", "GET", "/connectors", 401},
		{"amy", "GET", "/tenants/a/connectors", 200}, {"amy", "PUT", "/tenants/a/connectors/c/pause", 202},
		{"amy", "GET", "/tenants/b/connectors", 404}, {"amy", "GET", "/tenants/none/connectors", 404},
		{"bob", "GET", "/tenants/b/connectors", 200}, {"bob", "GET", "/tenants/a/connectors", 404},
		{"ops", "PUT", "/tenants/a/connectors/c/pause", 202}, {"ops", "DELETE", "/plugins/geo/1", 403},
		{"look", "GET", "/tenants/a/connectors", 200}, {"look", "PUT", "/tenants/a/connectors/c/pause", 403},
		{"look", "POST", "/tenants/a/connectors", 403},
		{"look", "PUT", "/tenants/a/connector-plugins/x/config/validate", 403},
		{"look", "DELETE", "/tenants/a/plugins/geo/1", 403}, {"look", "PUT", "/admin/loggers/root", 403},
		{"amy", "PUT", "/tenants/a", 403}, {"amy", "DELETE", "/tenants/a", 403}, {"amy", "GET", "/tenants/a", 200},
		{"ada", "PUT", "/tenants/a", 403}, {"ada", "DELETE", "/tenants/a", 403}, {"ada", "GET", "/tenants/a", 200},
		{"amy", "GET", "/tenants/b", 404}, {"amy", "GET", "/tenants/none", 404}, {"none", "GET", "/health", 503},
		{"none", "GET", "/tenants/a/health", 404}, {"none", "OPTIONS", "/tenants/a/connectors", 404},
		{"root", "OPTIONS", "/tenants/a/connectors", 200}, {"root", "GET", "/tenants/a/tenants", 404},
		{"root", "GET", "/tenants/a/metrics", 404}, {"root", "PUT", "/tenants/a/admin/loggers/root", 404},
		{"amy", "GET", "/tenants/a/admin/loggers", 404}, {"amy", "GET", "/tenants/a/", 200},
	} {
		request := httptest.NewRequest(c.method, c.path, nil)
		if c.user != "" {
			request.SetBasicAuth(c.user, c.user)
		}
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, request)
		if answer.Code != c.want {
			t.Errorf("%s: %s %s: %d %s, want %d", c.user, c.method, c.path, answer.Code, answer.Body, c.want)
		}
	}
	for user, want := range map[string]string{"root": `["a","b"]`, "amy": `["a"]`, "bob": `["b"]`, "none": `[]`} {
		request := httptest.NewRequest("GET", "/tenants", nil)
		request.SetBasicAuth(user, user)
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, request)
		if answer.Body.String() != want {
			t.Errorf("%s sees the tenants %s, want %s", user, answer.Body, want)
		}
	}
}

func TestSubjects(t *testing.T) {
	who := bearer.Identity{Principal: "ann", Claims: map[string]any{"groups": []any{"blue", 1}, "team": "red"}}
	for text, want := range map[string]bool{"user:ann": true, "user:bob": false, "user:*": true, "claim:groups=blue": true,
		"claim:groups=1": false, "claim:team=red": true, "claim:team=re": false, "claim:none=x": false} {
		subject, err := ParseSubject(text)
		if err != nil || subject.is(who) != want {
			t.Errorf("%s: %v, %v", text, !want, err)
		}
	}
	for _, text := range []string{"", "ann", "user:", "claim:groups", "claim:=x", "claim:x=", "group:x"} {
		if _, err := ParseSubject(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// A certificate names its owner; where a password is shown, that counts.
func TestCertificatesNameTheirOwner(t *testing.T) {
	subject, err := ParseSubject("user:amy")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(t, newTenantsHerder(), Config{Access: Access{Bindings: []Binding{{subject, View, ""}},
		Certificates: func(c *x509.Certificate) string { return c.Subject.CommonName }}})
	for name, want := range map[string]int{"amy": 200, "bob": 403, "": 401} {
		request := httptest.NewRequest("GET", "/connectors", nil)
		cert := &x509.Certificate{Subject: pkix.Name{CommonName: name}}
		request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
		unproven := httptest.NewRecorder()
		server.ServeHTTP(unproven, request)
		if unproven.Code != 401 {
			t.Errorf("a certificate that nobody has checked: %d", unproven.Code)
		}
		request.TLS.VerifiedChains = [][]*x509.Certificate{{cert}}
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, request)
		if answer.Code != want {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
}

// A worker's word about a client holds for the request that it signed, and no other.
func TestForwardedClients(t *testing.T) {
	users := map[string]string{"root": "root"}
	leader := httptest.NewServer(newServer(t, newTenantsHerder(), Config{Access: Access{Users: users}}))
	defer leader.Close()
	var sent http.Header
	spy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Clone()
		request, _ := http.NewRequest(r.Method, leader.URL+r.RequestURI, r.Body)
		request.Header = r.Header.Clone()
		request.Header.Del("Authorization")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
	}))
	defer spy.Close()
	h := newTenantsHerder()
	h.err = &herder.NotLeader{LeaderURL: spy.URL + "/"}
	request := httptest.NewRequest("PUT", "/tenants/a/connectors/c/pause", nil)
	request.SetBasicAuth("root", "root")
	answer := httptest.NewRecorder()
	newServer(t, h, Config{Access: Access{Users: users}}).ServeHTTP(answer, request)
	if answer.Code != 202 {
		t.Fatalf("forwarded with the signature alone: %d %s", answer.Code, answer.Body)
	}
	for name, path := range map[string]string{"as it was": "/tenants/a/connectors/c/pause?forward=true",
		"other connector": "/tenants/a/connectors/d/pause?forward=true",
		"other tenant":    "/tenants/b/connectors/c/pause?forward=true",
		"other query":     "/tenants/a/connectors/c/pause?forward=false"} {
		request, _ := http.NewRequest("PUT", leader.URL+path, nil)
		for _, header := range []string{actorHeader, sessionkey.AuthorizationHeader, sessionkey.AlgorithmHeader} {
			request.Header.Set(header, sent.Get(header))
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if want := map[bool]int{true: 202, false: 401}[name == "as it was"]; answer.StatusCode != want {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

// auditor keeps what it is given.
type auditor struct {
	full    bool
	records []AuditRecord
}

func (a *auditor) Ready() error {
	if a.full {
		return fmt.Errorf("full")
	}
	return nil
}

func (a *auditor) Record(r AuditRecord) { a.records = append(a.records, r) }

func TestAudit(t *testing.T) {
	log := &auditor{}
	server := newServer(t, newTenantsHerder(), Config{Auditor: log, WorkerID: "w:1",
		Access: Access{Users: map[string]string{"amy": "secret"}}})
	send := func(method, path, body, password string) int {
		request := httptest.NewRequest(method, path, strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.SetBasicAuth("amy", password)
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, request)
		return answer.Code
	}
	send("GET", "/tenants/a/connectors", "", "secret")
	send("POST", "/tenants/a/connectors?x=1", `{"name":"c","config":{"connector.class":"x"}}`, "secret")
	send("PUT", "/tenants/a/connectors/c/pause", "", "wrong")
	send("GET", "/connectors", "", "wrong")
	send("PUT", "/connectors/c/config", "{", "secret")
	var got []string
	for _, r := range log.records {
		got = append(got, fmt.Sprintf("%s/%s %s %s?%s %s %d %d %.8s", r.Tenant, r.Principal, r.Method, r.Path, r.Query,
			r.Outcome, r.Status, r.BodyBytes, r.BodySHA256))
	}
	want := []string{
		"a/amy POST /tenants/a/connectors?x=1 done 201 45 5efd6402",
		"a/ PUT /tenants/a/connectors/c/pause? refused 401 0 ",
		"/ GET /connectors? refused 401 0 ",
		"/amy PUT /connectors/c/config? failed 500 1 021fb596",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	log.full = true
	change, look := send("PUT", "/connectors/c/pause", "", "secret"), send("GET", "/connectors", "", "secret")
	if change != 503 || look != 200 || len(log.records) != len(want) {
		t.Errorf("with a full log a change answers %d, a look %d; it has %v", change, look, log.records)
	}
	if stranger := send("PUT", "/connectors/c/pause", "", "wrong"); stranger != 401 || len(log.records) != len(want)+1 {
		t.Errorf("with a full log a stranger's change answers %d; it has %v", stranger, log.records)
	}
}

// Who may look sees no passwords: neither those that a plugin declares nor what looks like one.
func TestPasswordsAreHidden(t *testing.T) {
	h := &maskingHerder{tenantsHerder: newTenantsHerder()}
	subject, _ := ParseSubject("user:*")
	for role, want := range map[Role]string{
		View: `{"connector.class":"known","db.secret":"[hidden]","pin":"[hidden]","topic":"t","ref":"${file:a:b}",` +
			`"ref.password":"${file:a:b}"}`,
		Edit: `{"connector.class":"known","db.secret":"s","pin":"1","topic":"t","ref":"${file:a:b}",` +
			`"ref.password":"${file:a:b}"}`,
	} {
		server := newServer(t, h, Config{Access: Access{Users: map[string]string{"u": "u"},
			Bindings: []Binding{{subject, role, ""}}}})
		request := httptest.NewRequest("GET", "/connectors/c/config", nil)
		request.SetBasicAuth("u", "u")
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, request)
		if !sameJSON(t, answer.Body.String(), want) {
			t.Errorf("%v sees %s, want %s", role, answer.Body, want)
		}
	}
}

type maskingHerder struct{ *tenantsHerder }

func (maskingHerder) Config(context.Context, string) (host.Config, error) {
	config := host.Config{}
	for key, value := range map[string]string{"connector.class": "known", "db.secret": "s", "pin": "1", "topic": "t",
		"ref": "${file:a:b}", "ref.password": "${file:a:b}"} {
		config[key] = &value
	}
	return config, nil
}

func (maskingHerder) PluginConfig(_ context.Context, _, name, _ string) ([]host.ConfigKeyInfo, error) {
	if name != "known" {
		return nil, host.NotFound("no such plugin")
	}
	return []host.ConfigKeyInfo{{Name: "pin", Type: "PASSWORD"}, {Name: "topic", Type: "STRING"}}, nil
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y map[string]string
	if err := errors.Join(json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Error(err)
	}
	return maps.Equal(x, y)
}
