package worker

import (
	"encoding/hex"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/secrets"
	"github.com/berth-connect/berth/testdata/local"
)

const secretValue = "swordfish-swordfish-swordfish"

// vault is a service behind TLS that takes what it is sent, and says no more of it than its length.
type vault struct {
	*httptest.Server
	mu   sync.Mutex
	sent []string // Authorization and body of each request
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{}
	v.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a request: %v", err)
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.sent = append(v.sent, r.Header.Get("Authorization")+" "+string(body))
		_, _ = io.WriteString(w, "taken")
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *vault) roots() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw}))
}

// secretBench is a worker with the secret crm for hosts, and what is set besides.
func secretBench(t *testing.T, v *vault, hosts string, more ...string) (b *bench, dir string) {
	t.Helper()
	dir = t.TempDir()
	file := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(file, []byte(v.roots()), 0o600); err != nil {
		t.Fatal(err)
	}
	hidden, err := secrets.FromProperties(config(append([]string{"berth.secrets", "crm",
		"berth.secrets.crm.value", secretValue, "berth.secrets.crm.hosts", hosts, "berth.secrets.crm.roots", file},
		more...)...))
	if err != nil {
		t.Fatal(err)
	}
	reachable, err := network.ParsePolicy([]string{"127.0.0.1:*"})
	if err != nil {
		t.Fatal(err)
	}
	b = newGrantedBench(t, plugin.Grants{Dirs: []string{dir}, Network: reachable, Secrets: hidden.Names()}, host.Limits{})
	b.Secrets = hidden
	b.addGuest(t, "teller")
	return b, dir
}

// tell runs acts of a transformation whose token is the secret.
func (b *bench) tell(t *testing.T, dir, class, roots string, acts ...string) (told []string, trace string) {
	t.Helper()
	in := filepath.Join(dir, "acts.txt")
	if err := os.WriteFile(in, []byte(strings.Join(acts, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start(t, config("name", "tells", "connector.class", "FileStreamSource", "file", in, "topic", "told",
		"transforms", "t", "transforms.t.type", class, "transforms.t.token", "${secret:crm}", "transforms.t.roots", roots))
	id := host.TaskID{Connector: "tells"}
	eventually(t, "all is told", func() bool {
		return len(b.kafka.records("told")) == len(acts) || b.status.task(id).state == host.Failed
	})
	for _, r := range b.kafka.records("told") {
		told = append(told, string(r.Value))
	}
	return told, b.status.task(id).trace
}

func complementOf(text string) string {
	b := []byte(text)
	for i := range b {
		b[i] = ^b[i]
	}
	return hex.EncodeToString(b)
}

func TestAGuestUsesASecretThatItNeverSees(t *testing.T) {
	v := newVault(t)
	b, dir := secretBench(t, v, "127.0.0.1:*")
	told, trace := b.tell(t, dir, "test.Tells", v.roots(), "handle", "bearer "+v.URL, "basic "+v.URL, "body "+v.URL,
		"search "+complementOf(secretValue), "search "+complementOf("swordfish"), "search "+complementOf(abi.SecretMark))
	if trace != "" {
		t.Fatal(trace)
	}
	if !strings.HasPrefix(told[0], abi.SecretMark) || len(told[0]) != len(secretValue) ||
		!slices.Equal(told[1:6], []string{"taken", "taken", "taken", "0", "0"}) {
		t.Errorf("told %q", told)
	}
	if told[6] == "0" {
		t.Error("the search does not find the handle either")
	}
	const body = `{"token":"` + secretValue + `"}`
	basic := &http.Request{Header: http.Header{}}
	basic.SetBasicAuth("ann", secretValue)
	want := []string{"Bearer " + secretValue + " " + body, basic.Header.Get("Authorization") + " " + body, " " + body}
	if !slices.Equal(v.sent, want) {
		t.Errorf("the service was sent %q, want %q", v.sent, want)
	}
}

func TestASecretStaysAwayFromOtherHosts(t *testing.T) {
	v := newVault(t)
	echo := local.Server(t, local.Echo)
	b, dir := secretBench(t, v, "127.0.0.2:443")
	told, trace := b.tell(t, dir, "test.Tells", v.roots(), "bearer "+v.URL, "pieces "+echo)
	for i, want := range []string{"berth.secrets.crm.hosts must list it", "berth.secrets.crm.hosts must list it"} {
		if !strings.HasPrefix(told[i], "error: not-granted: secret crm may not be sent to 127.0.0.1:") ||
			!strings.Contains(told[i], want) {
			t.Errorf("act %d: %s", i, told[i])
		}
	}
	if len(v.sent) > 0 || strings.Contains(trace+strings.Join(told, ""), secretValue) {
		t.Errorf("sent %q, told %q, trace %s", v.sent, told, trace)
	}
}

func TestAHandleInPiecesIsWholeForItsHost(t *testing.T) {
	b, dir := secretBench(t, newVault(t), "127.0.0.1:*", "berth.secrets.crm.plain", "true")
	if told, _ := b.tell(t, dir, "test.Tells", "", "pieces "+local.Server(t, local.Echo)); told[0] != secretValue {
		t.Errorf("the server was sent %q", told[0])
	}
}

func TestWithoutTheCapabilityThereIsNoHandle(t *testing.T) {
	b, dir := secretBench(t, newVault(t), "127.0.0.1:*")
	_, trace := b.tell(t, dir, "test.TellsWithout", "", "handle")
	for _, want := range []string{"plugin test.TellsWithout", "Invalid value ${secret:crm} for configuration token",
		"does not ask for the capability secrets"} {
		if !strings.Contains(trace, want) {
			t.Errorf("the trace lacks %q: %s", want, trace)
		}
	}
}
