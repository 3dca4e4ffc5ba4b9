package abi

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Type is the type of a schema (Connect's Schema.Type).
type Type uint8

// Types.
const (
	TypeInt8    Type = 0
	TypeInt16   Type = 1
	TypeInt32   Type = 2
	TypeInt64   Type = 3
	TypeFloat32 Type = 4
	TypeFloat64 Type = 5
	TypeBoolean Type = 6
	TypeString  Type = 7
	TypeBytes   Type = 8
	TypeArray   Type = 9
	TypeMap     Type = 10
	TypeStruct  Type = 11
)

var typeNames = [...]string{"INT8", "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64", "BOOLEAN", "STRING", "BYTES",
	"ARRAY", "MAP", "STRUCT"}

// String is Connect's name of the type.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("TYPE(%d)", uint8(t))
}

// Names of the logical types; they are matched by name alone, as Connect does.
const (
	LogicalDecimal   = "org.apache.kafka.connect.data.Decimal"
	LogicalDate      = "org.apache.kafka.connect.data.Date"
	LogicalTime      = "org.apache.kafka.connect.data.Time"
	LogicalTimestamp = "org.apache.kafka.connect.data.Timestamp"
)

// Schema is Connect's Schema as a Go tree. An empty Name or Doc and a nil Default mean that there is none.
type Schema struct {
	Type       Type
	Optional   bool
	Name       string
	Version    int32
	HasVersion bool
	Doc        string
	Parameters []Parameter // in order
	Default    any         // as Value.Native gives it; a *Struct may have another schema, which the default keeps
	Fields     []Field     // STRUCT
	Key        *Schema     // MAP; nil: not known
	Elem       *Schema     // ARRAY and MAP; nil: not known
}

// Parameter is a schema parameter.
type Parameter struct{ Key, Value string }

// Field is a field of a STRUCT.
type Field struct {
	Name   string
	Schema *Schema // nil: not known
}

const (
	schemaOptional = 1 << iota
	schemaName
	schemaVersion
	schemaDoc
	schemaParameters
	schemaDefault
	schemaOfDefault
	schemaFlagsEnd
)

// DecimalSchema is the logical type Decimal.
func DecimalSchema(scale int32) *Schema {
	return &Schema{Type: TypeBytes, Name: LogicalDecimal, Version: 1, HasVersion: true,
		Parameters: []Parameter{{"scale", strconv.Itoa(int(scale))}}}
}

// DateSchema is the logical type Date: whole days.
func DateSchema() *Schema { return logical(TypeInt32, LogicalDate) }

// TimeSchema is the logical type Time: milliseconds of a day.
func TimeSchema() *Schema { return logical(TypeInt32, LogicalTime) }

// TimestampSchema is the logical type Timestamp: milliseconds since the epoch.
func TimestampSchema() *Schema { return logical(TypeInt64, LogicalTimestamp) }

func logical(t Type, name string) *Schema {
	return &Schema{Type: t, Name: name, Version: 1, HasVersion: true}
}

// Parameter returns the value of a parameter.
func (s *Schema) Parameter(key string) (string, bool) {
	for _, p := range s.Parameters {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// FieldIndex is the index of a STRUCT's field, -1 when there is none of that name.
func (s *Schema) FieldIndex(name string) int {
	return slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
}

// Tag is the tag of non-null values of this schema.
func (s *Schema) Tag() Tag {
	switch s.Name {
	case LogicalDecimal:
		return TagDecimal
	case LogicalDate, LogicalTime, LogicalTimestamp:
		return TagDate
	}
	if s.Type > TypeStruct {
		return TagNull
	}
	return [...]Tag{TagInt8, TagInt16, TagInt32, TagInt64, TagFloat32, TagFloat64, TagBoolean, TagString, TagBytes,
		TagArray, TagMap, TagStruct}[s.Type]
}

// Equal tells whether two schemas are the same, as ConnectSchema.equals does; nil equals nil only. Parameters are
// compared without their order.
func (s *Schema) Equal(o *Schema) bool {
	if s == nil || o == nil || s == o {
		return s == o
	}
	return s.Type == o.Type && s.Optional == o.Optional && s.Name == o.Name && s.Doc == o.Doc &&
		s.HasVersion == o.HasVersion && s.Version == o.Version && equalParameters(s.Parameters, o.Parameters) &&
		reflect.DeepEqual(s.Default, o.Default) && s.Key.Equal(o.Key) && s.Elem.Equal(o.Elem) &&
		slices.EqualFunc(s.Fields, o.Fields, func(a, b Field) bool { return a.Name == b.Name && a.Schema.Equal(b.Schema) })
}

func equalParameters(a, b []Parameter) bool {
	if len(a) != len(b) {
		return false
	}
	byKey := func(x, y Parameter) int { return cmpString(x.Key, y.Key) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), byKey), slices.SortedFunc(slices.Values(b), byKey))
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// AppendSchema appends the encoding of s; nil appends nothing, which a child's length of 0 shows. A Default that does
// not fit its schema is left out.
func AppendSchema(dst []byte, s *Schema) []byte {
	if s == nil {
		return dst
	}
	preset, own := s.encodedDefault()
	flags := schemaFlags(s, !preset.IsNull(), own != nil)
	dst = append(dst, byte(s.Type), flags)
	if flags&schemaName != 0 {
		dst = appendStr(dst, s.Name)
	}
	if flags&schemaVersion != 0 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(s.Version))
	}
	if flags&schemaDoc != 0 {
		dst = appendStr(dst, s.Doc)
	}
	if flags&schemaParameters != 0 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(s.Parameters)))
		for _, p := range s.Parameters {
			dst = appendStr(appendStr(dst, p.Key), p.Value)
		}
	}
	if flags&schemaDefault != 0 {
		dst = append(dst, byte(preset.Tag))
		dst = appendStr(dst, string(preset.Payload))
	}
	if flags&schemaOfDefault != 0 {
		dst = appendChild(dst, own)
	}
	return appendChildren(dst, s)
}

// encodedDefault is the default, null if it fits no schema, and the schema that it keeps; nil: that of s.
func (s *Schema) encodedDefault() (preset Value, own *Schema) {
	if s.Default == nil {
		return Value{}, nil
	}
	own = s.ownOfDefault()
	preset, err := ToValueOf(cmp.Or(own, s), s.Default)
	if err != nil {
		return Value{}, nil
	}
	return preset, own
}

// ownOfDefault is the schema of a default that is a struct, where it is not s itself, with or without its default.
func (s *Schema) ownOfDefault() *Schema {
	x, isStruct := s.Default.(*Struct)
	if !isStruct || x == nil || x.Schema == nil || x.Schema == s || x.Schema.Type != TypeStruct {
		return nil
	}
	bare := *s
	bare.Default = nil
	if x.Schema.Equal(&bare) || x.Schema.Equal(s) {
		return nil
	}
	return x.Schema
}

func schemaFlags(s *Schema, hasDefault, ownOfDefault bool) byte {
	var flags byte
	for i, set := range [...]bool{s.Optional, s.Name != "", s.HasVersion, s.Doc != "", len(s.Parameters) > 0,
		hasDefault, ownOfDefault} {
		if set {
			flags |= 1 << i
		}
	}
	return flags
}

func appendChildren(dst []byte, s *Schema) []byte {
	switch s.Type {
	case TypeArray:
		dst = appendChild(dst, s.Elem)
	case TypeMap:
		dst = appendChild(appendChild(dst, s.Key), s.Elem)
	case TypeStruct:
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(s.Fields)))
		for _, f := range s.Fields {
			dst = appendChild(appendStr(dst, f.Name), f.Schema)
		}
	}
	return dst
}

func appendChild(dst []byte, s *Schema) []byte {
	at := len(dst)
	dst = AppendSchema(append(dst, 0, 0, 0, 0), s)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

func appendStr(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

// ParseSchema reads a schema; it owns no part of b afterwards.
func ParseSchema(b []byte) (*Schema, error) {
	s, err := parseSchema(b, 0)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	return s, nil
}

func parseSchema(b []byte, depth int) (*Schema, error) {
	if depth > DepthMax { // that of what lies in the innermost container stands below its schema
		return nil, fmt.Errorf("deeper than %d", DepthMax)
	}
	r := reader{b: b}
	s := &Schema{Type: Type(r.byte())}
	flags := r.byte()
	if r.err == nil && (s.Type > TypeStruct || flags >= schemaFlagsEnd) {
		return nil, fmt.Errorf("unknown type %d or flags %#x", s.Type, flags)
	}
	s.Optional = flags&schemaOptional != 0
	if flags&schemaName != 0 {
		s.Name = r.str()
	}
	if flags&schemaVersion != 0 {
		s.Version, s.HasVersion = int32(r.u32()), true
	}
	if flags&schemaDoc != 0 {
		s.Doc = r.str()
	}
	if flags&schemaParameters != 0 {
		for range r.count(schemaParametersMax, 8) {
			s.Parameters = append(s.Parameters, Parameter{r.str(), r.str()})
		}
	}
	var preset Value
	madeWith := s
	if flags&schemaDefault != 0 {
		preset = Value{Tag(r.byte()), r.bytes()}
	}
	if flags&schemaOfDefault != 0 {
		madeWith = r.schemaOf(preset, depth)
	}
	parseChildren(&r, s, depth)
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d bytes too many", len(r.b))
	}
	if r.err == nil && flags&schemaDefault != 0 {
		s.Default, r.err = preset.Native(madeWith)
	}
	return s, r.err
}

// schemaOf reads the schema of a default's own, which only a struct may have.
func (r *reader) schemaOf(preset Value, depth int) *Schema {
	own := r.child(depth)
	if r.err == nil && (own == nil || own.Type != TypeStruct || preset.Tag != TagStruct) {
		r.err = errors.New("a default with a schema of its own that is no struct")
	}
	return own
}

func parseChildren(r *reader, s *Schema, depth int) {
	switch s.Type {
	case TypeArray:
		s.Elem = r.child(depth)
	case TypeMap:
		s.Key = r.child(depth)
		s.Elem = r.child(depth)
	case TypeStruct:
		for range r.count(schemaFieldsMax, 8) {
			s.Fields = append(s.Fields, Field{r.str(), r.child(depth)})
		}
	}
}

// reader takes numbers and strings off b; after the first error it gives zero values.
type reader struct {
	b   []byte
	err error
}

var errShort = errors.New("ends early")

func (r *reader) take(n uint32) []byte {
	if r.err != nil || uint64(n) > uint64(len(r.b)) {
		if r.err == nil {
			r.err = errShort
		}
		return nil
	}
	taken := r.b[:n:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) bytes() []byte { return r.take(r.u32()) }

func (r *reader) str() string {
	b := r.bytes()
	if r.err == nil && !utf8.Valid(b) {
		r.err = errors.New("string is not UTF-8")
	}
	return string(b)
}

// count reads a number of things of at least size bytes each.
func (r *reader) count(limit, size int) int {
	n := int64(r.u32())
	if r.err == nil && (n > int64(limit) || n*int64(size) > int64(len(r.b))) {
		r.err = fmt.Errorf("count %d does not fit", n)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

func (r *reader) child(depth int) *Schema {
	b := r.bytes()
	if r.err != nil || len(b) == 0 {
		return nil
	}
	s, err := parseSchema(b, depth+1)
	if err != nil {
		r.err = err
	}
	return s
}
