package engine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	wasys "github.com/tetratelabs/wazero/sys"
	"golang.org/x/sys/unix"

	"github.com/berth-connect/berth/host"
)

// jail is a granted directory as a guest sees it. wazero's own DirFS follows symbolic links out of the directory and
// lets a guest make them; here a path whose links lead outside is refused, and guests make no links. What was looked
// at may be another thing a moment later, by another guest's rename; so all is done below an os.Root, which never
// leaves its directory.
type jail struct {
	sys.UnimplementedFS
	root  *os.Root
	path  string // of root, absolute, links resolved
	files sys.FS // wazero's
	open  *openFiles
	cause *writeCause // of the instance
}

// newJail opens a granted directory; it is the caller's to close.
func newJail(dir string, open *openFiles, cause *writeCause) (*jail, error) {
	path, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "grant", Path: dir, Err: sys.ENOTDIR}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &jail{root: root, path: path, files: sysfs.DirFS(path), open: open, cause: cause}, nil
}

// inside resolves the links of the longest part of path that exists, and returns it below the root.
func (j *jail) inside(path string) (string, sys.Errno) {
	full := filepath.Join(j.path, path)
	rest := ""
	for p := full; within(p, j.path); p = filepath.Dir(p) {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			return j.relative(filepath.Join(real, rest))
		}
		if _, err := os.Lstat(p); err == nil {
			break // a link that leads nowhere: opening it could create its target
		}
		rest = filepath.Join(filepath.Base(p), rest)
	}
	return "", sys.EACCES
}

// parentInside is inside for what is done to a link itself.
func (j *jail) parentInside(path string) (string, sys.Errno) {
	path = filepath.Clean(path)
	if path == "." {
		return path, 0
	}
	parent, errno := j.inside(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), errno
}

func (j *jail) relative(real string) (string, sys.Errno) {
	if !within(real, j.path) {
		return "", sys.EACCES
	}
	path, err := filepath.Rel(j.path, real)
	if err != nil {
		return "", sys.EACCES
	}
	return path, 0
}

func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

// errnoOf is the number of an error of os.Root, whose own errors say that a path leaves it.
func errnoOf(err error) sys.Errno {
	var reason syscall.Errno
	if err != nil && !errors.As(err, &reason) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) &&
		!errors.Is(err, fs.ErrInvalid) {
		return sys.EACCES
	}
	return sys.UnwrapOSError(err)
}

// OpenFile implements sys.FS.
func (j *jail) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	if !j.open.take() {
		*j.cause = errnoMfile
		return nil, sys.EIO
	}
	f, errno := j.openInside(path, flag, perm)
	if errno != 0 {
		j.open.give()
		return nil, errno
	}
	return &countedFile{File: f, open: j.open}, 0
}

func (j *jail) openInside(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	resolve := j.inside
	if flag&sys.O_NOFOLLOW != 0 {
		resolve = j.parentInside
	}
	target, errno := resolve(path)
	if errno != 0 {
		return nil, errno
	}
	seen, err := j.root.OpenFile(target, osFlags(flag), perm)
	if err != nil {
		return nil, errnoOf(err)
	}
	defer seen.Close()
	info, err := seen.Stat()
	switch {
	case err != nil:
		return nil, errnoOf(err)
	case info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return nil, sys.EACCES // opening it waits for another process, which nobody could end
	case strings.HasSuffix(path, "/"):
		target += "/"
	}
	f, errno := j.files.OpenFile(target, flag&^(sys.O_CREAT|sys.O_EXCL|sys.O_TRUNC), perm)
	if errno != 0 {
		return nil, errno
	}
	if now, errno := f.Stat(); errno != 0 || !same(info, now) {
		_ = f.Close()
		return nil, sys.EACCES // it has been replaced since
	}
	if flag&(sys.O_WRONLY|sys.O_RDWR) != 0 {
		return &writtenFile{File: f, path: filepath.Join(j.path, target), opened: info, cause: j.cause}, 0
	}
	return f, 0
}

// osFlags are those for the first look at a file, which waits for nobody.
func osFlags(flag sys.Oflag) int {
	flags := unix.O_NONBLOCK
	for _, f := range []struct {
		guest sys.Oflag
		host  int
	}{{sys.O_RDWR, os.O_RDWR}, {sys.O_WRONLY, os.O_WRONLY}, {sys.O_CREAT, os.O_CREATE}, {sys.O_EXCL, os.O_EXCL},
		{sys.O_TRUNC, os.O_TRUNC}, {sys.O_DIRECTORY, unix.O_DIRECTORY}} {
		if flag&f.guest != 0 {
			flags |= f.host
		}
	}
	return flags
}

func same(a fs.FileInfo, b wasys.Stat_t) bool {
	first := wasys.NewStat_t(a)
	return first.Dev == b.Dev && first.Ino == b.Ino
}

// Stat implements sys.FS.
func (j *jail) Stat(path string) (wasys.Stat_t, sys.Errno) {
	target, errno := j.inside(path)
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	return status(j.root.Stat(target))
}

// Lstat implements sys.FS.
func (j *jail) Lstat(path string) (wasys.Stat_t, sys.Errno) {
	target, errno := j.parentInside(path)
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	return status(j.root.Lstat(target))
}

func status(info fs.FileInfo, err error) (wasys.Stat_t, sys.Errno) {
	if err != nil {
		return wasys.Stat_t{}, errnoOf(err)
	}
	return wasys.NewStat_t(info), 0
}

// at does something to what a path resolves to.
func at(resolve func(string) (string, sys.Errno), path string, do func(target string) error) sys.Errno {
	target, errno := resolve(path)
	if errno != 0 {
		return errno
	}
	return errnoOf(do(target))
}

// Mkdir implements sys.FS.
func (j *jail) Mkdir(path string, perm fs.FileMode) sys.Errno {
	return at(j.inside, path, func(target string) error { return j.root.Mkdir(target, perm) })
}

// Chmod implements sys.FS.
func (j *jail) Chmod(path string, perm fs.FileMode) sys.Errno {
	return at(j.inside, path, func(target string) error { return j.root.Chmod(target, perm) })
}

// Rename implements sys.FS.
func (j *jail) Rename(from, to string) sys.Errno {
	source, errno := j.parentInside(from)
	if errno != 0 {
		return errno
	}
	return at(j.parentInside, to, func(target string) error { return j.root.Rename(source, target) })
}

// Rmdir implements sys.FS.
func (j *jail) Rmdir(path string) sys.Errno { return j.remove(path, true) }

// Unlink implements sys.FS.
func (j *jail) Unlink(path string) sys.Errno { return j.remove(path, false) }

func (j *jail) remove(path string, directory bool) sys.Errno {
	return at(j.parentInside, path, func(target string) error {
		info, err := j.root.Lstat(target)
		switch {
		case err != nil:
			return err
		case directory && !info.IsDir():
			return syscall.ENOTDIR
		case !directory && info.IsDir():
			return syscall.EISDIR
		}
		return j.root.Remove(target)
	})
}

// Utimens implements sys.FS.
func (j *jail) Utimens(path string, atim, mtim int64) sys.Errno {
	return at(j.inside, path, func(target string) error { return j.root.Chtimes(target, moment(atim), moment(mtim)) })
}

// moment is a time in ns since the epoch; the zero time leaves it as it is.
func moment(ns int64) time.Time {
	if ns == sys.UTIME_OMIT {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// Readlink implements sys.FS.
func (j *jail) Readlink(path string) (string, sys.Errno) {
	target, errno := j.parentInside(path)
	if errno != 0 {
		return "", errno
	}
	link, err := j.root.Readlink(target)
	return link, errnoOf(err)
}

// Link implements sys.FS: guests make no links.
func (j *jail) Link(string, string) sys.Errno { return sys.EPERM }

// Symlink implements sys.FS: guests make no links.
func (j *jail) Symlink(string, string) sys.Errno { return sys.EPERM }

// openFiles counts what an instance has open, and with all others what the worker's guests have: descriptors are the
// process's, and connections to Kafka need some.
type openFiles struct {
	own int // the instance's goroutine only
	all *fileBudget
}

// fileBudget is shared by all guests.
type fileBudget struct {
	max  int64
	used atomic.Int64
}

// newFileBudget leaves half of the descriptors that the process may have to the worker itself.
func newFileBudget() *fileBudget {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return &fileBudget{max: host.OpenFilesMax}
	}
	return &fileBudget{max: int64(min(limit.Cur, 1<<30) / 2)}
}

func (o *openFiles) take() bool {
	if o.own == host.OpenFilesMax {
		return false
	}
	if o.all.used.Add(1) > o.all.max {
		o.all.used.Add(-1)
		return false
	}
	o.own++
	return true
}

func (o *openFiles) give() {
	o.own--
	o.all.used.Add(-1)
}

// countedFile gives its descriptor back.
type countedFile struct {
	sys.File
	open   *openFiles
	closed bool
}

// Close implements sys.File.
func (f *countedFile) Close() sys.Errno {
	if !f.closed {
		f.closed = true
		f.open.give()
	}
	return f.File.Close()
}
