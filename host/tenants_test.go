package host

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		matches       bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a*", "a", true}, {"a*", "ab", true}, {"a*", "ba", false},
		{"*", "", true}, {"*", "x", true}, {"*.dlq", "a.dlq", true}, {"*.dlq", "dlq", false},
		{"a*c*e", "abcde", true}, {"a*c*e", "ace", true}, {"a*c*e", "aec", false}, {"a**b", "ab", true},
		{"ab*ba", "aba", false}, {"a.c", "abc", false}, {"[a]", "a", false}, {"", "", true}, {"", "a", false},
	} {
		if Matches(c.pattern, c.name) != c.matches {
			t.Errorf("%q and %q: want %v", c.pattern, c.name, c.matches)
		}
	}
	if MatchesAny(nil, "a") || !MatchesAny([]string{"b", "a*"}, "a") {
		t.Error("of no patterns none matches, of two one is enough")
	}
}

func TestRecordsAreRead(t *testing.T) {
	record, err := ParseTenant("a", []byte(`{"topics":["a.*"],"quota":{"tasks":3}}`))
	if err != nil || record.Name != "a" || record.Quota.Tasks != 3 || record.Network == nil || record.Secrets == nil {
		t.Fatalf("%+v, %v", record, err)
	}
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseTenant("a", text); err != nil || again.Quota != record.Quota {
		t.Errorf("what is shown can't be put: %+v, %v", again, err)
	}
	for text, says := range map[string]string{
		`{"topic":["a"]}`:                  `unknown field "topic"`,
		`{"name":"b"}`:                     "is not the tenant's in the URL",
		`{"topics":[" a"]}`:                "must be a name, in which",
		`{"secrets":{"file":[""]}}`:        "must be a name, in which",
		`{"directories":["data"]}`:         "must be an absolute path",
		`{"directories":["/data/../etc"]}`: "must be an absolute path",
		`{"quota":{"cpu_share":-1}}`:       "quota.cpu_share=-1 must be 0",
		`{} {}`:                            "one JSON object",
		`[]`:                               "can't be read",
	} {
		if _, err := ParseTenant("a", []byte(text)); !errors.Is(err, ErrBadRequest) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
	if _, err := ParseTenant("A", []byte(`{}`)); !errors.Is(err, ErrBadRequest) {
		t.Errorf("a tenant named A: %v", err)
	}
}

// known are tenants by name.
type known map[string]Tenant

func (k known) Tenant(name string) (Tenant, bool) { t, is := k[name]; return t, is }
func (k known) AnyTenant() bool                   { return len(k) > 0 }

func TestOwners(t *testing.T) {
	for _, c := range []struct {
		tenants          known
		connector, owner string
		gone             bool
	}{
		{nil, "a::x", "", false}, {known{"a": {Name: "a"}}, "a::x", "a", false}, {known{"a": {Name: "a"}}, "x", "", false},
		{known{"a": {Name: "a"}}, "b::x", "b", true},
	} {
		owner := OwnerOf(c.tenants, c.connector)
		record, err := TenantOf(c.tenants, c.connector)
		if owner != c.owner || errors.Is(err, ErrNotFound) != c.gone || err == nil && record.Name != c.owner {
			t.Errorf("%s of %v: %q, %+v, %v", c.connector, c.tenants, owner, record, err)
		}
	}
	if owner := OwnerOf(nil, "a::x"); owner != "" {
		t.Errorf("without tenants: %q", owner)
	}
}
