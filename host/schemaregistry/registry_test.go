package schemaregistry

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

func config(pairs ...string) host.Config {
	c := host.Config{}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i]] = &pairs[i+1]
	}
	return c
}

// open makes a registry that repeats at once.
func open(t *testing.T, pairs ...string) *Registry {
	t.Helper()
	pool := NewPool(slog.New(slog.DiscardHandler))
	r, err := pool.Open(config(append([]string{"retries.wait.ms", "1", "max.retries", "2"}, pairs...)...), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close(r) })
	return r
}

func arguments(t *testing.T, pairs map[string]any) abi.Value {
	t.Helper()
	v, err := abi.ToValue(pairs)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func ask(t *testing.T, r *Registry, call string, pairs map[string]any) abi.Reply {
	t.Helper()
	return r.Serve(t.Context(), abi.Request{Call: call, Arguments: arguments(t, pairs)})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the test sees what is missing
}

// server answers every request alike and counts them.
func server(t *testing.T, status int, body any) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		answer(w, status, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestSchemaIsAskedForOnce(t *testing.T) {
	release := make(chan struct{})
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-release
		answer(w, http.StatusOK, schema{Text: `"int"`})
	}))
	defer s.Close()
	r := open(t, urlKey, s.URL)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			reply := ask(t, r, "schema", map[string]any{"id": int32(7)})
			if text, _ := reply.Result.Get("schema"); reply.Code != 0 || text.String() != `"int"` {
				t.Errorf("%+v", reply)
			}
		})
	}
	for asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestOutcomesAreToldApart(t *testing.T) {
	problem := map[string]any{"error_code": 409, "message": "incompatible: READER_FIELD_MISSING"}
	for _, c := range []struct {
		name, call string
		status     int
		body       any
		code       abi.Code
		want       string
		asked      int32 // of two times
	}{
		{"not there", "schema", 404, map[string]any{"error_code": 40403, "message": "Schema not found"}, abi.CodeData,
			"404: Schema not found (error code 40403)", 1},
		{"incompatible", "register", 409, problem, abi.CodeData, "READER_FIELD_MISSING", 1},
		{"credentials", "latest", 401, nil, abi.CodeConfig, "401: Unauthorized", 2},
		{"broken", "lookup", 500, nil, abi.CodeRetriable, "can't be reached", 6},
		{"no registry", "schema", 200, "hello", abi.CodeData, "does schema.registry.url name one?", 1},
		{"elsewhere", "schema", 302, nil, abi.CodeData, "302: Found", 1},
		{"unknown call", "delete", 200, nil, abi.CodeInternal, `no call "delete"`, 0},
	} {
		url, asked := server(t, c.status, c.body)
		r := open(t, urlKey, url)
		for range 2 {
			reply := ask(t, r, c.call, map[string]any{"id": int32(1), "subject": "s/t", "schema": "{}"})
			if reply.Code != c.code || !strings.Contains(reply.Message, c.want) {
				t.Errorf("%s: %+v", c.name, reply)
			}
		}
		if n := asked.Load(); n != c.asked {
			t.Errorf("%s: %d requests, want %d", c.name, n, c.asked)
		}
	}
}

func TestURLsAreTriedInTurn(t *testing.T) {
	broken, brokenAsked := server(t, 503, nil)
	sound, _ := server(t, 200, schema{ID: 3})
	r := open(t, urlKey, "http://127.0.0.1:1, "+broken+"/ ,"+sound)
	for i := range 5 {
		reply := ask(t, r, "register", map[string]any{"subject": "s", "schema": strings.Repeat("x", i)})
		if id, _ := reply.Result.Get("id"); id.Int32() != 3 {
			t.Fatalf("%+v", reply)
		}
	}
	if n := brokenAsked.Load(); n != 1 {
		t.Errorf("the broken one was asked %d times: the one that answered must be the first from then on", n)
	}
}

func TestReferencesComeDeepestFirstAndOnce(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := map[string]schema{
			"/schemas/ids/1":           {Text: "root", References: []reference{{"a", "a", 1}, {"b", "b", 1}}},
			"/subjects/a/versions/1":   {Text: "A", References: []reference{{"b", "b", 1}}},
			"/subjects/b/versions/1":   {Text: "B", References: []reference{{"c/d", "c/d", 2}}},
			"/subjects/c/d/versions/2": {Text: "C", References: []reference{{"a", "a", 1}}}, // a circle
		}
		if found, ok := known[r.URL.Path]; ok {
			answer(w, 200, found)
			return
		}
		answer(w, 404, nil)
	}))
	defer s.Close()
	reply := ask(t, open(t, urlKey, s.URL), "schema", map[string]any{"id": int32(1)})
	references, _ := reply.Result.Get("references")
	var texts []string
	for i := range references.Len() {
		text, _ := references.Item(i).Get("schema")
		texts = append(texts, text.String())
	}
	if got := strings.Join(texts, " "); got != "C B A" {
		t.Errorf("%q, %+v", got, reply)
	}
}

func TestRequestsAreAuthenticated(t *testing.T) {
	var got atomic.Pointer[http.Request]
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(r)
		answer(w, 200, schema{})
	}))
	defer s.Close()
	trusted := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	for name, c := range map[string]struct {
		pairs []string
		want  string
	}{
		"in the URL": {[]string{urlKey, strings.Replace(s.URL, "://", "://u:p@", 1)}, "Basic dTpw"},
		"user info": {[]string{urlKey, s.URL, "basic.auth.credentials.source", "USER_INFO", "basic.auth.user.info", "u:p"},
			"Basic dTpw"},
		"token": {[]string{urlKey, s.URL, "bearer.auth.credentials.source", "STATIC_TOKEN", "bearer.auth.token", "t"},
			"Bearer t"},
		"any name": {[]string{urlKey, strings.Replace(s.URL, "127.0.0.1", "localhost", 1),
			"schema.registry.ssl.endpoint.identification.algorithm", ""}, ""},
	} {
		r := open(t, append(c.pairs, "schema.registry.ssl.truststore.certificates", trusted)...)
		if reply := ask(t, r, "schema", nil); reply.Code != 0 {
			t.Errorf("%s: %+v", name, reply)
		} else if header := got.Load().Header.Get("Authorization"); header != c.want {
			t.Errorf("%s: %q", name, header)
		}
	}
	if reply := ask(t, open(t, urlKey, s.URL), "schema", nil); reply.Code != abi.CodeRetriable ||
		!strings.Contains(reply.Message, "certificate") {
		t.Errorf("a certificate that is not trusted: %+v", reply)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for _, c := range [][]string{
		{"schema.registry.url"},
		{"schema.registry.url", urlKey, "registry:8081"},
		{"max.retries", urlKey, "http://r", "max.retries", "-1"},
		{"USER_INFO", urlKey, "http://r", "basic.auth.credentials.source", "SASL_INHERIT"},
		{"user:password", urlKey, "http://r", "basic.auth.credentials.source", "USER_INFO"},
		{"bearer.auth.token", urlKey, "http://r", "bearer.auth.credentials.source", "STATIC_TOKEN"},
		{"truststore.location", urlKey, "http://r", "schema.registry.ssl.truststore.location", "/none"},
		{"no PEM certificate", urlKey, "http://r", "schema.registry.ssl.truststore.certificates", "x"},
		{"private key", urlKey, "http://r", "schema.registry.ssl.keystore.certificate.chain", "x"},
	} {
		_, err := NewPool(slog.Default()).Open(config(c[1:]...), nil)
		if !errors.Is(err, host.ErrBadRequest) || !strings.Contains(err.Error(), c[0]) {
			t.Errorf("%q: %v", c, err)
		}
	}
}

func TestPoolSharesWhatIsTheSame(t *testing.T) {
	pool := NewPool(slog.Default())
	a, _ := pool.Open(config(urlKey, "http://r", "auto.register.schemas", "true"), nil)
	b, _ := pool.Open(config(urlKey, "http://r"), nil)
	c, _ := pool.Open(config(urlKey, "http://u:p@r"), nil)
	if a != b || a == c {
		t.Error("the connection alone decides")
	}
	for _, r := range []*Registry{a, b, c} {
		pool.Close(r)
	}
	if len(pool.known) != 0 {
		t.Errorf("%d are left", len(pool.known))
	}
}

func TestCacheForgetsAndCancels(t *testing.T) {
	c := newCache(2)
	fetched := map[string]int{}
	get := func(key string, holds time.Duration) {
		t.Helper()
		if _, err := c.get(t.Context(), key, func(context.Context) (any, time.Duration, error) {
			fetched[key]++
			return key, holds, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a", "b", "a", "c", "a", "b"} { // b was used least when c came
		get(key, -1)
	}
	get("now", 0)
	get("now", 0)
	if fetched["a"] != 1 || fetched["b"] != 2 || fetched["now"] != 2 {
		t.Errorf("%v", fetched)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	_, err := c.get(ctx, "slow", func(ctx context.Context) (any, time.Duration, error) {
		cancel()
		<-ctx.Done()
		close(ended)
		return nil, 0, ctx.Err()
	})
	<-ended // nobody waits for it any longer
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
