package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

const (
	// moduleChunkBytes is the size of each chunk but a module's last: well below the broker's default max.message.bytes.
	moduleChunkBytes = 512 << 10
	// moduleChunksMax bounds a module to 128 MiB, twice what the REST API takes.
	moduleChunksMax = 256
	// moduleFetchBytes bounds what a fetch of the modules topic brings into memory.
	moduleFetchBytes = 4 << 20
	// tornAfter is the age of its last chunk at which an upload without a manifest counts as torn: far more than an
	// upload may take.
	tornAfter = time.Hour
	// collectInterval is how often torn uploads are looked for.
	collectInterval = 10 * time.Minute
)

// ModuleStore shares modules among the workers of a group. They lie in one compacted partition: chunks under
// "digest/upload/number", then, under "digest", the manifest that makes them a module; a tenant's have its name and ::
// before the digest. Each upload has chunks of its own, so that deleting one never takes a chunk of another that is on
// its way. What a reader makes of the topic depends on the order of its records alone: a module is there from a
// manifest on whose chunks are all before it, until its manifest or one of its chunks is deleted.
type ModuleStore struct {
	log      *slog.Logger
	records  recordLog
	incoming string // folder of chunks whose module is not there yet
	worker   string
	receiver host.ModuleReceiver // set before the log runs

	mu      sync.Mutex
	uploads map[uploadKey]*upload
	listed  map[moduleKey]moduleRecord
	written map[moduleKey]bool // modules whose manifest the topic has, be it usable or not
}

// moduleRecord is the value of a manifest.
type moduleRecord struct {
	Name      string    `json:"name"`
	SizeBytes int64     `json:"size"`
	Upload    string    `json:"upload"`
	Manifest  []byte    `json:"manifest"` // the module's own, as it describes itself
	Added     time.Time `json:"added"`
	By        string    `json:"by,omitempty"` // the user; "": nobody had to say
	Worker    string    `json:"worker"`       // that took the upload
	Signature []byte    `json:"signature,omitempty"`
	Source    string    `json:"source,omitempty"` // that it was pulled from
}

// NewModuleStore reads berth.modules.storage.*; the topic is "<group.id>-modules" and the replication factor that of
// config.storage unless they are set. Folder incoming is the store's own, its content is lost. Nothing is read before
// Run.
func NewModuleStore(worker map[string]string, incoming, workerID string, log *slog.Logger) (*ModuleStore, error) {
	const prefix = "berth.modules.storage"
	worker = maps.Clone(worker)
	worker[prefix+".topic"] = ModulesTopic(worker)
	worker[prefix+".replication.factor"] = cmp.Or(worker[prefix+".replication.factor"],
		worker["config.storage.replication.factor"])
	spec, err := newSpec(worker, prefix, "modules", "modules", 1)
	if err != nil {
		return nil, err
	}
	s := newModuleStore(incoming, workerID, log)
	records, err := newTopicLog(spec, worker, log, s.apply)
	if err != nil {
		return nil, err
	}
	records.opts = append(records.opts, kgo.FetchMaxBytes(moduleFetchBytes),
		kgo.FetchMaxPartitionBytes(moduleFetchBytes))
	s.records = records
	return s, nil
}

// ModulesTopic is the topic of a group's modules, by a worker's properties.
func ModulesTopic(worker map[string]string) string {
	return cmp.Or(worker["berth.modules.storage.topic"], worker["group.id"]+"-modules")
}

func newModuleStore(incoming, workerID string, log *slog.Logger) *ModuleStore {
	return &ModuleStore{log: log, incoming: incoming, worker: workerID,
		uploads: map[uploadKey]*upload{}, listed: map[moduleKey]moduleRecord{},
		written: map[moduleKey]bool{}}
}

// Run hands over the modules that are there and goes on with those that come, until ctx ends.
func (s *ModuleStore) Run(ctx context.Context, receiver host.ModuleReceiver) error {
	s.receiver = receiver
	if err := os.RemoveAll(s.incoming); err != nil {
		return fmt.Errorf("empty the folder of incoming modules: %w", err)
	}
	if err := os.MkdirAll(s.incoming, 0o755); err != nil {
		return fmt.Errorf("make the folder of incoming modules: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var collecting sync.WaitGroup
	defer collecting.Wait()
	defer cancel()
	collecting.Go(func() { s.collectAlways(ctx) })
	return s.records.run(ctx)
}

// Ready is closed when the receiver has all modules that were there at the start.
func (s *ModuleStore) Ready() <-chan struct{} { return s.records.ready() }

// CatchUp returns when the receiver has all modules that were there at the call.
func (s *ModuleStore) CatchUp(ctx context.Context) error { return s.records.readToEnd(ctx) }

// Put returns when all workers can read the module and the receiver of this one has it. A module that is there
// already is left alone. Errors: host.ErrBadRequest (too large), those of Kafka.
func (s *ModuleStore) Put(ctx context.Context, m host.StoredModule, wasm []byte) error {
	if len(wasm) > moduleChunkBytes*moduleChunksMax {
		return host.BadRequest(fmt.Sprintf("Module %q has %d bytes; at most %d can be stored: let the linker remove what is "+
			"not used", m.Name, len(wasm), moduleChunkBytes*moduleChunksMax))
	}
	if err := s.CatchUp(ctx); err != nil {
		return err
	}
	key := uploadKey{moduleKey{m.Tenant, m.Digest}, newUploadID()}
	if s.has(key.moduleKey) {
		return nil
	}
	if err := s.records.write(ctx, key.chunks(wasm)...); err != nil {
		return fmt.Errorf("storing module %q: %w", m.Name, err)
	}
	manifest, err := json.Marshal(moduleRecord{Name: m.Name, SizeBytes: int64(len(wasm)), Upload: key.id,
		Manifest: m.Manifest, Added: m.Added, By: m.By, Worker: s.worker, Signature: m.Signature,
		Source: m.Source})
	if err != nil {
		return fmt.Errorf("encoding the manifest of module %q: %w", m.Name, err)
	}
	if err := s.records.write(ctx, &kgo.Record{Key: []byte(key.moduleKey.String()), Value: manifest}); err != nil {
		return fmt.Errorf("storing module %q: %w", m.Name, err)
	}
	if err := s.CatchUp(ctx); err != nil {
		return err
	}
	if !s.has(key.moduleKey) {
		return host.Conflict(fmt.Sprintf("Module %q was deleted while it was uploaded; upload it again", m.Name))
	}
	return nil
}

func newUploadID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

func (s *ModuleStore) has(module moduleKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, has := s.listed[module]
	return has
}

// Delete returns when no worker that reads on can see the module. One that is not there is no error. Its chunks go
// after its manifest: if this worker ends in between, they are a torn upload.
func (s *ModuleStore) Delete(ctx context.Context, tenant, digest string) error {
	if err := s.CatchUp(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	module := moduleKey{tenant, digest}
	record, has := s.listed[module]
	key := uploadKey{module, record.Upload}
	u := s.uploads[key]
	s.mu.Unlock()
	if !has {
		return nil
	}
	if err := s.records.write(ctx, &kgo.Record{Key: []byte(module.String())}); err != nil {
		return fmt.Errorf("deleting module %q: %w", record.Name, err)
	}
	if err := s.records.write(ctx, s.tombstones(key, u)...); err != nil {
		return fmt.Errorf("deleting module %q: %w", record.Name, err)
	}
	return s.CatchUp(ctx)
}

// ForgetTenant deletes all that the topic has of a tenant's modules: also torn uploads and manifests that nobody can
// use.
func (s *ModuleStore) ForgetTenant(ctx context.Context, tenant string) error {
	if err := s.CatchUp(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	var manifests []*kgo.Record
	for module := range s.written {
		if module.tenant == tenant {
			manifests = append(manifests, &kgo.Record{Key: []byte(module.String())})
		}
	}
	uploads := map[uploadKey]*upload{}
	for key, u := range s.uploads {
		if key.tenant == tenant {
			uploads[key] = u
		}
	}
	s.mu.Unlock()
	all := manifests // first: whoever reads on sees no module without its chunks
	for key, u := range uploads {
		all = append(all, s.tombstones(key, u)...)
	}
	if len(all) == 0 {
		return nil
	}
	if err := s.records.write(ctx, all...); err != nil {
		return fmt.Errorf("deleting the modules of tenant %s: %w", tenant, err)
	}
	return s.CatchUp(ctx)
}

func (s *ModuleStore) tombstones(key uploadKey, u *upload) []*kgo.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*kgo.Record
	for _, number := range slices.Sorted(maps.Keys(u.sizes)) {
		all = append(all, &kgo.Record{Key: key.chunk(number)})
	}
	return all
}

func (s *ModuleStore) collectAlways(ctx context.Context) {
	select {
	case <-s.Ready():
	case <-ctx.Done():
		return
	}
	timer := time.NewTicker(collectInterval)
	defer timer.Stop()
	for {
		if err := s.collect(ctx, tornAfter); err != nil && ctx.Err() == nil {
			s.log.Warn("torn uploads of modules can't be deleted; it is tried again", "error", err)
		}
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// collect deletes the chunks of uploads without a manifest whose last chunk is older than age. Several workers may
// do so at once. Should such an upload get its manifest at this moment, then its chunks are gone for all readers alike.
func (s *ModuleStore) collect(ctx context.Context, age time.Duration) error {
	s.mu.Lock()
	torn := map[uploadKey]*upload{}
	for key, u := range s.uploads {
		if s.listed[key.moduleKey].Upload != key.id && time.Since(u.last) > age {
			torn[key] = u
		}
	}
	s.mu.Unlock()
	for key, u := range torn {
		s.log.Info("deleting what a torn upload of a module left", "digest", key.digest, "upload", key.id)
		if err := s.records.write(ctx, s.tombstones(key, u)...); err != nil {
			return err
		}
	}
	return nil
}
