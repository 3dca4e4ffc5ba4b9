package javamap

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// recorded are the entries of the files in testdata, which testdata/java/OffsetFile.java made with Connect's own store.
func recorded() map[string][]Entry {
	many := []Entry{
		{[]byte(`["many",{"filename":"gone"}]`), nil},
		{[]byte(`["mäny",{"filename":"€"}]`), []byte(`{"position":9223372036854775807,"s":""}`)},
	}
	for i := range 13 {
		many = append(many, Entry{
			fmt.Appendf(nil, `["many",{"filename":"f%d"}]`, i), fmt.Appendf(nil, `{"position":%d}`, i*i)})
	}
	return map[string][]Entry{
		"empty": nil,
		"one":   {{[]byte(`["c",{"filename":"f"}]`), []byte(`{"position":1}`)}},
		"many":  many,
	}
}

func recording(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".bin"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func sorted(entries []Entry) []Entry {
	return slices.SortedFunc(slices.Values(entries), func(a, b Entry) int { return bytes.Compare(a.Key, b.Key) })
}

// Java's files are read, and written again in Java's order they have Java's bytes.
func TestJavaFiles(t *testing.T) {
	for name, want := range recorded() {
		data := recording(t, name)
		got, err := Decode(data)
		if err != nil || !reflect.DeepEqual(sorted(got), sorted(want)) {
			t.Errorf("%s: %v\n got %q\nwant %q", name, err, sorted(got), sorted(want))
		}
		if again := Encode(got); !bytes.Equal(again, data) {
			t.Errorf("%s:\n got %x\nwant %x", name, again, data)
		}
	}
}

func TestTableSizes(t *testing.T) {
	for entries, want := range map[int][2]uint32{0: {16, 0}, 1: {16, 12}, 12: {16, 12}, 13: {32, 24}, 24: {32, 24},
		25: {64, 48}} {
		if buckets, threshold := tableOf(entries); buckets != want[0] || threshold != want[1] {
			t.Errorf("%d entries: %d, %d, want %v", entries, buckets, threshold, want)
		}
	}
}

// Equal arrays that were one object in Java are written once.
func TestSharedArrays(t *testing.T) {
	data := Encode([]Entry{{[]byte("a"), []byte("v")}, {[]byte("b"), []byte("v")}})
	// The second value is the fifth handle after the first: class, map, class of arrays, "a", "v", "b", "v".
	last := bytes.LastIndex(data, []byte{codeArray})
	shared := append(bytes.Clone(data[:last]), codeReference, 0, 0x7e, 0, 4, codeEndBlock)
	got, err := Decode(shared)
	if err != nil || len(got) != 2 || string(got[1].Value) != "v" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWhatIsNoSuchMap(t *testing.T) {
	one := recording(t, "one")
	replaced := func(old, new string) []byte { return bytes.Replace(one, []byte(old), []byte(new), 1) }
	const sizes = "\x00\x00\x00\x10\x00\x00\x00\x01" // buckets, entries
	cases := map[string]struct {
		data []byte
		says string
	}{
		"text":              {[]byte("offsets"), "at byte 0: the header of a Java object stream is expected"},
		"nothing":           {nil, "the data ends early"},
		"another class":     {replaced("java.util.HashMap", "java.util.HashSet"), "the class java.util.HashMap is expected"},
		"cut":               {one[:len(one)-20], "the data ends early"},
		"more":              {append(bytes.Clone(one), 1, 2), "2 more bytes after the map"},
		"a null key":        {Encode([]Entry{{nil, []byte("v")}}), "a null key"},
		"a string key":      {replaced("ur\x00\x02[B", "t\x00\x02[B"), "an array or null is expected"},
		"another array":     {replaced("\x00\x02[B", "\x00\x02[I"), "the class byte[] is expected"},
		"a foreign handle":  {replaced("q\x00~\x00\x02", "q\x00~\x00\x63"), "a reference to nothing"},
		"a map's handle":    {replaced("q\x00~\x00\x02", "q\x00~\x00\x01"), "a reference to the class byte[] is expected"},
		"a negative length": {replaced("\x00\x00\x00\x0e{", "\xff\x00\x00\x0e{"), "an array of -16777202 bytes"},
		"a huge length":     {replaced("\x00\x00\x00\x0e{", "\x7f\x00\x00\x0e{"), "the data ends early"},
		"a huge size":       {replaced(sizes, sizes[:4]+"\x7f\xff\xff\xff"), "is expected"},
		"a negative size":   {replaced(sizes, sizes[:4]+"\xff\xff\xff\xff"), "a map of -1"},
	}
	for name, c := range cases {
		if bytes.Equal(c.data, one) {
			t.Errorf("%s: the case changes nothing", name)
		}
		got, err := Decode(c.data)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %q, %v, want %s", name, got, err, c.says)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for name := range recorded() {
		data, err := os.ReadFile(filepath.Join("testdata", name+".bin"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Decode(Encode(entries))
		if err != nil || !reflect.DeepEqual(again, entries) {
			t.Errorf("%q became %q, %v", entries, again, err)
		}
	})
}
