package e2e

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/guests"
)

// buildRevision builds a version of the module revision.
func buildRevision(t *testing.T, version string) []byte {
	t.Helper()
	return guests.Go(t, "testdata/guests/revision", "-X main.version="+version)
}

// Three versions of a module side by side: each plugin of a connector takes one of its own, by a range (KIP-891).
func TestE2EVersionsSideBySide(t *testing.T) {
	p := startProcess(t)
	versions := []string{"1.0.0", "1.5.0", "2.0.0"}
	for _, version := range versions {
		if status, answer := p.upload("revision", buildRevision(t, version)); status != http.StatusCreated {
			t.Fatalf("upload %s: %d %s", version, status, answer)
		}
	}
	topic, mixed, newest := p.name("revised"), p.name("mixed"), p.name("newest")
	chain := keys{"connector.class": "rev.Source", "tasks.max": "1", "topic": topic, "transforms": "m", "predicates": "p",
		"transforms.m.type": "rev.Mark", "transforms.m.predicate": "p", "predicates.p.type": "rev.IsOfMine",
		"value.converter": "rev.Text"}
	p.put(mixed, chain.with(keys{"connector.plugin.version": "[1.0.0,2.0.0)", "transforms.m.plugin.version": "1.0.0",
		"predicates.p.plugin.version": "(1.0.0,2.0.0)", "value.converter.plugin.version": "[2.0.0,)"}))
	p.await("a record of all versions", func() bool { return p.Count(t, topic) == 1 })
	p.put(newest, chain)
	p.await("a record of the newest version", func() bool { return p.Count(t, topic) == 2 })
	for i, want := range []string{"source 1.5.0, mark 1.0.0, text 2.0.0", "source 2.0.0, mark 2.0.0, text 2.0.0"} {
		if got := string(p.Read(t, topic)[i].Value); got != want {
			t.Errorf("record %d is %q, want %q", i, got, want)
		}
	}

	status, answer := p.call("PUT", "/connectors/"+p.name("none")+"/config",
		chain.with(keys{"connector.plugin.version": "[3.0.0,)"}))
	contains(t, p.refused(http.StatusInternalServerError, status, answer), "[3.0.0,)") // Kafka's status for it
	for version, users := range map[string]string{"1.0.0": mixed, "1.5.0": mixed, "2.0.0": mixed + ", " + newest} {
		status, answer := p.call("DELETE", "/plugins/revision/"+version, nil)
		contains(t, p.refused(http.StatusConflict, status, answer), "used by the connector(s) "+users)
	}
	p.ask("DELETE", "/connectors/"+mixed, nil, nil)
	p.ask("DELETE", "/plugins/revision/1.5.0", nil, nil)
	contains(t, p.berth("plugin", "show", "revision", "1.0.0", "-url", p.url), `"class": "rev.Mark"`)
	contains(t, p.berth("plugin", "rm", "rev.Mark", "1.0.0", "-url", p.url), "rev.Mark 1.0.0 is deleted")
	file := p.file("back.wasm")
	p.berth("plugin", "get", "revision", "2.0.0", "-o", file, "-url", p.url)
	if !bytes.Equal(read(t, file), buildRevision(t, "2.0.0")) {
		t.Error("what is downloaded is not what was uploaded")
	}
}

// A worker that wants signatures takes what a known key has signed, keeps it over a restart, and refuses all else.
func TestE2ESignedModules(t *testing.T) {
	dir := t.TempDir()
	writeKeys(t, filepath.Join(dir, "team"))
	writeKeys(t, filepath.Join(dir, "stranger"))
	p := startProcess(t, "BERTH_MODULES_SIGNATURE_REQUIRED=true",
		"BERTH_MODULES_SIGNATURE_KEYS="+filepath.Join(dir, "team.pub"))
	module := filepath.Join(dir, "revision.wasm")
	if err := os.WriteFile(module, buildRevision(t, "1.0.0"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, answer := p.upload("revision", read(t, module))
	contains(t, p.refused(http.StatusBadRequest, status, answer), "has no signature", "berth.modules.signature.required")
	p.berth("plugin", "sign", module, "-key", filepath.Join(dir, "stranger.pem"))
	_, refused := runBerth(t, "plugin", "upload", module, "-signature", module+".sig", "-url", p.url)
	contains(t, fmt.Sprint(refused), "none of the 1 keys of the worker's berth.modules.signature.keys verifies")
	p.berth("plugin", "sign", module, "-key", filepath.Join(dir, "team.pem"))
	contains(t, p.berth("plugin", "verify", module, "-key", filepath.Join(dir, "team.pub")), "signed by team")
	contains(t, p.berth("plugin", "upload", module, "-signature", module+".sig", "-url", p.url), `"signed_by":"team"`)
	p.terminate()
	p.start()
	if !p.lists("revision") {
		t.Error("after a restart the module is not usable")
	}
}

// writeKeys makes NAME.pem and NAME.pub.
func writeKeys(t *testing.T, name string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "PRIVATE KEY", Bytes: privateDER},
		name + ".pub": {Type: "PUBLIC KEY", Bytes: publicDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// From an upload to the first record that has passed the module's transformation. The log tells how long that took: for
// bytes that nobody has compiled, and for the same again.
func TestE2EUploadToFirstRecord(t *testing.T) {
	p := startProcess(t)
	in := p.name("in")
	p.CreateTopic(t, in, 1)
	p.Produce(t, kafkatest.Record{Topic: in, Value: []byte("a line")})
	wasm := padded(buildRevision(t, "1.0.0"), 1+int(time.Now().UnixNano()%1000)) // bytes that no cache has
	for _, how := range []string{"cold", "compiled before"} {
		out := p.file(strings.ReplaceAll(how, " ", "-") + ".txt")
		began := time.Now()
		if status, answer := p.upload("revision", wasm); status != http.StatusCreated {
			t.Fatalf("upload: %d %s", status, answer)
		}
		uploaded := time.Since(began)
		name := p.name(strings.Fields(how)[0])
		p.put(name, p.sink(out, in).with(keys{"transforms": "m", "transforms.m.type": "rev.Mark"}))
		p.await("the first record", func() bool { return fileSize(t, out) > 0 })
		t.Logf("%s: %d KiB are there after %s, the first record after %s", how, len(wasm)>>10,
			uploaded.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		if got := string(read(t, out)); got != "a line, mark 1.0.0\n" {
			t.Errorf("%s: the record is %q", how, got)
		}
		p.ask("DELETE", "/connectors/"+name, nil, nil)
		p.ask("DELETE", "/plugins/revision/1.0.0", nil, nil)
	}
}
