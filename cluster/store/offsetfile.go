package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/javamap"
)

// offsetFileKey names the file of a standalone worker's source offsets.
const offsetFileKey = "offset.storage.file.filename"

// NewFileOffsetStore makes the offset store of a standalone worker. The file is Kafka Connect's own
// (FileOffsetBackingStore), so either worker goes on from what the other has left. It does no I/O. Errors: the property
// is missing.
func NewFileOffsetStore(worker map[string]string, log *slog.Logger) (*OffsetStore, error) {
	path := worker[offsetFileKey]
	if path == "" {
		return nil, fmt.Errorf("Missing required configuration %q which has no default value.", offsetFileKey)
	}
	s := &OffsetStore{reader: newOffsetReader(worker, log)}
	s.records = &fileLog{path: path, apply: s.apply, readied: make(chan struct{}), held: map[string][]byte{}}
	return s, nil
}

// fileLog keeps the last record of each key in a file that is written anew for every change, or for several at once:
// who comes while it is being written waits for the next time together with all others.
type fileLog struct {
	path    string
	apply   func(*kgo.Record)
	readied chan struct{}

	mu    sync.Mutex
	held  map[string][]byte // by key; nil: deleted, which Connect keeps, too
	wrote int               // counts changes of held

	saving sync.Mutex
	saved  int // wrote, as of the file's content
}

func (l *fileLog) ready() <-chan struct{} { return l.readied }

func (l *fileLog) readToEnd(context.Context) error { return nil }

// run reads the file and tries whether it can be written, so that a worker that could not keep offsets does not start.
func (l *fileLog) run(ctx context.Context) error {
	if err := l.open(); err != nil {
		return err
	}
	close(l.readied)
	<-ctx.Done()
	return nil
}

func (l *fileLog) open() error {
	// A link must stay one: it is the file behind it that is replaced.
	if target, err := filepath.EvalSymlinks(l.path); err == nil {
		l.path = target
	}
	data, err := os.ReadFile(l.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return l.problem(err, "let it be a file that the worker may read and write")
	}
	if len(data) > 0 { // Connect takes an empty file, too, but also one that was cut, and forgets its offsets
		entries, err := javamap.Decode(data)
		if err != nil {
			return l.problem(fmt.Errorf("it is not a file of offsets: %w", err),
				"restore it, or name a new file to begin without offsets")
		}
		l.take(entries)
	}
	probe, err := os.OpenFile(l.path+".tmp", os.O_WRONLY|os.O_CREATE, 0o666)
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return l.problem(err, "let its folder be there, and one that the worker may write to")
	}
	return nil
}

func (l *fileLog) problem(err error, remedy string) error {
	return fmt.Errorf("Invalid value %s for configuration %s: %w; %s", l.path, offsetFileKey, err, remedy)
}

func (l *fileLog) take(entries []javamap.Entry) {
	now := time.Now()
	for i, entry := range entries {
		l.held[string(entry.Key)] = entry.Value
		l.apply(&kgo.Record{Key: entry.Key, Value: entry.Value, Offset: int64(i), Timestamp: now})
	}
}

func (l *fileLog) write(_ context.Context, records ...*kgo.Record) error {
	l.mu.Lock()
	for _, r := range records {
		l.held[string(r.Key)] = r.Value
	}
	l.wrote++
	mine := l.wrote
	l.mu.Unlock()
	if err := l.save(mine); err != nil {
		return err
	}
	now := time.Now()
	for _, r := range records {
		r.Offset, r.Timestamp = int64(mine), now
		l.apply(r)
	}
	return nil
}

// save returns when the file holds change number mine, which another may have seen to.
func (l *fileLog) save(mine int) error {
	l.saving.Lock()
	defer l.saving.Unlock()
	if l.saved >= mine {
		return nil
	}
	l.mu.Lock()
	upTo, held := l.wrote, maps.Clone(l.held)
	l.mu.Unlock()
	entries := make([]javamap.Entry, 0, len(held))
	for _, key := range slices.Sorted(maps.Keys(held)) {
		entries = append(entries, javamap.Entry{Key: []byte(key), Value: held[key]})
	}
	if err := replaceFile(l.path, javamap.Encode(entries)); err != nil {
		return fmt.Errorf("write the source offsets to %s (%s): %w", l.path, offsetFileKey, err)
	}
	l.saved = upTo
	return nil
}

// replaceFile gives a file a new content that is on disk when it returns. Whatever happens meanwhile, the file has the
// old content or the new one. Its rights stay.
func replaceFile(path string, data []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	if old, known := os.Stat(path); known == nil {
		err = f.Chmod(old.Mode().Perm())
	}
	_, wrong := f.Write(data)
	if err = errors.Join(err, wrong, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename last. Where folders can't be synced (as on Windows), the system sees to that itself.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) &&
		!errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
