package abi

import (
	"bytes"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

func bigInt(n int64) *big.Int { return big.NewInt(n) }

func date(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func nested(depth int) any {
	var x any = "leaf"
	for range depth {
		x = []any{x}
	}
	return x
}

func TestValuesRoundTrip(t *testing.T) {
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	for _, x := range []any{
		nil, true, false, int8(-1), int16(-300), int32(70000), int64(math.MinInt64), float32(1.5), math.Inf(-1), "", "é",
		[]byte{}, []byte{0, 255}, []any{}, []any{nil, "a", int8(1), []any{[]any{}}},
		&OrderedMap{[]Pair{}}, &OrderedMap{[]Pair{{"b", int32(1)}, {int64(7), []any{nil}}}},
		Decimal{bigInt(-128), 3}, Decimal{huge, -2}, date(-1), huge, bigInt(127), bigInt(128),
		bigInt(-129), bigInt(-1), nested(63),
	} {
		v := mustValue(t, x)
		if err := ValidateValue(v); err != nil {
			t.Errorf("%v: %v", x, err)
		}
		parsed, err := ParseValueBody(AppendValueBody(nil, v))
		if err != nil {
			t.Errorf("%v: %v", x, err)
		}
		got, err := parsed.Native(nil)
		if err != nil || !reflect.DeepEqual(got, x) {
			t.Errorf("%#v came back as %#v, %v", x, got, err)
		}
	}
}

func TestGoMapsAreSorted(t *testing.T) {
	a := "1"
	want := AppendValueBody(nil, mustValue(t, &OrderedMap{[]Pair{{"a", "1"}, {"b", nil}}}))
	for _, x := range []any{map[string]any{"b": nil, "a": "1"}, map[string]*string{"b": nil, "a": &a}} {
		if got := AppendValueBody(nil, mustValue(t, x)); !bytes.Equal(got, want) {
			t.Errorf("%v: % x, want % x", x, got, want)
		}
	}
}

func TestBigIntIsShortest(t *testing.T) {
	for n, want := range map[int64][]byte{
		0: {0}, 1: {1}, 127: {0x7F}, 128: {0, 0x80}, -1: {0xFF}, -128: {0x80}, -129: {0xFF, 0x7F}, 255: {0, 0xFF},
		-256: {0xFF, 0},
	} {
		got := appendBigInt(nil, big.NewInt(n))
		if !bytes.Equal(got, want) || parseBigInt(got).Int64() != n || !isShortest(got) {
			t.Errorf("%d: % x, want % x", n, got, want)
		}
	}
}

func TestStructsFollowTheirSchema(t *testing.T) {
	s := &Schema{Type: TypeStruct, Fields: []Field{{"n", &Schema{Type: TypeInt16}}, {"d", DateSchema()}}}
	x := NewStruct(s)
	if err := x.Put("n", 5); err != nil {
		t.Fatal(err)
	}
	if x.Put("other", 1) == nil {
		t.Fatal("put to a field that is not there")
	}
	v, err := ToValueOf(s, x)
	if err != nil {
		t.Fatal(err)
	}
	if v.Item(0).Tag != TagInt16 || v.Item(0).Int64() != 5 || v.StructSchema() != None {
		t.Fatalf("% x", v.Payload)
	}
	got, err := v.Native(s)
	if n, _ := got.(*Struct).Get("n"); err != nil || n != int16(5) {
		t.Fatalf("%v, %v", got, err)
	}
	if _, err := v.Native(nil); err == nil {
		t.Fatal("decoded a struct without a schema")
	}
	x.Values[0] = "text"
	if _, err := ToValueOf(s, x); err == nil || !strings.Contains(err.Error(), "string in schema INT16") {
		t.Fatalf("text in an INT16: %v", err)
	}
}

func TestStructsInSchemalessValuesNameTheirs(t *testing.T) {
	s := &Schema{Type: TypeStruct, Fields: []Field{{"n", &Schema{Type: TypeInt8}}}}
	var b Builder
	if err := b.Native(nil, []any{&Struct{s, []any{int8(1)}}}, func(*Schema) uint32 { return 4 }); err != nil {
		t.Fatal(err)
	}
	if got := b.Value().Item(0).StructSchema(); got != 4 {
		t.Fatalf("schema %d", got)
	}
	lookup := func(i uint32) (*Schema, error) { return s, nil }
	x, err := b.Value().NativeIn(nil, lookup)
	if err != nil || x.([]any)[0].(*Struct).Values[0] != int8(1) {
		t.Fatalf("%v, %v", x, err)
	}
}

func TestValidateValueRefuses(t *testing.T) {
	array := mustValue(t, []any{"a"}).Payload
	overlap := bytes.Clone(array)
	overlap[len(overlap)-8] = 1
	for name, v := range map[string]Value{
		"unknown tag":      {17, nil},
		"null with bytes":  {TagNull, []byte{0}},
		"short int32":      {TagInt32, []byte{1}},
		"boolean 2":        {TagBoolean, []byte{2}},
		"bad UTF-8":        {TagString, []byte{0xFF}},
		"long bigint":      {TagBigInt, []byte{0, 1}},
		"empty bigint":     {TagBigInt, nil},
		"object's class":   {TagObject, []byte{2, 0, 0, 0, 'a'}},
		"object's text":    {TagObject, []byte{1, 0, 0, 0, 'a', 0xFF}},
		"short decimal":    {TagDecimal, []byte{0, 0, 0, 0}},
		"empty array":      {TagArray, nil},
		"array of many":    {TagArray, []byte{255, 255, 255, 255}},
		"map of many":      {TagMap, []byte{0, 0, 0, 128}},
		"item before":      {TagArray, overlap},
		"empty with bytes": {TagArray, []byte{9, 0, 0, 0, 0}},
		"raw inside":       {TagArray, []byte{byte(TagRaw), 1, 0, 0, 0, 1, 0, 0, 0}},
	} {
		if ValidateValue(v) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var b Builder
	for range DepthMax + 1 {
		b.BeginArray()
	}
	for range DepthMax + 1 {
		b.End()
	}
	if ValidateValue(b.Value()) == nil {
		t.Error("65 arrays in one another were accepted")
	}
	if _, err := ToValue(nested(DepthMax + 1)); err == nil {
		t.Error("65 arrays in one another were encoded")
	}
	if _, err := ToValue(struct{}{}); err == nil {
		t.Error("a type without a Connect type was encoded")
	}
}
