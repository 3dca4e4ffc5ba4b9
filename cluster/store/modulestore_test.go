package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

// shelf is a receiver that keeps what it gets in memory.
type shelf struct {
	mu     sync.Mutex
	listed map[string]host.StoredModule
	bytes  map[string][]byte
}

func newShelf() *shelf {
	return &shelf{listed: map[string]host.StoredModule{}, bytes: map[string][]byte{}}
}

func (s *shelf) HasModule(digest string) bool { return s.content(digest) != nil }

func (s *shelf) ListModule(m host.StoredModule, file string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[m.Digest] = m
	if file == "" {
		return nil
	}
	content, err := os.ReadFile(file)
	s.bytes[m.Digest] = content
	return errors.Join(err, os.Remove(file))
}

func (s *shelf) UnlistModule(_, digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listed, digest)
}

func (s *shelf) DiscardModule(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.bytes, digest)
}

func (s *shelf) names() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, m := range s.listed {
		names = append(names, strings.TrimSpace(m.Name+" "+m.Problem))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (s *shelf) content(digest string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes[digest]
}

// shelvedStore is a store with its receiver, as runner.
type shelvedStore struct {
	*ModuleStore
	*shelf
}

func (s shelvedStore) Run(ctx context.Context) error { return s.ModuleStore.Run(ctx, s.shelf) }

func startModules(t *testing.T, worker map[string]string) (shelvedStore, func()) {
	t.Helper()
	s, err := NewModuleStore(worker, filepath.Join(t.TempDir(), "incoming"), "w:1", discard())
	both := shelvedStore{s, newShelf()}
	return both, start(t, both, err)
}

// madeModule has size bytes that no other chunk repeats.
func madeModule(name string, size int) (host.StoredModule, []byte) {
	wasm := make([]byte, 0, size+16)
	for i := 0; len(wasm) < size; i++ {
		wasm = fmt.Appendf(wasm, "%s%d.", name, i)
	}
	wasm = wasm[:size]
	sum := sha256.Sum256(wasm)
	return host.StoredModule{Name: name, Digest: hex.EncodeToString(sum[:]), SizeBytes: int64(size),
		Manifest: []byte("manifest of " + name), Added: time.UnixMilli(1700000000000).UTC(), By: "ann",
		Signature: []byte("signed"), Source: "oci://r.test/" + name + "@sha256:00"}, wasm
}

func TestModulesReachAllWorkers(t *testing.T) {
	worker := workerFor(t, brokertest.Bootstrap(t))
	first, _ := startModules(t, worker)
	second, stopSecond := startModules(t, worker)
	ctx := within(t)
	for i, size := range []int{1, moduleChunkBytes - 1, moduleChunkBytes, moduleChunkBytes + 1, 20*moduleChunkBytes + 7} {
		m, wasm := madeModule(fmt.Sprint("m", i), size)
		if err := first.Put(ctx, m, wasm); err != nil {
			t.Fatal(err)
		}
		if err := second.CatchUp(ctx); err != nil {
			t.Fatal(err)
		}
		for _, s := range []shelvedStore{first, second} {
			if !bytes.Equal(s.content(m.Digest), wasm) {
				t.Errorf("module of %d bytes arrived as %d bytes", size, len(s.content(m.Digest)))
			}
			got := s.shelf.listed[m.Digest]
			if fmt.Sprint(got) != fmt.Sprint(m) {
				t.Errorf("got %+v, want %+v", got, m)
			}
		}
	}
	stopSecond()
	small, _ := madeModule("m0", 1)
	if err := first.Delete(ctx, "", small.Digest); err != nil {
		t.Fatal(err)
	}
	m, wasm := madeModule("late", 3*moduleChunkBytes)
	if err := first.Put(ctx, m, wasm); err != nil {
		t.Fatal(err)
	}
	third, _ := startModules(t, worker)
	const want = "late, m1, m2, m3, m4"
	if first.names() != want || third.names() != want || first.HasModule(small.Digest) || third.HasModule(small.Digest) {
		t.Errorf("the first has %s, one that was down %s", first.names(), third.names())
	}
	if left, err := os.ReadDir(third.incoming); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestModuleAgain(t *testing.T) {
	worker := workerFor(t, brokertest.Bootstrap(t))
	first, _ := startModules(t, worker)
	second, _ := startModules(t, worker)
	m, wasm := madeModule("m", 2*moduleChunkBytes)
	var both sync.WaitGroup
	for _, s := range []shelvedStore{first, second} {
		both.Go(func() {
			if err := s.Put(within(t), m, wasm); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	for _, s := range []shelvedStore{first, second} {
		// What is superseded is collected at once; of an upload of now, its manifest must be known for that.
		if err := errors.Join(s.CatchUp(within(t)), s.collect(within(t), -time.Hour), s.CatchUp(within(t))); err != nil {
			t.Fatal(err)
		}
		if s.names() != "m" || !bytes.Equal(s.content(m.Digest), wasm) || len(s.uploads) != 1 {
			t.Errorf("%s, %d bytes, %d uploads", s.names(), len(s.content(m.Digest)), len(s.uploads))
		}
	}
	for range 2 {
		if err := errors.Join(first.Delete(within(t), "", m.Digest), second.Delete(within(t), "", m.Digest)); err != nil {
			t.Fatal(err)
		}
	}
	if err := second.Put(within(t), m, wasm); err != nil {
		t.Fatal(err)
	}
	if err := first.CatchUp(within(t)); err != nil || first.names() != "m" || !bytes.Equal(first.content(m.Digest), wasm) {
		t.Errorf("after it was deleted and added again: %v, %s", err, first.names())
	}
}

func TestTornUploadIsInvisibleAndCollected(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	worker := workerFor(t, addr)
	s, stop := startModules(t, worker)
	m, wasm := madeModule("torn", 3*moduleChunkBytes)
	key := uploadKey{moduleKey{"", m.Digest}, newUploadID()}
	if err := s.records.write(within(t), key.chunks(wasm)[:2]...); err != nil {
		t.Fatal(err)
	}
	if err := s.CatchUp(within(t)); err != nil || s.names() != "" || len(s.uploads) != 1 {
		t.Fatalf("%v, %s, %d uploads", err, s.names(), len(s.uploads))
	}
	if err := s.collect(within(t), tornAfter); err != nil {
		t.Fatal(err)
	}
	if err := s.CatchUp(within(t)); err != nil || len(s.uploads) != 1 {
		t.Fatalf("%v: an upload under way was collected", err)
	}
	stop()
	next, _ := startModules(t, worker)
	if err := errors.Join(next.collect(within(t), -time.Hour), next.CatchUp(within(t))); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(next.incoming); err != nil || len(next.uploads)+len(left) > 0 {
		t.Errorf("left behind: %d uploads, %v %v", len(next.uploads), left, err)
	}
	kept := map[string]string{}
	for _, line := range logOf(t, addr, worker["group.id"]+"-modules") {
		key, value, _ := strings.Cut(line, "=")
		kept[key] = value
	}
	for key, value := range kept {
		if value != "null" {
			t.Errorf("compaction keeps %s", key)
		}
	}
	if err := next.Put(within(t), m, wasm); err != nil || next.names() != "torn" {
		t.Errorf("the next try: %v, %s", err, next.names())
	}
}

// Of a tenant nothing is kept, be it listed, torn or unusable; the same bytes of another stay.
func TestModulesOfATenantAreForgotten(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	worker := workerFor(t, addr)
	s, _ := startModules(t, worker)
	m, wasm := madeModule("m", 2*moduleChunkBytes)
	for _, tenant := range []string{"a", "b", ""} {
		m.Tenant = tenant
		if err := s.Put(within(t), m, wasm); err != nil {
			t.Fatal(err)
		}
	}
	torn, more := madeModule("torn", 2*moduleChunkBytes+1)
	key := uploadKey{moduleKey{"a", torn.Digest}, newUploadID()}
	unusable := moduleKey{"a", strings.Repeat("cd", 32)}
	left := append(key.chunks(more)[:2], record(unusable.String(), []byte(`{}`)))
	if err := s.records.write(within(t), left...); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.ForgetTenant(within(t), "a"), s.ForgetTenant(within(t), "a")); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, line := range logOf(t, addr, worker["group.id"]+"-modules") {
		key, value, _ := strings.Cut(line, "=")
		kept[key] = value != "null"
	}
	others := 0
	for key, has := range kept {
		if has && strings.HasPrefix(key, "a::") {
			t.Errorf("compaction keeps %s", key)
		} else if has {
			others++
		}
	}
	if others != 2*3 || len(s.ModuleStore.listed) != 2 || !bytes.Equal(s.content(m.Digest), wasm) {
		t.Errorf("of the others %d records are left, %d modules are listed", others, len(s.ModuleStore.listed))
	}
}

// What a reader makes of records that no store of this version wrote.
func TestModuleRecords(t *testing.T) {
	m, wasm := madeModule("m", moduleChunkBytes+10)
	key := uploadKey{moduleKey{"", m.Digest}, "0123456789abcdef"}
	chunks := key.chunks(wasm)
	manifest := func(change func(*moduleRecord)) *kgo.Record {
		r := moduleRecord{Name: "m", SizeBytes: m.SizeBytes, Upload: key.id}
		change(&r)
		value, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return &kgo.Record{Key: []byte(m.Digest), Value: value}
	}
	good := manifest(func(*moduleRecord) {})
	other := &kgo.Record{Key: chunks[1].Key, Value: []byte("0123456789")}
	tests := []struct {
		what    string
		records []*kgo.Record
		names   string
	}{
		{"in order", []*kgo.Record{chunks[0], chunks[1], good}, "m"},
		{"chunks out of order and twice", []*kgo.Record{chunks[1], chunks[0], chunks[1], good}, "m"},
		{"manifest first", []*kgo.Record{good, chunks[0], chunks[1]}, ""},
		{"a chunk is missing", []*kgo.Record{chunks[0], good}, ""},
		{"a chunk is gone", []*kgo.Record{chunks[0], chunks[1], good, {Key: chunks[0].Key}}, ""},
		{"other bytes", []*kgo.Record{chunks[0], other, good}, "m its chunks make"},
		{"another size", []*kgo.Record{chunks[0], chunks[1], manifest(func(r *moduleRecord) { r.SizeBytes++ })}, ""},
		{"no size", []*kgo.Record{chunks[0], chunks[1], manifest(func(r *moduleRecord) { r.SizeBytes = 0 })}, ""},
		{"an endless size", []*kgo.Record{chunks[0], manifest(func(r *moduleRecord) { r.SizeBytes = 1<<63 - 1 })}, ""},
		{"another upload", []*kgo.Record{chunks[0], chunks[1], manifest(func(r *moduleRecord) { r.Upload = "" })}, ""},
		{"no JSON", []*kgo.Record{chunks[0], chunks[1], {Key: good.Key, Value: []byte("{")}}, ""},
		{"deleted", []*kgo.Record{chunks[0], chunks[1], good, {Key: good.Key}}, ""},
		{"deleted before", []*kgo.Record{{Key: good.Key}, {Key: chunks[0].Key}, chunks[0], chunks[1], good}, "m"},
		{"torn manifest after a good one", []*kgo.Record{chunks[0], chunks[1], good,
			manifest(func(r *moduleRecord) { r.Upload = "fedcba9876543210" })}, ""},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			s := newModuleStore(t.TempDir(), "w:1", discard())
			received := newShelf()
			s.receiver = received
			for _, r := range test.records {
				s.apply(r)
			}
			if got := received.names(); got != test.names && (test.names == "" || !strings.HasPrefix(got, test.names)) {
				t.Errorf("listed: %q, want %q", got, test.names)
			}
		})
	}
}

func TestModuleKeys(t *testing.T) {
	digest := strings.Repeat("0a", sha256.Size)
	for text, want := range map[string]string{
		digest:                                     "-1",
		digest + "/0123456789abcdef/0":             "0",
		digest + "/0123456789abcdef/255":           "255",
		digest + "/0123456789abcdef/256":           "error",
		digest + "/0123456789abcdef/-1":            "error",
		digest + "/0123456789abcdef/01":            "error",
		digest + "/0123456789abcdef/1/2":           "error",
		digest + "/0123456789abcdef":               "error",
		digest + "/0123456789ABCDEF/1":             "error",
		digest + "/../1":                           "error",
		"../" + digest[3:] + "/0123456789abcdef/1": "error",
		strings.ToUpper(digest):                    "error",
		digest[2:]:                                 "error",
		"":                                         "error",
	} {
		key, number, err := parseModuleKey(text)
		got := fmt.Sprint(number)
		if err != nil {
			got = "error"
		} else if number >= 0 && string(key.chunk(number)) != text {
			got = string(key.chunk(number))
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestModulesTopicByDefault(t *testing.T) {
	worker := workerFor(t, "127.0.0.1:1")
	for _, test := range []struct {
		set   map[string]string
		topic string
		wrong string
	}{
		{nil, worker["group.id"] + "-modules", ""},
		{map[string]string{"berth.modules.storage.topic": "mine"}, "mine", ""},
		{map[string]string{"berth.modules.storage.replication.factor": "0"}, "", "berth.modules.storage.replication.factor"},
	} {
		all := maps.Clone(worker)
		maps.Copy(all, test.set)
		s, err := NewModuleStore(all, t.TempDir(), "w:1", discard())
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%v: got %v", test.set, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		spec := s.records.(*topicLog).spec
		if spec.topic != test.topic || spec.replication != 1 || !spec.single {
			t.Errorf("%v: got %+v", test.set, spec)
		}
	}
}
