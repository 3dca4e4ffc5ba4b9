package offset

import (
	"testing"

	"github.com/berth-connect/berth/abi"
)

func TestJSONTextIsConnects(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{`{"filename":"/tmp/a","n":1}`, `{"filename":"/tmp/a","n":1}`},
		{` { "b" : 2 , "a" : 1.50 } `, `{"b":2,"a":1.5}`},
		{`{"d":3.0,"e":1e21,"f":0.0001,"g":-12345678.5}`, `{"d":3.0,"e":1.0E21,"f":1.0E-4,"g":-1.23456785E7}`},
		{`{"x":null,"y":true}`, `{"x":null,"y":true}`},
		{`{"s":"\u00e9\u2028\u007f\ud83d\ude00\t\u0001\"\\"}`, "{\"s\":\"é\u2028\u007f\\uD83D\\uDE00\\t\\u0001\\\"\\\\\"}"},
		{`{}`, `{}`},
	} {
		payload, err := ParseJSON([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got, err := AppendJSON(nil, payload); err != nil || string(got) != c.out {
			t.Errorf("%s: got %s, %v; want %s", c.in, got, err, c.out)
		}
	}
}

func TestParseJSONRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `null`, `{"a":[1]}`, `{"a":{}}`, `{"a":1} x`, `{"a":1`, `{"a":1e999}`} {
		if payload, err := ParseJSON([]byte(text)); err == nil {
			t.Errorf("%s was read as %x", text, payload)
		}
	}
}

func TestNestedOffsetsAreRefused(t *testing.T) {
	var b abi.Builder
	b.BeginMap()
	b.String("a")
	b.BeginArray()
	b.End()
	b.End()
	if text, err := AppendJSON(nil, b.Value().Payload); err == nil {
		t.Fatalf("written as %s", text)
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":"x"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		payload, err := ParseJSON(text)
		if err != nil {
			return
		}
		out, err := AppendJSON(nil, payload)
		if err != nil {
			t.Fatalf("%q was read but can't be written: %v", text, err)
		}
		if _, err := ParseJSON(out); err != nil {
			t.Fatalf("%q became %q, which can't be read: %v", text, out, err)
		}
	})
}
