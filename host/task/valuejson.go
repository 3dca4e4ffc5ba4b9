package task

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/berth-connect/berth/abi"
)

// cellBytes is a record's key or value as the dead letter of a source holds it, where no converter has made bytes of
// it: text as UTF-8, bytes as they are, all else as JSON without schema. encoding says which ("" for null).
func cellBytes(batch *abi.Batch, tag abi.Tag, payload []byte, schema uint32) (data []byte, encoding string) {
	switch tag {
	case abi.TagNull:
		return nil, ""
	case abi.TagRaw, abi.TagBytes:
		return append([]byte{}, payload...), "bytes"
	case abi.TagString:
		return append([]byte{}, payload...), "string"
	}
	lookup := func(i uint32) (*abi.Schema, error) {
		if int(i) >= batch.SchemaCount() {
			return nil, fmt.Errorf("schema %d of %d", i, batch.SchemaCount())
		}
		return abi.ParseSchema(batch.SchemaBytes(int(i)))
	}
	var declared *abi.Schema
	var err error
	if schema != abi.None {
		declared, err = lookup(schema)
	}
	var native any
	if err == nil {
		native, err = (abi.Value{Tag: tag, Payload: payload}).NativeIn(declared, lookup)
	}
	if err != nil { // a guest's own fault; its bytes are still better than nothing
		return append([]byte{}, payload...), "berth " + tag.String() + " (unreadable: " + err.Error() + ")"
	}
	return appendJSON(nil, native), "json"
}

// appendJSON writes a value in the form that JsonConverter gives it without schemas; decimals and big integers are
// numbers, dates milliseconds since the epoch.
func appendJSON(dst []byte, x any) []byte {
	switch x := x.(type) {
	case nil:
		return append(dst, "null"...)
	case []any:
		dst = append(dst, '[')
		for i, item := range x {
			dst = appendJSON(separated(dst, i), item)
		}
		return append(dst, ']')
	case *abi.Struct:
		dst = append(dst, '{')
		for i, item := range x.Values {
			dst = append(appendQuoted(separated(dst, i), x.Schema.Fields[i].Name), ':')
			dst = appendJSON(dst, item)
		}
		return append(dst, '}')
	case *abi.OrderedMap:
		dst = append(dst, '{')
		for i, p := range x.Pairs {
			key, isText := p.Key.(string)
			if !isText {
				key = string(appendJSON(nil, p.Key))
			}
			dst = append(appendQuoted(separated(dst, i), key), ':')
			dst = appendJSON(dst, p.Value)
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
	text, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...)
	}
	return append(dst, text...)
}
