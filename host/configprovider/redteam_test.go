package configprovider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

// A tenant wants values of others by references of its own: every provider, each way out of what is granted. The values
// stay where they are, and the configuration is refused.
func TestRedTeamReferences(t *testing.T) {
	root := t.TempDir()
	own, other := filepath.Join(root, "a"), filepath.Join(root, "b")
	for _, dir := range []string{own, other, filepath.Join(root, "ab")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"secret", "db.properties"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("key="+dir), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for link, to := range map[string]string{"link": other, "linked": filepath.Join(other, "secret"),
		"linked.properties": filepath.Join(other, "db.properties"), "up": root, "round": "round",
		"..data": ".", "mounted": "..data/secret"} {
		if err := os.Symlink(to, filepath.Join(own, link)); err != nil {
			t.Fatal(err)
		}
	}
	env, err := NewEnvironment(host.Config{}, []string{"A_KEY=of a", "B_KEY=" + other, "PATH=" + other})
	if err != nil {
		t.Fatal(err)
	}
	all := NewTransformer(map[string]Provider{"file": file{}, "dir": directory{}, "env": env})
	tenant := all.For(host.Tenant{Name: "a", Secrets: map[string][]string{"file": {own + "/*"},
		"dir": {own, own + "/*"}, "env": {"A_*"}}})
	for name, c := range map[string]struct {
		value string
		may   bool
	}{
		"own-file":                     {"${file:" + own + "/db.properties:key}", true},
		"own-folder":                   {"${dir:" + own + ":secret}", true},
		"own-folder-as-it-is-mounted":  {"${dir:" + own + ":mounted}", true},
		"own-variable":                 {"${env:A_KEY}", true},
		"file-by-dots":                 {"${file:" + own + "/../b/db.properties:key}", false},
		"file-by-a-link":               {"${file:" + own + "/linked.properties:key}", false},
		"file-in-a-linked-folder":      {"${file:" + own + "/link/db.properties:key}", false},
		"file-by-a-link-up":            {"${file:" + own + "/up/b/db.properties:key}", false},
		"file-of-a-folder-like-it":     {"${file:" + own + "b/db.properties:key}", false},
		"file-by-its-path":             {"${file:" + other + "/db.properties:key}", false},
		"file-of-the-process":          {"${file:/proc/self/environ:PATH}", false},
		"folder-by-dots":               {"${dir:" + own + "/..:b}", false},
		"folder-by-a-link":             {"${dir:" + own + "/link:secret}", false},
		"folder-with-a-linked-file":    {"${dir:" + own + ":linked}", false},
		"folder-above-by-a-key":        {"${dir:" + root + ":b}", false},
		"folder-of-another":            {"${dir:" + other + ":secret}", false},
		"variable-of-another":          {"${env:B_KEY}", false},
		"variable-of-the-worker":       {"${env:PATH}", false},
		"variable-beside-its-own":      {"${env:A_KEY}${env:B_KEY}", false},
		"variable-by-a-path":           {"${env:B_:A_KEY}", false},
		"variable-in-other-case":       {"${env:a_key}", false},
		"file-by-an-escaped-separator": {"${file:" + own + "/%2e%2e/b/db.properties:key}", true}, // which is not there
	} {
		t.Run("reference-to-a-"+name, func(t *testing.T) {
			config := host.Config{"key": &c.value}
			result, err := tenant.Transform(config)
			refused := tenant.Refused(config)["key"]
			if (refused == "") != c.may || !c.may && err == nil {
				t.Errorf("%s: %v, %q", c.value, err, refused)
			}
			if err == nil && strings.Contains(result.Config.Get("key"), other) {
				t.Errorf("%s is %s", c.value, result.Config.Get("key"))
			}
		})
	}
}
