package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// decode reads the first JSON value of a record as Connect's converter does: nothing, blanks and null are nil, a byte
// order mark and whatever follows the value are overlooked. Numbers are json.Number.
func decode(data []byte) (any, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil && err != io.EOF {
		return nil, fmt.Errorf("decoding JSON: %w", err)
	}
	return v, nil
}

// decodeMap is decode for values that must be an object; ok is false for anything else.
func decodeMap(data []byte) (m map[string]any, ok bool) {
	v, err := decode(data)
	if err != nil {
		return nil, false
	}
	m, ok = v.(map[string]any)
	return m, ok
}

// whole returns a JSON integer, cut to 64 bits; 1.0 and 1e3 are not integers to Jackson.
func whole(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok || strings.ContainsAny(n.String(), ".eE") {
		return 0, false
	}
	i, err := strconv.ParseInt(n.String(), 10, 64)
	return i, err == nil
}

// javaNumber is a number after Jackson has read it: integers are cut to 64 bits, what a double can't hold is infinite.
func javaNumber(n json.Number) string {
	text := n.String()
	if !strings.ContainsAny(text, ".eE") {
		if i, ok := new(big.Int).SetString(text, 10); ok {
			low := new(big.Int).And(i, new(big.Int).SetUint64(math.MaxUint64))
			return strconv.FormatInt(int64(low.Uint64()), 10)
		}
	}
	switch f, _ := strconv.ParseFloat(text, 64); {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return text
}

// parseTaskID splits a key after Java's String.split("-"): trailing empty parts are dropped, the last part is the
// number, at least min parts are needed, skip parts of prefix are left out of the name.
func parseTaskID(key string, skip int) (connector string, task int, ok bool) {
	parts := strings.Split(strings.TrimRight(key, "-"), "-")
	if len(parts) < skip+2 {
		return "", 0, false
	}
	n, ok := javaInt(parts[len(parts)-1])
	return strings.Join(parts[skip:len(parts)-1], "-"), n, ok
}

// javaInt is Integer.parseInt: a sign and any Unicode decimal digits.
func javaInt(text string) (int, bool) {
	var ascii strings.Builder
	for i, r := range text {
		switch digit, ok := digitValue(r); {
		case ok:
			ascii.WriteByte(byte('0' + digit))
		case i == 0 && (r == '+' || r == '-'):
			ascii.WriteRune(r)
		default:
			return 0, false
		}
	}
	n, err := strconv.ParseInt(ascii.String(), 10, 32)
	return int(n), err == nil
}

func digitValue(r rune) (int, bool) {
	for _, block := range unicode.Nd.R16 {
		if r >= rune(block.Lo) && r <= rune(block.Hi) {
			return int(r-rune(block.Lo)) % 10, true
		}
	}
	for _, block := range unicode.Nd.R32 {
		if r >= rune(block.Lo) && r <= rune(block.Hi) {
			return int(r-rune(block.Lo)) % 10, true
		}
	}
	return 0, false
}

// appendQuoted writes a string as Jackson does: characters beyond the basic plane as two upper-case escapes, all
// others but quotes, backslashes and controls as they are. The bytes matter in keys, which Kafka compares.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	escape := func(u rune) {
		b = append(b, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	short := map[rune]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}
	b = append(b, '"')
	for _, r := range s {
		c, isShort := short[r]
		switch {
		case isShort:
			b = append(b, '\\', c)
		case r < 0x20:
			escape(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escape(high)
			escape(low)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
