package abi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// Tag names the class of a value in memory.
type Tag uint8

// Tags.
const (
	TagNull    Tag = 0
	TagRaw     Tag = 1 // the serialised form; only as a record's key, value or header
	TagInt8    Tag = 2
	TagInt16   Tag = 3
	TagInt32   Tag = 4
	TagInt64   Tag = 5
	TagFloat32 Tag = 6
	TagFloat64 Tag = 7
	TagBoolean Tag = 8
	TagString  Tag = 9
	TagBytes   Tag = 10
	TagArray   Tag = 11
	TagMap     Tag = 12
	TagStruct  Tag = 13
	TagDecimal Tag = 14
	TagDate    Tag = 15
	TagBigInt  Tag = 16
	TagObject  Tag = 17 // of a class that Connect has no type for
)

const tagLast = TagObject

var tagNames = [...]string{"NULL", "RAW", "INT8", "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64", "BOOLEAN",
	"STRING", "BYTES", "ARRAY", "MAP", "STRUCT", "DECIMAL", "DATE", "BIGINT", "OBJECT"}

// String is the tag's name in LAYOUT.md.
func (t Tag) String() string {
	if int(t) < len(tagNames) {
		return tagNames[t]
	}
	return fmt.Sprintf("TAG(%d)", uint8(t))
}

// Value is a view of an encoded value. Its accessors read in place; on another tag or a malformed payload they return
// the zero value, so a caller that cares asks Tag first, or ValidateValue once.
type Value struct {
	Tag     Tag
	Payload []byte
}

// IsNull tells whether the value is null.
func (v Value) IsNull() bool { return v.Tag == TagNull }

// Int8 returns an INT8.
func (v Value) Int8() int8 {
	if v.Tag != TagInt8 || len(v.Payload) != 1 {
		return 0
	}
	return int8(v.Payload[0])
}

// Int16 returns an INT16.
func (v Value) Int16() int16 {
	if v.Tag != TagInt16 || len(v.Payload) != 2 {
		return 0
	}
	return int16(binary.LittleEndian.Uint16(v.Payload))
}

// Int32 returns an INT32.
func (v Value) Int32() int32 {
	if v.Tag != TagInt32 || len(v.Payload) != 4 {
		return 0
	}
	return int32(binary.LittleEndian.Uint32(v.Payload))
}

// Int64 returns an integer of any width, or the milliseconds of a DATE.
func (v Value) Int64() int64 {
	switch v.Tag {
	case TagInt8:
		return int64(v.Int8())
	case TagInt16:
		return int64(v.Int16())
	case TagInt32:
		return int64(v.Int32())
	case TagInt64, TagDate:
		if len(v.Payload) == 8 {
			return int64(binary.LittleEndian.Uint64(v.Payload))
		}
	}
	return 0
}

// Float32 returns a FLOAT32.
func (v Value) Float32() float32 {
	if v.Tag != TagFloat32 || len(v.Payload) != 4 {
		return 0
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(v.Payload))
}

// Float64 returns a FLOAT64 or FLOAT32.
func (v Value) Float64() float64 {
	if v.Tag == TagFloat32 {
		return float64(v.Float32())
	}
	if v.Tag != TagFloat64 || len(v.Payload) != 8 {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(v.Payload))
}

// Bool returns a BOOLEAN.
func (v Value) Bool() bool { return v.Tag == TagBoolean && len(v.Payload) == 1 && v.Payload[0] == 1 }

// String returns a copy of a STRING's text, with U+FFFD for half a surrogate pair; "" for anything else.
func (v Value) String() string {
	if v.Tag != TagString {
		units, _ := v.Halved()
		return string(utf16.Decode(units))
	}
	return string(v.Payload)
}

// Bytes returns the bytes of a STRING, BYTES or RAW in place.
func (v Value) Bytes() []byte {
	if v.Tag == TagString || v.Tag == TagBytes || v.Tag == TagRaw {
		return v.Payload
	}
	return nil
}

// table locates the table of ends behind a container's items: its offset and the number of items (2 per map entry).
func (v Value) table() (at, items int) {
	n, tail, per := 0, 4, 1
	switch v.Tag {
	case TagArray:
	case TagMap:
		per = 2
	case TagStruct:
		tail = 8
	default:
		return 0, 0
	}
	if len(v.Payload) < tail {
		return 0, 0
	}
	count := uint64(binary.LittleEndian.Uint32(v.Payload[len(v.Payload)-4:])) * uint64(per)
	if count*4+uint64(tail) > uint64(len(v.Payload)) {
		return 0, 0
	}
	n = int(count)
	return len(v.Payload) - tail - 4*n, n
}

// Len is the number of items of an ARRAY, pairs of a MAP or fields of a STRUCT; 0 for anything else.
func (v Value) Len() int {
	_, n := v.table()
	if v.Tag == TagMap {
		n /= 2
	}
	return n
}

// itemAt reads item i of n whose table of ends is at.
func (v Value) itemAt(at, n, i int) (Value, bool) {
	if i < 0 || i >= n {
		return Value{}, false
	}
	var begin uint32
	if i > 0 {
		begin = binary.LittleEndian.Uint32(v.Payload[at+4*i-4:])
	}
	end := binary.LittleEndian.Uint32(v.Payload[at+4*i:])
	if begin >= end || uint64(end) > uint64(at) {
		return Value{}, false
	}
	return Value{Tag(v.Payload[begin]), v.Payload[begin+1 : end : end]}, true
}

// Item returns item i of an ARRAY or field i of a STRUCT.
func (v Value) Item(i int) Value {
	if v.Tag == TagMap {
		return Value{}
	}
	at, n := v.table()
	item, _ := v.itemAt(at, n, i)
	return item
}

// Entry returns pair i of a MAP.
func (v Value) Entry(i int) (key, value Value) {
	if v.Tag != TagMap || i < 0 {
		return Value{}, Value{}
	}
	at, n := v.table()
	key, _ = v.itemAt(at, n, 2*i)
	value, _ = v.itemAt(at, n, 2*i+1)
	return key, value
}

// Get returns the value of a MAP's first STRING key that equals key.
func (v Value) Get(key string) (Value, bool) {
	if v.Tag != TagMap {
		return Value{}, false
	}
	at, n := v.table()
	for i := 0; i+1 < n; i += 2 {
		k, ok := v.itemAt(at, n, i)
		if ok && k.Tag == TagString && string(k.Payload) == key {
			return v.itemAt(at, n, i+1)
		}
	}
	return Value{}, false
}

// StructSchema is the index of a STRUCT's schema in its batch, None when the schema declared around it counts.
func (v Value) StructSchema() uint32 {
	if v.Tag != TagStruct || len(v.Payload) < 8 {
		return None
	}
	return binary.LittleEndian.Uint32(v.Payload[len(v.Payload)-8:])
}

var errPayload = errors.New("malformed payload")

// object reads an OBJECT; false: the payload is malformed.
func (v Value) object() (Object, bool) {
	r := reader{b: v.Payload}
	class := r.str()
	return Object{class, string(r.b)}, r.err == nil && utf8.Valid(r.b)
}

// ValidateValue walks a value of any depth and returns why it is malformed. Structs may name any schema index.
// RAW is allowed at the top only.
func ValidateValue(v Value) error { return validateValue(v, None, 0) }

// validateValue is ValidateValue for a batch of so many schemas; None does not check indices.
func validateValue(v Value, schemas uint32, depth int) error {
	size := len(v.Payload)
	ok := true
	switch v.Tag {
	case TagNull:
		ok = size == 0
	case TagRaw:
		ok = depth == 0
	case TagInt8:
		ok = size == 1
	case TagBoolean:
		ok = size == 1 && v.Payload[0] <= 1
	case TagInt16:
		ok = size == 2
	case TagInt32, TagFloat32:
		ok = size == 4
	case TagInt64, TagFloat64, TagDate:
		ok = size == 8
	case TagString:
		ok = utf8.Valid(v.Payload)
	case TagBytes:
	case TagArray, TagMap, TagStruct:
		return validateItems(v, schemas, depth)
	case TagDecimal:
		ok = size >= 5 && isShortest(v.Payload[4:])
	case TagBigInt:
		ok = isShortest(v.Payload)
	case TagObject:
		_, ok = v.object()
	default:
		return fmt.Errorf("unknown tag %d", uint8(v.Tag))
	}
	if !ok {
		return fmt.Errorf("%s of %d bytes: %w", v.Tag, size, errPayload)
	}
	return nil
}

func validateItems(v Value, schemas uint32, depth int) error {
	if depth >= DepthMax {
		return fmt.Errorf("value is deeper than %d", DepthMax)
	}
	at, n := v.table()
	if n == 0 && !emptyContainer(v) {
		return fmt.Errorf("%s: table of items: %w", v.Tag, errPayload)
	}
	if s := v.StructSchema(); schemas != None && s != None && s >= schemas {
		return fmt.Errorf("struct names schema %d of %d", s, schemas)
	}
	end := 0
	for i := range n {
		item, ok := v.itemAt(at, n, i)
		if !ok {
			return fmt.Errorf("%s: item %d: %w", v.Tag, i, errPayload)
		}
		if err := validateValue(item, schemas, depth+1); err != nil {
			return err
		}
		end += 1 + len(item.Payload)
	}
	if end != at {
		return fmt.Errorf("%s: %d bytes of items, table at %d: %w", v.Tag, end, at, errPayload)
	}
	return nil
}

// emptyContainer tells a container that says it has no items from one whose table does not fit.
func emptyContainer(v Value) bool {
	size := 4
	if v.Tag == TagStruct {
		size = 8
	}
	return len(v.Payload) == size && binary.LittleEndian.Uint32(v.Payload[size-4:]) == 0
}

// isShortest tells whether b is a two's complement number without superfluous leading bytes.
func isShortest(b []byte) bool {
	switch {
	case len(b) == 0:
		return false
	case len(b) == 1:
		return true
	}
	return !(b[0] == 0 && b[1] < 0x80) && !(b[0] == 0xFF && b[1] >= 0x80)
}

// AppendValueBody appends a value body: tag, payload.
func AppendValueBody(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.Tag))
	return append(dst, v.Payload...)
}

// ParseValueBody reads and validates a value body, the form of control events and messages; RAW is refused.
func ParseValueBody(b []byte) (Value, error) {
	if len(b) == 0 {
		return Value{}, errors.New("read value body: empty")
	}
	v := Value{Tag(b[0]), b[1:]}
	if v.Tag == TagRaw {
		return Value{}, errors.New("read value body: RAW is for records only")
	}
	if err := ValidateValue(v); err != nil {
		return Value{}, fmt.Errorf("read value body: %w", err)
	}
	return v, nil
}
