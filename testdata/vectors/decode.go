package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/berth-connect/berth/abi"
)

var le = binary.LittleEndian

// schemaReader takes the parts of an encoded schema off its bytes; abi.ParseSchema has checked them.
type schemaReader []byte

func (r *schemaReader) take(n uint32) []byte {
	taken := (*r)[:n]
	*r = (*r)[n:]
	return taken
}

func (r *schemaReader) u32() uint32  { return le.Uint32(r.take(4)) }
func (r *schemaReader) text() string { return string(r.take(r.u32())) }

// decodeSchema reads a schema; no bytes are no schema.
func decodeSchema(encoded []byte) (any, error) {
	if len(encoded) == 0 {
		return nil, nil
	}
	if _, err := abi.ParseSchema(encoded); err != nil {
		return nil, err
	}
	return decodeChecked(encoded)
}

func decodeChecked(encoded []byte) (any, error) {
	r := schemaReader(encoded)
	if len(r) == 0 {
		return nil, nil
	}
	head := r.take(2)
	t, flags := abi.Type(head[0]), head[1]
	s := object{"type": t.String()}
	if flags&flagOptional != 0 {
		s["optional"] = true
	}
	if flags&flagName != 0 {
		s["name"] = r.text()
	}
	if flags&flagVersion != 0 {
		s["version"] = strconv.Itoa(int(int32(r.u32())))
	}
	if flags&flagDoc != 0 {
		s["doc"] = r.text()
	}
	if flags&flagParameters != 0 {
		parameters := list{}
		for range r.u32() {
			parameters = append(parameters, list{r.text(), r.text()})
		}
		s["parameters"] = parameters
	}
	var preset abi.Value
	if flags&flagDefault != 0 {
		preset.Tag = abi.Tag(r.take(1)[0])
		preset.Payload = r.take(r.u32())
	}
	var own any
	if flags&flagSchemaOfDefault != 0 {
		var err error
		if own, err = decodeChecked(r.take(r.u32())); err != nil {
			return nil, err
		}
	}
	if err := r.children(t, s); err != nil || preset.IsNull() {
		return s, err
	}
	var err error
	s["default"], err = decodeDefault(preset, s, own)
	return s, err
}

// decodeDefault reads a default; own (nil: none) is the schema that it keeps.
func decodeDefault(preset abi.Value, schema object, own any) (any, error) {
	if own == nil {
		return decodeValue(preset, schema, nil)
	}
	decoded, err := decodeValue(preset, own, nil)
	if made, ok := decoded.(object); ok {
		made["schema"] = own
	}
	return decoded, err
}

func (r *schemaReader) children(t abi.Type, s object) (err error) {
	switch t {
	case abi.TypeMap:
		if s["key"], err = decodeChecked(r.take(r.u32())); err != nil {
			return err
		}
		fallthrough
	case abi.TypeArray:
		s["value"], err = decodeChecked(r.take(r.u32()))
	case abi.TypeStruct:
		fields := list{}
		for range r.u32() {
			name := r.text()
			schema, err := decodeChecked(r.take(r.u32()))
			if err != nil {
				return err
			}
			fields = append(fields, object{"name": name, "schema": schema})
		}
		s["fields"] = fields
	}
	return err
}

// lookup finds a schema in the dictionary of a batch.
type lookup func(number uint32) (any, error)

func schemasOf(batch *abi.Batch) lookup {
	return func(number uint32) (any, error) {
		if number == abi.None {
			return nil, nil
		}
		if int(number) >= batch.SchemaCount() {
			return nil, fmt.Errorf("schema %d of %d", number, batch.SchemaCount())
		}
		return decodeSchema(batch.SchemaBytes(int(number)))
	}
}

// decodeValue reads a value that stands where declared is the schema.
func decodeValue(v abi.Value, declared any, find lookup) (any, error) {
	schema, _ := declared.(object)
	switch v.Tag {
	case abi.TagNull:
		return nil, nil
	case abi.TagArray:
		items := list{}
		for i := range v.Len() {
			x, err := decodeValue(v.Item(i), schema["value"], find)
			if err != nil {
				return nil, err
			}
			items = append(items, x)
		}
		return object{"t": "list", "v": items}, nil
	case abi.TagMap:
		return decodeMap(v, schema, find)
	case abi.TagStruct:
		return decodeStruct(v, schema, find)
	}
	return decodeScalar(v)
}

func decodeMap(v abi.Value, schema object, find lookup) (any, error) {
	entries := list{}
	for i := range v.Len() {
		k, x := v.Entry(i)
		key, err := decodeValue(k, schema["key"], find)
		if err != nil {
			return nil, err
		}
		value, err := decodeValue(x, schema["value"], find)
		if err != nil {
			return nil, err
		}
		entries = append(entries, list{key, value})
	}
	return object{"t": "map", "v": entries}, nil
}

// decodeStruct says the struct's schema where it is another than the declared one.
func decodeStruct(v abi.Value, schema object, find lookup) (any, error) {
	decoded := object{"t": "struct"}
	if number := v.StructSchema(); number != abi.None {
		if find == nil {
			return nil, fmt.Errorf("a struct names schema %d where there are none", number)
		}
		own, err := find(number)
		if err != nil {
			return nil, err
		}
		if !reflect.DeepEqual(canonical(own), canonical(schema)) {
			decoded["schema"] = own
		}
		schema, _ = own.(object)
	}
	fields, ok := schema["fields"].(list)
	if !ok || len(fields) != v.Len() {
		return nil, fmt.Errorf("a struct of %d values in a schema of %d fields", v.Len(), len(fields))
	}
	values := object{}
	for i, field := range fields {
		f := field.(object)
		x, err := decodeValue(v.Item(i), f["schema"], find)
		if err != nil {
			return nil, err
		}
		values[f["name"].(string)] = x
	}
	decoded["v"] = values
	return decoded, nil
}

func decodeScalar(v abi.Value) (any, error) {
	if units, halved := v.Halved(); halved {
		digits := ""
		for _, unit := range units {
			digits += fmt.Sprintf("%04x", unit)
		}
		return object{"t": "string", "utf16": digits}, nil
	}
	x, err := v.Native(nil)
	if err != nil {
		return nil, err
	}
	switch v.Tag {
	case abi.TagInt8, abi.TagInt16, abi.TagInt32, abi.TagInt64:
		names := map[abi.Tag]string{abi.TagInt8: "int8", abi.TagInt16: "int16", abi.TagInt32: "int32", abi.TagInt64: "int64"}
		return object{"t": names[v.Tag], "v": fmt.Sprint(x)}, nil
	case abi.TagFloat32:
		return object{"t": "float32", "bits": fmt.Sprintf("%08x", math.Float32bits(v.Float32()))}, nil
	case abi.TagFloat64:
		return object{"t": "float64", "bits": fmt.Sprintf("%016x", math.Float64bits(v.Float64()))}, nil
	case abi.TagBoolean:
		return object{"t": "bool", "v": x}, nil
	case abi.TagString:
		return object{"t": "string", "v": x}, nil
	case abi.TagBytes:
		return object{"t": "bytes", "v": base64.StdEncoding.EncodeToString(v.Payload)}, nil
	case abi.TagDecimal:
		d := x.(abi.Decimal)
		return object{"t": "decimal", "unscaled": d.Unscaled.String(), "scale": strconv.Itoa(int(d.Scale))}, nil
	case abi.TagDate:
		return object{"t": "date", "ms": strconv.FormatInt(v.Int64(), 10)}, nil
	case abi.TagObject:
		o := x.(abi.Object)
		return object{"t": "java", "class": o.Class, "v": o.Text}, nil
	case abi.TagBigInt:
		return object{"t": "bigint", "v": fmt.Sprint(x)}, nil
	}
	return nil, fmt.Errorf("a value of class %s where a Connect value was due", v.Tag)
}
