package engine

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	wasys "github.com/tetratelabs/wazero/sys"
)

// jail is a granted directory as a guest sees it. wazero's own DirFS follows symbolic links out of the directory and
// lets a guest make them; here a path whose links lead outside is refused, and guests make no links.
type jail struct {
	sys.FS
	root  string      // absolute, links resolved
	cause *writeCause // of the instance
}

func newJail(dir string, cause *writeCause) (sys.FS, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "grant", Path: dir, Err: sys.ENOTDIR}
	}
	return &jail{FS: sysfs.DirFS(root), root: root, cause: cause}, nil
}

// inside resolves the links of the longest part of path that exists and tells whether it is still in the jail.
func (j *jail) inside(path string) bool {
	full := filepath.Join(j.root, path)
	if !within(full, j.root) {
		return false
	}
	for p := full; within(p, j.root); p = filepath.Dir(p) {
		real, err := filepath.EvalSymlinks(p)
		if err == nil {
			return within(real, j.root)
		}
		if _, err := os.Lstat(p); err == nil {
			return false // a link that leads nowhere: opening it could create its target
		}
	}
	return true
}

func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

// OpenFile implements sys.FS.
func (j *jail) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	if !j.inside(path) {
		return nil, sys.EACCES
	}
	f, errno := j.FS.OpenFile(path, flag, perm)
	if errno != 0 || flag&(sys.O_WRONLY|sys.O_RDWR) == 0 {
		return f, errno
	}
	return newWrittenFile(f, filepath.Join(j.root, path), j.cause), 0
}

// Stat implements sys.FS.
func (j *jail) Stat(path string) (wasys.Stat_t, sys.Errno) {
	if !j.inside(path) {
		return wasys.Stat_t{}, sys.EACCES
	}
	return j.FS.Stat(path)
}

// Lstat implements sys.FS.
func (j *jail) Lstat(path string) (wasys.Stat_t, sys.Errno) {
	if !j.inside(filepath.Dir(path)) {
		return wasys.Stat_t{}, sys.EACCES
	}
	return j.FS.Lstat(path)
}

// Mkdir implements sys.FS.
func (j *jail) Mkdir(path string, perm fs.FileMode) sys.Errno {
	if !j.inside(path) {
		return sys.EACCES
	}
	return j.FS.Mkdir(path, perm)
}

// Chmod implements sys.FS.
func (j *jail) Chmod(path string, perm fs.FileMode) sys.Errno {
	if !j.inside(path) {
		return sys.EACCES
	}
	return j.FS.Chmod(path, perm)
}

// Rename implements sys.FS.
func (j *jail) Rename(from, to string) sys.Errno {
	if !j.inside(filepath.Dir(from)) || !j.inside(filepath.Dir(to)) {
		return sys.EACCES
	}
	return j.FS.Rename(from, to)
}

// Rmdir implements sys.FS.
func (j *jail) Rmdir(path string) sys.Errno {
	if !j.inside(path) {
		return sys.EACCES
	}
	return j.FS.Rmdir(path)
}

// Unlink implements sys.FS.
func (j *jail) Unlink(path string) sys.Errno {
	if !j.inside(filepath.Dir(path)) {
		return sys.EACCES
	}
	return j.FS.Unlink(path)
}

// Utimens implements sys.FS.
func (j *jail) Utimens(path string, atim, mtim int64) sys.Errno {
	if !j.inside(path) {
		return sys.EACCES
	}
	return j.FS.Utimens(path, atim, mtim)
}

// Readlink implements sys.FS.
func (j *jail) Readlink(path string) (string, sys.Errno) {
	if !j.inside(filepath.Dir(path)) {
		return "", sys.EACCES
	}
	return j.FS.Readlink(path)
}

// Link implements sys.FS: guests make no links.
func (j *jail) Link(string, string) sys.Errno { return sys.EPERM }

// Symlink implements sys.FS: guests make no links.
func (j *jail) Symlink(string, string) sys.Errno { return sys.EPERM }
