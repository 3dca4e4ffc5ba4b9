package main

import (
	"fmt"
	"math"
	"strconv"
)

// native is a value of the vectors as Go has it.
func native(x any) any {
	v, ok := x.(object)
	if !ok {
		return nil
	}
	switch v["t"] {
	case "bool":
		return v["v"]
	case "string":
		return stringOf(v)
	case "int8", "int16", "int32", "int64":
		return nativeInteger(v)
	case "float32":
		bits, _ := strconv.ParseUint(textOf(v["bits"]), 16, 32)
		return math.Float32frombits(uint32(bits))
	case "float64":
		bits, _ := strconv.ParseUint(textOf(v["bits"]), 16, 64)
		return math.Float64frombits(bits)
	case "list":
		return nativeList(listOf(v["v"]))
	}
	return nil
}

func nativeInteger(v object) any {
	n, _ := integer(v["v"], 64)
	switch v["t"] {
	case "int8":
		return int8(n)
	case "int16":
		return int16(n)
	case "int32":
		return int32(n)
	}
	return n
}

// nativeList is a []string where all items are texts.
func nativeList(items list) any {
	texts, all := []string{}, make([]any, len(items))
	for i, x := range items {
		all[i] = native(x)
		if text, isText := all[i].(string); isText {
			texts = append(texts, text)
		}
	}
	if len(texts) == len(all) {
		return texts
	}
	return all
}

// number is the value of a number.
func number(x any) (float64, bool) {
	switch n := x.(type) {
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// encodeNative is native's inverse.
func encodeNative(x any) any {
	switch x := x.(type) {
	case bool:
		return object{"t": "bool", "v": x}
	case string:
		return object{"t": "string", "v": x}
	case int16:
		return object{"t": "int16", "v": fmt.Sprint(x)}
	case int32:
		return object{"t": "int32", "v": fmt.Sprint(x)}
	case int64:
		return object{"t": "int64", "v": fmt.Sprint(x)}
	case float64:
		if x != x {
			return object{"t": "float64", "bits": "7ff8000000000000"} // Java has one NaN
		}
		return object{"t": "float64", "bits": fmt.Sprintf("%016x", math.Float64bits(x))}
	case []string:
		items := list{}
		for _, item := range x {
			items = append(items, encodeNative(item))
		}
		return object{"t": "list", "v": items}
	case []any:
		items := list{}
		for _, item := range x {
			items = append(items, encodeNative(item))
		}
		return object{"t": "list", "v": items}
	}
	return nil
}
