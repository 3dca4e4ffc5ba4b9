package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/metering"
)

// cache keeps one file per module, DIR/DIGEST-VERSION.compiled: a checksum, the rewritten module and its code. wazero
// trusts what it finds in a cache of its own, executes it and takes lengths from it; so it is given a folder that is
// empty but for the one entry that is being loaded and was found whole.
type cache struct {
	dir       string
	temporary bool   // dir goes when the engine is closed
	run       string // this process's folder in dir
	lock      *os.File
	engine    wazero.CompilationCache
	version   string // of all that compiled code depends on
}

const (
	entrySuffix = ".compiled"
	runPrefix   = "run-"
	entryMagic  = "berth compiled 1\n"
	// namesBytesMax bounds the version and the file name in an entry.
	namesBytesMax = 4096
)

var errDamaged = errors.New("the compiled module is damaged")

func openCache(dir string) (*cache, error) {
	c := &cache{dir: dir, temporary: dir == ""}
	if err := c.makeFolders(); err != nil {
		return nil, err
	}
	var err error
	if c.engine, err = wazero.NewCompilationCacheWithDir(c.run); err != nil {
		return nil, err
	}
	if c.version, err = codeVersion(c.run); err != nil {
		return nil, err
	}
	if err := c.collect(""); err != nil {
		return nil, err
	}
	return c, nil
}

// makeFolders makes dir and in it a folder that is locked as long as this process lives.
func (c *cache) makeFolders() (err error) {
	if c.temporary {
		if c.dir, err = os.MkdirTemp("", "berth-compiled-"); err != nil {
			return err
		}
	}
	if err = os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	for { // a process that starts at the same moment takes a folder without a lock for a dead one's
		if c.run, err = os.MkdirTemp(c.dir, runPrefix); err != nil {
			return err
		}
		if c.lock, err = lockFolder(c.run); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

// lockFolder locks a folder as long as the file is open. fs.ErrNotExist: somebody has removed it before.
func lockFolder(path string) (*os.File, error) {
	lock, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err = unix.Flock(int(lock.Fd()), unix.LOCK_EX); err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock, nil
}

// codeVersion names engine, target, processor and rewriter. wazero names its own version in the folder that it makes.
func codeVersion(run string) (string, error) {
	folders, err := os.ReadDir(run)
	if err != nil {
		return "", err
	}
	if len(folders) != 1 {
		return "", fmt.Errorf("%d folders in %s; it must be the engine's alone", len(folders), run)
	}
	return fmt.Sprintf("%s metering-%s %v %v", folders[0].Name(), metering.Version, cpu.X86, cpu.ARM64), nil
}

// path of the entry of a module. A version of its own makes old and new workers on one folder miss, not fail.
func (c *cache) path(digest string) string {
	return filepath.Join(c.dir, digest+"-"+c.versionTag()+entrySuffix)
}

func (c *cache) versionTag() string {
	sum := sha256.Sum256([]byte(c.version))
	return hex.EncodeToString(sum[:8])
}

// scratch names a new file that an entry can be written to.
func (c *cache) scratch() (string, error) {
	f, err := os.CreateTemp(c.run, "entry-")
	if err != nil {
		return "", fmt.Errorf("store compiled module: %w", err)
	}
	return f.Name(), f.Close()
}

// keep makes a new file the entry of a module. It is not synced: half an entry is found out when it is read.
func (c *cache) keep(file, digest string) error {
	if err := os.Rename(file, c.path(digest)); err != nil {
		return fmt.Errorf("store compiled module: %w", err)
	}
	return c.collect(c.path(digest))
}

// Forget removes what the cache has of a module; instances and who has it compiled already keep it.
func (e *Engine) Forget(digest string) { _ = os.Remove(e.cache.path(digest)) } // what stays gives way to newer ones

// writeEntry writes an entry: magic, SHA-256 of the rest, version, wazero's name of the code, module, code.
func writeEntry(path, version, name string, wasm, code []byte) error {
	var head bytes.Buffer
	for _, text := range []string{version, name} {
		_ = binary.Write(&head, binary.LittleEndian, uint64(len(text))) // a buffer takes everything
		head.WriteString(text)
	}
	_ = binary.Write(&head, binary.LittleEndian, uint64(len(wasm)))
	sum := sha256.New()
	parts := [][]byte{head.Bytes(), wasm, code}
	for _, part := range parts {
		sum.Write(part)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for _, part := range append([][]byte{[]byte(entryMagic), sum.Sum(nil)}, parts...) {
		_, failed := f.Write(part)
		err = errors.Join(err, failed)
	}
	return errors.Join(err, f.Close())
}

// open proves that an entry is whole, returns its module and lays its code where wazero looks; remove takes it away.
func (c *cache) open(path string) (wasm []byte, remove func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	head := make([]byte, len(entryMagic)+sha256.Size)
	if _, err := io.ReadFull(f, head); err != nil || !bytes.HasPrefix(head, []byte(entryMagic)) {
		return nil, nil, fmt.Errorf("%w: its head is missing", errDamaged)
	}
	hash := sha256.New()
	e := &entryReader{io.TeeReader(f, hash), uint64(stat.Size())}
	version, name := e.part(namesBytesMax), e.part(namesBytesMax)
	if string(version) != c.version || !filepath.IsLocal(string(name)) {
		return nil, nil, fmt.Errorf("%w: it is of version %q", errDamaged, version)
	}
	wasm = e.part(e.size)
	file := filepath.Join(c.run, string(name))
	remove = func() { _ = os.Remove(file) } // leftovers go with the folder
	if err := copyTo(file, e); err != nil {
		remove()
		return nil, nil, fmt.Errorf("copy compiled module: %w", err)
	}
	if !bytes.Equal(hash.Sum(nil), head[len(entryMagic):]) {
		remove()
		return nil, nil, fmt.Errorf("%w: its checksum is wrong", errDamaged)
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // says that it is in use; a folder that can't be written loads as well
	return wasm, remove, nil
}

// entryReader reads parts with their length before them. A part that is too long or short is nil, and the checksum
// wrong.
type entryReader struct {
	io.Reader
	size uint64
}

func (e *entryReader) part(bytesMax uint64) []byte {
	var length [8]byte
	if _, err := io.ReadFull(e, length[:]); err != nil {
		return nil
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > bytesMax || n > e.size {
		return nil
	}
	part := make([]byte, n)
	if _, err := io.ReadFull(e, part); err != nil {
		return nil
	}
	return part
}

func copyTo(file string, from io.Reader) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// collect removes folders of dead processes, entries of other versions, and those not used for longest until the rest
// is within the limit; spare stays.
func (c *cache) collect(spare string) error {
	files, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("collect compiled modules: %w", err)
	}
	var kept []fs.FileInfo
	for _, f := range files {
		path := filepath.Join(c.dir, f.Name())
		switch {
		case f.IsDir() && strings.HasPrefix(f.Name(), runPrefix):
			removeDead(path)
		case !strings.HasSuffix(f.Name(), entrySuffix):
		case !strings.HasSuffix(f.Name(), "-"+c.versionTag()+entrySuffix):
			_ = os.Remove(path) // another process may have been faster
		default:
			if info, err := f.Info(); err == nil {
				kept = append(kept, info)
			}
		}
	}
	slices.SortFunc(kept, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	var sum int64
	for _, info := range kept {
		path := filepath.Join(c.dir, info.Name())
		if sum += info.Size(); sum > host.CompiledBytesMax && path != spare {
			_ = os.Remove(path)
		}
	}
	return nil
}

// removeDead removes a process's folder if nobody holds its lock.
func removeDead(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		_ = os.RemoveAll(path)
	}
}

func (c *cache) close(ctx context.Context) error {
	err := errors.Join(c.engine.Close(ctx), c.lock.Close(), os.RemoveAll(c.run))
	if c.temporary {
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	return err
}
