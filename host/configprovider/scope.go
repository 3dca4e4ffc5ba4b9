package configprovider

import (
	"fmt"
	"path"
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
		return !climbs && host.MatchesAny(tenant.Secrets[provider], name)
	}}
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
