package abi

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Decimal is Connect's Decimal: Unscaled × 10^-Scale.
type Decimal struct {
	Unscaled *big.Int
	Scale    int32
}

// String is the plain decimal notation.
func (d Decimal) String() string {
	if d.Unscaled == nil {
		return "0"
	}
	digits := new(big.Int).Abs(d.Unscaled).String()
	sign := ""
	if d.Unscaled.Sign() < 0 {
		sign = "-"
	}
	if d.Scale <= 0 {
		return fmt.Sprintf("%s%se%d", sign, digits, -int64(d.Scale))
	}
	for int64(len(digits)) <= int64(d.Scale) && d.Scale <= 1000 {
		digits = "0" + digits
	}
	point := len(digits) - int(d.Scale)
	if point <= 0 {
		return fmt.Sprintf("%s%se%d", sign, digits, -int64(d.Scale))
	}
	return sign + digits[:point] + "." + digits[point:]
}

// Object is a value of a Java class that Connect has no type for, such as java.util.UUID: all that is known of it is
// the name of the class and its text.
type Object struct{ Class, Text string }

// Struct is a value of a STRUCT schema: one value a field, in the schema's order.
type Struct struct {
	Schema *Schema
	Values []any
}

// NewStruct returns a struct whose fields are all null.
func NewStruct(s *Schema) *Struct { return &Struct{s, make([]any, len(s.Fields))} }

// Get returns a field's value; false: there is no such field.
func (s *Struct) Get(name string) (any, bool) {
	if i := s.Schema.FieldIndex(name); i >= 0 && i < len(s.Values) {
		return s.Values[i], true
	}
	return nil, false
}

// Put sets a field's value.
func (s *Struct) Put(name string, x any) error {
	i := s.Schema.FieldIndex(name)
	if i < 0 || i >= len(s.Values) {
		return fmt.Errorf("%s is not a valid field name", name)
	}
	s.Values[i] = x
	return nil
}

// OrderedMap is a MAP in its order.
type OrderedMap struct{ Pairs []Pair }

// Pair is one entry of an OrderedMap.
type Pair struct{ Key, Value any }

// Get returns the value of the first key that equals the text.
func (m *OrderedMap) Get(key string) (any, bool) {
	for _, p := range m.Pairs {
		if s, ok := p.Key.(string); ok && s == key {
			return p.Value, true
		}
	}
	return nil, false
}

// Set replaces the value of a text key, or appends the pair.
func (m *OrderedMap) Set(key string, x any) {
	for i, p := range m.Pairs {
		if s, ok := p.Key.(string); ok && s == key {
			m.Pairs[i].Value = x
			return
		}
	}
	m.Pairs = append(m.Pairs, Pair{key, x})
}

// ToValue encodes a Go value without a schema: nil, bool, the sized integers, int (as INT64), floats, string, []byte,
// []any, []string, map[string]any, map[string]string, map[string]*string (keys sorted), *OrderedMap, time.Time (DATE),
// Decimal, *big.Int, Object, *Struct and Value.
func ToValue(x any) (Value, error) { return ToValueOf(nil, x) }

// ToValueOf encodes a Go value of a schema: int takes the schema's width, structs its fields. A class of value that
// the schema does not hold is an error; nil is always accepted.
func ToValueOf(s *Schema, x any) (Value, error) {
	var b Builder
	if err := b.Native(s, x, nil); err != nil {
		return Value{}, err
	}
	return b.Value(), nil
}

// Native writes a Go value as ToValueOf does. index gives the number of a schema in the batch, for structs that stand
// where no schema is declared; nil writes None there.
func (b *Builder) Native(s *Schema, x any, index func(*Schema) uint32) error {
	return b.native(s, x, index, 0)
}

func (b *Builder) native(s *Schema, x any, index func(*Schema) uint32, depth int) error {
	if depth > DepthMax {
		return fmt.Errorf("encode value: deeper than %d", DepthMax)
	}
	if n, ok := x.(int); ok {
		x = sized(s, n)
	}
	if tag, ok := tagOf(x); !ok {
		return fmt.Errorf("encode value: %T has no Connect type", x)
	} else if s != nil && tag != TagNull && !s.takesNative(tag, x) {
		return fmt.Errorf("encode value: %T in schema %s", x, s.describe())
	}
	switch x := x.(type) {
	case []any:
		return b.array(s, x, index, depth)
	case []string:
		b.BeginArray()
		for _, item := range x {
			b.String(item)
		}
		b.End()
	case *OrderedMap:
		return b.pairs(s, x.Pairs, index, depth)
	case map[string]any:
		return b.pairs(s, sortedPairs(x, func(v any) any { return v }), index, depth)
	case map[string]string:
		return b.pairs(s, sortedPairs(x, func(v string) any { return v }), index, depth)
	case map[string]*string:
		return b.pairs(s, sortedPairs(x, optional), index, depth)
	case *Struct:
		return b.fields(s, x, index, depth)
	default:
		b.scalar(x)
	}
	return nil
}

func optional(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// sized gives an int the width of its schema, INT64 without one.
func sized(s *Schema, n int) any {
	if s != nil {
		switch s.Type {
		case TypeInt8:
			if int(int8(n)) == n {
				return int8(n)
			}
		case TypeInt16:
			if int(int16(n)) == n {
				return int16(n)
			}
		case TypeInt32:
			if int(int32(n)) == n {
				return int32(n)
			}
		}
	}
	return int64(n)
}

func (s *Schema) describe() string {
	if s.Name != "" {
		return s.Type.String() + " " + s.Name
	}
	return s.Type.String()
}

func tagOf(x any) (Tag, bool) {
	switch x := x.(type) {
	case nil:
		return TagNull, true
	case Value:
		return x.Tag, true
	case bool:
		return TagBoolean, true
	case int8:
		return TagInt8, true
	case int16:
		return TagInt16, true
	case int32:
		return TagInt32, true
	case int64:
		return TagInt64, true
	case float32:
		return TagFloat32, true
	case float64:
		return TagFloat64, true
	case string:
		return TagString, true
	case []byte:
		return TagBytes, true
	case []any, []string:
		return TagArray, true
	case map[string]any, map[string]string, map[string]*string, *OrderedMap:
		return TagMap, true
	case *Struct:
		return TagStruct, true
	case Decimal:
		return TagDecimal, true
	case time.Time:
		return TagDate, true
	case *big.Int:
		return TagBigInt, true
	case Object:
		return TagObject, true
	}
	return 0, false
}

func (b *Builder) scalar(x any) {
	switch x := x.(type) {
	case nil:
		b.Null()
	case Value:
		b.Put(x)
	case bool:
		b.Bool(x)
	case int8:
		b.Int8(x)
	case int16:
		b.Int16(x)
	case int32:
		b.Int32(x)
	case int64:
		b.Int64(x)
	case float32:
		b.Float32(x)
	case float64:
		b.Float64(x)
	case string:
		b.String(x)
	case []byte:
		b.BytesValue(x)
	case Decimal:
		b.Decimal(x)
	case time.Time:
		b.Date(x.UnixMilli())
	case *big.Int:
		b.BigInt(x)
	case Object:
		b.Object(x)
	}
}

func (b *Builder) array(s *Schema, items []any, index func(*Schema) uint32, depth int) error {
	var elem *Schema
	if s != nil {
		elem = s.Elem
	}
	b.BeginArray()
	for i, item := range items {
		if err := b.native(elem, item, index, depth+1); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	b.End()
	return nil
}

func (b *Builder) pairs(s *Schema, pairs []Pair, index func(*Schema) uint32, depth int) error {
	var key, elem *Schema
	if s != nil {
		key, elem = s.Key, s.Elem
	}
	b.BeginMap()
	for _, p := range pairs {
		if err := b.native(key, p.Key, index, depth+1); err != nil {
			return fmt.Errorf("key %v: %w", p.Key, err)
		}
		if err := b.native(elem, p.Value, index, depth+1); err != nil {
			return fmt.Errorf("value of key %v: %w", p.Key, err)
		}
	}
	b.End()
	return nil
}

func sortedPairs[V any](m map[string]V, item func(V) any) []Pair {
	pairs := make([]Pair, 0, len(m))
	for k, v := range m {
		pairs = append(pairs, Pair{k, item(v)})
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return cmpString(a.Key.(string), b.Key.(string)) })
	return pairs
}

func (b *Builder) fields(s *Schema, x *Struct, index func(*Schema) uint32, depth int) error {
	if x.Schema == nil || len(x.Values) != len(x.Schema.Fields) {
		return errors.New("encode value: struct without a schema, or with values that do not match it")
	}
	number := uint32(None)
	if s == nil && index != nil {
		number = index(x.Schema)
	}
	if s != nil && len(s.Fields) != len(x.Values) {
		return fmt.Errorf("encode value: struct of %d fields in a schema of %d", len(x.Values), len(s.Fields))
	}
	b.BeginStruct(number)
	for i, f := range x.Schema.Fields {
		if err := b.native(f.Schema, x.Values[i], index, depth+1); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	b.End()
	return nil
}

// Native decodes the value to what ToValue takes: maps as *OrderedMap, DATE as time.Time in UTC, RAW as []byte, a text
// with half a surrogate pair with U+FFFD in its place. A struct needs its schema; a class of value that the schema does
// not hold is an error.
func (v Value) Native(schema *Schema) (any, error) { return v.NativeIn(schema, nil) }

// NativeIn is Native with a source of the schemas that structs name by their index in the batch.
func (v Value) NativeIn(schema *Schema, lookup func(uint32) (*Schema, error)) (any, error) {
	x, err := v.toNative(schema, lookup, 0)
	if err != nil {
		return nil, fmt.Errorf("decode value: %w", err)
	}
	return x, nil
}

func (v Value) toNative(s *Schema, lookup func(uint32) (*Schema, error), depth int) (any, error) {
	if v.Tag < TagArray || v.Tag > TagStruct {
		if err := validateValue(v, None, depth); err != nil {
			return nil, err
		}
	}
	if s != nil && v.Tag != TagNull && v.Tag != TagRaw && !s.takes(v) {
		return nil, fmt.Errorf("%s in schema %s", v.Tag, s.describe())
	}
	switch v.Tag {
	case TagArray, TagMap, TagStruct:
		if depth >= DepthMax {
			return nil, fmt.Errorf("deeper than %d", DepthMax)
		}
		if _, n := v.table(); n == 0 && !emptyContainer(v) {
			return nil, fmt.Errorf("%s: table of items: %w", v.Tag, errPayload)
		}
		return v.nativeItems(s, lookup, depth)
	case TagNull:
		return nil, nil
	case TagInt8:
		return v.Int8(), nil
	case TagInt16:
		return v.Int16(), nil
	case TagInt32:
		return v.Int32(), nil
	case TagInt64:
		return v.Int64(), nil
	case TagFloat32:
		return v.Float32(), nil
	case TagFloat64:
		return v.Float64(), nil
	case TagBoolean:
		return v.Bool(), nil
	case TagString:
		return string(v.Payload), nil
	case TagDecimal:
		return Decimal{parseBigInt(v.Payload[4:]), int32(le.Uint32(v.Payload))}, nil
	case TagDate:
		return time.UnixMilli(v.Int64()).UTC(), nil
	case TagBigInt:
		return parseBigInt(v.Payload), nil
	case TagObject:
		o, _ := v.object() // it was validated
		if o.Class == javaString {
			return o.text(), nil
		}
		return o, nil
	}
	return append([]byte{}, v.Payload...), nil // BYTES, RAW
}

func (v Value) nativeItems(s *Schema, lookup func(uint32) (*Schema, error), depth int) (any, error) {
	at, n := v.table()
	item := func(s *Schema, i int) (any, error) {
		item, ok := v.itemAt(at, n, i)
		if !ok {
			return nil, fmt.Errorf("%s: item %d: %w", v.Tag, i, errPayload)
		}
		return item.toNative(s, lookup, depth+1)
	}
	switch v.Tag {
	case TagArray:
		return nativeArray(s, n, item)
	case TagMap:
		return nativeMap(s, n, item)
	}
	if number := v.StructSchema(); number != None {
		if lookup == nil {
			return nil, fmt.Errorf("struct names schema %d of a batch that is not at hand", number)
		}
		var err error
		if s, err = lookup(number); err != nil {
			return nil, err
		}
	}
	if s == nil || s.Type != TypeStruct || len(s.Fields) != n {
		return nil, fmt.Errorf("struct of %d fields without a schema that matches", n)
	}
	x := &Struct{s, make([]any, n)}
	for i, f := range s.Fields {
		var err error
		if x.Values[i], err = item(f.Schema, i); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return x, nil
}

func nativeArray(s *Schema, n int, item func(*Schema, int) (any, error)) (any, error) {
	var elem *Schema
	if s != nil {
		elem = s.Elem
	}
	x := make([]any, n)
	for i := range x {
		var err error
		if x[i], err = item(elem, i); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func nativeMap(s *Schema, n int, item func(*Schema, int) (any, error)) (any, error) {
	var key, elem *Schema
	if s != nil {
		key, elem = s.Key, s.Elem
	}
	x := &OrderedMap{make([]Pair, n/2)}
	for i := range x.Pairs {
		var err error
		if x.Pairs[i].Key, err = item(key, 2*i); err != nil {
			return nil, err
		}
		if x.Pairs[i].Value, err = item(elem, 2*i+1); err != nil {
			return nil, err
		}
	}
	return x, nil
}
