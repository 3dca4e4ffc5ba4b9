package plugin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// store keeps modules as DIR/DIGEST.wasm, each with DIR/DIGEST.json beside it. A module exists when its JSON file
// does, which is written last.
type store struct{ dir string }

// record is the JSON beside a module.
type record struct {
	Name      string    `json:"name"`
	Added     time.Time `json:"added"`
	Signature []byte    `json:"signature,omitempty"`
	Source    string    `json:"source,omitempty"`
	Manifest  []byte    `json:"manifest"` // as the module gave it, so that a start need not run it
}

func digestOf(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return hex.EncodeToString(sum[:])
}

func (s store) put(digest string, wasm []byte, r record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode module record: %w", err)
	}
	if err := s.putContent(digest, wasm); err != nil {
		return err
	}
	if err := writeDurably(filepath.Join(s.dir, digest+".json"), text); err != nil {
		return fmt.Errorf("store module record: %w", err)
	}
	return nil
}

// putContent keeps a module's bytes alone.
func (s store) putContent(digest string, wasm []byte) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("make module directory: %w", err)
	}
	if err := writeDurably(s.file(digest), wasm); err != nil {
		return fmt.Errorf("store module: %w", err)
	}
	return nil
}

func (s store) file(digest string) string { return filepath.Join(s.dir, digest+".wasm") }

// take moves a file of this file system to where a module's bytes are kept. It needs no sync: what a crash tears is
// found by its digest and read again.
func (s store) take(digest, file string) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("make module directory: %w", err)
	}
	if err := os.Rename(file, s.file(digest)); err != nil {
		return fmt.Errorf("store module: %w", err)
	}
	return nil
}

// whole tells whether a module's bytes are there and undamaged, without having them in memory.
func (s store) whole(digest string) bool {
	f, err := os.Open(s.file(digest))
	if err != nil {
		return false
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return err == nil && hex.EncodeToString(sum.Sum(nil)) == digest
}

// remove takes a module away, its record first; one that is not there is no error.
func (s store) remove(digest string) error {
	for _, file := range []string{filepath.Join(s.dir, digest+".json"), s.file(digest)} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete module: %w", err)
		}
	}
	return nil
}

// digests lists the modules whose bytes are there.
func (s store) digests() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	var all []string
	for _, e := range entries {
		if digest, ok := strings.CutSuffix(e.Name(), ".wasm"); ok {
			all = append(all, digest)
		}
	}
	return all, nil
}

// writeDurably leaves either the old file or the whole new one, also after a crash.
func writeDurably(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// list returns the records of all modules by digest.
func (s store) list() (map[string]record, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	all := map[string]record{}
	for _, e := range entries {
		digest, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		text, err := os.ReadFile(filepath.Join(s.dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read module record: %w", err)
		}
		var r record
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("read module record %s: %w", e.Name(), err)
		}
		all[digest] = r
	}
	return all, nil
}

// get reads a module and proves that it is the one that was stored.
func (s store) get(digest string) ([]byte, error) {
	wasm, err := os.ReadFile(s.file(digest))
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	if got := digestOf(wasm); got != digest {
		return nil, fmt.Errorf("module file %s.wasm is damaged: its SHA-256 is %s; upload the module again", digest, got)
	}
	return wasm, nil
}
