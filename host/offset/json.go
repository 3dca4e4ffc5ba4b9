package offset

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/berth-connect/berth/abi"
)

// AppendJSON writes an encoded map as the JSON object that Connect's offset topic holds (JsonConverter without
// schemas): members in order, no blanks. The bytes matter: they are the identity of a source partition. Values other
// than primitives are refused, as OffsetUtils does.
func AppendJSON(dst []byte, payload []byte) ([]byte, error) {
	m := abi.Value{Tag: abi.TagMap, Payload: payload}
	dst = append(dst, '{')
	for i := range m.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		k, v := m.Entry(i)
		if k.Tag != abi.TagString {
			return nil, fmt.Errorf("offsets may only use strings as keys, but one is of type %v", k.Tag)
		}
		dst = appendString(dst, k.String())
		dst = append(dst, ':')
		var err error
		if dst, err = appendPrimitive(dst, v); err != nil {
			return nil, fmt.Errorf("offsets may only contain primitive types as values, but field %s contains %w", k, err)
		}
	}
	return append(dst, '}'), nil
}

func appendPrimitive(dst []byte, v abi.Value) ([]byte, error) {
	switch v.Tag {
	case abi.TagNull:
		return append(dst, "null"...), nil
	case abi.TagInt8, abi.TagInt16, abi.TagInt32, abi.TagInt64:
		return strconv.AppendInt(dst, v.Int64(), 10), nil
	case abi.TagFloat32:
		return appendFloat(dst, float64(v.Float32()), 32), nil
	case abi.TagFloat64:
		return appendFloat(dst, v.Float64(), 64), nil
	case abi.TagBoolean:
		return strconv.AppendBool(dst, v.Bool()), nil
	case abi.TagString:
		return appendString(dst, v.String()), nil
	case abi.TagBytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Payload)
		return append(dst, '"'), nil
	}
	return nil, errors.New(v.Tag.String())
}

// appendFloat writes a number as Double.toString and Float.toString do (JDK 19 and later: shortest digits); what JSON
// has no number for goes into quotes, as Jackson does.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	if a := math.Abs(f); a == 0 || a >= 1e-3 && a < 1e7 {
		text := strconv.FormatFloat(f, 'f', -1, bits)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return append(dst, text...)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, bits), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	sign := ""
	if exponent[0] == '-' {
		sign = "-"
	}
	return fmt.Appendf(dst, "%sE%s%s", mantissa, sign, strings.TrimLeft(exponent[1:], "0"))
}

// appendString quotes as Jackson does: raw UTF-8 up to U+FFFF, higher characters as two escapes, control characters
// escaped.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r < 0x20:
			dst = fmt.Appendf(dst, `\u%04X`, r)
		case r > 0xFFFF:
			r -= 0x10000
			dst = fmt.Appendf(dst, `\u%04X\u%04X`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return append(dst, '"')
}

// ParseJSON reads a JSON object of primitives into the payload of an encoded map. As in Connect, integers become INT64
// and other numbers FLOAT64. The order of members is kept.
func ParseJSON(text []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%.100s is not a JSON object", text)
	}
	var b abi.Builder
	b.BeginMap()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("read member: %w", err)
		}
		b.String(key.(string))
		value, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("read member %q: %w", key, err)
		}
		if err := buildPrimitive(&b, value); err != nil {
			return nil, fmt.Errorf("member %q: %w", key, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("read end: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("text after the object in %.100s", text)
	}
	b.End()
	return b.Value().Payload, nil
}

func buildPrimitive(b *abi.Builder, t json.Token) error {
	switch x := t.(type) {
	case nil:
		b.Null()
	case bool:
		b.Bool(x)
	case string:
		b.String(x)
	case json.Number:
		if i, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
			b.Int64(i)
			return nil
		}
		f, err := x.Float64()
		if err != nil {
			return fmt.Errorf("number %s: %w", x, err)
		}
		b.Float64(f)
	default:
		return fmt.Errorf("%v where a primitive value is due", t)
	}
	return nil
}
