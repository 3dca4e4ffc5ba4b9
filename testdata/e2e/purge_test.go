package e2e

import (
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/guests"
)

// doomed is a tenant with something of all that a tenant can have.
type doomed struct {
	*process        // as root, outside of the tenant
	name     string // in nothing else
	digests  []string
}

// newDoomed starts a worker with a tenant that is to go.
func newDoomed(t *testing.T) *doomed {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "team")
	writeKeys(t, keys)
	p := newGuarded(t, "BERTH_REST_ROLES_ADMIN=user:root", "BERTH_MODULES_SIGNATURE_KEYS="+keys+".pub", exactlyOnceOn)
	p.start()
	d := &doomed{process: p, name: "t" + p.id}
	d.fill(keys + ".pem")
	return d
}

func (d *doomed) topic(name string) string { return d.name + "." + name }

// fill makes a tenant and gives it all that one can have.
func (d *doomed) fill(signingKey string) {
	d.t.Helper()
	d.ask("PUT", "/tenants/"+d.name, map[string]any{"topics": []string{d.name + ".*"}, "directories": []string{d.files},
		"quota": map[string]any{"connectors": 20}, "members": []keys{{"subject": "user:amy", "role": "edit"}}}, nil)
	amy := d.as("amy").in(d.name)
	amy.addStamps(guests.Stamp)
	d.digests = d.uploaded(amy)
	d.sign(amy, signingKey)
	d.tear()
	d.connect(amy)
	logger := "/admin/loggers/berth.connector." + d.name + "::flow"
	d.ask("PUT", logger+"?scope=cluster", keys{"level": "DEBUG"}, nil)
	d.await("the level of a logger", func() bool {
		status, _ := d.call("GET", logger, nil)
		return status == http.StatusOK
	})
}

// uploaded lists the digests of what the tenant has uploaded.
func (d *doomed) uploaded(who *process) (digests []string) {
	d.t.Helper()
	var all []struct{ Name, Digest string }
	who.ask("GET", "/plugins", nil, &all)
	for _, m := range all {
		if strings.HasPrefix(m.Name, "stamp") || m.Name == "revision" {
			digests = append(digests, m.Digest)
		}
	}
	return digests
}

// sign uploads a module with a signature, of which the default tenant has the same bytes.
func (d *doomed) sign(who *process, key string) {
	d.t.Helper()
	module := filepath.Join(d.t.TempDir(), "revision.wasm")
	if err := os.WriteFile(module, buildRevision(d.t, "1.0.0"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.berth("plugin", "sign", module, "-key", key)
	url := strings.Replace(who.url, "amy:amy@", "", 1)
	d.berth("plugin", "upload", module, "-signature", module+".sig", "-url", url, "-user", "amy:amy")
	if status, answer := d.upload("revision", buildRevision(d.t, "1.0.0")); status != http.StatusCreated {
		d.t.Fatalf("upload for the default tenant: %d %s", status, answer)
	}
}

// tear writes what a worker leaves that dies while it takes an upload, and a manifest that nobody can use.
func (d *doomed) tear() {
	torn, unusable := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	d.Produce(d.t, kafkatest.Record{Topic: d.modules(), Key: []byte(d.name + "::" + torn + "/0123456789abcdef/0"),
		Value: []byte("a part")}, kafkatest.Record{Topic: d.modules(), Key: []byte(d.name + "::" + unusable),
		Value: []byte(`{"name":"x","size":5,"upload":"0123456789abcdef"}`)})
	d.digests = append(d.digests, torn, unusable)
}

func (d *doomed) modules() string { return "worker-" + d.id + "-modules" }

// connect gives the tenant connectors with offsets of each kind, dead letters, swaps and a shadow.
func (d *doomed) connect(who *process) {
	d.t.Helper()
	d.appendTo("in.txt", "one", "two")
	size := fileSize(d.t, d.file("in.txt"))
	source := who.source(d.file("in.txt"), d.topic("in"))
	stamped := source.with(keys{"transforms": "stamp", "transforms.stamp.type": "test.Stamp",
		"transforms.stamp.plugin.version": "1.0.0"})
	who.put("flow", stamped.with(keys{"offsets.storage.topic": d.topic("own")}))
	who.put("plain", source)
	who.put("gone", source)
	for _, name := range []string{"flow", "plain", "gone"} {
		who.awaitPosition(name, size)
	}
	who.ask("DELETE", "/connectors/gone", nil, nil) // its offsets stay, as in Connect
	who.swap("flow", "2.0.0")
	who.ask("PUT", shadowURL("flow", "stamp"), keys{"version": "1.0.0"}, nil)
	who.awaitShadow("flow", "stamp", 1)
	sink := who.sink(d.file("out.txt"), d.topic("in"))
	who.put("out", sink)
	who.put("grouped", sink.with(keys{"consumer.override.group.id": d.name + "::other"}))
	who.put("dead", sink.with(keys{"value.converter": asJSON, "errors.tolerance": "all",
		"errors.deadletterqueue.topic.name": d.topic("dead"), "errors.deadletterqueue.topic.replication.factor": "1"}))
	d.await("dead letters", func() bool { return d.Count(d.t, d.topic("dead")) > 0 })
	for _, group := range []string{"connect-" + d.name + "::out", d.name + "::other"} {
		d.await("offsets of "+group, func() bool { return len(d.Committed(d.t, group, d.topic("in"))) > 0 })
	}
	who.put("failed", who.source(d.file("in.txt"), "not-its-own"))
	who.awaitFailure("failed")
}

// traces lists, by place, what there is of the tenant.
func (d *doomed) traces() map[string][]string {
	d.t.Helper()
	all := map[string][]string{}
	words := append([]string{d.name}, d.digests...)
	look := func(place, text string) {
		for _, word := range words {
			if strings.Contains(text, word) {
				all[place] = append(all[place], text)
				return
			}
		}
	}
	for _, topic := range d.Topics(d.t) {
		if !d.mayHave(topic) {
			continue
		}
		for key, value := range d.latest(topic) {
			if value != nil {
				look(topic, key+" = "+string(value))
			}
		}
	}
	for _, group := range d.Groups(d.t) {
		look("groups", group)
	}
	for _, id := range d.OpenTransactions(d.t) {
		look("transactions", id)
	}
	d.lookIntoFolders(look)
	for _, path := range []string{"/tenants", "/plugins", "/connector-plugins", "/connectors", "/usage", "/metrics",
		"/admin/loggers"} {
		status, answer := d.call("GET", path, nil)
		if status != http.StatusOK {
			d.t.Fatalf("GET %s: %d %s", path, status, answer)
		}
		for line := range strings.Lines(string(answer)) {
			look("GET "+path, line)
		}
	}
	return all
}

// mayHave tells whether a topic is to be looked at: not the audit log, which says who did what, nor the tenant's own
// data, nor what Kafka remembers of transactional ids until they expire, nor what other tests have.
func (d *doomed) mayHave(topic string) bool {
	switch {
	case topic == "__transaction_state", topic == d.process.name("audit"):
		return false
	case strings.HasPrefix(topic, d.name+"."):
		return topic == d.topic("own")
	}
	return strings.Contains(topic, d.id) || strings.HasPrefix(topic, "__")
}

// lookIntoFolders looks at what the worker has on its disk; the embedded broker's logs are those that a reader of its
// topics sees.
func (d *doomed) lookIntoFolders(look func(place, text string)) {
	d.t.Helper()
	for _, folder := range []string{"compiled", "module-cache"} {
		root, err := filepath.EvalSymlinks(filepath.Join(d.data, folder))
		if err != nil {
			d.t.Fatal(err)
		}
		if err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			look(folder, filepath.Base(path))
			return err
		}); err != nil {
			d.t.Fatal(err)
		}
	}
}

// everywhere is where a doomed tenant has something.
func (d *doomed) everywhere() []string {
	places := []string{"GET /admin/loggers", "GET /metrics", "GET /tenants", "GET /usage", "compiled", "groups",
		"module-cache", d.process.name("configs"), d.process.name("offsets"), d.process.name("status"), d.modules(),
		d.topic("own")}
	return places
}

func (d *doomed) checkEverywhere() {
	d.t.Helper()
	have := d.traces()
	for _, place := range d.everywhere() {
		if len(have[place]) == 0 {
			d.t.Errorf("there is nothing of the tenant in %s, so that a scan of it proves nothing", place)
		}
	}
}

func (d *doomed) checkNothing() {
	d.t.Helper()
	for place, texts := range d.traces() {
		d.t.Errorf("%s still has %q", place, texts)
	}
	if !d.lists("revision") {
		d.t.Error("the default tenant lost its module of the same bytes")
	}
	for _, topic := range []string{"in", "dead"} {
		if d.Count(d.t, d.topic(topic)) == 0 {
			d.t.Errorf("the tenant's records in %s are gone; they are the tenant's, not the worker's", d.topic(topic))
		}
	}
}

// checkAnew checks that a tenant of the same name has nothing of the one before.
func (d *doomed) checkAnew() {
	d.t.Helper()
	d.ask("PUT", "/tenants/"+d.name, map[string]any{"topics": []string{d.name + ".*"},
		"directories": []string{d.files}}, nil)
	a := d.in(d.name)
	if names := a.connectors(); len(names) > 0 {
		d.t.Errorf("the new tenant has the connectors %v", names)
	}
	if digests := d.uploaded(a); len(digests) > 0 {
		d.t.Errorf("the new tenant has the modules %v", digests)
	}
	if status, answer := d.as("amy").in(d.name).call("GET", "/connectors", nil); status != http.StatusNotFound {
		d.t.Errorf("the member of the one before may do something: %d %s", status, answer)
	}
	source := a.source(d.file("none.txt"), d.topic("in"))
	for name, config := range map[string]keys{"flow": source.with(keys{"offsets.storage.topic": d.topic("own")}),
		"plain": source, "gone": source, "out": a.sink(d.file("none.txt"), d.topic("none"))} {
		a.put(name, config)
		a.ask("PUT", "/connectors/"+name+"/stop", nil, nil)
		var offsets struct{ Offsets []any }
		a.ask("GET", "/connectors/"+name+"/offsets", nil, &offsets)
		if swaps := a.swaps(name); len(offsets.Offsets)+len(swaps) > 0 {
			d.t.Errorf("the new connector %s has the offsets %v and the swaps %v", name, offsets, swaps)
		}
	}
}

// TestE2EPurgedTenantLeavesNothing: after a tenant was deleted with all that it had, nothing of it is found by who
// reads all topics as a compacted reader does, lists all groups and open transactions, looks at the worker's disk and
// asks for every list, but in the audit log and in its own data.
func TestE2EPurgedTenantLeavesNothing(t *testing.T) {
	d := newDoomed(t)
	d.checkEverywhere()
	d.ask("DELETE", "/tenants/"+d.name+"?force=true", nil, nil)
	d.checkNothing()
	audit := d.latestOf(d.process.name("audit"), "DELETE /tenants/"+d.name)
	if !strings.Contains(audit, `"principal":"root"`) {
		t.Errorf("the audit log has no word of who deleted the tenant: %s", audit)
	}
	d.checkAnew()
	d.terminate()
	d.start()
	if names := d.in(d.name).connectors(); !slices.Equal(names, []string{"flow", "gone", "out", "plain"}) {
		t.Errorf("after a restart the new tenant has %v", names)
	}
}

// latestOf waits for a record of the audit log about a method and path.
func (d *doomed) latestOf(topic, request string) (found string) {
	d.t.Helper()
	method, path, _ := strings.Cut(request, " ")
	d.await("a record of "+request, func() bool {
		for _, r := range d.Read(d.t, topic) {
			text := string(r.Value)
			if strings.Contains(text, `"method":"`+method+`"`) && strings.Contains(text, `"path":"`+path+`"`) {
				found = text
			}
		}
		return found != ""
	})
	return found
}

// cuts are states in which the deletion of a tenant is cut off.
var cuts = map[string]func(*doomed) bool{
	"once it is marked": func(d *doomed) bool { return strings.Contains(string(d.record()), `"deleting":true`) },
	"once its connectors are unknown": func(d *doomed) bool {
		return !slices.ContainsFunc(d.configured(), func(key string) bool { return strings.HasPrefix(key, "connector-") })
	},
	"once its modules go": func(d *doomed) bool {
		kept := 0
		for key, value := range d.latest(d.modules()) {
			if strings.HasPrefix(key, d.name) && value != nil {
				kept++
			}
		}
		return kept < 3
	},
}

func (d *doomed) record() []byte { return d.latest(d.process.name("configs"))["berth-tenant-"+d.name] }

// configured are the keys of the config topic that name the tenant and have a value.
func (d *doomed) configured() (all []string) {
	for key, value := range d.latest(d.process.name("configs")) {
		if value != nil && strings.Contains(key, d.name+"::") {
			all = append(all, key)
		}
	}
	return all
}

// TestE2EPurgeIsFinishedAfterAKill: whoever leads next finishes what a killed leader has begun, wherever it was.
func TestE2EPurgeIsFinishedAfterAKill(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(cuts)) {
		t.Run(name, func(t *testing.T) {
			t.Setenv("BERTH_TEST_BOOTSTRAP", brokertest.Bootstrap(t)) // which outlives the worker, and so what was deleted there
			d := newDoomed(t)
			go d.tryDelete()
			d.await(name, func() bool { return cuts[name](d) })
			d.kill9()
			d.start()
			d.awaitGone()
			d.checkNothing()
			d.checkAnew()
		})
	}
}

// tryDelete asks for the tenant's end; that it fails says nothing.
func (d *doomed) tryDelete() {
	request, err := http.NewRequest("DELETE", d.url+"/tenants/"+d.name+"?force=true", nil)
	if err != nil {
		return
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
	}
}

func (d *doomed) awaitGone() {
	d.t.Helper()
	d.await("the end of the tenant", func() bool {
		status, _ := d.call("GET", "/tenants/"+d.name, nil)
		return status == http.StatusNotFound
	})
}

// TestE2EDoomedTenantIsClosed: a tenant that is going takes nothing, and its record can't be written again meanwhile.
func TestE2EDoomedTenantIsClosed(t *testing.T) {
	p := startProcess(t)
	a := p.tenant("a")
	record := map[string]any{"topics": []string{"a.*"}, "deleting": true}
	status, answer := p.call("PUT", "/tenants/a", record)
	contains(t, p.refused(http.StatusBadRequest, status, answer), "deleting is set by DELETE /tenants/a?force=true alone")
	p.Produce(t, kafkatest.Record{Topic: p.name("configs"), Key: []byte("berth-tenant-a"),
		Value: []byte(`{"name":"a","topics":["a.*"],"deleting":true}`)})
	p.await("the tenant to be closed or gone", func() bool {
		status, _ := a.call("GET", "/connectors", nil)
		return status != http.StatusOK
	})
	status, answer = a.upload("stamp", guests.Stamp(t, "1.0.0"))
	if status != http.StatusConflict && status != http.StatusNotFound {
		t.Errorf("an upload to a tenant that goes: %d %s", status, answer)
	}
	p.await("the end of a tenant that was marked by another worker", func() bool {
		status, _ := p.call("GET", "/tenants/a", nil)
		return status == http.StatusNotFound
	})
	if names := p.tenant("a").connectors(); len(names) != 0 {
		t.Errorf("the new tenant has %v", names)
	}
}
