package worker

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/testdata/local"
)

// networkBench is a worker that grants connections to what entries list.
func networkBench(t *testing.T, limits host.Limits, entries ...string) (b *bench, dir string) {
	t.Helper()
	reachable, err := network.ParsePolicy(entries)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	return newGrantedBench(t, plugin.Grants{Dirs: []string{dir}, Network: reachable}, limits), dir
}

// met runs what one transformation meets on the network.
func (b *bench) met(t *testing.T, dir, class, name string, acts ...string) []string {
	t.Helper()
	in := filepath.Join(dir, name+".txt")
	if err := os.WriteFile(in, []byte(strings.Join(acts, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start(t, config("name", name, "connector.class", "FileStreamSource", "file", in, "topic", name,
		"transforms", "d", "transforms.d.type", class))
	id := host.TaskID{Connector: name}
	eventually(t, name+" has met all", func() bool {
		return len(b.kafka.records(name)) == len(acts) || b.status.task(id).state == host.Failed
	})
	if failed := b.status.task(id); failed.state == host.Failed {
		t.Fatalf("%s failed: %s", name, failed.trace)
	}
	var met []string
	for _, r := range b.kafka.records(name) {
		met = append(met, string(r.Value))
	}
	return met
}

func TestGuestsTalkToWhatIsGranted(t *testing.T) {
	server := local.Server(t, local.Echo)
	b, dir := networkBench(t, host.Limits{}, "127.0.0.1:*", "localhost:*")
	b.addGuest(t, "dialer")
	_, port, _ := net.SplitHostPort(server)
	met := b.met(t, dir, "test.Dials", "talks", "echo "+server, "echo localhost:"+port, "wait "+server, "deadline "+server,
		"closed "+server, "impatient "+server, "echo "+server)
	for i, want := range []string{"300000 true", "300000 true", "5", "true y", "true true", "true", "300000 true"} {
		if got := strings.TrimSpace(met[i]); got != want {
			t.Errorf("act %d: got %q, want %q", i, got, want)
		}
	}
}

func TestGuestsReachNothingThatIsNotGranted(t *testing.T) {
	server := local.Server(t, local.Echo)
	b, dir := networkBench(t, host.Limits{}, "*:*", "0.0.0.0/0:*")
	b.addGuest(t, "dialer")
	met := b.met(t, dir, "test.Dials", "hostile", "echo "+server, "echo localhost:80", "echo 169.254.169.254:80",
		"echo [fd00:ec2::254]:80", "echo [::ffff:169.254.169.254]:80", "echo [::1]:80", "echo 0.0.0.0:80",
		"echo http://x:80", "echo x:http")
	for i, got := range met[:7] {
		if !strings.HasPrefix(got, "not-granted: ") || !strings.Contains(got, "private or special address") ||
			!strings.Contains(got, network.Property) {
			t.Errorf("act %d: %s", i, got)
		}
	}
	for _, got := range met[7:] {
		if strings.Contains(got, "300000") {
			t.Errorf("got %s", got)
		}
	}
	without := b.met(t, dir, "test.DialsWithout", "incapable", "echo "+server, "lookup localhost")
	for _, got := range without {
		if !strings.Contains(got, "not-granted: ") || !strings.Contains(got, "capability net") {
			t.Errorf("without the capability: %s", got)
		}
	}
}

func TestAGuestHoldsSoManyConnectionsAndNoMore(t *testing.T) {
	server := local.Server(t, local.Echo)
	b, dir := networkBench(t, host.Limits{NetConnections: 7}, "127.0.0.1:*")
	b.addGuest(t, "dialer")
	met := b.met(t, dir, "test.Dials", "many", "hold "+server)
	if !strings.HasPrefix(met[0], "7 over-limit: ") || !strings.Contains(met[0], "berth.limits.net.connections") {
		t.Errorf("got %s", met[0])
	}
}

func TestEnrichAsksOnceAndAddsTheAnswer(t *testing.T) {
	var asked, ill atomic.Int32
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/users/2" && ill.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"path":"`+r.URL.Path+`"}`)
	}))
	t.Cleanup(service.Close)
	b, dir := networkBench(t, host.Limits{}, "127.0.0.1:*")
	b.addGuest(t, "enrich")
	b.kafka.produce("s", `{"id":1}`, `{"id":2}`, `{"id":1}`, `{"other":3}`, `{"id":"a/b"}`)
	out := filepath.Join(dir, "out.txt")
	b.start(t, config("name", "s", "connector.class", "FileStreamSink", "topics", "s", "file", out,
		"value.converter", "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable", "false",
		"errors.retry.timeout", "60000", "errors.retry.delay.max.ms", "10",
		"transforms", "e", "transforms.e.type", "example.Enrich", "transforms.e.url", service.URL+"/users/{}",
		"transforms.e.tls.roots", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE",
			Bytes: service.Certificate().Raw})),
		"transforms.e.field", "id", "transforms.e.target", "user"))
	want := "{id=1, user={path=/users/1}}\n{id=2, user={path=/users/2}}\n{id=1, user={path=/users/1}}\n{other=3}\n" +
		"{id=a/b, user={path=/users/a/b}}\n"
	id, got := host.TaskID{Connector: "s"}, ""
	eventually(t, "all records are out", func() bool {
		written, _ := os.ReadFile(out)
		got = string(written)
		return len(got) >= len(want) || b.status.task(id).state == host.Failed
	})
	if got != want {
		t.Errorf("got %s, want %s; %s", got, want, b.status.task(id).trace)
	}
	if asked.Load() != 4 { // 1, 2 twice, a/b
		t.Errorf("the service was asked %d times", asked.Load())
	}
}

func TestEnrichNamesTheGrantThatIsMissing(t *testing.T) {
	b, dir := networkBench(t, host.Limits{}, "api.example.com:443")
	b.addGuest(t, "enrich")
	b.kafka.produce("s", `{"id":1}`)
	b.start(t, config("name", "s", "connector.class", "FileStreamSink", "topics", "s",
		"file", filepath.Join(dir, "out.txt"),
		"value.converter", "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable", "false",
		"transforms", "e", "transforms.e.type", "example.Enrich", "transforms.e.url", "http://evil.example/{}",
		"transforms.e.field", "id", "transforms.e.target", "user"))
	id := host.TaskID{Connector: "s"}
	eventually(t, "task FAILED", func() bool { return b.status.task(id).state == host.Failed })
	const want = "evil.example:80 is not granted; the worker's berth.allow.net must list it"
	if trace := b.status.task(id).trace; !strings.Contains(trace, want) {
		t.Errorf("trace lacks %q:\n%s", want, trace)
	}
}

func TestGuestsReachNothingThatTheirManifestDoesNotAskFor(t *testing.T) {
	server := local.Server(t, local.Echo)
	b, dir := networkBench(t, host.Limits{}, "127.0.0.1:*", "localhost:*")
	b.addGuest(t, "dialer")
	_, port, _ := net.SplitHostPort(server)
	met := b.met(t, dir, "test.DialsLocal", "narrow", "echo "+server, "echo localhost:"+port)
	if strings.TrimSpace(met[0]) != "300000 true" {
		t.Errorf("what is asked for and granted: %s", met[0])
	}
	if want := "localhost:" + port + " is not what the plugin asks for"; !strings.HasPrefix(met[1], "not-granted: ") ||
		!strings.Contains(met[1], want) {
		t.Errorf("got %s, want %s", met[1], want)
	}
}

// Clocks and randomness are every guest's: one without them would have hash seeds that its peers know.
func TestGuestsWithoutCapabilitiesHaveRealTimeAndRandomness(t *testing.T) {
	b, dir := networkBench(t, host.Limits{})
	b.addGuest(t, "dialer")
	seen := map[string]bool{}
	before := time.Now()
	for _, name := range []string{"first", "second"} { // an instance each
		for _, met := range b.met(t, dir, "test.DialsWithout", name, "chance", "chance") {
			nanos, text, _ := strings.Cut(met, " ")
			number, err := strconv.ParseInt(nanos, 10, 64)
			if now := time.Unix(0, number); err != nil || now.Before(before) || now.After(time.Now()) {
				t.Errorf("a guest's clock says %s, %v", now, err)
			}
			seen[text] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("of 4 random texts there are %v", seen)
	}
}
