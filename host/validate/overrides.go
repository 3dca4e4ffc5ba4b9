package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// OverridePolicy decides which client properties a connector may override (KIP-458).
type OverridePolicy struct {
	name    string
	all     bool
	allowed []string
}

// The policies that Kafka brings; PolicyAllowlist is another one of 4.2.
var (
	PolicyAll       = OverridePolicy{name: "All", all: true}
	PolicyNone      = OverridePolicy{name: "None"}
	PolicyPrincipal = OverridePolicy{name: "Principal",
		allowed: []string{"sasl.jaas.config", "sasl.mechanism", "security.protocol"}}
)

// PolicyAllowlist allows the properties of connector.client.config.override.allowlist, by their exact names.
func PolicyAllowlist(properties []string) OverridePolicy {
	return OverridePolicy{name: "Allowlist", allowed: properties}
}

const policySuffix = "ConnectorClientConfigOverridePolicy"

// ParsePolicy reads the worker's connector.client.config.override.policy: an alias or a class of Kafka's. allowlist is
// what the Allowlist policy allows. Error: host.ErrBadRequest for any other policy.
func ParsePolicy(name string, allowlist []string) (OverridePolicy, error) {
	short := strings.TrimSuffix(strings.TrimPrefix(name, "org.apache.kafka.connect.connector.policy."), policySuffix)
	for _, p := range []OverridePolicy{PolicyAll, PolicyNone, PolicyPrincipal, PolicyAllowlist(allowlist)} {
		if p.name == short {
			return p, nil
		}
	}
	return OverridePolicy{}, host.BadRequest(fmt.Sprintf("Failed to find any class that implements %s and which name "+
		"matches %s", policySuffix, name))
}

// problem says why the policy refuses a property, or "".
func (p OverridePolicy) problem(property string) string {
	if p.all || slices.Contains(p.allowed, property) {
		return ""
	}
	return fmt.Sprintf("The '%s' policy does not allow '%s' to be overridden in the connector configuration.", p.name,
		property)
}

// Check refuses a configuration with overrides under prefix (producer.override. and so on) that the policy does not
// allow, in the words of a task that can't start. Error: host.ErrBadRequest.
func (p OverridePolicy) Check(config host.Config, prefix string) error {
	var refused []string
	for property := range stripped(config, prefix) {
		if problem := p.problem(property); problem != "" {
			refused = append(refused, problem)
		}
	}
	if refused == nil {
		return nil
	}
	slices.Sort(refused)
	return host.BadRequest("Client Config Overrides not allowed [" + strings.Join(refused, ", ") + "]")
}

// CheckOverrides refuses what the worker's policy does not allow of the overrides for the clients of a connector's
// tasks. A connector that was created under another policy was never validated by this one. Error: host.ErrBadRequest.
func (v *Validator) CheckOverrides(kind string, config host.Config) error {
	prefixes := []string{"consumer.override."}
	switch {
	case kind == abi.KindSource && hasPrefix(config, topicPrefix):
		prefixes = []string{"producer.override.", "admin.override."}
	case kind == abi.KindSource:
		prefixes = []string{"producer.override."}
	case abi.TrimConfig(config.Get(keyDLQ)) != "":
		prefixes = append(prefixes, "producer.override.", "admin.override.")
	}
	for _, prefix := range prefixes {
		if err := v.policy.Check(config, prefix); err != nil {
			return err
		}
	}
	return nil
}

// overrides validates the client properties that the connector overrides, for the clients that it uses.
func (s *session) overrides() ([]section, error) {
	isSink := s.plugin.Kind == abi.KindSink
	hasDLQ := isSink && abi.TrimConfig(s.config.Get(keyDLQ)) != ""
	ownOffsets := !isSink && !s.worker.Standalone &&
		(s.worker.ExactlyOnce || abi.TrimConfig(s.config.Get(keyOffsetsTopic)) != "")
	uses := []struct {
		client client
		used   bool
	}{
		{producerClient, !isSink || hasDLQ},
		{consumerClient, isSink || ownOffsets},
		{adminClient, hasDLQ || ownOffsets},
	}
	var sections []section
	for _, u := range uses {
		if !u.used {
			continue
		}
		found, err := s.clientOverrides(u.client)
		if err != nil {
			return nil, err
		}
		sections = append(sections, found)
	}
	return sections, nil
}

// clientOverrides shows every override of one client. A value of the wrong type ends the whole request, as in Connect.
func (s *session) clientOverrides(c client) (section, error) {
	prefix := c.name + ".override."
	own := stripped(s.config, prefix)
	var names []string
	for name := range own {
		names = append(names, name)
	}
	slices.Sort(names)
	var results []*outcome
	for _, name := range abi.HashOrder(names) {
		o := &outcome{Name: name, Value: own[name]}
		if k := c.definition.Key(name); k != nil && own[name] != nil {
			value, err := abi.ParseConfigValue(name, k.Type, *own[name], nil)
			if err != nil {
				return section{}, &host.Error{Kind: host.ErrInternal,
					Message: "org.apache.kafka.common.config.ConfigException: " + err.Message}
			}
			o.Value = k.Type.Text(value)
		}
		if problem := s.policy.problem(name); problem != "" {
			o.fail(problem)
		}
		results = append(results, o)
	}
	return prefixed(prefix, c.definition, results), nil
}
