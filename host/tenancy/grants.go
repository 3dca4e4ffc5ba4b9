// Package tenancy holds the connectors of tenants to what their records grant: which topics and consumer groups they
// use, and as whom. Configurations are checked when they are stored, and what passes the Kafka clients always, since a
// transformation may send a record anywhere and a record may change after its connectors were made.
package tenancy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/berth-connect/berth/host"
)

// Grants knows what connectors may use. The default tenant's may use everything, as in Connect.
type Grants struct {
	Tenants host.Tenants
	// Reserved are topics that no tenant may use whatever its record says: those that hold the workers' state.
	Reserved []string
	// Resolve puts the values of the worker's configuration providers into the records' client properties; nil: there
	// are none.
	Resolve func(host.Config) (host.Config, error)
}

// NotGranted is a use of what the record of a tenant does not grant.
type NotGranted struct {
	Tenant string
	What   string // such as "topic"
	Name   string
	Field  string // of the record
	Listed []string
}

func (e *NotGranted) Error() string {
	return fmt.Sprintf("Tenant %s may not use the %s %s: the field %s of its record allows [%s]; use another one, or "+
		"have it added to the record", e.Tenant, e.What, e.Name, e.Field, strings.Join(e.Listed, ", "))
}

// Unwrap makes it a refusal.
func (e *NotGranted) Unwrap() error { return host.ErrBadRequest }

// JavaClass is what a Kafka that refuses says in Connect.
func (e *NotGranted) JavaClass() string {
	if e.What == "consumer group" {
		return "org.apache.kafka.common.errors.GroupAuthorizationException"
	}
	return "org.apache.kafka.common.errors.TopicAuthorizationException"
}

// Topic checks a topic that a connector is to use. Errors: of a tenant that is gone; *NotGranted; ErrBadRequest.
func (g Grants) Topic(connector, name string) error {
	t, err := host.TenantOf(g.Tenants, connector)
	if err != nil {
		return err
	}
	return g.topic(t, name)
}

// topic checks a topic.
func (g Grants) topic(t host.Tenant, name string) error {
	if t.IsDefault() || host.MatchesAny(t.Topics, name) && !slices.Contains(g.Reserved, name) {
		return nil
	}
	return &NotGranted{t.Name, "topic", name, "topics", t.Topics}
}

// pattern refuses a sink's topics.regex that can match no topic of the tenant's. One that may match others, too, is
// found out when it does.
func (g Grants) pattern(t host.Tenant, text string) error {
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil // somebody else says so
	}
	begin, whole := compiled.LiteralPrefix()
	if whole {
		return g.topic(t, begin)
	}
	for _, allowed := range t.Topics {
		start, _, _ := strings.Cut(allowed, "*")
		if strings.HasPrefix(start, begin) || strings.HasPrefix(begin, start) {
			return nil
		}
	}
	return &NotGranted{t.Name, "topics", text, "topics", t.Topics}
}

// group checks a consumer group that a connector names. Groups of tenants are theirs alone.
func (g Grants) group(t host.Tenant, name string) error {
	owner := host.OwnerOf(g.Tenants, strings.TrimPrefix(name, "connect-"))
	switch {
	case owner == t.Name, owner == "" && host.MatchesAny(t.Groups, name):
		return nil
	case t.IsDefault():
		return host.BadRequest(fmt.Sprintf("The consumer group %s is a tenant's: what stands before %s is its name", name,
			host.TenantSeparator))
	}
	own := t.Name + host.TenantSeparator + "*"
	return &NotGranted{t.Name, "consumer group", name, "groups", append([]string{own, "connect-" + own}, t.Groups...)}
}

// override refuses client properties with which a connector would leave its tenant, or read the worker's files.
func (g Grants) override(t host.Tenant, property, value string) error {
	switch {
	case property == "group.id":
		return g.group(t, value)
	case t.IsDefault():
		return nil
	case property == "bootstrap.servers", property == "transactional.id", strings.HasSuffix(property, ".location"):
		return host.BadRequest(fmt.Sprintf("Tenant %s: a connector may not override %s; the field client of the tenant's "+
			"record may", t.Name, property))
	}
	return nil
}

// Problem is what is wrong with one key of a connector's configuration.
type Problem struct {
	Key     string
	Message string
}

// Problems lists what a configuration asks for and its tenant is not granted, by key.
func (g Grants) Problems(t host.Tenant, config host.Config) []Problem {
	var found []Problem
	note := func(key string, err error) {
		if err != nil {
			found = append(found, Problem{key, err.Error()})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		value := strings.TrimSpace(config.Get(key))
		_, property, isOverride := strings.Cut(key, ".override.")
		switch {
		case value == "":
		case key == "topics":
			for name := range strings.SplitSeq(value, ",") {
				if name = strings.TrimSpace(name); name != "" {
					note(key, g.topic(t, name))
				}
			}
		case key == "topics.regex" && !t.IsDefault():
			note(key, g.pattern(t, value))
		case key == "errors.deadletterqueue.topic.name", key == "offsets.storage.topic":
			note(key, g.topic(t, value))
		case isOverride && isClient(key):
			note(key, g.override(t, property, value))
		}
	}
	return found
}

// clients are the prefixes of overrides.
var clients = []string{"producer.override.", "consumer.override.", "admin.override."}

func isClient(key string) bool {
	return slices.ContainsFunc(clients, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// Client is a connector's configuration as its Kafka clients get it: with the properties of its tenant's record, which
// are stronger than its own. Errors: of a tenant that is gone; the first of Problems.
func (g Grants) Client(connector string, config host.Config) (host.Config, error) {
	t, err := host.TenantOf(g.Tenants, connector)
	if err != nil {
		return nil, err
	}
	if problems := g.Problems(t, config); len(problems) > 0 {
		return nil, host.BadRequest(problems[0].Key + ": " + problems[0].Message)
	}
	if len(t.Client) == 0 {
		return config, nil
	}
	properties := make(host.Config, len(t.Client))
	for key, value := range t.Client {
		properties[key] = &value
	}
	if g.Resolve != nil {
		if properties, err = g.Resolve(properties); err != nil {
			return nil, fmt.Errorf("the field client of the record of tenant %s: %w", t.Name, err)
		}
	}
	merged := maps.Clone(config)
	if merged == nil {
		merged = host.Config{}
	}
	for key, value := range properties {
		for _, prefix := range clients {
			merged[prefix+key] = value
		}
	}
	return merged, nil
}
