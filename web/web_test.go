package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// fakeHerder answers what a test lays into it; a method that a test does not expect panics in the embedded nil Herder.
type fakeHerder struct {
	Herder
	err    error
	status herder.ConnectorStatus
	config host.Config
	module string
	by     string
	ready  bool
}

func (f *fakeHerder) Ready() (bool, string) { return f.ready, "The worker is currently starting up" }

func (f *fakeHerder) Ping(context.Context) error { return f.err }

func (f *fakeHerder) ClusterID(context.Context) (string, error) { return "k1", f.err }

func (f *fakeHerder) Connectors(context.Context) ([]string, error) { return nil, f.err }

func (f *fakeHerder) Pause(context.Context, string) error { return f.err }

func (f *fakeHerder) FenceZombies(context.Context, string, *sessionkey.Signature) error { return f.err }

func (f *fakeHerder) PutTaskConfigs(context.Context, string, []host.Config, *sessionkey.Signature) error {
	return f.err
}

func (f *fakeHerder) Status(context.Context, string) (herder.ConnectorStatus, error) {
	return f.status, f.err
}

func (f *fakeHerder) Plugins(context.Context, string, bool) ([]host.PluginInfo, error) {
	plugin := host.PluginInfo{Class: "a.B", Kind: host.KindSource, Version: "undefined"}
	return []host.PluginInfo{plugin, plugin, {Class: "a.B", Kind: host.KindSource, Version: "2"}}, f.err
}

func (f *fakeHerder) Create(_ context.Context, name string, config host.Config, _ host.TargetState) (
	herder.ConnectorInfo, error) {
	f.config = config
	return herder.ConnectorInfo{Name: name, Config: config, Type: "source"}, f.err
}

func (f *fakeHerder) Validate(context.Context, string, host.Config) (host.ConfigInfos, error) {
	return host.ConfigInfos{Name: "c", Configs: []host.ConfigInfo{
		{Value: &host.ConfigValueInfo{Name: "k"}}, {Definition: &host.ConfigKeyInfo{Name: "k"}}}}, f.err
}

func (f *fakeHerder) AddModule(_ context.Context, upload host.ModuleUpload) (host.ModuleInfo, bool, error) {
	if !upload.DryRun {
		f.module = strings.TrimSpace(upload.Name + ":" + string(upload.Wasm) + " " + string(upload.Signature) + " " +
			upload.Source)
	}
	f.by = upload.By
	info := host.ModuleInfo{Name: upload.Name, Digest: "ab", SizeBytes: int64(len(upload.Wasm)), SDK: "go/1"}
	return info, !upload.DryRun, f.err
}

func (f *fakeHerder) TenantRecord(_ context.Context, name string) (host.Tenant, error) {
	return host.Tenant{Name: name}, nil
}

func (f *fakeHerder) Module(_ context.Context, _, name, version string) (host.ModuleInfo, error) {
	return host.ModuleInfo{Name: name, Digest: version}, f.err
}

func (f *fakeHerder) ModuleContent(_ context.Context, _, digest string) ([]byte, error) {
	return []byte("\x00asm" + digest), f.err
}

func (f *fakeHerder) DeleteModule(_ context.Context, _, name, version string) error {
	f.module = name + " " + version
	return f.err
}

func (f *fakeHerder) Modules(context.Context, string) ([]host.ModuleInfo, error) { return nil, f.err }

func newServer(t *testing.T, h Herder, config Config) http.Handler {
	t.Helper()
	s, err := New(config, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler()
}

func call(handler http.Handler, method, path, contentType string, body io.Reader) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, body)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestErrorsBecomeStatuses(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{host.NotFound("no"), `404 {"error_code":404,"message":"no"}`},
		{host.BadRequest("a <b> & c"), `400 {"error_code":400,"message":"a <b> & c"}`},
		{host.Conflict("taken"), `409 {"error_code":409,"message":"taken"}`},
		{&host.Error{Kind: herder.ErrForbidden, Message: "off"}, `403 {"error_code":403,"message":"off"}`},
		{&host.Error{Kind: host.ErrInternal, Message: "Request timed out. …"},
			`500 {"error_code":500,"message":"Request timed out. …"}`},
		{fmt.Errorf("write: %w", errors.New("Kafka is away")), `500 {"error_code":500,"message":"write: Kafka is away"}`},
	}
	for _, test := range tests {
		answer := call(newServer(t, &fakeHerder{err: test.err}, Config{}), "PUT", "/connectors/c/pause", "", nil)
		if got := fmt.Sprintf("%d %s", answer.Code, answer.Body); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestShapes(t *testing.T) {
	trace, version, undefined := "boom", "1.0", "undefined"
	h := &fakeHerder{ready: true, status: herder.ConnectorStatus{Name: "c", Type: "sink",
		Connector: store.Status{State: host.Failed, WorkerID: "w", Trace: &trace, Version: &version},
		Tasks: []herder.TaskStatus{{Task: 0, Status: store.Status{State: host.Running, WorkerID: "w"}},
			{Task: 1, Status: store.Status{State: host.Running, WorkerID: "w", Version: &undefined}}}}}
	server := newServer(t, h, Config{Version: "1", Commit: "c0"})
	tests := []struct{ method, path, body, want string }{
		{"GET", "/", "", `200 {"version":"1","commit":"c0","kafka_cluster_id":"k1"}`},
		{"GET", "/connectors", "", `200 []`},
		{"GET", "/connectors/c/status", "", `200 {"name":"c","connector":{"state":"FAILED","worker_id":"w","trace":"boom",` +
			`"version":"1.0"},"tasks":[{"id":0,"state":"RUNNING","worker_id":"w","version":null},` +
			`{"id":1,"state":"RUNNING","worker_id":"w"}],"type":"sink"}`},
		{"GET", "/connector-plugins", "", `200 [{"class":"a.B","type":"source"},` +
			`{"class":"a.B","type":"source","version":"2"}]`},
		{"PUT", "/connector-plugins/c/config/validate", `{"connector.class":"c"}`,
			`200 {"name":"c","error_count":0,"groups":[],"configs":[{"definition":null,` +
				`"value":{"name":"k","value":null,"recommended_values":[],"errors":[],"visible":false}},` +
				`{"definition":{"name":"k","type":"","required":false,"default_value":null,"importance":"","documentation":"",` +
				`"group":null,"width":"","display_name":"","dependents":[],"order":0},"value":null}]}`},
		{"POST", "/connectors", `{"name":" c\n","config":{"a":1.50,"b":null,"c":true,"a":-0}}`,
			`201 {"name":"c","config":{"a":"-0","b":null,"c":"true","name":"c"},"tasks":[],"type":"source"}`},
		{"GET", "/plugins", "", `200 []`},
	}
	for _, test := range tests {
		contentType := ""
		if test.body != "" {
			contentType = "application/json"
		}
		answer := call(server, test.method, test.path, contentType, strings.NewReader(test.body))
		if got := fmt.Sprintf("%d %s", answer.Code, answer.Body); got != test.want {
			t.Errorf("%s %s:\n got %s\nwant %s", test.method, test.path, got, test.want)
		}
	}
}

func TestLocationIsEscaped(t *testing.T) {
	server := newServer(t, &fakeHerder{}, Config{})
	answer := call(server, "POST", "/connectors", "application/json", strings.NewReader(`{"name":"a/b%é;","config":{}}`))
	if got, want := answer.Header().Get("Location"), "http://example.com/connectors/a/b%25%C3%A9;"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHealth(t *testing.T) {
	tests := []struct {
		herder fakeHerder
		want   string
	}{
		{fakeHerder{}, `503 {"status":"starting",` +
			`"message":"Worker is still starting up. The worker is currently starting up"}`},
		{fakeHerder{ready: true, err: errors.New("stuck")}, `500 {"status":"unhealthy","message":"Worker was unable to ` +
			`handle this request and may be unable to handle other requests. stuck"}`},
		{fakeHerder{ready: true}, `200 {"status":"healthy","message":"Worker has completed startup and is ready to handle ` +
			`requests."}`},
	}
	for _, test := range tests {
		answer := call(newServer(t, &test.herder, Config{}), "GET", "/health", "", nil)
		if got := fmt.Sprintf("%d %s", answer.Code, answer.Body); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestModule(t *testing.T) {
	missing := host.NotFound("not there")
	tests := []struct {
		method, path string
		err          error
		status       int
		body         string
	}{
		{"GET", "/plugins/a%2Fgeo/1.0%2B1", nil, 200,
			`{"name":"a/geo","digest":"1.0+1","size":0,"sdk":"","capabilities":[],"granted":[],"plugins":[]}`},
		{"GET", "/plugins/geo/2", missing, 404, `{"error_code":404,"message":"not there"}`},
		{"GET", "/plugins/geo/ab/module", nil, 200, "\x00asmab"},
		{"GET", "/plugins/geo/2/module", missing, 404, `{"error_code":404,"message":"not there"}`},
		{"DELETE", "/plugins/geo/1", nil, 204, ""},
		{"DELETE", "/plugins/geo/2", missing, 404, `{"error_code":404,"message":"not there"}`},
		{"DELETE", "/plugins/geo/2", host.Conflict("used by c"), 409, `{"error_code":409,"message":"used by c"}`},
		{"DELETE", "/plugins/geo", nil, 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
	}
	for _, test := range tests {
		answer := call(newServer(t, &fakeHerder{err: test.err}, Config{}), test.method, test.path, "", nil)
		if answer.Code != test.status || answer.Body.String() != test.body {
			t.Errorf("%s %s: got %d %s", test.method, test.path, answer.Code, answer.Body)
		}
	}
}

// Who uploaded a module is known where users show passwords, and nowhere else.
func TestUploader(t *testing.T) {
	for _, users := range []map[string]string{nil, {"ann": "secret"}} {
		h := &fakeHerder{}
		request := httptest.NewRequest("POST", "/plugins?name=geo", strings.NewReader("\x00asm"))
		request.SetBasicAuth("ann", "secret")
		answer := httptest.NewRecorder()
		newServer(t, h, Config{Access: Access{Users: users}}).ServeHTTP(answer, request)
		if want := map[bool]string{false: "", true: "ann"}[users != nil]; answer.Code != 201 || h.by != want {
			t.Errorf("users %v: got %d, by %q", users, answer.Code, h.by)
		}
	}
}

func TestAddModule(t *testing.T) {
	form := func(field, file, content string) (string, io.Reader) {
		var body bytes.Buffer
		writer := multipart.NewWriter(&body)
		part, err := writer.CreateFormFile(field, file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		return writer.FormDataContentType(), &body
	}
	named := func(info string) (string, io.Reader) {
		var body bytes.Buffer
		writer := multipart.NewWriter(&body)
		err := writer.WriteField("info", info)
		if err == nil {
			var part io.Writer
			part, err = writer.CreateFormFile("file", "other.wasm")
			_, _ = io.WriteString(part, "\x00asm")
		}
		if err = errors.Join(err, writer.Close()); err != nil {
			t.Fatal(err)
		}
		return writer.FormDataContentType(), &body
	}
	formType, formBody := form("file", "geo.wasm", "\x00asm")
	namedType, namedBody := named(`{"name":"geo"}`)
	signedType, signedBody := named(`{"name":"geo","signature":"c2lnbmVk"}`)
	unsignedType, unsignedBody := named(`{"name":"geo","signature":"?"}`)
	wrongType, wrongBody := named(`{"nam":"geo"}`)
	otherType, otherBody := form("other", "geo.wasm", "\x00asm")
	tests := []struct {
		what, path, contentType string
		body                    io.Reader
		status                  int
		added                   string
	}{
		{"file", "/plugins", formType, formBody, 201, "geo:\x00asm"},
		{"file with JSON", "/plugins", namedType, namedBody, 201, "geo:\x00asm"},
		{"file with signature", "/plugins", signedType, signedBody, 201, "geo:\x00asm signed"},
		{"file with no Base64", "/plugins", unsignedType, unsignedBody, 400, ""},
		{"file with wrong JSON", "/plugins", wrongType, wrongBody, 400, ""},
		{"checked only", "/plugins?name=geo&dry_run=true", "application/wasm", strings.NewReader("\x00asm"), 200, ""},
		{"raw body", "/plugins?name=geo", "application/wasm", strings.NewReader("\x00asm"), 201, "geo:\x00asm"},
		{"name with suffix", "/plugins?name=geo.wasm", "", strings.NewReader("\x00asm"), 201, "geo:\x00asm"},
		{"no name", "/plugins", "", strings.NewReader("\x00asm"), 400, ""},
		{"path as name", "/plugins?name=..%2Fgeo", "", strings.NewReader("\x00asm"), 400, ""},
		{"nothing", "/plugins?name=geo", "", strings.NewReader(""), 400, ""},
		{"other field", "/plugins", otherType, otherBody, 400, ""},
		{"too large", "/plugins?name=geo", "", io.LimitReader(zeros{}, moduleBodyBytesMax+1), 413, ""},
	}
	for _, test := range tests {
		h := &fakeHerder{}
		answer := call(newServer(t, h, Config{}), "POST", test.path, test.contentType, test.body)
		if answer.Code != test.status || h.module != test.added {
			t.Errorf("%s: got %d %s, added %q", test.what, answer.Code, answer.Body, h.module)
		}
		want := `{"name":"geo","digest":"ab","size":4,"sdk":"go/1","capabilities":[],"granted":[],"plugins":[]}`
		if test.status == 201 && answer.Body.String() != want {
			t.Errorf("%s: got %s, want %s", test.what, answer.Body, want)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestBodiesAreBounded(t *testing.T) {
	body := `{"name":"c","config":{"a":"` + strings.Repeat("x", jsonBodyBytesMax) + `"}}`
	server := newServer(t, &fakeHerder{}, Config{})
	answer := call(server, "POST", "/connectors", "application/json", strings.NewReader(body))
	if answer.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
}

func TestMetricsAreMounted(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(w, "up 1\n"); err != nil {
			t.Error(err)
		}
	})
	answer := call(newServer(t, &fakeHerder{}, Config{Metrics: metrics}), "GET", "/metrics", "", nil)
	if answer.Body.String() != "up 1\n" {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
	answer = call(newServer(t, &fakeHerder{}, Config{}), "GET", "/metrics", "", nil)
	if answer.Code != http.StatusNotFound {
		t.Errorf("without metrics: got %d", answer.Code)
	}
}

func TestListeners(t *testing.T) {
	tests := map[string]string{"http://:8083": ":8083", "HTTP://localhost:1": "localhost:1", "http://[::1]:80": "[::1]:80",
		"https://h:1": "", "h:1": "", "http://h": "", "http://h:x": ""}
	for listener, want := range tests {
		got, err := new(Server).parseListener(listener)
		if got.address != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %v, %v", listener, got, err)
		}
	}
	if _, err := New(Config{Listeners: []string{"ftp://h:1"}}, &fakeHerder{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a listener of another protocol is accepted")
	}
}

// TestRunServesAllListeners: both answer, and Run returns when its context ends.
func TestRunServesAllListeners(t *testing.T) {
	s, err := New(Config{Listeners: []string{"http://127.0.0.1:0", "http://127.0.0.1:0"}}, &fakeHerder{},
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, listeners) }()
	for _, listener := range listeners {
		answer, err := http.Get("http://" + listener.Addr().String() + "/connectors")
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, %v", listener.Addr(), answer.StatusCode, err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", listeners[0].Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}

func TestLoggersInherit(t *testing.T) {
	l := NewLoggers()
	l.Set("a.b", "DEBUG")
	l.Set("c", "error")
	if changed := l.Set("c", "LOUD"); len(changed) > 0 {
		t.Errorf("a level that nobody knows has changed %v", changed)
	}
	tests := map[string]slog.Level{"a.b": slog.LevelDebug, "a.b.c.d": slog.LevelDebug, "a.bc": slog.LevelInfo,
		"a": slog.LevelInfo, "a.b c": slog.LevelDebug, "c a.b": slog.LevelError, "x a.b": slog.LevelDebug, "": slog.LevelInfo}
	for names, want := range tests {
		list := strings.Split(names, " ")
		if !l.Allow(want, list...) || l.Allow(want-1, list...) {
			t.Errorf("%s: the lowest level is not %v", names, want)
		}
	}
	if l.Lowest() != slog.LevelDebug {
		t.Errorf("the lowest level is %v", l.Lowest())
	}
	if changed := l.Set(rootLogger, "ERROR"); len(changed) != 2 || l.Lowest() != slog.LevelError {
		t.Errorf("changed %v", changed)
	}
}

// canceledHerder is one whose worker has lost its place in the group in the middle of a write.
type canceledHerder struct{ *tenantsHerder }

func (canceledHerder) Delete(context.Context, string) error {
	return fmt.Errorf("write the config topic: %w", context.Canceled)
}

// What the worker gives up is told: an empty answer would say that it was done.
func TestWhatTheWorkerGivesUpIsAnError(t *testing.T) {
	server := newServer(t, canceledHerder{newTenantsHerder()}, Config{})
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, httptest.NewRequest("DELETE", "/connectors/c", nil))
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), "write the config topic") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}
