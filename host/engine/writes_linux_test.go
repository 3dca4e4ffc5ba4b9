package engine

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
)

func openIn(t *testing.T, dir, name string, flag sys.Oflag, cause *writeCause) sys.File {
	t.Helper()
	j, err := newJail(dir, &openFiles{all: newFileBudget()}, cause)
	if err != nil {
		t.Fatal(err)
	}
	f, errno := j.OpenFile(name, flag, 0o600)
	if errno != 0 {
		t.Fatal(errno)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestAFullDiskIsNoIOError(t *testing.T) {
	for _, flag := range []sys.Oflag{sys.O_WRONLY, sys.O_RDWR, sys.O_WRONLY | sys.O_APPEND} {
		var cause writeCause
		f := openIn(t, "/dev", "full", flag, &cause)
		if _, errno := f.Write([]byte("text")); errno != sys.EIO || cause != 51 {
			t.Errorf("write with flags %x: %v, cause %d, want an I/O error by ENOSPC", flag, errno, cause)
		}
		stack := []uint64{errnoIo}
		if cause.explain(stack); stack[0] != 51 || cause != 0 {
			t.Errorf("the guest gets %d, and %d is left", stack[0], cause)
		}
		if cause.explain(stack); stack[0] != 51 {
			t.Errorf("another error became %d", stack[0])
		}
	}
}

// What fails once through wazero's handle and works through ours has been written, once, where it belongs.
func TestTheSecondAttemptOfAWriteCounts(t *testing.T) {
	dir := t.TempDir()
	cases := []struct {
		name string
		flag sys.Oflag
		at   int64
		want string
	}{
		{"append", sys.O_WRONLY | sys.O_APPEND, -1, "abcdef++"},
		{"in place", sys.O_RDWR, 2, "ab++ef"},
	}
	for _, c := range cases {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, []byte("abcdef"), 0o600); err != nil {
			t.Fatal(err)
		}
		f := openIn(t, dir, c.name, c.flag, new(writeCause)).(*countedFile).File.(*writtenFile)
		if n, errno := f.again([]byte("++"), c.at); n != 2 || errno != 0 {
			t.Errorf("%s: %d, %v", c.name, n, errno)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: the file holds %q, %v; want %q", c.name, got, err, c.want)
		}
		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if n, errno := f.again([]byte("++"), c.at); n != 0 || errno != sys.EIO {
			t.Errorf("%s: %d bytes went to a file that took its place, %v", c.name, n, errno)
		}
	}
}

func TestAFileForReadingIsPassedOn(t *testing.T) {
	f := openIn(t, "/dev", "null", sys.O_RDONLY, new(writeCause))
	if _, wrapped := f.(*writtenFile); wrapped {
		t.Error("a file that is only read is wrapped")
	}
	if at, errno := f.Seek(0, io.SeekCurrent); at != 0 || errno != 0 {
		t.Errorf("seek: %d, %v", at, errno)
	}
}
