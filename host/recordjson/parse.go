package recordjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
)

// parseValue reads a payload of a schema, nil: one without schema. at names it in errors.
func parseValue(s *abi.Schema, text json.RawMessage, at string) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	x, err := decodeOrdered(decoder, at, 0)
	if err != nil {
		return nil, err
	}
	return valueOf(s, x, at)
}

// decodeOrdered reads any JSON; objects become *abi.OrderedMap, which keeps their order, numbers json.Number.
func decodeOrdered(d *json.Decoder, at string, depth int) (any, error) {
	if depth > abi.DepthMax {
		return nil, fmt.Errorf("%s is deeper than %d", at, abi.DepthMax)
	}
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("%s is no JSON: %w", at, err)
	}
	switch token {
	case json.Delim('['):
		items := []any{}
		for d.More() {
			item, err := decodeOrdered(d, at, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		_, err = d.Token()
		return items, err
	case json.Delim('{'):
		object, places := &abi.OrderedMap{}, map[any]int{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, fmt.Errorf("%s is no JSON: %w", at, err)
			}
			value, err := decodeOrdered(d, at, depth+1)
			if err != nil {
				return nil, err
			}
			if place, again := places[key]; again { // the last of equal names wins
				object.Pairs[place].Value = value
				continue
			}
			places[key] = len(object.Pairs)
			object.Pairs = append(object.Pairs, abi.Pair{Key: key, Value: value})
		}
		_, err = d.Token()
		return object, err
	}
	return token, nil
}

// valueOf turns decoded JSON into a value of a schema.
func valueOf(s *abi.Schema, x any, at string) (any, error) {
	switch {
	case s == nil:
		return schemaless(x, at)
	case x == nil && (s.Optional || s.Default != nil):
		return nil, nil
	case x == nil:
		return nil, fmt.Errorf("%s is null, but its schema is not optional: set \"optional\": true or give a value", at)
	}
	switch s.Tag() {
	case abi.TagArray:
		return arrayOf(s, x, at)
	case abi.TagMap:
		return mapOf(s, x, at)
	case abi.TagStruct:
		return structOf(s, x, at)
	}
	value, ok := scalarOf(s, x)
	if !ok {
		return nil, fmt.Errorf("%s is %s, which is no %s", at, AppendValue(nil, x), describe(s))
	}
	return value, nil
}

// schemaless reads numbers as JsonConverter does: whole ones are int64, others double.
func schemaless(x any, at string) (any, error) {
	var err error
	switch x := x.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
			return n, nil
		}
		f, err := x.Float64()
		if err != nil {
			return nil, fmt.Errorf("%s is %s, which is too large for a number without schema", at, x)
		}
		return f, nil
	case []any:
		for i := range x {
			if x[i], err = schemaless(x[i], at+"["+strconv.Itoa(i)+"]"); err != nil {
				return nil, err
			}
		}
	case *abi.OrderedMap:
		for i, p := range x.Pairs {
			if x.Pairs[i].Value, err = schemaless(p.Value, at+"."+p.Key.(string)); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

func arrayOf(s *abi.Schema, x any, at string) (any, error) {
	items, ok := x.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is %s, where its schema wants an array", at, AppendValue(nil, x))
	}
	for i := range items {
		var err error
		if items[i], err = valueOf(s.Elem, items[i], at+"["+strconv.Itoa(i)+"]"); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// mapOf reads an object. Keys that are no texts are written as their JSON text.
func mapOf(s *abi.Schema, x any, at string) (any, error) {
	object, ok := x.(*abi.OrderedMap)
	if !ok {
		return nil, fmt.Errorf("%s is %s, where its schema wants an object", at, AppendValue(nil, x))
	}
	for i, p := range object.Pairs {
		name := at + "." + p.Key.(string)
		key, err := p.Key, error(nil)
		if s.Key != nil && s.Key.Tag() != abi.TagString {
			key, err = parseValue(s.Key, json.RawMessage(p.Key.(string)), name+" (its key)")
		}
		if err != nil {
			return nil, err
		}
		value, err := valueOf(s.Elem, p.Value, name)
		if err != nil {
			return nil, err
		}
		object.Pairs[i] = abi.Pair{Key: key, Value: value}
	}
	return object, nil
}

// structOf reads an object whose members are fields; those that are left out are null.
func structOf(s *abi.Schema, x any, at string) (any, error) {
	object, ok := x.(*abi.OrderedMap)
	if !ok {
		return nil, fmt.Errorf("%s is %s, where its schema wants an object", at, AppendValue(nil, x))
	}
	members := make(map[any]any, len(object.Pairs))
	for _, p := range object.Pairs {
		members[p.Key] = p.Value
	}
	value := abi.NewStruct(s)
	for i, f := range s.Fields {
		var err error
		if value.Values[i], err = valueOf(f.Schema, members[f.Name], at+"."+f.Name); err != nil {
			return nil, err
		}
		delete(members, f.Name)
	}
	for _, p := range object.Pairs {
		if _, left := members[p.Key]; left {
			return nil, fmt.Errorf("%s.%s is no field of its schema: add it there or leave it out", at, p.Key)
		}
	}
	return value, nil
}

func scalarOf(s *abi.Schema, x any) (any, bool) {
	text := ""
	switch x := x.(type) {
	case bool:
		return x, s.Type == abi.TypeBoolean
	case json.Number:
		text = x.String()
	case string:
		text = x
		if s.Type == abi.TypeString {
			return x, true
		}
	default:
		return nil, false
	}
	if _, isNumber := x.(json.Number); !isNumber && s.Type < abi.TypeFloat32 {
		return nil, false
	}
	return numberOf(s, text)
}

// numberOf reads the text of a number, or of bytes in Base64.
func numberOf(s *abi.Schema, text string) (any, bool) {
	switch s.Tag() {
	case abi.TagDecimal:
		return decimalOf(s, text)
	case abi.TagDate:
		n, err := strconv.ParseInt(text, 10, 64)
		return time.UnixMilli(n).UTC(), err == nil
	case abi.TagInt8:
		n, err := strconv.ParseInt(text, 10, 8)
		return int8(n), err == nil
	case abi.TagInt16:
		n, err := strconv.ParseInt(text, 10, 16)
		return int16(n), err == nil
	case abi.TagInt32:
		n, err := strconv.ParseInt(text, 10, 32)
		return int32(n), err == nil
	case abi.TagInt64:
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	case abi.TagFloat32:
		f, err := strconv.ParseFloat(text, 32)
		return float32(f), err == nil
	case abi.TagFloat64:
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	case abi.TagBytes:
		b, err := base64.StdEncoding.DecodeString(text)
		return b, err == nil
	}
	return nil, false
}

// decimalOf reads a number in plain or exponential notation and gives it the scale of its schema, if no digit is lost.
func decimalOf(s *abi.Schema, text string) (any, bool) {
	scaleText, _ := s.Parameter("scale")
	scale, err := strconv.ParseInt(scaleText, 10, 32)
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(text), "e")
	shift := scale
	if hasExponent {
		power, wrong := strconv.ParseInt(exponent, 10, 32)
		if wrong != nil {
			return nil, false
		}
		shift += power
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	shift -= int64(len(fraction))
	unscaled, isNumber := new(big.Int).SetString(whole+fraction, 10)
	if err != nil || !isNumber || shift > decimalShiftMax || shift < -decimalShiftMax {
		return nil, false
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(shift, -shift)), nil)
	if shift >= 0 {
		return abi.Decimal{Unscaled: unscaled.Mul(unscaled, power), Scale: int32(scale)}, true
	}
	quotient, rest := new(big.Int).QuoRem(unscaled, power, new(big.Int))
	return abi.Decimal{Unscaled: quotient, Scale: int32(scale)}, rest.Sign() == 0
}

// decimalShiftMax bounds the zeros that an exponent may add.
const decimalShiftMax = 1000

func describe(s *abi.Schema) string {
	if s.Name != "" {
		return typeNames[s.Type] + " " + s.Name
	}
	return typeNames[s.Type]
}
