package host

import "strings"

// TenantSeparator stands between a tenant and a name of its own in what all tenants share: connectors, consumer
// groups, client ids.
const TenantSeparator = "::"

// TenantNameMax bounds the name of a tenant, in bytes.
const TenantNameMax = 40

// SplitTenant takes a connector's full name apart. The default tenant, "", has every name without a valid tenant in
// front of the first separator, so that without tenants all names are what Kafka Connect takes them for.
func SplitTenant(name string) (tenant, local string) {
	tenant, local, found := strings.Cut(name, TenantSeparator)
	if !found || local == "" || !ValidTenant(tenant) {
		return "", name
	}
	return tenant, local
}

// JoinTenant is the full name of a tenant's connector; the default tenant's is the name itself.
func JoinTenant(tenant, local string) string {
	if tenant == "" {
		return local
	}
	return tenant + TenantSeparator + local
}

// ValidTenant tells whether a text may name a tenant: 1 to TenantNameMax lower-case letters, digits and hyphens, of
// which the first is none. Such a name needs no escape in a path, a topic, a principal or a metric.
func ValidTenant(name string) bool {
	return name != "" && len(name) <= TenantNameMax && name[0] != '-' &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
