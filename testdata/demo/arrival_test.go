package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestArrival(t *testing.T) {
	data := dataset{[]string{"a", "b"}, []string{`"x",1`, `"y",2`, `"z",3`}}
	cases := []struct {
		name, file string
		want       arrival
		good       bool
	}{
		{"all", "\"x\",1\n{\"a\":\"y\",\"b\":2}\n{\"a\":\"z\",\"b\":3}\n", arrival{1, 2, 0, 0, ""}, true},
		{"again", "\"x\",1\n\"y\",2\n{\"a\":\"y\",\"b\":2}\n{\"a\":\"z\",\"b\":3}\n", arrival{2, 2, 1, 0, ""}, true},
		{"gap", "\"x\",1\n{\"a\":\"z\",\"b\":3}\n", arrival{1, 1, 0, 1, ""}, false},
		{"changed", "\"x\",1\n\"y\",9\n", arrival{1, 0, 0, 2, `"y",9`}, false},
		{"plugin never used", "\"x\",1\n\"y\",2\n\"z\",3\n", arrival{3, 0, 0, 0, ""}, false},
	}
	for _, c := range cases {
		file := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := checkArrival(file, data)
		if err != nil || got != c.want || (got.problem() == nil) != c.good {
			t.Errorf("%s: got %+v, %v, %v", c.name, got, got.problem(), err)
		}
	}
}
