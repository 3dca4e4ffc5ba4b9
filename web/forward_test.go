package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// leaderWorker notes what it is asked and answers with what a test lays into it.
type leaderWorker struct {
	method, uri, body string
	header            http.Header
	status            int
	location, answer  string
}

func (l *leaderWorker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.method, l.uri, l.body, l.header = r.Method, r.RequestURI, string(body), r.Header.Clone()
	if l.location != "" {
		w.Header().Set("Location", l.location)
	}
	w.WriteHeader(l.status)
	_, _ = io.WriteString(w, l.answer)
}

func TestForwarding(t *testing.T) {
	leader := &leaderWorker{}
	remote := httptest.NewServer(leader)
	defer remote.Close()
	h := &fakeHerder{err: &herder.NotLeader{LeaderURL: remote.URL + "/"}}
	server := newServer(t, h, Config{})
	const body = `{"name":"a/b","config":{"connector.class":"x"}}`
	for name, c := range map[string]struct {
		path, sent           string
		status, told         int
		location, answer     string
		toldLocation, toldTo string
	}{
		"created": {"/connectors", "/connectors?forward=true", 201, 201, "http://leader:1/connectors/a%2Fb", `{"name":"a/b"}`,
			"http://example.com/connectors/a%2Fb", `{"name":"a/b"}`},
		"second hop": {"/connectors?forward=true", "/connectors?forward=false", 201, 201, "", `{}`, "", `{}`},
		"refused": {"/connectors", "/connectors?forward=true", 409, 409, "", `{"error_code":409,"message":"taken"}`, "",
			`{"error_code":409,"message":"taken"}`},
		"redirect": {"/connectors", "/connectors?forward=true", 302, 500, "", "", "",
			`{"error_code":500,"message":"Unexpected status code when handling forwarded request: 302"}`},
		"page of a proxy": {"/connectors", "/connectors?forward=true", 502, 500, "", "<html>", "",
			`{"error_code":500,"message":"Unexpected status code when handling forwarded request: 502"}`},
	} {
		leader.status, leader.location, leader.answer = c.status, c.location, c.answer
		request := httptest.NewRequest("POST", c.path, strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Basic eA==")
		request.Header.Set(sessionkey.AuthorizationHeader, "forged")
		got := httptest.NewRecorder()
		server.ServeHTTP(got, request)
		if leader.uri != c.sent || leader.method != "POST" || leader.body != body {
			t.Errorf("%s: sent %s %s %s", name, leader.method, leader.uri, leader.body)
		}
		if leader.header.Get("Authorization") != "Basic eA==" || leader.header.Get(sessionkey.AuthorizationHeader) != "" {
			t.Errorf("%s: sent headers %v", name, leader.header)
		}
		if got.Code != c.told || got.Header().Get("Location") != c.toldLocation || got.Body.String() != c.toldTo {
			t.Errorf("%s: told %d %s %s", name, got.Code, got.Header().Get("Location"), got.Body)
		}
	}
}

func TestForwardingEnds(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct {
		err  error
		path string
		code int
		want string
	}{
		"not asked to": {&herder.NotLeader{LeaderURL: closed.URL + "/"}, "/connectors/a/pause?forward=false", 409,
			"conflicting operation"},
		"no leader": {&herder.NotLeader{}, "/connectors/a/pause", 409, "no known leader URL"},
		"not there": {&herder.NotLeader{LeaderURL: closed.URL + "/"}, "/connectors/a/pause", 500,
			"IO Error trying to forward"},
		"other error": {host.NotFound("none"), "/connectors/a/pause", 404, "none"},
	} {
		got := call(newServer(t, &fakeHerder{err: c.err}, Config{}), "PUT", c.path, "", nil)
		if got.Code != c.code || !strings.Contains(got.Body.String(), c.want) {
			t.Errorf("%s: %d %s, want %d with %q", name, got.Code, got.Body, c.code, c.want)
		}
	}
}

// A worker asks its new leader, which has not heard yet that it leads and takes a dead worker for the leader.
func TestAskingALeaderThatDoesNotKnow(t *testing.T) {
	dead := httptest.NewServer(nil)
	dead.Close()
	leader := httptest.NewServer(newServer(t, &fakeHerder{err: &herder.NotLeader{LeaderURL: dead.URL + "/"}}, Config{}))
	defer leader.Close()
	client := NewLeaderClient(nil)
	for name, err := range map[string]error{
		"fence": client.FenceZombies(t.Context(), leader.URL+"/", "a", nil),
		"tasks": client.PutTaskConfigs(t.Context(), leader.URL+"/", "a", []host.Config{}, nil),
	} {
		if !errors.Is(err, host.ErrConflict) {
			t.Errorf("%s: %v, want a conflict, which is tried again", name, err)
		}
	}
}
