// Package recordjson reads and writes Connect's values, schemas and records as JSON, for people: previews, golden
// files, dead letters.
//
// A key, value or header is null, a JSON string (a text), or an object with one of these:
//
//	"text"               a text; where bytes are due, its UTF-8
//	"bytes"              bytes in Base64
//	"json"               a value without schema; where bytes are due, its JSON text
//	"schema", "payload"  a value with schema, as JsonConverter writes them; where bytes are due, that JSON text
//
// In payloads, decimals are numbers or numbers in quotes, and Date, Time and Timestamp are milliseconds since the
// epoch.
package recordjson

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/berth-connect/berth/abi"
)

// AppendValue writes a value in the form that JsonConverter gives it without schemas; decimals and big integers are
// numbers, dates milliseconds since the epoch.
func AppendValue(dst []byte, x any) []byte {
	switch x := x.(type) {
	case nil:
		return append(dst, "null"...)
	case []any:
		dst = append(dst, '[')
		for i, item := range x {
			dst = AppendValue(separated(dst, i), item)
		}
		return append(dst, ']')
	case *abi.Struct:
		dst = append(dst, '{')
		for i, item := range x.Values {
			dst = append(appendQuoted(separated(dst, i), x.Schema.Fields[i].Name), ':')
			dst = AppendValue(dst, item)
		}
		return append(dst, '}')
	case *abi.OrderedMap:
		dst = append(dst, '{')
		for i, p := range x.Pairs {
			key, isText := p.Key.(string)
			if !isText {
				key = string(AppendValue(nil, p.Key))
			}
			dst = append(appendQuoted(separated(dst, i), key), ':')
			dst = AppendValue(dst, p.Value)
		}
		return append(dst, '}')
	}
	return appendScalar(dst, x)
}

func separated(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

func appendScalar(dst []byte, x any) []byte {
	switch x := x.(type) {
	case abi.Decimal:
		return append(dst, x.String()...)
	case *big.Int:
		return x.Append(dst, 10)
	case time.Time:
		return strconv.AppendInt(dst, x.UnixMilli(), 10)
	case float32:
		return appendFloat(dst, float64(x), 32)
	case float64:
		return appendFloat(dst, x, 64)
	case string:
		return appendQuoted(dst, x)
	case abi.Object:
		return appendQuoted(dst, x.Text)
	}
	text, err := json.Marshal(x) // integers, booleans, bytes in Base64
	if err != nil {
		return appendQuoted(dst, fmt.Sprint(x))
	}
	return append(dst, text...)
}

// appendFloat puts what JSON has no number for into quotes.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendQuoted(dst, strconv.FormatFloat(f, 'g', -1, bits))
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

func appendQuoted(dst []byte, s string) []byte {
	text, err := encode(s)
	if err != nil {
		return append(dst, `""`...)
	}
	return append(dst, text...)
}
