package plugin

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/network"
)

func TestNeedsThatCannotBeReadAreRefused(t *testing.T) {
	for _, c := range []struct {
		capabilities []string
		needs        abi.Needs
		want         string
	}{
		{nil, abi.Needs{"net": {"a:1"}}, `"net" without asking for that capability`},
		{[]string{"net"}, abi.Needs{"net": {"a"}}, `"a": it names no port`},
		{[]string{"files"}, abi.Needs{"files": {"/a", "b"}}, `"b", which is no absolute path`},
		{[]string{"secrets"}, abi.Needs{"secrets": {""}}, "an empty configuration key"},
		{[]string{"stdio"}, abi.Needs{"stdio": {"out"}}, "as a whole only"},
		{[]string{"net", "files", "secrets"},
			abi.Needs{"net": {"a:1", "10.0.0.0/8:*"}, "files": {"/a"}, "secrets": {"token"}}, ""},
	} {
		err := checkNeeds("m", abi.Plugin{Class: "x.P", Capabilities: c.capabilities, Needs: c.needs})
		if c.want == "" {
			if err != nil {
				t.Errorf("%v: %v", c.needs, err)
			}
			continue
		}
		if !errors.Is(err, host.ErrBadRequest) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.needs, err, c.want)
		}
	}
}

func TestWhatOnePluginNeedsInWholeAllNeedInWhole(t *testing.T) {
	narrow := abi.Plugin{Capabilities: []string{"net", "files"}, Needs: abi.Needs{"net": {"a:1", "b:2"}, "files": {}}}
	other := abi.Plugin{Capabilities: []string{"net"}, Needs: abi.Needs{"net": {"b:2", "c:3"}}}
	whole := abi.Plugin{Capabilities: []string{"net"}}
	if got := askedBy(narrow, other).needs; !reflect.DeepEqual(got, abi.Needs{"net": {"a:1", "b:2", "c:3"}, "files": {}}) {
		t.Errorf("together they need %v", got)
	}
	if got := askedBy(narrow, whole); !reflect.DeepEqual(got.needs, abi.Needs{"files": {}}) ||
		!reflect.DeepEqual(got.capabilities, []string{"net", "files"}) {
		t.Errorf("together they need %v", got)
	}
}

func TestAnInstanceGetsWhatIsNeededAndGranted(t *testing.T) {
	granted, outside := t.TempDir(), t.TempDir()
	in, link := filepath.Join(granted, "in"), filepath.Join(granted, "link")
	if err := errors.Join(os.Mkdir(in, 0o700), os.Symlink(outside, link)); err != nil {
		t.Fatal(err)
	}
	reach, err := network.ParsePolicy([]string{"api.example.com:443"})
	if err != nil {
		t.Fatal(err)
	}
	r := New(Config{Grants: Grants{Dirs: []string{granted}, Network: reach, Secrets: []string{"crm"}}}, nil)
	dirs := func(needs ...string) []string {
		return r.Of("").Granted("", abi.Plugin{Capabilities: []string{"files"}, Needs: abi.Needs{"files": needs}}).Dirs
	}
	for need, want := range map[string][]string{
		in: {in}, granted: {granted}, filepath.Dir(granted): {granted}, outside: {}, link: {},
		filepath.Join(granted, "absent"): {}, granted + "-not": {},
	} {
		if got := dirs(need); len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("of %s an instance gets %v, want %v", need, got, want)
		}
	}
	whole := r.Of("").Granted("", abi.Plugin{Capabilities: []string{"files"}})
	if got := whole.Dirs; !reflect.DeepEqual(got, []string{granted}) {
		t.Errorf("of all an instance gets %v", got)
	}
	if got := r.Of("").Granted("", abi.Plugin{}); got.Dirs != nil || got.Network != nil || got.Stdin != nil {
		t.Errorf("without a capability an instance gets %v", got)
	}
}

func TestMissingGrantsAreNamed(t *testing.T) {
	reach, err := network.ParsePolicy([]string{"*.example.com:443", "10.0.0.0/8:5432"})
	if err != nil {
		t.Fatal(err)
	}
	r := New(Config{Grants: Grants{Dirs: []string{"/data"}, Network: reach}}, nil)
	m := &module{from: fromUpload, manifest: abi.Manifest{Plugins: []abi.Plugin{{
		Capabilities: []string{"net", "files", "secrets", "stdio", "schema-registry", "clouds"},
		Needs: abi.Needs{"net": {"api.example.com:400-500", "example.com:443", "10.1.0.0/16:5432", "10.1.0.0/16:1"},
			"files": {"/data/in", "/etc"}, "secrets": {"token"}}}}}}
	want := []host.CapabilityGrant{
		{Capability: "net", Needs: m.manifest.Plugins[0].Needs["net"], Granted: true,
			Missing: []string{"example.com:443", "10.1.0.0/16:1"}, Property: "berth.allow.net"},
		{Capability: "files", Needs: []string{"/data/in", "/etc"}, Granted: true, Missing: []string{"/etc"},
			Property: "berth.allow.dirs"},
		{Capability: "secrets", Needs: []string{"token"}, Property: "berth.secrets"},
		{Capability: "stdio", Whole: true},
		{Capability: "schema-registry", Whole: true, Granted: true},
		{Capability: "clouds", Whole: true},
	}
	if got, _ := r.Of("").grantsOf(m); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
	r.config.Grants.Stdin = engine.NewInput(strings.NewReader(""))
	if r.Of("").grantOf(fromUpload, "stdio", nil).Granted || !r.Of("").grantOf(fromBundle, "stdio", nil).Granted {
		t.Error("standard input and output are for the bundled module alone")
	}
}

func TestAnUploadTellsWhatItAsksForAnew(t *testing.T) {
	r := New(Config{}, nil)
	add := func(digest, version string, capabilities []string, needs abi.Needs) *module {
		m := &module{info: host.ModuleInfo{Digest: digest}, manifest: abi.Manifest{Plugins: []abi.Plugin{
			{Class: "x.P", Kind: abi.KindSink, Version: version, Capabilities: capabilities, Needs: needs}}}}
		r.list(m)
		return m
	}
	if got := r.Of("").changesOf(add("1", "1.0", []string{"files"}, nil)); got != nil {
		t.Errorf("the first version is compared with %v", got)
	}
	add("3", "3.0", []string{"net"}, nil)
	second := add("2", "2.0", []string{"net", "files"}, abi.Needs{"net": {"a:1", "b:2"}, "files": {"/d"}})
	want := &host.CapabilityChanges{Since: []string{"x.P 1.0"}, Added: []string{"files /d", "net a:1", "net b:2"},
		Removed: []string{"files"}}
	if got := r.Of("").changesOf(second); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	third := add("4", "2.1", []string{"net"}, abi.Needs{"net": {"b:2"}})
	want = &host.CapabilityChanges{Since: []string{"x.P 2.0"}, Added: []string{}, Removed: []string{"files /d", "net a:1"}}
	if got := r.Of("").changesOf(third); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
