package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A module that one worker was given is every worker's: at once, after a worker was down, and until it is deleted.
func TestE2EModuleReachesAllWorkers(t *testing.T) {
	c := startCluster(t, 2)
	first, second := c.workers[0], c.workers[1]
	wasm := buildModule(t, "courier", "./testdata/guests/courier")
	const add = "/plugins?name=courier"
	for _, step := range []struct {
		p      *process
		path   string
		status int
		listed bool
	}{
		{first, add + "&dry_run=true", http.StatusOK, false},
		{first, add, http.StatusCreated, true},
		{second, add, http.StatusOK, true},
		{second, add + "&dry_run=true", http.StatusOK, true},
	} {
		status, answer := step.p.send("POST", step.path, "application/wasm", bytes.NewReader(wasm))
		if status != step.status || step.p.lists("courier") != step.listed {
			t.Fatalf("POST %s: %d %s, want %d", step.path, status, answer, step.status)
		}
		contains(t, string(answer), `"class":"test.Letters"`, `"capabilities":["files"],"granted":["files"]`)
	}
	const n = 30
	letters := first.name("letters")
	second.put(letters, keys{"connector.class": "test.Letters", "tasks.max": "1", "topic": letters,
		"count": fmt.Sprint(n), "header.converter": asText})
	second.await("all letters", func() bool { return second.Count(t, letters) >= n })

	module := "/plugins/courier/" + second.version("test.Letters")
	for _, p := range c.workers {
		if status, content := p.send("GET", module+"/module", "", nil); !bytes.Equal(content, wasm) {
			t.Errorf("download from %s: %d, %d bytes", p.url, status, len(content))
		}
		status, answer := p.call("DELETE", module, nil)
		contains(t, p.refused(http.StatusConflict, status, answer), "used by the connector(s) "+letters)
	}

	owner, other := first, second
	if second.awaitState(letters, "RUNNING", 1).Tasks[0].WorkerID == strings.TrimPrefix(second.url, "http://") {
		owner, other = second, first
	}
	owner.kill9()
	other.awaitWorker(letters) // it starts there, whichever of the two got the upload
	other.ask("DELETE", "/connectors/"+letters, nil, nil)
	other.ask("DELETE", module, nil, nil)
	owner.start()
	for _, p := range c.workers {
		p.await("the end of the module", func() bool { return !p.lists("courier") })
		left, err := filepath.Glob(filepath.Join(p.data, "module-cache", "*.wasm"))
		if err != nil || len(left) > 0 {
			t.Errorf("the cache keeps %v, %v", left, err)
		}
		status, answer := p.call("DELETE", module, nil)
		p.refused(http.StatusNotFound, status, answer)
	}
}

// lists tells whether a worker lists a module as usable.
func (p *process) lists(name string) bool {
	p.t.Helper()
	var all []struct{ Name, Problem string }
	p.ask("GET", "/plugins", nil, &all)
	for _, m := range all {
		if m.Name == name && m.Problem == "" {
			return true
		}
	}
	return false
}

func (p *process) version(class string) string {
	p.t.Helper()
	for _, one := range p.plugins() {
		if fields := strings.Fields(one); fields[1] == class {
			return fields[2]
		}
	}
	p.t.Fatalf("no plugin %s", class)
	return ""
}

// awaitWorker waits until a connector's only task runs on this worker.
func (p *process) awaitWorker(connector string) {
	p.t.Helper()
	p.await("the task to run on "+p.url, func() bool {
		code, answer := p.call("GET", "/connectors/"+connector+"/status", nil)
		var s status
		return code == http.StatusOK && json.Unmarshal(answer, &s) == nil && len(s.Tasks) == 1 &&
			s.Tasks[0].State == "RUNNING" && "http://"+s.Tasks[0].WorkerID == p.url
	})
}

// A worker that dies while it takes a module leaves nothing that is in the way: the module is there in whole, or not
// at all, and can be added then.
func TestE2EKilledWhileUploading(t *testing.T) {
	p := startProcess(t)
	topic := "worker-" + p.id + "-modules"
	for i := range 3 {
		name := fmt.Sprint("padded", i)
		wasm := padded(buildModule(t, name, "./testdata/guests/courier"), 20<<20+i)
		before := p.Count(t, topic)
		go func() { // it is to fail
			response, err := http.Post(p.url+"/plugins?name="+name, "application/wasm", bytes.NewReader(wasm))
			if err == nil {
				_ = response.Body.Close()
			}
		}()
		p.await("chunks", func() bool { return p.Count(t, topic) > before })
		p.kill9()
		p.start()
		t.Logf("round %d: %d records, the module is listed: %v", i, p.Count(t, topic)-before, p.lists(name))
		status, answer := p.send("POST", "/plugins?name="+name, "application/wasm", bytes.NewReader(wasm))
		if status != http.StatusCreated && status != http.StatusOK || !p.lists(name) {
			t.Fatalf("added after the crash: %d %s", status, answer)
		}
		module := "/plugins/" + name + "/" + p.version("test.Letters")
		if status, content := p.send("GET", module+"/module", "", nil); !bytes.Equal(content, wasm) {
			t.Errorf("download: %d, %d bytes, want %d", status, len(content), len(wasm))
		}
		p.ask("DELETE", module, nil, nil)
	}
	if left, err := os.ReadDir(filepath.Join(p.data, "module-cache", "incoming")); err != nil || len(left) > 3 {
		t.Errorf("more than the torn uploads is kept: %v, %v", left, err)
	}
}

// padded adds a custom section, which does nothing.
func padded(wasm []byte, size int) []byte {
	const name = "\x07padding"
	section := binary.AppendUvarint([]byte{0}, uint64(len(name)+size))
	return append(append(append(bytes.Clone(wasm), section...), name...), make([]byte, size)...)
}
