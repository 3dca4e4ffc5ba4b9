package e2e

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/guests"
)

// Modules that cost out of proportion, or that are not what the store says, cost their uploader a refusal.
func TestRedTeamModules(t *testing.T) {
	f := startFortress(t)
	for _, b := range guests.Bombs() {
		f.attack(t, "upload-of-"+b.Name, func(p *process) {
			status, answer := p.upload("bomb-"+b.Name, b.Wasm)
			p.checkStatus(status, answer, []int{http.StatusBadRequest, http.StatusInternalServerError})
			if p.lists("bomb-" + b.Name) {
				p.t.Error("it is listed as usable")
			}
		})
	}
	for name, path := range map[string]string{
		"parent": "..%2f..%2fevil", "root": "%2fetc%2fpasswd", "nul": "a%00b", "line-end": "a%0ab", "dots": "..",
		"slash": "a%2fb", "backslash": "..%5c..%5cevil", "long": strings.Repeat("n", 5000), "of-the-stock": "stock",
	} {
		f.attack(t, "module-name-"+name, func(p *process) {
			wasm := guests.Text{How: "trap", Step: "stop", Kind: "sink"}.Build(p.t)
			status, answer := p.send("POST", "/plugins?dry_run=true&name="+path, "application/wasm", bytes.NewReader(wasm))
			p.checkStatus(status, answer, []int{200, 400, 409})
		})
	}
	f.attack(t, "class-of-a-bundled-plugin", (*process).impersonate)
	f.attack(t, "torn-and-changed-chunks-in-the-store", func(p *process) { f.tearStore(p) })
	f.finish()
}

// impersonate uploads another module under the name of one that is there, and one with its bytes and others behind.
func (p *process) impersonate() {
	first := guests.Text{How: "trap", Step: "flush", Kind: "sink"}
	if code, answer := p.upload("mine", first.Build(p.t)); code != http.StatusCreated {
		p.t.Fatalf("%d %s", code, answer)
	}
	status, answer := p.upload("theirs", padded(first.Build(p.t), 10))
	contains(p.t, p.refused(http.StatusConflict, status, answer), first.Class())
}

// tearStore writes what the store of modules has again, each record changed in a way of its own, and looks for bytes
// that nobody uploaded; a worker that starts on it stands as well.
func (f *fortress) tearStore(p *process) {
	wasm := guests.Text{How: "trap", Step: "configs", Kind: "sink"}.Build(p.t)
	if code, answer := p.upload("torn", padded(wasm, 3<<20)); code != http.StatusCreated {
		p.t.Fatalf("%d %s", code, answer)
	}
	module := "/plugins/torn/" + guests.Version + "/module"
	_, before := p.send("GET", module, "", nil)
	topic := "worker-" + p.id + "-modules"
	var torn []kafkatest.Record
	p.Each(p.t, topic, func(r kafkatest.Record) {
		value := bytes.Clone(r.Value[:min(len(r.Value), 100_000)]) // what a request of the test's client may have
		if len(value) > 0 {
			value[len(value)/2] ^= 0xff
		}
		torn = append(torn, kafkatest.Record{Topic: topic, Key: r.Key, Value: value},
			kafkatest.Record{Topic: topic, Key: r.Key, Value: value[:len(value)/2]},
			kafkatest.Record{Topic: topic, Key: append(bytes.Clone(r.Key), 0xff, '9'), Value: value})
	})
	garbage := []string{"", "x", "module-", "chunk-0", "\x00\xff", strings.Repeat("k", 100_000)}
	for _, key := range garbage {
		for _, value := range []string{"", "{}", `{"size":-1,"chunks":2147483647,"digest":"../../x"}`, "\x00", "[[[["} {
			torn = append(torn, kafkatest.Record{Topic: topic, Key: []byte(key), Value: []byte(value)})
		}
	}
	for _, r := range torn { // one alone may be as large as a request can be
		p.Produce(p.t, r)
	}
	f.stands(p.t)
	if status, after := p.send("GET", module, "", nil); status == http.StatusOK && !bytes.Equal(after, before) {
		p.t.Errorf("the module has become another: %d bytes of %d", len(after), len(before))
	}
	f.restart()
	if status, after := p.send("GET", module, "", nil); status == http.StatusOK && !bytes.Equal(after, before) {
		p.t.Errorf("after a restart the module has become another: %d bytes of %d", len(after), len(before))
	}
}

// restart ends the worker softly and starts it on what it has; goroutines are counted anew.
func (f *fortress) restart() {
	f.t.Helper()
	f.terminate()
	f.start()
	f.awaitOutput()
	f.goroutines = f.gauge("go_goroutines")
}
