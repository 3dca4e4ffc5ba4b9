package recordjson

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

func valued(value string) host.PreviewRecord {
	return host.PreviewRecord{Topic: "t", Value: json.RawMessage(value)}
}

// shownAs is what a value becomes on its way into a batch and back.
func shownAs(value string) (string, error) {
	batch, err := Polled(valued(value))
	if err != nil {
		return "", err
	}
	r, err := Record(&batch, 0)
	return string(r.Value), err
}

const (
	typeOf  = `{"schema":{"type":"%s","optional":false},"payload":%s}`
	decimal = `{"schema":{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal",` +
		`"parameters":{"scale":"2"}},"payload":%s}`
	logical = `{"schema":{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp"},"payload":%s}`
)

func typed(kind, payload string) string { return fmt.Sprintf(typeOf, kind, payload) }

func TestValuesGoInAndComeOut(t *testing.T) {
	structs := `{"schema":{"type":"struct","optional":true,"fields":[{"type":"int32","optional":false,"field":"n"},` +
		`{"type":"string","optional":true,"default":"d","field":"s"},{"type":"map","optional":true,"keys":{"type":"int8",` +
		`"optional":false},"values":{"type":"boolean","optional":true},"field":"m"},{"type":"array","optional":true,` +
		`"items":{"type":"double","optional":false},"field":"a"}],"name":"x.Y","version":3,"doc":"<doc>"},` +
		`"payload":{"n":1,"s":null,"m":{"1":true,"-2":null},"a":[1.5,2]}}`
	for _, c := range [][2]string{
		{`null`, `null`},
		{``, `null`},
		{`"<a> & ä"`, typed("string", `"<a> & ä"`)},
		{`{"text":""}`, typed("string", `""`)},
		{`{"bytes":"AP8="}`, typed("bytes", `"AP8="`)},
		{`{"json":null}`, `null`},
		{`{"json":{"b":[1,2.5,"x",null,true],"a":{}}}`, `{"json":{"b":[1,2.5,"x",null,true],"a":{}}}`},
		{`{"json":9223372036854775807}`, `{"json":9223372036854775807}`},
		{`{"json":1e300}`, `{"json":1e+300}`},
		{structs, structs},
		{typed("int8", "-128"), typed("int8", "-128")},
		{typed("int64", "-9223372036854775808"), typed("int64", "-9223372036854775808")},
		{typed("float", "0.1"), typed("float", "0.1")},
		{typed("double", `"NaN"`), typed("double", `"NaN"`)},
		{fmt.Sprintf(decimal, `12.5`), fmt.Sprintf(decimal, `12.50`)},
		{fmt.Sprintf(decimal, `"-0.05"`), fmt.Sprintf(decimal, `-0.05`)},
		{fmt.Sprintf(decimal, `1e3`), fmt.Sprintf(decimal, `1000.00`)},
		{fmt.Sprintf(logical, `1700000000000`), fmt.Sprintf(logical, `1700000000000`)},
	} {
		got, err := shownAs(c[0])
		if err != nil || got != c[1] {
			t.Errorf("%s:\n %s, %v, want\n %s", c[0], got, err, c[1])
		}
	}
}

func TestWrongValuesNameWhatIsWrong(t *testing.T) {
	structOf := func(fields, payload string) string {
		return `{"schema":{"type":"struct","fields":[` + fields + `]},"payload":` + payload + `}`
	}
	for _, c := range [][2]string{
		{`5`, `value is 5: write {"json": 5}`},
		{`{"a":1}`, "it takes one of text, bytes (Base64), json, or schema with payload"},
		{`{"text":"a","json":1}`, "exactly one of"},
		{`{"payload":1}`, "exactly one of"},
		{`{}`, "exactly one of"},
		{`{"bytes":"%"}`, "illegal base64"},
		{typed("number", "1"), `value.schema.type is "number": it must be one of int8,`},
		{typed("int8", "128"), "value.payload is 128, which is no int8"},
		{typed("int32", `"1"`), `value.payload is "1", which is no int32`},
		{typed("int32", "1.5"), "value.payload is 1.5, which is no int32"},
		{typed("boolean", "1"), "which is no boolean"},
		{typed("string", "null"), "value.payload is null, but its schema is not optional"},
		{typed("bytes", `"%"`), "which is no bytes"},
		{typed("array", "[]"), `value.schema has no "items"`},
		{fmt.Sprintf(decimal, `0.005`), "which is no bytes org.apache.kafka.connect.data.Decimal"},
		{fmt.Sprintf(decimal, `1e999999999`), "which is no bytes org.apache.kafka.connect.data.Decimal"},
		{structOf(`{"type":"int8","field":"a"}`, `{"a":1,"b":2}`), "value.payload.b is no field of its schema"},
		{structOf(`{"type":"int8","field":"a"}`, `{}`), "value.payload.a is null, but its schema is not optional"},
		{structOf(`{"type":"int8","field":"a"}`, `[]`), "value.payload is [], where its schema wants an object"},
		{structOf(`{"type":"int8"}`, `{}`), `value.schema.fields[0] has no "field" of its own`},
		{structOf(`{"type":"int8","field":"a"},{"type":"int8","field":"a"}`, `{}`), "value.schema.fields[1] has no"},
		{structOf(`{"type":"int8","field":"a","default":"x"}`, `{}`), `value.schema.fields.a.default is "x"`},
		{`{"schema":{"type":"int8","parameters":{"a":1}},"payload":1}`, "value.schema.parameters.a must be a text"},
		{`{"schema":{"typ":"int8"},"payload":1}`, `unknown field "typ"`},
	} {
		if got, err := shownAs(c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %s, %v, want %q", c[0], got, err, c[1])
		}
	}
	if _, err := Polled(host.PreviewRecord{}); err == nil || !strings.Contains(err.Error(), "topic is missing") {
		t.Errorf("no topic: %v", err)
	}
	bad := host.PreviewRecord{Topic: "t", Headers: []host.PreviewHeader{{Key: "h", Value: json.RawMessage("1")}}}
	for name, err := range map[string]error{"polled": second(Polled(bad)), "consumed": second(Consumed(bad))} {
		if err == nil || !strings.Contains(err.Error(), "headers[0] (h).value is 1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestWhatASinkGets(t *testing.T) {
	partition, offset, timestamp := int32(3), int64(7), int64(9)
	r, err := Consumed(host.PreviewRecord{Topic: "t", Partition: &partition, Offset: &offset, Timestamp: &timestamp,
		Key: json.RawMessage(`{"bytes":"AP8="}`), Value: json.RawMessage(`{"json": {"a": 1}}`),
		Headers: []host.PreviewHeader{{Key: "h", Value: json.RawMessage(`{"schema":{"type":"int8"},"payload":5}`)},
			{Key: "n"}}})
	if err != nil || r.Partition != 3 || r.Offset != 7 || r.TimestampMs != 9 || r.TimestampType != host.CreateTime ||
		string(r.Key) != "\x00\xff" || string(r.Value) != `{"a":1}` || r.Headers[1].Value != nil ||
		string(r.Headers[0].Value) != `{"schema":{"type":"int8","optional":false},"payload":5}` {
		t.Fatalf("%+v, %v", r, err)
	}
	shown, err := OfConsumed(&r)
	if err != nil || string(shown.Key) != `{"bytes":"AP8="}` || string(shown.Value) != `{"text":"{\"a\":1}"}` ||
		*shown.Partition != 3 || *shown.Offset != 7 || *shown.Timestamp != 9 || string(shown.Headers[1].Value) != "null" {
		t.Errorf("%+v, %v", shown, err)
	}
}

// Whatever is given is refused, or what comes out goes in again and comes out the same.
func FuzzValue(f *testing.F) {
	f.Add(`{"json":{"a":[1,2.5,null]}}`)
	f.Add(fmt.Sprintf(decimal, `12.5`))
	f.Add(typed("array", `[]`))
	f.Add(`{"schema":{"type":"map","keys":{"type":"int8"},"values":{"type":"string"}},"payload":{"1":"a"}}`)
	f.Fuzz(func(t *testing.T, value string) {
		batch, err := Polled(valued(value))
		if err != nil {
			return
		}
		if err := batch.ValidateValues(); err != nil {
			t.Fatalf("%s made a batch that is wrong: %v", value, err)
		}
		once, err := Record(&batch, 0)
		if err != nil {
			t.Fatalf("%s can't be shown: %v", value, err)
		}
		again, err := shownAs(string(once.Value))
		if err != nil || again != string(once.Value) {
			t.Fatalf("%s came out as\n%s, and then as\n%s, %v", value, once.Value, again, err)
		}
	})
}
