package engine

import (
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// wazero knows few reasons why a write may fail and calls all others an I/O error. An operator has to be told that the
// disk is full, so the reason is found out here and handed to the guest beside wazero.

// writeCause is the WASI error number behind the last I/O error of a write, 0 for none.
type writeCause uint64

// writeCauses are the reasons that WASI has a number for and wazero does not.
var writeCauses = map[syscall.Errno]writeCause{
	syscall.EDQUOT: 19,
	syscall.EFBIG:  22,
	syscall.ENOSPC: 51,
}

// explain replaces an I/O error in the result of a WASI function by its cause.
func (c *writeCause) explain(stack []uint64) {
	if stack[0] == errnoIo && *c != 0 {
		stack[0] = uint64(*c)
	}
	*c = 0
}

// writtenFile is a file that is open for writing.
type writtenFile struct {
	sys.File
	path   string
	opened os.FileInfo
	cause  *writeCause
}

// Write implements sys.File.
func (f *writtenFile) Write(buf []byte) (int, sys.Errno) {
	n, errno := f.File.Write(buf)
	if errno != sys.EIO {
		return n, errno
	}
	at := int64(-1)
	if !f.IsAppend() {
		var failed sys.Errno
		if at, failed = f.Seek(0, io.SeekCurrent); failed != 0 {
			return n, errno
		}
	}
	more, errno := f.again(buf[n:], at)
	if at >= 0 && more > 0 {
		if _, failed := f.Seek(at+int64(more), io.SeekStart); failed != 0 {
			return n, failed
		}
	}
	return n + more, errno
}

// Pwrite implements sys.File.
func (f *writtenFile) Pwrite(buf []byte, at int64) (int, sys.Errno) {
	n, errno := f.File.Pwrite(buf, at)
	if errno != sys.EIO {
		return n, errno
	}
	more, errno := f.again(buf[n:], at+int64(n))
	return n + more, errno
}

// again writes what is left through a handle of our own, whose errors are those of the operating system; at -1 is the
// end of the file.
func (f *writtenFile) again(buf []byte, at int64) (int, sys.Errno) {
	flag := os.O_WRONLY
	if at < 0 {
		flag |= os.O_APPEND
	}
	own, err := os.OpenFile(f.path, flag, 0)
	if err != nil {
		return 0, sys.EIO
	}
	defer own.Close()
	now, err := own.Stat()
	if err != nil || !os.SameFile(now, f.opened) {
		return 0, sys.EIO // another file has taken its place
	}
	var n int
	if at < 0 {
		n, err = own.Write(buf)
	} else {
		n, err = own.WriteAt(buf, at)
	}
	if err == nil {
		return n, 0
	}
	var reason syscall.Errno
	if errors.As(err, &reason) {
		*f.cause = writeCauses[reason]
	}
	return n, sys.EIO
}
