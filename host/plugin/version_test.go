package plugin

import (
	"errors"
	"testing"

	"github.com/berth-connect/berth/host"
)

func TestVersionRanges(t *testing.T) {
	for _, c := range []struct {
		spec, version string
		want          bool
	}{
		{"", "1.0", true}, {"latest", "9", true}, {"\x00 ", "1.0", true},
		{"1.0", "1.0", true}, {"1.0", "1.0.1", false}, {"[1.0]", "1.0", true},
		{"[1.0,2.0)", "1.0", true}, {"[1.0,2.0)", "1.9.9", true}, {"[1.0,2.0)", "2.0", false}, {"(1.0,2.0]", "1.0", false},
		{"(1.0,2.0]", "2.0", true}, {"[1.5,)", "10.0", true}, {"[1.5,)", "1.4", false}, {"(,2.0)", "0.1", true},
		{"[1.0,2.0)", "1.0-rc1", false}, {"[2,10]", "9", true},
	} {
		r, err := parseVersionRange(c.spec)
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
			continue
		}
		if got := r.contains(c.version); got != c.want {
			t.Errorf("%s contains %s: %v", c.spec, c.version, got)
		}
	}
	for _, spec := range []string{"[", "[1", "(1.0)", "1.0,2.0", "]1[", "[]"} {
		if _, err := parseVersionRange(spec); !errors.Is(err, host.ErrBadRequest) {
			t.Errorf("%q: %v", spec, err)
		}
	}
}

func TestVersionsAreOrdered(t *testing.T) {
	ordered := []string{"0.9", "1.0-alpha", "1.0-rc1", "1.0", "1.0.1", "1.2", "1.10", "2"}
	for i := range ordered {
		for j := range ordered {
			if got, want := compareVersions(ordered[i], ordered[j]) < 0, i < j; got != want {
				t.Errorf("%s < %s: %v", ordered[i], ordered[j], got)
			}
		}
	}
}

func TestStoreGivesBackWhatWasPut(t *testing.T) {
	s := store{t.TempDir()}
	wasm := []byte("\x00asm")
	digest := digestOf(wasm)
	if err := s.put(digest, wasm, record{Name: "one", Manifest: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	if err := writeDurably(s.dir+"/"+digestOf(nil)+".wasm", nil); err != nil { // no record: an upload that was cut off
		t.Fatal(err)
	}
	all, err := s.list()
	if err != nil || len(all) != 1 || all[digest].Name != "one" {
		t.Fatalf("%v, %v", all, err)
	}
	if got, err := s.get(digest); err != nil || string(got) != string(wasm) {
		t.Fatalf("%q, %v", got, err)
	}
	if err := writeDurably(s.dir+"/"+digest+".wasm", []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.get(digest); err == nil {
		t.Fatal("a damaged module was taken")
	}
}
