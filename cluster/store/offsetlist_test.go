package store

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The expected lists are those of Connect's worker for the same keys and values.
func TestOffsetsAreListedAsConnectDoes(t *testing.T) {
	for _, c := range []struct{ name, records, want string }{
		{"one partition in two orders", `["c",{"a":1,"b":2}]={"p":1};["c",{"b":2,"a":1}]={"p":2}`, `{"a":1,"b":2}={"p":1}`},
		{"blanks", `[ "c" , { "sp" : 1 } ]={"v":1}`, `{ "sp" : 1 }=`},
		{"escapes", `["c",{"e":"\u00e9"}]={"v":1}`, `{"e":"\u00e9"}=`},
		{"another order than a HashMap's", `["c",{"b":2,"a":1}]={"p":2}`, `{"b":2,"a":1}=`},
		{"a HashMap's order", `["c",{"schema":"x","server":"d","zone":null,"shard":0,"table":"o"}]={"p":2}`,
			`{"schema":"x","server":"d","zone":null,"shard":0,"table":"o"}={"p":2}`},
		{"doubles", `["c",{"f":1.5}]={"p":1};["c",{"f":1.0E21}]={"p":2};["c",{"f":1e3}]={"p":3}`,
			`{"f":1.5}={"p":1};{"f":1.0E21}={"p":2};{"f":1e3}=`},
		{"long and null", `["c",{"i":9007199254740993}]={"n":null};["c",{}]={}`, `{"i":9007199254740993}={"n":null};{}={}`},
		{"not flat", `["c",{"w":true}]={"n":{"x":1}};["c",{"w":[1]}]={"p":1};["c",{"s":1}]=x;["c",{"s":2}]=[1]`, ``},
		{"deleted", `["c",{"g":1}]={"p":1};["c",{"g":1}]=`, ``},
	} {
		reader := newOffsetReader(nil, slog.New(slog.DiscardHandler))
		for i, text := range strings.Split(c.records, ";") {
			key, value, _ := strings.Cut(text, "]=")
			record := &kgo.Record{Key: []byte(key + "]"), Offset: int64(i)}
			if value != "" {
				record.Value = []byte(value)
			}
			reader.apply(record)
		}
		var got []string
		for _, o := range reader.shown("c") {
			got = append(got, string(o.Partition)+"="+string(o.Offset))
		}
		if strings.Join(got, ";") != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestPartitionsFromTheAPIAreInAHashMapsOrder(t *testing.T) {
	for given, want := range map[string]string{
		`{"table":"o","shard":0,"zone":null,"schema":"x"}`: `{"schema":"x","zone":null,"shard":0,"table":"o"}`,
		`{"f":1.5,"e":"\u00e9"}`:                           `{"e":"é","f":1.5}`,
		`{"w":[1],"a":1}`:                                  `{"w":[1],"a":1}`, // not flat: refused later
		`{}`:                                               `{}`,
	} {
		if got := string(HashOrdered([]byte(given))); got != want {
			t.Errorf("%s becomes %s, want %s", given, got, want)
		}
	}
}
