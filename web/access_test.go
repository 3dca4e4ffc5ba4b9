package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestOrigins(t *testing.T) {
	c, err := newCrossOrigin(`http://ui\.example\.org, https://[a-z]+\.corp\.example`, "")
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{
		"http://ui.example.org": true, "HTTP://UI.example.org": true, "https://a.corp.example": true,
		"http://ui.example.org.evil.org": false, "null": false, "x http://ui.example.org": true, "": false,
	} {
		if got := c.allows(origin); got != want {
			t.Errorf("%q: allowed = %v", origin, got)
		}
	}
	if any, err := newCrossOrigin("*", ""); err != nil || !any.allows("null") || any.methods != "GET,POST,HEAD" {
		t.Errorf("*: %+v, %v", any, err)
	}
	if none, err := newCrossOrigin(" ", "GET"); none != nil || err != nil {
		t.Errorf("no origins: %+v, %v", none, err)
	}
	if _, err := newCrossOrigin("https://(", ""); err == nil {
		t.Error("an expression that does not end is accepted")
	}
}

func TestHeaderRules(t *testing.T) {
	rules, err := parseHeaderRules(`set X-A: 1, add X-A:2,"add X-B: a, b" , addDate Expires: 86400000`)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"X-A": {"0"}}
	before := time.Now()
	for _, rule := range rules {
		rule.apply(header)
	}
	if got := header.Values("X-A"); len(got) != 2 || got[0] != "1" || got[1] != "2" || header.Get("X-B") != "a, b" {
		t.Errorf("headers %v", header)
	}
	expires, err := http.ParseTime(header.Get("Expires"))
	if err != nil || expires.Before(before.Add(24*time.Hour-time.Second)) || expires.After(time.Now().Add(24*time.Hour)) {
		t.Errorf("Expires %v, %v", header.Get("Expires"), err)
	}
	for _, wrong := range []string{"set", "set X", "put X: 1", "set X Y: 1", "setDate X: soon", "set : 1"} {
		if rules, err := parseHeaderRules(wrong); err == nil {
			t.Errorf("%q is read as %v", wrong, rules)
		}
	}
}

func TestUsers(t *testing.T) {
	server := newServer(t, &fakeHerder{}, Config{Access: Access{Users: map[string]string{"alice": "secret", "empty": ""}}})
	for credentials, want := range map[[2]string]int{
		{"alice", "secret"}: 200, {"alice", ""}: 401, {"alice", "secretx"}: 401, {"", ""}: 401, {"empty", ""}: 200,
		{"bob", ""}: 401,
	} {
		for _, path := range []string{"/connectors", "/plugins"} {
			request := httptest.NewRequest("GET", path, nil)
			request.SetBasicAuth(credentials[0], credentials[1])
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, request)
			if answer.Code != want {
				t.Errorf("%v at %s: %d, want %d", credentials, path, answer.Code, want)
			}
		}
	}
	if answer := call(server, "POST", "/plugins", "", nil); answer.Code != http.StatusUnauthorized {
		t.Errorf("a module may be uploaded without a password: %d", answer.Code)
	}
}

func TestAdminHasListenersOfItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		listeners   []string
		main, admin int
	}{"on the main listeners": {nil, 200, 404}, "nowhere": {[]string{}, 404, 200},
		"apart": {[]string{"http://127.0.0.1:0"}, 404, 200}} {
		s, err := New(Config{AdminListeners: c.listeners}, &fakeHerder{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		main, admin := call(s.main, "GET", "/admin/loggers", "", nil), call(s.admin, "GET", "/admin/loggers", "", nil)
		if main.Code != c.main || admin.Code != c.admin || len(s.endpoints) != 1+len(c.listeners) {
			t.Errorf("%s: %d and %d, %d listeners", name, main.Code, admin.Code, len(s.endpoints))
		}
		if other := call(s.admin, "GET", "/connectors", "", nil); other.Code != http.StatusNotFound {
			t.Errorf("%s: the admin listener lists connectors", name)
		}
	}
}
