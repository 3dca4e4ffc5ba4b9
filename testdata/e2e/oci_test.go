package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host/oci/ocitest"
)

// startRegistry serves a registry that gives tokens to ann, in plain HTTP, and returns host:port.
func startRegistry(t *testing.T) (r *ocitest.Registry, address string) {
	t.Helper()
	r = &ocitest.Registry{User: "ann", Password: "secret"}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.Realm = server.URL + "/token"
	return r, strings.TrimPrefix(server.URL, "http://")
}

// pulling are properties of a worker that may pull from a registry.
func pulling(registry string) []string {
	return []string{"BERTH_OCI_REGISTRIES=" + registry, "BERTH_OCI_HTTP=" + registry,
		`BERTH_OCI_CREDENTIALS={"auths": {"` + registry + `": {"username": "ann", "password": "secret", "tenants": ["a"]}}}`}
}

// pull asks a worker to pull, and returns what it answers.
func (p *process) pull(reference, query string) (status int, answer string) {
	p.t.Helper()
	status, text := p.call("POST", "/plugins"+query, map[string]string{"oci": reference})
	return status, string(text)
}

// sourceOf is where a module was pulled from, as GET /plugins says.
func (p *process) sourceOf(name string) string {
	p.t.Helper()
	var all []struct{ Name, Source string }
	p.ask("GET", "/plugins", nil, &all)
	for _, m := range all {
		if m.Name == name {
			return m.Source
		}
	}
	return "no module " + name
}

// A plugin is pulled from a registry by digest, and a connector of it runs, after a restart too.
func TestE2EPulledPluginRuns(t *testing.T) {
	registry, address := startRegistry(t)
	p := startProcess(t, pulling(address)...)
	wasm := buildModule(t, "courier", "./testdata/guests/courier")
	source := fmt.Sprintf("oci://%s/team/courier@%s", address, registry.Push("team/courier", ocitest.Module(wasm), wasm))

	status, answer := p.pull(source, "?dry_run=true")
	if status != http.StatusOK || p.sourceOf("courier") != "no module courier" {
		t.Errorf("a dry run: %d %s", status, answer)
	}
	contains(t, answer, `"source":"`+source+`"`)
	status, answer = p.pull(address+"/team/courier:1.0", "")
	if status != http.StatusBadRequest {
		t.Errorf("a tag: %d %s", status, answer)
	}
	contains(t, answer, "name the digest that it has now")
	contains(t, p.berth("plugin", "upload", source, "-url", p.url), `"name":"courier"`, `"source":"`+source+`"`)
	if status, answer = p.pull(source, ""); status != http.StatusOK {
		t.Errorf("once more: %d %s", status, answer)
	}
	p.checkLetters("first")
	p.terminate()
	p.start()
	if got := p.sourceOf("courier"); got != source {
		t.Errorf("after a restart the source is %s, want %s", got, source)
	}
	p.checkLetters("second")
}

// checkLetters runs a connector of the courier.
func (p *process) checkLetters(name string) {
	p.t.Helper()
	topic := p.name(name)
	p.put(topic, keys{"connector.class": "test.Letters", "tasks.max": "1", "topic": topic, "count": "10",
		"key.converter": asText, "value.converter": asText, "header.converter": asText})
	p.await("letters in "+topic, func() bool { return p.Count(p.t, topic) >= 10 })
}

// A tenant pulls what its network reaches too, with credentials that are meant for it, and nobody else sees the module.
func TestE2ETenantsPullTheirOwn(t *testing.T) {
	registry, address := startRegistry(t)
	p := startProcess(t, pulling(address)...)
	wasm := buildModule(t, "courier", "./testdata/guests/courier")
	reference := address + "/team/courier@" + registry.Push("team/courier", ocitest.Module(wasm), wasm)
	for name, network := range map[string][]string{"a": {address}, "b": {address}, "c": {"r.test:443"}} {
		p.ask("PUT", "/tenants/"+name, map[string]any{"topics": []string{name + ".*"}, "network": network}, nil)
	}
	for _, c := range []struct {
		tenant string
		status int
		says   string
	}{
		{"a", http.StatusCreated, `"source":"oci://` + reference + `"`},
		{"b", http.StatusBadRequest, "berth.oci.credentials has nothing for " + address + " that this tenant may use"},
		{"c", http.StatusForbidden, "the network of tenant c must list it"},
	} {
		status, answer := p.in(c.tenant).pull(reference, "")
		if status != c.status {
			t.Errorf("%s: %d %s", c.tenant, status, answer)
		}
		contains(t, answer, c.says)
	}
	if got := p.sourceOf("courier"); got != "no module courier" {
		t.Errorf("the default tenant sees it: %s", got)
	}
	if status, _ := p.in("zz").pull(reference, ""); status != http.StatusNotFound {
		t.Errorf("a tenant that does not exist: %d", status)
	}
	for _, line := range registry.Heard() {
		if strings.Contains(line, "Basic") && !strings.HasPrefix(line, "GET /token") {
			t.Errorf("the password was sent along: %s", line)
		}
	}
}

// Where signatures are asked for, the artifact's own or the request's counts, and no module goes without.
func TestE2EPulledPluginsAreSigned(t *testing.T) {
	registry, address := startRegistry(t)
	dir := t.TempDir()
	writeKeys(t, filepath.Join(dir, "team"))
	p := startProcess(t, append(pulling(address), "BERTH_MODULES_SIGNATURE_REQUIRED=true",
		"BERTH_MODULES_SIGNATURE_KEYS="+filepath.Join(dir, "team.pub"))...)
	module, file := buildModule(t, "courier", "./testdata/guests/courier"), filepath.Join(dir, "courier.wasm")
	if err := os.WriteFile(file, module, 0o600); err != nil {
		t.Fatal(err)
	}
	p.berth("plugin", "sign", file, "-key", filepath.Join(dir, "team.pem"))
	signature := strings.TrimSpace(string(read(t, file+".sig")))

	bare := address + "/bare@" + registry.Push("bare", ocitest.Module(module), module)
	status, answer := p.pull(bare, "")
	if status != http.StatusBadRequest {
		t.Errorf("unsigned: %d %s", status, answer)
	}
	contains(t, answer, "has no signature")
	signed := ocitest.Module(module)
	signed.Annotations = map[string]string{"io.github.berth-connect.signature": signature}
	reference := address + "/signed@" + registry.Push("signed", signed, module)
	status, answer = p.pull(reference, "?dry_run=true")
	if status != http.StatusOK {
		t.Errorf("with the artifact's signature: %d %s", status, answer)
	}
	contains(t, answer, `"signed_by":"team"`)
	contains(t, p.berth("plugin", "upload", "oci://"+bare, "-signature", file+".sig", "-url", p.url), `"signed_by":"team"`)
}
