package configprovider

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/berth-connect/berth/host"
)

// For returns a transformer for what a tenant is granted: a reference to anything else is an error.
func (t *Transformer) For(tenant host.Tenant) *Transformer {
	if t == nil || tenant.IsDefault() {
		return t
	}
	return &Transformer{providers: t.providers, granted: func(provider, at, key string) bool {
		name := at
		if at == "" {
			name = key // of a provider without paths
		}
		climbs := slices.Contains(strings.Split(name, "/"), "..") || at != "" && path.Clean(at) != at
		return !climbs && slices.ContainsFunc(tenant.Secrets[provider], func(pattern string) bool {
			return host.Matches(pattern, name) && (at == "" || staysBelow(pattern, at, key))
		})
	}}
}

// staysBelow tells whether no symbolic link leads from a path, or from a file of that name in it, out of the folder
// that a pattern names. What is not there leads nowhere.
func staysBelow(pattern, at, key string) bool {
	folder, err := filepath.EvalSymlinks(folderOf(pattern))
	if err != nil {
		return true
	}
	for _, file := range []string{at, filepath.Join(at, filepath.Base(key))} {
		real, err := filepath.EvalSymlinks(file)
		if err != nil {
			continue
		}
		within, err := filepath.Rel(folder, real)
		if err != nil || !filepath.IsLocal(within) {
			return false
		}
	}
	return true
}

// folderOf is the folder that a pattern names: itself, or what is before its first * or its file.
func folderOf(pattern string) string {
	literal, _, wild := strings.Cut(pattern, "*")
	if info, err := os.Stat(literal); !wild && err == nil && info.IsDir() {
		return literal
	}
	return path.Dir(literal + "x")
}

// Refused says, by key, which references of a configuration are not granted.
func (t *Transformer) Refused(config host.Config) map[string]string {
	found := map[string]string{}
	for key, value := range config {
		if message := t.refused(value); message != "" {
			found[key] = message
		}
	}
	return found
}

// refused says what is wrong with a value that refers to what is not granted, or "".
func (t *Transformer) refused(value *string) string {
	if t == nil || t.granted == nil || value == nil {
		return ""
	}
	for _, match := range reference.FindAllStringSubmatch(*value, -1) {
		if t.providers[match[1]] != nil && !t.granted(match[1], match[3], match[4]) {
			return fmt.Sprintf("The tenant may not refer to %s: the field secrets of its record does not allow it", match[0])
		}
	}
	return ""
}
