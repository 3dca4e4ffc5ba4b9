package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/berth-connect/berth/abi"
)

// The vectors' JSON and the ABI's bytes, one way; decode.go goes the other way. JSON is kept as Go's decoder gives it,
// numbers as json.Number.

type (
	object = map[string]any
	list   = []any
)

// intern puts an encoded schema into the dictionary of a batch.
type intern func(schema []byte) uint32

var typeIDs = func() map[string]abi.Type {
	ids := map[string]abi.Type{}
	for t := abi.TypeInt8; t <= abi.TypeStruct; t++ {
		ids[t.String()] = t
	}
	return ids
}()

// Flags of an encoded schema (LAYOUT.md, section 3).
const (
	flagOptional = 1 << iota
	flagName
	flagVersion
	flagDoc
	flagParameters
	flagDefault
	flagSchemaOfDefault
)

// encodeSchema writes a schema; nil writes nothing. abi.Schema is not used for it: an empty name differs from none.
func encodeSchema(dst []byte, schema any) ([]byte, error) {
	s, ok := schema.(object)
	if !ok {
		return dst, nil
	}
	id, ok := typeIDs[fmt.Sprint(s["type"])]
	if !ok {
		return nil, fmt.Errorf("schema of type %v", s["type"])
	}
	at := len(dst) + 1
	dst = append(dst, byte(id), 0)
	if s["optional"] == true {
		dst[at] |= flagOptional
	}
	if name, ok := s["name"].(string); ok {
		dst[at] |= flagName
		dst = appendText(dst, name)
	}
	if version := s["version"]; version != nil {
		n, err := integer(version, 32)
		if err != nil {
			return nil, fmt.Errorf("version: %w", err)
		}
		dst[at] |= flagVersion
		dst = le.AppendUint32(dst, uint32(n))
	}
	if doc, ok := s["doc"].(string); ok {
		dst[at] |= flagDoc
		dst = appendText(dst, doc)
	}
	if parameters, ok := s["parameters"].(list); ok {
		dst[at] |= flagParameters
		dst = le.AppendUint32(dst, uint32(len(parameters)))
		for _, p := range parameters {
			dst = appendText(appendText(dst, textOf(item(p, 0))), textOf(item(p, 1)))
		}
	}
	if s["default"] != nil {
		var err error
		if dst, err = encodeDefault(dst, at, s); err != nil {
			return nil, fmt.Errorf("default: %w", err)
		}
	}
	return encodeChildren(dst, id, s)
}

// encodeDefault writes the default of a schema whose flags stand at an offset. A struct's own schema stands behind it.
func encodeDefault(dst []byte, flags int, s object) ([]byte, error) {
	preset, _ := s["default"].(object)
	declared := s
	own, hasOwn := preset["schema"].(object)
	if hasOwn {
		declared, preset = own, object{"t": preset["t"], "v": preset["v"]}
	}
	var b abi.Builder
	if err := encodeValue(&b, preset, declared, nil); err != nil {
		return nil, err
	}
	v := b.Value()
	dst[flags] |= flagDefault
	dst = appendText(append(dst, byte(v.Tag)), string(v.Payload))
	if !hasOwn {
		return dst, nil
	}
	dst[flags] |= flagSchemaOfDefault
	return encodeChild(dst, own)
}

func encodeChildren(dst []byte, id abi.Type, s object) (_ []byte, err error) {
	switch id {
	case abi.TypeMap:
		if dst, err = encodeChild(dst, s["key"]); err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		fallthrough
	case abi.TypeArray:
		if dst, err = encodeChild(dst, s["value"]); err != nil {
			return nil, fmt.Errorf("value: %w", err)
		}
	case abi.TypeStruct:
		fields, _ := s["fields"].(list)
		dst = le.AppendUint32(dst, uint32(len(fields)))
		for _, field := range fields {
			f, _ := field.(object)
			if dst, err = encodeChild(appendText(dst, textOf(f["name"])), f["schema"]); err != nil {
				return nil, fmt.Errorf("field %v: %w", f["name"], err)
			}
		}
	}
	return dst, nil
}

func encodeChild(dst []byte, schema any) ([]byte, error) {
	at := len(dst)
	dst, err := encodeSchema(append(dst, 0, 0, 0, 0), schema)
	if err == nil {
		le.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, err
}

func appendText(dst []byte, s string) []byte {
	return append(le.AppendUint32(dst, uint32(len(s))), s...)
}

// encodeValue writes a value that stands where declared is the schema (nil: none).
func encodeValue(b *abi.Builder, value, declared any, add intern) error {
	if value == nil {
		b.Null()
		return nil
	}
	v, ok := value.(object)
	if !ok {
		return fmt.Errorf("value %v is no object", value)
	}
	switch t := textOf(v["t"]); t {
	case "list", "map":
		return encodeItems(b, t, v["v"], declared, add)
	case "struct":
		return encodeStruct(b, v, declared, add)
	case "java":
		return encodeObject(b, v)
	default:
		return encodeScalar(b, t, v)
	}
}

// encodeObject writes a value of another class, of which a text is known.
func encodeObject(b *abi.Builder, v object) error {
	text, ok := v["v"].(string)
	if !ok {
		return fmt.Errorf("it holds a %v without a text", v["class"])
	}
	b.Object(abi.Object{Class: textOf(v["class"]), Text: text})
	return nil
}

func encodeScalar(b *abi.Builder, t string, v object) error {
	switch t {
	case "int8", "int16", "int32", "int64":
		return encodeInteger(b, t, v["v"])
	case "float32", "float64":
		width := 64
		if t == "float32" {
			width = 32
		}
		bits, err := strconv.ParseUint(textOf(v["bits"]), 16, width)
		if err != nil {
			return fmt.Errorf("bits: %w", err)
		}
		if width == 32 {
			b.Float32(math.Float32frombits(uint32(bits)))
		} else {
			b.Float64(math.Float64frombits(bits))
		}
	case "bool":
		b.Bool(v["v"] == true)
	case "string":
		encodeText(b, v)
	case "bytes", "bytebuffer": // Connect's converters read the whole array behind a ByteBuffer
		bytes, err := base64.StdEncoding.DecodeString(textOf(v["v"]))
		if err != nil {
			return err
		}
		b.BytesValue(bytes)
	case "decimal", "bigint":
		return encodeBig(b, t, v)
	case "date":
		ms, err := integer(v["ms"], 64)
		if err != nil {
			return err
		}
		b.Date(ms)
	default:
		return fmt.Errorf("value of type %q", t)
	}
	return nil
}

func encodeInteger(b *abi.Builder, t string, v any) error {
	width, err := strconv.Atoi(strings.TrimPrefix(t, "int"))
	if err != nil {
		return err
	}
	n, err := integer(v, width)
	if err != nil {
		return err
	}
	switch width {
	case 8:
		b.Int8(int8(n))
	case 16:
		b.Int16(int16(n))
	case 32:
		b.Int32(int32(n))
	default:
		b.Int64(n)
	}
	return nil
}

func encodeBig(b *abi.Builder, t string, v object) error {
	digits := v["v"]
	if t == "decimal" {
		digits = v["unscaled"]
	}
	n, ok := new(big.Int).SetString(textOf(digits), 10)
	if !ok {
		return fmt.Errorf("%s of %v", t, digits)
	}
	if t == "bigint" {
		b.BigInt(n)
		return nil
	}
	scale, err := integer(v["scale"], 32)
	b.Decimal(abi.Decimal{Unscaled: n, Scale: int32(scale)})
	return err
}

func encodeItems(b *abi.Builder, t string, items, declared any, add intern) error {
	schema, _ := declared.(object)
	all, _ := items.(list)
	if t == "list" {
		b.BeginArray()
	} else {
		b.BeginMap()
	}
	for _, each := range all {
		if t == "map" {
			if err := encodeValue(b, item(each, 0), schema["key"], add); err != nil {
				return err
			}
			each = item(each, 1)
		}
		if err := encodeValue(b, each, schema["value"], add); err != nil {
			return err
		}
	}
	b.End()
	return nil
}

// encodeStruct writes the fields in the order of the struct's own schema, or else of the declared one.
func encodeStruct(b *abi.Builder, v object, declared any, add intern) error {
	number := uint32(abi.None)
	schema, own := v["schema"].(object)
	if own {
		bytes, err := encodeSchema(nil, schema)
		if err != nil {
			return err
		}
		if add == nil {
			return fmt.Errorf("a struct of a schema of its own within a default")
		}
		number = add(bytes)
	} else if schema, _ = declared.(object); schema == nil {
		return fmt.Errorf("struct without a schema")
	}
	values, _ := v["v"].(object)
	fields, _ := schema["fields"].(list)
	b.BeginStruct(number)
	for _, field := range fields {
		f, _ := field.(object)
		if err := encodeValue(b, values[textOf(f["name"])], f["schema"], add); err != nil {
			return fmt.Errorf("field %v: %w", f["name"], err)
		}
	}
	b.End()
	return nil
}

// encodeText writes a text, which the vectors have in UTF-16 if it holds half a surrogate pair.
func encodeText(b *abi.Builder, v object) {
	if units, ok := unitsOf(v); ok {
		b.UTF16(units)
	} else {
		b.String(textOf(v["v"]))
	}
}

// unitsOf reads the hex digits of a text in UTF-16; false: it is none.
func unitsOf(v object) ([]uint16, bool) {
	digits, _ := v["utf16"].(string)
	bytes, err := hex.DecodeString(digits)
	if err != nil || digits == "" || len(bytes)%2 != 0 {
		return nil, false
	}
	units := make([]uint16, len(bytes)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(bytes[2*i:])
	}
	return units, true
}

// stringOf is the text of a value as Go holds it, with U+FFFD for half a surrogate pair.
func stringOf(v object) string {
	if units, ok := unitsOf(v); ok {
		return string(utf16.Decode(units))
	}
	return textOf(v["v"])
}

func textOf(x any) string {
	switch x := x.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	}
	return ""
}

// integer reads a number of a width in bits, which the vectors write as a text or a number.
func integer(x any, width int) (int64, error) {
	return strconv.ParseInt(textOf(x), 10, width)
}

// item is an item of a list, nil where there is none.
func item(x any, i int) any {
	if items, ok := x.(list); ok && i < len(items) {
		return items[i]
	}
	return nil
}
