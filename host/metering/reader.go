package metering

import (
	"errors"
	"fmt"
)

// reader reads the binary format; the first error sticks and every read after it gives zeros.
type reader struct {
	b     []byte
	pos   int
	err   error
	types int64 // how many the module defines: references to others are errors
}

var errTruncated = errors.New("unexpected end")

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
		r.pos = len(r.b)
	}
}

func (r *reader) more() bool { return r.err == nil && r.pos < len(r.b) }

func (r *reader) byte() byte {
	if r.pos >= len(r.b) {
		r.fail("%w at byte %d", errTruncated, r.pos)
		return 0
	}
	r.pos++
	return r.b[r.pos-1]
}

func (r *reader) skip(n int) {
	if n < 0 || n > len(r.b)-r.pos {
		r.fail("%w: %d bytes at byte %d", errTruncated, n, r.pos)
		return
	}
	r.pos += n
}

// take returns the next n bytes as a view.
func (r *reader) take(n uint32) []byte {
	start := r.pos
	r.skip(int(n))
	if r.err != nil {
		return nil
	}
	return r.b[start:r.pos]
}

// u32 reads an unsigned LEB128 number of at most five bytes.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.fail("number too large at byte %d", r.pos)
	return 0
}

// s64 reads a signed LEB128 number of at most ten bytes.
func (r *reader) s64() int64 {
	var v int64
	for shift := 0; shift < 70; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << min(shift, 63)
		if c < 0x80 {
			if shift < 57 && c&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
	r.fail("number too large at byte %d", r.pos)
	return 0
}

// count reads the length of a vector; each item takes at least one byte, so a larger one is a lie.
func (r *reader) count() int {
	n := r.u32()
	if int64(n) > int64(len(r.b)-r.pos) {
		r.fail("a vector of %d items does not fit", n)
		return 0
	}
	return int(n)
}

func (r *reader) since(start int) []byte {
	if r.err != nil {
		return nil
	}
	return r.b[start:r.pos]
}

func appendU32(dst []byte, v uint32) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

func appendSigned(dst []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(dst, c)
		}
		dst = append(dst, c|0x80)
	}
}

func appendBytes(dst, b []byte) []byte { return append(appendU32(dst, uint32(len(b))), b...) }
