package e2e

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/local"
)

// The Rust SDK's connections and HTTP client, in the sandbox: what is asked for and granted works, TLS by the host and
// a secret in Basic credentials included; all else fails with its reason.
func TestE2ERustTalksToTheNetwork(t *testing.T) {
	if text, err := exec.Command("modules/build.sh", "kit", "fetch").CombinedOutput(); err != nil {
		t.Fatalf("build the Rust kit: %v\n%s", err, text)
	}
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body) // a body that is cut fails the comparison below
		_, _ = io.WriteString(w, strings.Join([]string{r.Method, r.URL.Path, user, string(body)}, " "))
		if user != "" && password != "swordfish" {
			t.Errorf("the service was sent the password %q", password)
		}
	}))
	t.Cleanup(service.Close)
	roots := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw}))
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, []byte(roots), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, "BERTH_ALLOW_NET=127.0.0.1:*, localhost:*", "BERTH_SECRETS=crm",
		"BERTH_SECRETS_CRM_VALUE=swordfish", "BERTH_SECRETS_CRM_HOSTS=127.0.0.1:*", "BERTH_SECRETS_CRM_ROOTS="+file)
	if status, answer := p.upload("fetch", read(t, "modules/built/fetch-rust.wasm")); status != http.StatusCreated {
		t.Fatalf("upload: %d %s", status, answer)
	}
	echo := local.Server(t, local.Echo)
	acts := []struct{ act, want string }{
		{"get " + service.URL + "/a", "200 GET /a  "},
		{"basic " + service.URL + "/b", "200 POST /b ann hi"},
		{"echo " + echo, "true 0"},
		{"get http://127.0.0.2/", "NotGranted: 127.0.0.2:80 is not what the plugin asks for"},
		{"lookup localhost", "NotGranted: localhost is not what the plugin asks for"},
		{"get http://x/ y", "Invalid: "},
	}
	topic, out := p.name("acts"), p.file("told.txt")
	p.CreateTopic(t, topic, 1)
	for _, a := range acts {
		p.Produce(t, kafkatest.Record{Topic: topic, Value: []byte(a.act)})
	}
	p.put(p.name("tells"), p.sink(out, topic).with(keys{"transforms": "f", "transforms.f.type": "kit.Fetch",
		"transforms.f.roots": roots, "transforms.f.token": "${secret:crm}"}))
	p.await("all is told", func() bool { return lines(t, out) == len(acts) })
	for i, told := range strings.Split(strings.TrimSpace(string(read(t, out))), "\n") {
		if !strings.HasPrefix(told, strings.TrimSpace(acts[i].want)) {
			t.Errorf("%s: told %q, want %q", acts[i].act, told, acts[i].want)
		}
	}
}

// lines counts those of a file, which may not be there yet.
func lines(t *testing.T, file string) int {
	t.Helper()
	if fileSize(t, file) == 0 {
		return 0
	}
	return strings.Count(string(read(t, file)), "\n")
}
