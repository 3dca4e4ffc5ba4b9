package wasmbin

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// errShort: a number or name that goes beyond its section.
var errShort = errors.New("it ends in the middle of an entry")

// reader walks over a part of a module. The first error stays; what is read after it is zero.
type reader struct {
	bytes []byte
	at    int
	err   error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.at = len(r.bytes)
}

func (r *reader) failf(format string, args ...any) { r.fail(fmt.Errorf(format, args...)) }

func (r *reader) left() int { return len(r.bytes) - r.at }

func (r *reader) byte() byte {
	if r.left() == 0 {
		r.fail(errShort)
		return 0
	}
	r.at++
	return r.bytes[r.at-1]
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(r.left()) {
		r.fail(errShort)
		return nil
	}
	r.at += int(n)
	return r.bytes[r.at-int(n) : r.at]
}

// uint reads an unsigned LEB128 number of that many bits.
func (r *reader) uint(bits int) uint64 {
	var n uint64
	for shift := 0; ; shift += 7 {
		b := r.byte()
		if r.err != nil {
			return 0
		}
		if shift+7 > bits && b>>(bits-shift) != 0 {
			r.failf("a number at byte %d has more than %d bits", r.at, bits)
			return 0
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
}

func (r *reader) u32() uint32 { return uint32(r.uint(32)) }

// count reads the number of entries that follow and holds it against a limit; each entry has a byte at least.
func (r *reader) count(what string, limit int) int {
	n := r.u32()
	if r.err == nil && uint64(n) > uint64(limit) {
		r.failf("%d %s; at most %d are taken: split the module, or let the linker remove what is not used",
			n, what, limit)
	}
	if r.err == nil && uint64(n) > uint64(r.left()) {
		r.fail(errShort)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

func (r *reader) name() string {
	b := r.take(uint64(r.u32()))
	if !utf8.Valid(b) {
		r.failf("a name before byte %d is not UTF-8", r.at)
	}
	return string(b)
}
