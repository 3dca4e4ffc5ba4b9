package main

import (
	"reflect"
	"testing"
)

// What goes into the ABI's bytes comes out of them.
func TestRecordsSurviveTheABI(t *testing.T) {
	schema := `{"type":"STRUCT","name":"","doc":"","parameters":[],"version":-1,"fields":[
		{"name":"t","schema":{"type":"INT8"}},
		{"name":"m","schema":{"type":"MAP","optional":true,"key":{"type":"STRING"},"value":null,
			"default":{"t":"map","v":[]}}}]}`
	values := `{"t":{"t":"int8","v":"-128"},"m":{"t":"map","v":[[{"t":"string","v":"ü"},{"t":"bytes","v":"AP8="}]]}}`
	for name, members := range map[string]string{
		"nothing": `"kind":"source"`,
		"metadata": `"kind":"sink","topic":"t","partition":2147483647,"timestamp":"-9223372036854775807","offset":"0",
			"timestampType":"NO_TIMESTAMP_TYPE"`,
		"numbers": `"kind":"source","value":{"t":"list","v":[{"t":"int8","v":"-1"},{"t":"int16","v":"-2"},
			{"t":"int32","v":"-3"},{"t":"int64","v":"-4"},{"t":"float32","bits":"7fc00001"},
			{"t":"float64","bits":"8000000000000000"},{"t":"bool","v":false},
			{"t":"bigint","v":"-170141183460469231731687303715884105728"},
			{"t":"decimal","unscaled":"0","scale":-3},{"t":"date","ms":"-1"},null]}`,
		"struct":             `"kind":"source","keySchema":` + schema + `,"key":{"t":"struct","v":` + values + `}`,
		"struct of its own":  `"kind":"source","key":{"t":"struct","schema":` + schema + `,"v":` + values + `}`,
		"null with a schema": `"kind":"source","valueSchema":{"type":"ARRAY","optional":true,"value":{"type":"INT8"}}`,
		"half a pair": `"kind":"source","keySchema":{"type":"STRING"},"key":{"t":"string","utf16":"0061005cdc00d83d"},
			"value":{"t":"map","v":[[{"t":"string","utf16":"d800"},{"t":"string","utf16":"dfff"}]]}`,
		"headers": `"kind":"source","headers":[{"key":"a"},
			{"key":"","schema":{"type":"STRING"},"value":{"t":"string","v":""}}]`,
	} {
		v, err := parseVector("f", `{"id":"x","result":{`+members+`}}`)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		record := v.members["result"].(object)
		batch, err := encodeRecord(record)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := decodeRecord(&batch, 0, record)
		if err != nil || !reflect.DeepEqual(canonical(got), canonical(record)) {
			t.Errorf("%s: %v\n got  %s\n want %s", name, err, shown(canonical(got)), shown(canonical(record)))
		}
	}
}

func TestValuesThatTheABICannotHold(t *testing.T) {
	for _, text := range []string{`{"t":"int8","v":"128"}`, `{"t":"struct","v":{}}`,
		`{"t":"new","v":"1"}`, `7`, `{"t":"decimal","unscaled":"x","scale":1}`} {
		v, err := parseVector("f", `{"id":"x","result":{"value":`+text+`}}`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := encodeRecord(v.members["result"].(object)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
