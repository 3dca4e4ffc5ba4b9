package engine

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/berth-connect/berth/host/metering"
)

// image is the memory that a module begins with, in a file without a name: instances map it copy-on-write, so what none
// of them writes to is there once, however many run.
type image struct {
	file  *os.File
	bytes int // whole pages
}

// newImage returns nil for a module that begins with empty memory.
func newImage(segments []metering.Segment) (*image, error) {
	if len(segments) == 0 {
		return nil, nil
	}
	file, err := os.CreateTemp("", "berth-image-")
	if err != nil {
		return nil, fmt.Errorf("make memory image: %w", err)
	}
	end := 0
	for _, s := range segments {
		if _, err = file.WriteAt(s.Bytes, int64(s.Offset)); err != nil {
			break
		}
		end = max(end, int(s.Offset)+len(s.Bytes))
	}
	i := &image{file, (end + os.Getpagesize() - 1) &^ (os.Getpagesize() - 1)}
	if err = errors.Join(err, file.Truncate(int64(i.bytes)), os.Remove(file.Name())); err != nil {
		return nil, errors.Join(fmt.Errorf("make memory image: %w", err), file.Close())
	}
	return i, nil
}

// mapOver puts the image at the beginning of a reserved range.
func (i *image) mapOver(reserved []byte) error {
	if i == nil {
		return nil
	}
	_, err := unix.MmapPtr(int(i.file.Fd()), 0, unsafe.Pointer(&reserved[0]), uintptr(i.bytes),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	return err
}

func (i *image) close() error {
	if i == nil {
		return nil
	}
	return i.file.Close()
}
