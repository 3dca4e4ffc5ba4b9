package configprovider

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

func configOf(pairs ...string) host.Config {
	c := host.Config{}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i]] = &pairs[i+1]
	}
	return c
}

// fixed has the same values under every path but one, and counts how often it is asked.
type fixed struct {
	values map[string]string
	ttl    time.Duration
	asked  int
}

func (f *fixed) Get(path string, _ []string) (Data, error) {
	f.asked++
	if path == "broken" {
		return Data{}, refused("it is broken")
	}
	return Data{f.values, f.ttl}, nil
}

func TestTransform(t *testing.T) {
	f := &fixed{map[string]string{"k": "v", "looks": "${f:k}", "a:b": "colon", "empty": ""}, -1, 0}
	transformer := NewTransformer(map[string]Provider{"f": f})
	for text, want := range map[string]string{
		"plain":              "plain",
		"${f:k}":             "v",
		"<${f:k}${f:p:k}>":   "<vv>",
		"${f:looks}":         "${f:k}",
		"${f:p:a:b}":         "colon",
		"${f:empty}":         "",
		"${f:none}":          "${f:none}",
		"${g:k}${f:k}${g:k}": "${g:k}v${g:k}",
		"${f}":               "${f}",
		"${f:k":              "${f:k",
		"${f:\nk}${f:k}":     "${f:\nk}v",
	} {
		resolved, err := transformer.Transform(configOf("key", text))
		if got := resolved.Config.Get("key"); err != nil || got != want {
			t.Errorf("%q became %q, want %q (%v)", text, got, want, err)
		}
	}
	config := configOf("a", "${f:k}", "b", "${f:looks}", "c", "${f:p:k}")
	config["null"] = nil
	f.asked = 0
	resolved, err := transformer.Transform(config)
	if err != nil || f.asked != 2 || resolved.Config["null"] != nil || len(resolved.Config) != 4 {
		t.Errorf("asked %d times for two paths: %v, %v", f.asked, resolved.Config, err)
	}
	if config.Get("a") != "${f:k}" {
		t.Error("the configuration itself has changed")
	}
	_, err = transformer.Transform(configOf("a", "${f:broken:k}"))
	var wrong *abi.ConfigError
	if !errors.As(err, &wrong) || wrong.Message != "it is broken" {
		t.Errorf("error %v", err)
	}
	if none, err := (*Transformer)(nil).Resolve(configOf("a", "${f:k}")); err != nil || none.Get("a") != "${f:k}" {
		t.Errorf("without providers: %v, %v", none, err)
	}
}

func TestTTLs(t *testing.T) {
	transformer := NewTransformer(map[string]Provider{"f": &fixed{nil, time.Minute, 0}, "g": &fixed{nil, -1, 0}})
	resolved, err := transformer.Transform(configOf("a", "${f:p:k}", "b", "${g:q:k}", "c", "${h:r:k}"))
	if want := map[string]time.Duration{"p": time.Minute}; err != nil || !maps.Equal(resolved.TTLs, want) {
		t.Errorf("%v, %v", resolved.TTLs, err)
	}
}

func TestRestore(t *testing.T) {
	connector := configOf("secret", "${f:k}", "plain", "x", "half", "a${f:k}b", "not made", "${f:k}")
	made := []host.Config{configOf("secret", "v", "plain", "x", "half", "avb", "own", "v"), configOf("plain", "y")}
	Restore(connector, made)
	for key, want := range map[string]string{"secret": "${f:k}", "plain": "x", "half": "a${f:k}b", "own": "v"} {
		if got := made[0].Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if len(made[0]) != 4 || len(made[1]) != 1 || made[1].Get("plain") != "y" {
		t.Errorf("keys were added: %v", made)
	}
}

func TestFromProperties(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("t"), 0o600); err != nil {
		t.Fatal(err)
	}
	transformer, err := FromProperties(configOf("config.providers", "dir,env",
		"config.providers.dir.class", "DirectoryConfigProvider", "config.providers.dir.param.allowed.paths", dir,
		"config.providers.env.class", "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
		"config.providers.env.param.allowlist.pattern", "A.*"), []string{"AB=1", "B=2", "odd"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := transformer.Resolve(configOf("k", "${dir:"+dir+":token}${env:AB}${env:B}${dir:/:token}"))
	if want := "t1${env:B}${dir:/:token}"; err != nil || got.Get("k") != want {
		t.Errorf("%q, %v", got.Get("k"), err)
	}
	for _, c := range []struct {
		key, value, says string
	}{
		{"config.providers.p.class", "VaultConfigProvider", "Invalid value VaultConfigProvider for configuration " +
			"config.providers.p.class: it must be FileConfigProvider, "},
		{"config.providers.p.param.allowed.paths", "secrets", "Path secrets is not absolute"},
		{"config.providers.p.param.allowed.paths", dir + "," + dir + "/none", "none does not exist"},
	} {
		properties := configOf("config.providers", "p", "config.providers.p.class", "FileConfigProvider")
		properties[c.key] = &c.value
		if _, err := FromProperties(properties, nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s=%s: error %v, want %s", c.key, c.value, err, c.says)
		}
	}
}

func TestAllowedPaths(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"a", "ab"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	allowed, err := parseAllowedPaths(configOf(keyAllowedPaths, dir+"/ab/../a"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"/a": true, "/a/x": true, "/ab": false, "/a/../ab": false, "/ab/../a/x": true,
		"": false} {
		if _, got := allowed.resolve(dir + path); got != want {
			t.Errorf("%q is allowed: %v, want %v", path, got, want)
		}
	}
	if _, all := (allowedPaths{"/"}).resolve("/etc"); !all {
		t.Error("/ does not allow what is below it")
	}
}

func TestFilesThatNoOneShouldRead(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.properties")
	if err := os.WriteFile(large, []byte("k="+strings.Repeat("x", fileBytesMax)), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := NewFile(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{large, "/dev/zero", dir, filepath.Join(dir, "none")} {
		if _, err := file.Get(path, nil); err == nil || err.Error() != "Could not read properties from file "+path {
			t.Errorf("%s: error %v", path, err)
		}
	}
	folder, err := NewDirectory(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Get(dir, []string{"large.properties"}); err == nil || !strings.Contains(err.Error(), large) {
		t.Errorf("a large file of a folder: error %v", err)
	}
}

// A text without references stays, and so does one whose references nobody knows.
func FuzzTransform(f *testing.F) {
	for _, seed := range []string{"${f:k}", "${f:p:k}", "$${f:k}", "${${f:k}}", "${f:", "${:}", "a\x00${f:k}\xff"} {
		f.Add(seed)
	}
	knows := NewTransformer(map[string]Provider{"f": &fixed{map[string]string{"k": "v"}, -1, 0}})
	ignorant := NewTransformer(map[string]Provider{"f": &fixed{nil, -1, 0}})
	f.Fuzz(func(t *testing.T, text string) {
		config := configOf("key", text)
		got, err := ignorant.Resolve(config)
		if err == nil && got.Get("key") != text {
			t.Errorf("%q became %q", text, got.Get("key"))
		}
		got, err = knows.Resolve(config)
		if err == nil && len(KeysWithReferences(config)) == 0 && got.Get("key") != text {
			t.Errorf("%q has no reference and became %q", text, got.Get("key"))
		}
	})
}

// No content of a file harms more than its own reader.
func FuzzProperties(f *testing.F) {
	for _, seed := range []string{"k=v", "a\\ b : c\\\n  d", "u=\\u00fc", "bad=\\u12", "!c\n#d\n=x", "\\"} {
		f.Add(seed)
	}
	dir := f.TempDir()
	provider, err := NewFile(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "fuzzed.properties")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		data, err := provider.Get(path, nil)
		if err != nil {
			return
		}
		keys := slices.Sorted(maps.Keys(data.Values))
		some, err := provider.Get(path, append(keys, "none"))
		if err != nil || !maps.Equal(some.Values, data.Values) {
			t.Errorf("%q: all are %q, each by its key %q (%v)", text, data.Values, some.Values, err)
		}
	})
}
