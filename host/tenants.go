package host

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Tenant is the record of a tenant: what its connectors may reach and use. What it does not grant is not granted.
type Tenant struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`

	// Topics are patterns of the topics that its connectors may read and write, dead-letter topics among them.
	Topics []string `json:"topics"`
	// Groups are patterns of consumer groups that its sinks may name besides those whose names begin with TENANT::.
	Groups []string `json:"groups,omitempty"`
	// Network lists grants in the form of berth.allow.net; a plugin reaches what both allow.
	Network []string `json:"network"`
	// Directories lists folders that its plugins may read and write; they lie in those of berth.allow.dirs.
	Directories []string `json:"directories"`
	// Secrets are, by configuration provider, patterns of the paths whose values its configurations may refer to; of the
	// keys, where a provider has no paths.
	Secrets map[string][]string `json:"secrets"`
	// Client holds properties of its connectors' Kafka clients, as in a client's configuration. They are stronger than
	// those of connectors and may refer to configuration providers of the worker.
	Client map[string]string `json:"client"`

	// Signatures says what its uploads must be signed with, beyond what berth.modules.signature.* ask for.
	Signatures SignaturePolicy `json:"signatures,omitzero"`

	Quota Quota `json:"quota"`
	// Members are those who have a role in it, besides those whom the worker's properties name.
	Members []Member `json:"members,omitempty"`

	// Deleting says that the tenant is going, with all that it has; its API is closed.
	Deleting bool `json:"deleting,omitempty"`
}

// SignaturePolicy is what a tenant wants of the signatures of modules that are uploaded for it. The zero value wants
// what the worker does.
type SignaturePolicy struct {
	Required bool `json:"required,omitempty"`
	// Keys are public keys in PEM form by name, as those in the files of berth.modules.signature.keys; empty: those count.
	Keys map[string]string `json:"keys,omitempty"`
}

// Equal tells whether two policies want the same.
func (p SignaturePolicy) Equal(other SignaturePolicy) bool {
	return p.Required == other.Required && maps.Equal(p.Keys, other.Keys)
}

// Member gives a role in a tenant to somebody.
type Member struct {
	Subject string `json:"subject"` // user:NAME or claim:NAME=VALUE
	Role    string `json:"role"`    // view, operate, edit or admin
}

// Tenants knows the tenants of the group of workers.
type Tenants interface {
	// Tenant returns a tenant's record; false: there is no such tenant.
	Tenant(name string) (Tenant, bool)
	// AnyTenant tells whether there is one besides the default tenant. Without, all names are the default tenant's.
	AnyTenant() bool
}

// OwnerOf names the tenant that a connector belongs to: "" is the default tenant.
func OwnerOf(tenants Tenants, connector string) string {
	name, _ := SplitTenant(connector)
	if name == "" || tenants == nil || !tenants.AnyTenant() {
		return ""
	}
	return name
}

// TenantOf is the record of the tenant that a connector belongs to. Error: ErrNotFound when the record is gone.
func TenantOf(tenants Tenants, connector string) (Tenant, error) {
	name := OwnerOf(tenants, connector)
	if name == "" {
		return Tenant{}, nil
	}
	tenant, known := tenants.Tenant(name)
	if !known {
		return Tenant{}, NotFound(fmt.Sprintf("Tenant %s not found", name))
	}
	return tenant, nil
}

// IsDefault tells whether it is the default tenant, which is bound by the worker's properties alone.
func (t Tenant) IsDefault() bool { return t.Name == "" }

// ParseTenant reads a record. Unknown fields are refused: a misspelt grant would be none, a misspelt quota no limit.
// Error: ErrBadRequest.
func ParseTenant(name string, text []byte) (Tenant, error) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	var t Tenant
	if err := decoder.Decode(&t); err != nil {
		return Tenant{}, BadRequest(fmt.Sprintf("The record of tenant %s can't be read: %v", name, err))
	}
	if decoder.More() {
		return Tenant{}, BadRequest(fmt.Sprintf("The record of tenant %s must be one JSON object", name))
	}
	if t.Name != "" && t.Name != name {
		return Tenant{}, BadRequest(fmt.Sprintf("The record's name (%s) is not the tenant's in the URL (%s)", t.Name, name))
	}
	if t.Deleting {
		return Tenant{}, BadRequest(fmt.Sprintf("The record of tenant %s: deleting is set by DELETE /tenants/%s?force=true "+
			"alone", name, name))
	}
	t.Name = name
	t.fill()
	return t, t.check()
}

// fill makes lists of what is left out, so that a record shows what it does not grant.
func (t *Tenant) fill() {
	for _, list := range []*[]string{&t.Topics, &t.Network, &t.Directories} {
		if *list == nil {
			*list = []string{}
		}
	}
	if t.Secrets == nil {
		t.Secrets = map[string][]string{}
	}
	if t.Client == nil {
		t.Client = map[string]string{}
	}
}

func (t Tenant) check() error {
	if !ValidTenant(t.Name) {
		return BadRequest(fmt.Sprintf("Tenant %q: a name must have 1 to %d lower-case letters, digits and hyphens, and "+
			"not begin with a hyphen", t.Name, TenantNameMax))
	}
	patterns := slices.Concat(t.Topics, t.Groups)
	for _, more := range t.Secrets {
		patterns = append(patterns, more...)
	}
	for _, pattern := range patterns {
		if strings.TrimSpace(pattern) != pattern || pattern == "" {
			return BadRequest(fmt.Sprintf("Tenant %s: the pattern %q must be a name, in which * stands for any characters",
				t.Name, pattern))
		}
	}
	for _, dir := range t.Directories {
		if !strings.HasPrefix(dir, "/") || slices.Contains(strings.Split(dir, "/"), "..") {
			return BadRequest(fmt.Sprintf("Tenant %s: directories: %q must be an absolute path without ..", t.Name, dir))
		}
	}
	return t.Quota.check(t.Name)
}

// TenantQuotas are the quotas of tenants' records.
type TenantQuotas struct{ Tenants }

// Quota implements Quotas.
func (q TenantQuotas) Quota(tenant string) Quota {
	record, _ := q.Tenant(tenant)
	return record.Quota
}

func (q Quota) check(tenant string) error {
	for name, value := range map[string]float64{"connectors": float64(q.Connectors), "tasks": float64(q.Tasks),
		"module_bytes": float64(q.ModuleBytes), "memory_bytes": float64(q.MemoryBytes), "cpu_share": q.CPUShare,
		"records_per_second": q.RecordsPerSecond, "bytes_per_second": q.BytesPerSecond,
		"network_bytes_per_second": q.NetworkBytesPerSecond, "log_lines_per_second": q.LogLinesPerSecond} {
		if value < 0 {
			return BadRequest(fmt.Sprintf("Tenant %s: quota.%s=%v must be 0 (no limit) or more", tenant, name, value))
		}
	}
	return nil
}

// Matches tells whether a name is one that a pattern stands for: * is any characters, all others are themselves.
func Matches(pattern, name string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	name, found := strings.CutPrefix(name, first)
	if !found {
		return false
	}
	parts := strings.Split(rest, "*")
	for _, part := range parts[:len(parts)-1] {
		_, after, has := strings.Cut(name, part)
		if !has {
			return false
		}
		name = after
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

// MatchesAny is Matches for several patterns; none match nothing.
func MatchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return Matches(pattern, name) })
}
