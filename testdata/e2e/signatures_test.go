package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host/oci/ocitest"
)

// signers have a key each, in files NAME.pem and NAME.pub, and sign modules.
type signers struct {
	t   *testing.T
	dir string
}

func newSigners(t *testing.T, names ...string) signers {
	s := signers{t, t.TempDir()}
	for _, name := range names {
		writeKeys(t, filepath.Join(s.dir, name))
	}
	return s
}

func (s signers) public(name string) string {
	return string(read(s.t, filepath.Join(s.dir, name+".pub")))
}

// sign returns a module's signature in Base64.
func (s signers) sign(name string, wasm []byte) string {
	s.t.Helper()
	file := filepath.Join(s.dir, "module.wasm")
	if err := os.WriteFile(file, wasm, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if _, err := runBerth(s.t, "plugin", "sign", file, "-key", filepath.Join(s.dir, name+".pem")); err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(read(s.t, file+".sig")))
}

// policy is a record's that wants a signature by one of these.
func (s signers) policy(names ...string) map[string]any {
	keys := map[string]string{}
	for _, name := range names {
		keys[name] = s.public(name)
	}
	return map[string]any{"required": true, "keys": keys}
}

// uploadSigned uploads a module with a signature in Base64; "": without.
func (p *process) uploadSigned(name string, wasm []byte, signature, query string) (int, []byte) {
	p.t.Helper()
	info := map[string]string{"name": name}
	if signature != "" {
		info["signature"] = signature
	}
	text, _ := json.Marshal(info)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("info", string(text))
	part, _ := form.CreateFormFile("file", name+".wasm")
	_, _ = part.Write(wasm)
	_ = form.Close()
	return p.send("POST", "/plugins"+query, form.FormDataContentType(), &body)
}

// putPolicy gives a tenant a policy and waits until all of them know it.
func putPolicy(tenant string, policy map[string]any, workers ...*process) {
	workers[0].t.Helper()
	want, _ := json.Marshal(policy)
	workers[0].ask("PUT", "/tenants/"+tenant, map[string]any{"topics": []string{tenant + ".*"}, "network": []string{"*:*",
		"127.0.0.0/8:*"}, "signatures": policy}, nil)
	for _, p := range workers {
		p.await("the policy of "+tenant, func() bool {
			code, answer := p.call("GET", "/tenants/"+tenant, nil)
			var record struct{ Signatures map[string]any }
			err := json.Unmarshal(answer, &record)
			got, _ := json.Marshal(record.Signatures)
			return code == http.StatusOK && err == nil && string(got) == string(want)
		})
	}
}

// A tenant's own policy holds at uploads, dry runs and pulls, on each worker, and for what was taken under an earlier
// one; nobody else is bound by it.
func TestE2ETenantsHavePoliciesOfSignatures(t *testing.T) {
	registry, address := startRegistry(t)
	c := startCluster(t, 2, append(pulling(address), "CONNECT_HEADER_CONVERTER="+asText)...)
	first, second := c.workers[0], c.workers[1]
	s := newSigners(t, "team", "next")
	putPolicy("a", s.policy("team"), first, second)
	putPolicy("b", nil, first, second)
	wasm := buildModule(t, "courier", "./testdata/guests/courier")
	byTeam, byNext := s.sign("team", wasm), s.sign("next", wasm)
	for _, query := range []string{"?dry_run=true", ""} {
		for signature, says := range map[string]string{"": "has no signature, which tenant a's signatures.required=true asks",
			byNext: "none of the 1 keys of tenant a's signatures.keys verifies: sign it with one of them"} {
			status, answer := second.in("a").uploadSigned("courier", wasm, signature, query)
			contains(t, second.refused(http.StatusBadRequest, status, answer), says)
		}
	}
	pulled := address + "/courier@" + registry.Push("courier", ocitest.Module(wasm), wasm)
	if status, answer := second.in("a").pull(pulled, ""); status != http.StatusBadRequest {
		t.Errorf("an unsigned artifact: %d %s", status, answer)
	}
	artifact := ocitest.Module(wasm)
	artifact.Annotations = map[string]string{"io.github.berth-connect.signature": byTeam}
	pulled = address + "/signed@" + registry.Push("signed", artifact, wasm)
	status, answer := second.in("a").pull(pulled, "?dry_run=true")
	if status != http.StatusOK {
		t.Errorf("a signed artifact: %d %s", status, answer)
	}
	contains(t, answer, `"signed_by":"team"`)
	for who, signature := range map[*process]string{first: "", first.in("b"): "", first.in("a"): byTeam} {
		if status, answer := who.uploadSigned("courier", wasm, signature, ""); status != http.StatusCreated {
			t.Errorf("%s: %d %s", who.url, status, answer)
		}
	}
	checkRevocation(c, s, wasm, byNext)
}

// checkRevocation runs connectors of tenants a and b on a module that a's key team has signed, and takes that key away.
func checkRevocation(c *cluster, s signers, wasm []byte, byNext string) {
	t, first, second := c.t, c.workers[0], c.workers[1]
	letters := func(topic string) keys {
		return keys{"connector.class": "test.Letters", "tasks.max": "1", "topic": topic, "count": "1000000"}
	}
	revision := buildRevision(t, "1.0.0")
	if status, answer := first.in("a").uploadSigned("revision", revision, s.sign("team", revision), ""); status !=
		http.StatusCreated {
		t.Errorf("%d %s", status, answer)
	}
	for _, tenant := range []string{"a", "b"} {
		second.in(tenant).put("letters", letters(tenant+"."+first.name("letters")))
		second.in(tenant).awaitState("letters", "RUNNING", 1)
	}
	putPolicy("a", s.policy("next"), first, second)
	for _, p := range c.workers {
		p.await("the module being refused", func() bool { return !p.in("a").lists("courier") })
		contains(t, p.in("a").awaitFailure("letters"), "Plugin test.Letters", fmt.Sprintf("(%.6x)", sha256.Sum256(wasm)),
			"tenant a's signatures.keys verifies", "sign it with one of them")
		status, answer := p.in("a").call("PUT", "/connectors/more/config", letters("a.more"))
		contains(t, p.refused(http.StatusBadRequest, status, answer), "tenant a's signatures.keys")
		status, answer = p.in("a").call("PUT", "/connectors/more/config", p.sink(p.file("out"), "a.t").with(keys{
			"transforms": "m", "transforms.m.type": "rev.Mark"}))
		contains(t, p.refused(http.StatusBadRequest, status, answer), `module "revision"`, "tenant a's signatures.keys")
	}
	second.kill9()
	second.start()
	if second.in("a").lists("courier") || !second.in("b").lists("courier") || !second.lists("courier") {
		t.Error("a worker that was down knows the policy of a no more, or takes it for another's")
	}
	second.in("b").awaitState("letters", "RUNNING", 1)
	if status, answer := second.in("a").uploadSigned("courier", wasm, byNext, ""); status != http.StatusCreated {
		t.Fatalf("the same module, signed by the new key: %d %s", status, answer)
	}
	first.await("the module on the other worker", func() bool { return first.in("a").lists("courier") })
	first.await("a restart", func() bool {
		status, _ := first.in("a").call("POST", "/connectors/letters/restart?includeTasks=true", nil)
		return status < http.StatusBadRequest
	})
	first.await("letters that run again", func() bool {
		var now status
		first.in("a").ask("GET", "/connectors/letters/status", nil, &now)
		return now.Connector.State == "RUNNING" && len(now.Tasks) == 1 && now.Tasks[0].State == "RUNNING"
	})
}

// The commands round: what "tenant show" prints can be put, and plugin upload meets the policy.
func TestE2ETenantsPolicyByCommands(t *testing.T) {
	p := startProcess(t)
	s := newSigners(t, "team")
	file := p.file("a.json")
	text, _ := json.Marshal(map[string]any{"signatures": s.policy("team")})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p.berth("tenant", "put", "a", file, "-url", p.url)
	shown := p.berth("tenant", "show", "a", "-url", p.url)
	contains(t, shown, `"required": true`, `"team": "-----BEGIN PUBLIC KEY-----`)
	if err := os.WriteFile(file, []byte(shown), 0o600); err != nil {
		t.Fatal(err)
	}
	p.berth("tenant", "put", "a", file, "-url", p.url)
	if again := p.berth("tenant", "show", "a", "-url", p.url); again != shown {
		t.Errorf("put again it is %s, was %s", again, shown)
	}
	module := p.file("courier.wasm")
	if err := os.WriteFile(module, buildModule(t, "courier", "./testdata/guests/courier"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, refused := runBerth(t, "plugin", "upload", module, "-url", p.in("a").url)
	contains(t, fmt.Sprint(refused), "has no signature, which tenant a's signatures.required=true asks for")
	p.berth("plugin", "sign", module, "-key", filepath.Join(s.dir, "team.pem"))
	contains(t, p.berth("plugin", "upload", module, "-signature", module+".sig", "-url", p.in("a").url),
		`"signed_by":"team"`)
}
