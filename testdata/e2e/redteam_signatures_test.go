package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/host/oci/ocitest"
)

// A user of tenant a, which takes what its own key has signed, wants another module to run there: without a signature,
// with one that is another tenant's or another module's, by a registry, by the topic of modules.
func TestRedTeamSignatures(t *testing.T) {
	registry, address := startRegistry(t)
	f := startFortress(t, pulling(address)...)
	s := newSigners(t, "a", "b")
	a, b := f.in("a"), f.in("b")
	putPolicy("a", s.policy("a"), f.process)
	putPolicy("b", s.policy("b"), f.process)
	wasm := buildModule(t, "courier", "./testdata/guests/courier")
	known := buildRevision(t, "1.0.0") // a has it, signed: what is replayed
	ofKnown := s.sign("a", known)
	for who, signature := range map[*process]string{a: ofKnown, b: s.sign("b", known)} {
		if status, answer := who.uploadSigned("revision", known, signature, ""); status != http.StatusCreated {
			t.Fatalf("%d %s", status, answer)
		}
	}
	if status, answer := b.uploadSigned("courier", wasm, s.sign("b", wasm), ""); status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	tried := 0
	for name, signature := range forgedSignatures(t, s.sign("b", wasm), ofKnown, s.public("a")) {
		artifact := ocitest.Module(wasm)
		artifact.Annotations = map[string]string{"io.github.berth-connect.signature": signature}
		reference := address + "/courier@" + registry.Push("courier", artifact, wasm)
		for how, try := range map[string]func(p *process) (int, []byte){
			"uploaded": func(p *process) (int, []byte) { return p.uploadSigned("courier", wasm, signature, "") },
			"uploaded-under-the-name-of-a-signed-one": func(p *process) (int, []byte) {
				return p.uploadSigned("revision", wasm, signature, "")
			},
			"tried-dry": func(p *process) (int, []byte) { return p.uploadSigned("courier", wasm, signature, "?dry_run=true") },
			"pulled": func(p *process) (int, []byte) {
				status, answer := p.pull(reference, "")
				return status, []byte(answer)
			},
		} {
			tried++
			f.attack(t, name+"-"+how, func(p *process) {
				status, answer := try(p.in("a"))
				p.checkStatus(status, answer, []int{http.StatusBadRequest})
				p.runsNotIn("a")
			})
		}
	}
	f.attack(t, "own-record-written-in-the-tenants-api", func(p *process) {
		status, answer := p.in("a").call("PUT", "/tenants/a", map[string]any{})
		p.checkStatus(status, answer, []int{http.StatusNotFound})
	})
	f.attack(t, "copied-in-the-topic-of-modules", func(p *process) { f.copyModules(p, "b", "b") })
	f.attack(t, "copied-in-the-topic-with-a-replayed-signature", func(p *process) {
		f.copyModules(p, s.sign("b", wasm), ofKnown)
	})
	t.Logf("%d forged signatures and 3 other ways: none succeeded", tried)
	f.finish()
}

// forgedSignatures are those of a module, in Base64, that the key of tenant a has not made; "": none.
func forgedSignatures(t *testing.T, others, replayed, public string) map[string]string {
	raw, err := base64.StdEncoding.DecodeString(replayed)
	if err != nil {
		t.Fatal(err)
	}
	base := base64.StdEncoding.EncodeToString
	flipped := bytes.Clone(raw)
	flipped[0] ^= 1
	return map[string]string{
		"unsigned": "", "signed-by-another-tenant": others, "signature-of-another-module": replayed,
		"signature-cut": base(raw[:63]), "signature-twice": base(append(bytes.Clone(raw), raw...)),
		"signature-of-zeros": base(make([]byte, 64)), "signature-with-a-bit-flipped": base(flipped),
		"signature-of-ecdsa-zeros": base([]byte{0x30, 6, 2, 1, 0, 2, 1, 0}), "key-as-signature": base([]byte(public)),
		"signature-of-100-kB": base(make([]byte, 100_000)),
	}
}

// runsNotIn checks that a tenant has no usable courier, and gets no connector of it.
func (p *process) runsNotIn(tenant string) {
	p.t.Helper()
	if own := p.in(tenant); own.lists("courier") {
		p.t.Error("the module can be used")
	}
	status, answer := p.in(tenant).call("PUT", "/connectors/thief/config", keys{"connector.class": "test.Letters",
		"tasks.max": "1", "topic": tenant + ".t", "count": "1"})
	p.checkStatus(status, answer, []int{http.StatusBadRequest})
}

// copyModules writes what the topic of modules has of tenant b for tenant a, as who can write to it could, with to in
// place of from; the worker starts on it.
func (f *fortress) copyModules(p *process, from, to string) {
	p.t.Helper()
	topic := "worker-" + p.id + "-modules"
	var copies []kafkatest.Record
	found := false
	for _, r := range p.Read(p.t, topic) {
		if own, is := strings.CutPrefix(string(r.Key), "b::"); is && len(r.Value) > 0 {
			found = found || bytes.Contains(r.Value, []byte(from))
			copies = append(copies, kafkatest.Record{Topic: topic, Key: []byte("a::" + own),
				Value: bytes.ReplaceAll(r.Value, []byte(from), []byte(to))})
		}
	}
	if !found {
		p.t.Fatalf("the topic has no %q of b", from)
	}
	kafkatest.Open(p.t, p.bootstrap, kgo.ProducerBatchMaxBytes(1<<20)).Produce(p.t, copies...) // chunks have 512 KiB
	var all []struct{ Name, Problem string }
	seen := func() bool {
		_, answer := p.in("a").call("GET", "/plugins", nil)
		return json.Unmarshal(answer, &all) == nil && strings.Contains(string(answer), `"name":"courier"`)
	}
	p.await("the copy", seen)
	p.runsNotIn("a")
	f.restart()
	p.await("the copy after a restart", seen)
	p.runsNotIn("a")
	for _, m := range all {
		if m.Name == "courier" && !strings.Contains(m.Problem, "none of the 1 keys of tenant a's signatures.keys") {
			p.t.Errorf("its problem is %q", m.Problem)
		}
	}
	if !p.in("b").lists("courier") {
		p.t.Error("tenant b can't use its own any more")
	}
}
