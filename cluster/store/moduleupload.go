package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// uploadKey names the chunks of one upload.
type uploadKey struct {
	moduleKey
	id string
}

// moduleKey names a module: each tenant has its own, of the same bytes too.
type moduleKey struct {
	tenant string // "": the default tenant
	digest string // SHA-256, hex
}

// String is the key of the module's manifest.
func (k moduleKey) String() string { return host.JoinTenant(k.tenant, k.digest) }

// upload is what was read of one.
type upload struct {
	sizes   map[int]int // bytes of each chunk that is there
	last    time.Time   // of its latest chunk
	failure error       // why its file is not whole
}

func (k uploadKey) chunk(number int) []byte {
	return fmt.Appendf(nil, "%s/%s/%d", k.moduleKey, k.id, number)
}

func (k uploadKey) chunks(wasm []byte) []*kgo.Record {
	var all []*kgo.Record
	for part := range slices.Chunk(wasm, moduleChunkBytes) {
		all = append(all, &kgo.Record{Key: k.chunk(len(all)), Value: part})
	}
	return all
}

// parseModuleKey reads a record's key; number -1 is the manifest. Its parts become file names, so nothing else passes.
func parseModuleKey(text string) (key uploadKey, number int, err error) {
	parts := strings.Split(text, "/")
	tenant, digest := host.SplitTenant(parts[0])
	if !isHex(digest, sha256.Size) || len(parts) != 1 && len(parts) != 3 {
		return key, 0, fmt.Errorf("key %.100q is neither DIGEST nor DIGEST/UPLOAD/NUMBER, with a tenant and %s before it or "+
			"not", text, host.TenantSeparator)
	}
	key.moduleKey, number = moduleKey{tenant, digest}, -1
	if len(parts) == 1 {
		return key, number, nil
	}
	number, err = strconv.Atoi(parts[2])
	if err != nil || number < 0 || number >= moduleChunksMax || strconv.Itoa(number) != parts[2] || !isHex(parts[1], 8) {
		return key, 0, fmt.Errorf("key %.100q names no chunk", text)
	}
	key.id = parts[1]
	return key, number, nil
}

func isHex(text string, length int) bool {
	decoded, err := hex.DecodeString(text)
	return err == nil && len(decoded) == length && strings.ToLower(text) == text
}

// apply is called for each record, in the order of the log.
func (s *ModuleStore) apply(r *kgo.Record) {
	key, number, err := parseModuleKey(string(r.Key))
	if err == nil && len(r.Value) > moduleChunkBytes && number >= 0 {
		err = fmt.Errorf("chunk %s has %d bytes, more than %d", r.Key, len(r.Value), moduleChunkBytes)
	}
	if err != nil {
		s.log.Warn("a record of the modules topic is passed over", "offset", r.Offset, "problem", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case number >= 0 && r.Value == nil:
		s.dropChunk(key, number)
	case number >= 0:
		s.addChunk(key, number, r)
	case r.Value == nil:
		delete(s.written, key.moduleKey)
		s.unlist(key.moduleKey)
	default:
		s.written[key.moduleKey] = true
		s.applyManifest(key.moduleKey, r)
	}
}

// addChunk puts a chunk where its module is to be; it is not kept in memory.
func (s *ModuleStore) addChunk(key uploadKey, number int, r *kgo.Record) {
	u := s.uploads[key]
	if u == nil {
		u = &upload{sizes: map[int]int{}}
		s.uploads[key] = u
	}
	u.sizes[number], u.last = len(r.Value), r.Timestamp
	if s.receiver.HasModule(key.digest) {
		return
	}
	if err := writeAt(s.file(key), r.Value, int64(number)*moduleChunkBytes); err != nil && u.failure == nil {
		u.failure = err
		s.log.Error("a chunk of a module can't be written", "digest", key.digest, "error", err)
	}
}

func (s *ModuleStore) file(key uploadKey) string {
	return filepath.Join(s.incoming, key.digest+"-"+key.id+"-"+key.tenant)
}

func writeAt(file string, content []byte, at int64) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, at)
	return errors.Join(err, f.Close())
}

func (s *ModuleStore) dropChunk(key uploadKey, number int) {
	u := s.uploads[key]
	if u == nil {
		return
	}
	if s.listed[key.moduleKey].Upload == key.id {
		s.log.Error("a module lost a chunk; upload it again", "digest", key.digest)
		s.unlist(key.moduleKey)
	}
	if delete(u.sizes, number); len(u.sizes) > 0 {
		return
	}
	delete(s.uploads, key)
	s.removeFile(key)
	for other := range s.uploads {
		if other.digest == key.digest {
			return // it may count on the bytes that the receiver has
		}
	}
	s.receiver.DiscardModule(key.digest)
}

func (s *ModuleStore) unlist(module moduleKey) {
	if _, has := s.listed[module]; has {
		delete(s.listed, module)
		s.receiver.UnlistModule(module.tenant, module.digest)
	}
}

func (s *ModuleStore) removeFile(key uploadKey) {
	if err := os.Remove(s.file(key)); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Warn("the file of an upload can't be removed", "error", err)
	}
}

func (s *ModuleStore) applyManifest(module moduleKey, r *kgo.Record) {
	var record moduleRecord
	err := json.NewDecoder(bytes.NewReader(r.Value)).Decode(&record)
	key := uploadKey{module, record.Upload}
	if err == nil {
		err = s.uploads[key].check(record.SizeBytes)
	}
	if err != nil {
		s.log.Error("a module of the modules topic is not usable; upload it again", "digest", module.digest, "module",
			record.Name, "problem", err)
		s.unlist(module) // a reader that comes later finds no other manifest
		return
	}
	_, has := s.listed[module]
	s.listed[module] = record
	if !has {
		s.hand(key, record)
	}
	s.removeFile(key)
}

// check tells what is missing of an upload.
func (u *upload) check(size int64) error {
	if size <= 0 || size > moduleChunkBytes*moduleChunksMax {
		return fmt.Errorf("its manifest gives it %d bytes", size)
	}
	chunks := (size + moduleChunkBytes - 1) / moduleChunkBytes
	for number := range int(chunks) {
		want := min(size-int64(number)*moduleChunkBytes, moduleChunkBytes)
		if u == nil || int64(u.sizes[number]) != want {
			return fmt.Errorf("chunk %d of %d is missing or not of %d bytes", number, chunks, want)
		}
	}
	return nil
}

// hand gives a module to the receiver; one whose bytes can't be used is given with its problem.
func (s *ModuleStore) hand(key uploadKey, record moduleRecord) {
	m := host.StoredModule{Tenant: key.tenant, Digest: key.digest, Name: record.Name, SizeBytes: record.SizeBytes,
		Manifest: record.Manifest, Added: record.Added, By: record.By, Signature: record.Signature,
		Source: record.Source}
	file := ""
	if !s.receiver.HasModule(key.digest) {
		file = s.file(key)
		err := s.uploads[key].failure
		if err == nil {
			err = checkDigest(file, key.digest, record.SizeBytes)
		}
		if err != nil {
			m.Problem, file = err.Error(), ""
		}
	}
	if err := s.receiver.ListModule(m, file); err != nil {
		s.log.Error("a module can't be used on this worker", "module", m.Name, "digest", m.Digest, "problem", err)
	}
}

func checkDigest(file, digest string, size int64) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != digest || n != size {
		return fmt.Errorf("its chunks make %d bytes with SHA-256 %s, not %d with %s; delete it and upload it again", n, got,
			size, digest)
	}
	return nil
}
