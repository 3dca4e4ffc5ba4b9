package plugin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/berth-connect/berth/host"
)

// For is what a tenant's uploads must be signed with, by the worker's properties and the tenant's record together: a
// record adds to what the worker asks for, and takes nothing away. If it names keys, no others count; where the worker
// requires signatures, those of them alone that are the worker's, too, unless TenantKeys lets tenants have their own. A
// key that can't be read verifies nothing: it was refused when the record was written.
func (s Signatures) For(tenant string, own host.SignaturePolicy) Signatures {
	required := s.Required
	if own.Required && !required {
		s.Required, s.asks = true, fmt.Sprintf("tenant %s's signatures.required=true", tenant)
	}
	if len(own.Keys) == 0 {
		return s
	}
	var keys []SigningKey
	for _, name := range slices.Sorted(maps.Keys(own.Keys)) {
		key, err := parseSigningKey(name, []byte(own.Keys[name]))
		if err == nil && (!required || s.TenantKeys || s.has(key)) {
			keys = append(keys, key)
		}
	}
	s.Keys, s.lists = keys, fmt.Sprintf("tenant %s's signatures.keys", tenant)
	return s
}

func (s Signatures) has(key SigningKey) bool { return slices.ContainsFunc(s.Keys, key.is) }

// Check refuses a policy of a tenant's record that can't be read, that goes beyond a limit or below what the worker
// asks for, or that nothing could meet. Error: host.ErrBadRequest.
func (s Signatures) Check(tenant string, own host.SignaturePolicy) error {
	refuse := func(problem string, args ...any) error {
		return host.BadRequest(fmt.Sprintf("Tenant %s: signatures.%s", tenant, fmt.Sprintf(problem, args...)))
	}
	if len(own.Keys) > host.SignatureKeysMax {
		return refuse("keys has %d keys; at most %d can be named", len(own.Keys), host.SignatureKeysMax)
	}
	for _, name := range slices.Sorted(maps.Keys(own.Keys)) {
		text := own.Keys[name]
		if name == "" || len(name) > host.SignatureKeyNameBytesMax || strings.Trim(name, keyNameChars) != "" {
			return refuse("keys: the name %.100q must have 1 to %d letters, digits, dots, hyphens and underscores", name,
				host.SignatureKeyNameBytesMax)
		}
		if len(text) > host.SignatureKeyBytesMax {
			return refuse("keys.%s has %d bytes; a public key has at most %d", name, len(text), host.SignatureKeyBytesMax)
		}
		key, err := parseSigningKey(name, []byte(text))
		if err != nil {
			begin, _, _ := strings.Cut(text, "\n")
			return refuse("keys.%s=%.40q…: %v; it must be one public key in PEM form, Ed25519 or ECDSA, as \"openssl pkey "+
				"-pubout\" writes it", name, begin, err)
		}
		if s.Required && !s.TenantKeys && !s.has(key) {
			return refuse("keys.%s is none of the %d keys of the worker's %s, which its %s=true asks for: name one of those, "+
				"or set %s=true on all workers", name, len(s.Keys), SignatureKeys, SignatureRequired, SignatureTenantKeys)
		}
	}
	if own.Required && len(own.Keys) == 0 && len(s.Keys) == 0 {
		return refuse("required=true: nothing could be uploaded, since neither signatures.keys nor the worker's %s names a "+
			"key; name those of who may sign", SignatureKeys)
	}
	return nil
}

const keyNameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// verdict is what a policy says of a module.
type verdict struct {
	policy host.SignaturePolicy
	by     string
	err    error
}

// signedBy holds an uploaded module against what the view's tenant wants of signatures now, whenever the module came:
// no order holds between records and modules, and a record may change. It returns the name of the key, "" for none.
// Error: host.ErrBadRequest, with the remedy.
func (r View) signedBy(m *module) (string, error) {
	if m.from != fromUpload {
		return "", nil
	}
	var own host.SignaturePolicy
	if r.tenant != "" && r.config.Tenants != nil {
		record, _ := r.config.Tenants.Tenant(r.tenant)
		own = record.Signatures
	}
	last := m.judged.Load()
	if last == nil || !last.policy.Equal(own) {
		last = &verdict{policy: own}
		last.by, last.err = r.config.Signatures.For(r.tenant, own).Verify(m.info.Name, m.info.Digest, m.signature)
		m.judged.Store(last)
	}
	return last.by, last.err
}

// Refused is the error of a class or alias that only modules have which may not be used for their signatures.
func (r View) Refused(name string) error {
	found, refused := r.permitted(r.named(name, nil), versionRange{any: true})
	if len(found) > 0 {
		return nil
	}
	return refused
}

// permitted leaves out the plugins of modules that may not be used for their signatures. The error is of one whose
// version was wanted.
func (r View) permitted(found []Plugin, wanted versionRange) (usable []Plugin, refused error) {
	for _, p := range found {
		m := r.module(p.Digest)
		if m == nil {
			continue // deleted meanwhile
		}
		_, err := r.signedBy(m)
		switch {
		case err == nil:
			usable = append(usable, p)
		case wanted.contains(p.Version):
			refused = host.BadRequest(fmt.Sprintf("Plugin %s %s can't be used: %v", p.Class, p.Version, err))
		}
	}
	return usable, refused
}
