// Package javamap reads and writes what Java's object serialisation makes of a HashMap<byte[], byte[]>, the form in
// which Kafka Connect's standalone worker keeps source offsets (FileOffsetBackingStore). The grammar is chapter 6 of the
// Java Object Serialization Specification; everything in it that such a map never needs is refused.
package javamap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Entry is one mapping; a nil Value is null.
type Entry struct{ Key, Value []byte }

// Type codes of the stream.
const (
	codeNull      = 0x70
	codeReference = 0x71
	codeClass     = 0x72
	codeObject    = 0x73
	codeArray     = 0x75
	codeBlock     = 0x77
	codeEndBlock  = 0x78

	firstHandle = 0x7e0000
)

// class is the description of a class as ObjectOutputStream writes it, from its type code to its absent superclass.
type class struct {
	name string
	text []byte
}

var (
	header  = []byte{0xac, 0xed, 0, 5}
	hashMap = class{"java.util.HashMap", describe("java.util.HashMap", 0x0507dac1c31660d1,
		flagWriteObject|flagSerializable, "F\x00\x0aloadFactor", "I\x00\x09threshold")}
	byteArray = class{"byte[]", describe("[B", 0xacf317f8060854e0, flagSerializable)}
)

const (
	flagWriteObject  = 1 // the class has a writeObject method
	flagSerializable = 2
)

func describe(name string, version uint64, flags byte, fields ...string) []byte {
	text := binary.BigEndian.AppendUint16([]byte{codeClass}, uint16(len(name)))
	text = binary.BigEndian.AppendUint64(append(text, name...), version)
	text = binary.BigEndian.AppendUint16(append(text, flags), uint16(len(fields)))
	for _, field := range fields {
		text = append(text, field...)
	}
	return append(text, codeEndBlock, codeNull)
}

// Table sizes of HashMap.
const (
	loadFactor = 0.75
	bucketsMin = 16
)

// Encode writes entries in their order, which has no meaning to Java.
func Encode(entries []Entry) []byte {
	buckets, threshold := tableOf(len(entries))
	out := append(append(bytes.Clone(header), codeObject), hashMap.text...)
	out = binary.BigEndian.AppendUint32(out, math.Float32bits(loadFactor))
	out = binary.BigEndian.AppendUint32(out, threshold)
	out = binary.BigEndian.AppendUint32(append(out, codeBlock, 8), buckets)
	out = binary.BigEndian.AppendUint32(out, uint32(len(entries)))
	arrayClass := byteArray.text
	for _, entry := range entries {
		for _, array := range [][]byte{entry.Key, entry.Value} {
			if array == nil {
				out = append(out, codeNull)
				continue
			}
			out = append(append(out, codeArray), arrayClass...)
			out = binary.BigEndian.AppendUint32(out, uint32(len(array)))
			out = append(out, array...)
			// The second description of a class is a reference to the first: the map's class and the map came before.
			arrayClass = binary.BigEndian.AppendUint32([]byte{codeReference}, firstHandle+2)
		}
	}
	return append(out, codeEndBlock)
}

// tableOf is the size of the table that a HashMap has grown to, and the number of entries at which it grows again.
func tableOf(entries int) (buckets, threshold uint32) {
	buckets = bucketsMin
	if entries == 0 {
		return buckets, 0 // there is no table yet
	}
	for entries > int(buckets/4*3) {
		buckets *= 2
	}
	return buckets, buckets / 4 * 3
}

// Decode reads a map whole. Errors say at which byte the data is not such a map.
func Decode(data []byte) ([]Entry, error) {
	d := decoder{data: data}
	entries := d.hashMap()
	if d.err == nil && d.at != len(data) {
		d.fail("%d more bytes after the map", len(data)-d.at)
	}
	if d.err != nil {
		return nil, d.err
	}
	return entries, nil
}

// decoder stops at the first error; what it returns afterwards means nothing.
type decoder struct {
	data    []byte
	at      int
	handles []any // what references can mean: a class, an array, nil for the map itself
	err     error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("at byte %d: %w", d.at, fmt.Errorf(format, args...))
	}
}

var errCut = errors.New("the data ends early")

// take returns the next n bytes.
func (d *decoder) take(n int) []byte {
	if d.err == nil && n > len(d.data)-d.at {
		d.fail("%w", errCut)
	}
	if d.err != nil {
		return nil
	}
	d.at += n
	return d.data[d.at-n : d.at]
}

func (d *decoder) code() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) int32() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// expect takes bytes that can't be others.
func (d *decoder) expect(what string, want ...byte) {
	start := d.at
	if got := d.take(len(want)); d.err == nil && !bytes.Equal(got, want) {
		d.at = start
		d.fail("%s is expected", what)
	}
}

func (d *decoder) hashMap() []Entry {
	d.expect("the header of a Java object stream", header...)
	d.expect("an object", codeObject)
	d.class(hashMap)
	d.handles = append(d.handles, nil)
	d.take(8) // loadFactor and threshold; Java goes by the size, too
	d.expect("the map's size", codeBlock, 8)
	d.take(4) // buckets
	size := d.int32()
	if size < 0 {
		d.fail("a map of %d entries", size)
	}
	var entries []Entry
	for i := 0; i < int(size) && d.err == nil; i++ {
		entry := Entry{d.array(), d.array()}
		if entry.Key == nil {
			d.fail("a null key")
		}
		entries = append(entries, entry)
	}
	d.expect("the end of the map", codeEndBlock)
	return entries
}

// class reads the description of a class that must be want, or a reference to it.
func (d *decoder) class(want class) {
	if d.at < len(d.data) && d.data[d.at] == codeReference {
		d.at++
		if known, is := d.reference().(class); d.err == nil && (!is || known.name != want.name) {
			d.fail("a reference to the class %s is expected", want.name)
		}
		return
	}
	d.expect("the class "+want.name, want.text...)
	d.handles = append(d.handles, want)
}

// reference returns what a handle stands for.
func (d *decoder) reference() any {
	handle := int(d.int32()) - firstHandle
	if d.err == nil && (handle < 0 || handle >= len(d.handles)) {
		d.fail("a reference to nothing")
	}
	if d.err != nil {
		return nil
	}
	return d.handles[handle]
}

// array reads a byte[]; nil for null.
func (d *decoder) array() []byte {
	switch d.code() {
	case codeNull:
		return nil
	case codeReference: // the same array as one before
		known, is := d.reference().([]byte)
		if !is {
			d.fail("a reference to an array is expected")
		}
		return known
	case codeArray:
		d.class(byteArray)
		length := d.int32()
		if length < 0 {
			d.fail("an array of %d bytes", length)
			return nil
		}
		array := bytes.Clone(d.take(int(length)))
		d.handles = append(d.handles, array)
		return array
	}
	d.fail("an array or null is expected")
	return nil
}
