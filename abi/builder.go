package abi

import (
	"encoding/binary"
	"math"
	"math/big"
)

// Builder writes one value body (tag, payload) in one pass: scalars append, containers are opened, filled and closed
// with End. Its zero value is ready; Reset makes it ready again and keeps the memory. Map keys and values alternate.
type Builder struct {
	buf  []byte
	open []frame
	ends []uint32 // ends of the items of all open containers, innermost last
}

type frame struct {
	tag    Tag
	start  int // where the payload begins in buf
	ends   int // where its ends begin in Builder.ends
	schema uint32
}

// Reset forgets what was written.
func (b *Builder) Reset() {
	b.buf, b.open, b.ends = b.buf[:0], b.open[:0], b.ends[:0]
}

// Bytes is the value body; it stays valid until the next call of a method.
func (b *Builder) Bytes() []byte { return b.buf }

// Value is the value that was written, null when nothing was.
func (b *Builder) Value() Value {
	if len(b.buf) == 0 {
		return Value{}
	}
	return Value{Tag(b.buf[0]), b.buf[1:]}
}

// ended notes the end of an item in the container around it.
func (b *Builder) ended() {
	if len(b.open) == 0 {
		return
	}
	b.ends = append(b.ends, uint32(len(b.buf)-b.open[len(b.open)-1].start))
}

// Null writes null.
func (b *Builder) Null() { b.Put(Value{}) }

// Put writes an encoded value as it is.
func (b *Builder) Put(v Value) {
	b.buf = AppendValueBody(b.buf, v)
	b.ended()
}

// Int8 writes an INT8.
func (b *Builder) Int8(x int8) {
	b.buf = append(b.buf, byte(TagInt8), byte(x))
	b.ended()
}

// Int16 writes an INT16.
func (b *Builder) Int16(x int16) {
	b.buf = binary.LittleEndian.AppendUint16(append(b.buf, byte(TagInt16)), uint16(x))
	b.ended()
}

// Int32 writes an INT32.
func (b *Builder) Int32(x int32) {
	b.buf = binary.LittleEndian.AppendUint32(append(b.buf, byte(TagInt32)), uint32(x))
	b.ended()
}

// Int64 writes an INT64.
func (b *Builder) Int64(x int64) { b.word(TagInt64, uint64(x)) }

// Date writes a DATE: milliseconds since the epoch.
func (b *Builder) Date(ms int64) { b.word(TagDate, uint64(ms)) }

// Float32 writes a FLOAT32.
func (b *Builder) Float32(x float32) {
	b.buf = binary.LittleEndian.AppendUint32(append(b.buf, byte(TagFloat32)), math.Float32bits(x))
	b.ended()
}

// Float64 writes a FLOAT64.
func (b *Builder) Float64(x float64) { b.word(TagFloat64, math.Float64bits(x)) }

func (b *Builder) word(tag Tag, x uint64) {
	b.buf = binary.LittleEndian.AppendUint64(append(b.buf, byte(tag)), x)
	b.ended()
}

// Bool writes a BOOLEAN.
func (b *Builder) Bool(x bool) {
	var bit byte
	if x {
		bit = 1
	}
	b.buf = append(b.buf, byte(TagBoolean), bit)
	b.ended()
}

// String writes a STRING.
func (b *Builder) String(s string) {
	b.buf = append(append(b.buf, byte(TagString)), s...)
	b.ended()
}

// OptString writes a STRING, or null for nil.
func (b *Builder) OptString(s *string) {
	if s == nil {
		b.Null()
		return
	}
	b.String(*s)
}

// BytesValue writes BYTES.
func (b *Builder) BytesValue(x []byte) {
	b.buf = append(append(b.buf, byte(TagBytes)), x...)
	b.ended()
}

// Decimal writes a DECIMAL.
func (b *Builder) Decimal(d Decimal) {
	b.buf = binary.LittleEndian.AppendUint32(append(b.buf, byte(TagDecimal)), uint32(d.Scale))
	b.buf = appendBigInt(b.buf, d.Unscaled)
	b.ended()
}

// BigInt writes a BIGINT; nil counts as zero.
func (b *Builder) BigInt(x *big.Int) {
	b.buf = appendBigInt(append(b.buf, byte(TagBigInt)), x)
	b.ended()
}

// Object writes an OBJECT.
func (b *Builder) Object(o Object) {
	b.buf = append(appendStr(append(b.buf, byte(TagObject)), o.Class), o.Text...)
	b.ended()
}

// BeginArray opens an ARRAY.
func (b *Builder) BeginArray() { b.begin(TagArray, None) }

// BeginMap opens a MAP.
func (b *Builder) BeginMap() { b.begin(TagMap, None) }

// BeginStruct opens a STRUCT; schema is an index in the batch's schemas, or None for the one declared around it.
func (b *Builder) BeginStruct(schema uint32) { b.begin(TagStruct, schema) }

func (b *Builder) begin(tag Tag, schema uint32) {
	b.buf = append(b.buf, byte(tag))
	b.open = append(b.open, frame{tag, len(b.buf), len(b.ends), schema})
}

// End closes the innermost container; without one it does nothing.
func (b *Builder) End() {
	if len(b.open) == 0 {
		return
	}
	f := b.open[len(b.open)-1]
	ends := b.ends[f.ends:]
	for _, end := range ends {
		b.buf = binary.LittleEndian.AppendUint32(b.buf, end)
	}
	n := len(ends)
	switch f.tag {
	case TagMap:
		n /= 2
	case TagStruct:
		b.buf = binary.LittleEndian.AppendUint32(b.buf, f.schema)
	}
	b.buf = binary.LittleEndian.AppendUint32(b.buf, uint32(n))
	b.ends, b.open = b.ends[:f.ends], b.open[:len(b.open)-1]
	b.ended()
}

// appendBigInt appends x in two's complement, big endian, shortest form.
func appendBigInt(dst []byte, x *big.Int) []byte {
	if x == nil || x.Sign() == 0 {
		return append(dst, 0)
	}
	if x.Sign() > 0 {
		b := x.Bytes()
		if b[0] >= 0x80 {
			dst = append(dst, 0)
		}
		return append(dst, b...)
	}
	// -x-1 has the inverted bits of x's two's complement.
	b := new(big.Int).Not(x).Bytes()
	if len(b) == 0 || b[0] >= 0x80 {
		dst = append(dst, 0xFF)
	}
	for _, c := range b {
		dst = append(dst, ^c)
	}
	return dst
}

// parseBigInt reads two's complement, big endian.
func parseBigInt(b []byte) *big.Int {
	x := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return x
}
