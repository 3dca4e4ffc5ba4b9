package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// OverridePolicy decides which client properties a connector may override (KIP-458).
type OverridePolicy string

// The policies that Kafka brings.
const (
	PolicyAll       OverridePolicy = "All"
	PolicyNone      OverridePolicy = "None"
	PolicyPrincipal OverridePolicy = "Principal"
)

const policySuffix = "ConnectorClientConfigOverridePolicy"

// ParsePolicy reads the worker's connector.client.config.override.policy: an alias or a class of Kafka's.
// Error: host.ErrBadRequest for any other.
func ParsePolicy(name string) (OverridePolicy, error) {
	short := strings.TrimPrefix(name, "org.apache.kafka.connect.connector.policy.")
	switch p := OverridePolicy(strings.TrimSuffix(short, policySuffix)); p {
	case PolicyAll, PolicyNone, PolicyPrincipal:
		return p, nil
	}
	return "", host.BadRequest(fmt.Sprintf("Failed to find any class that implements %s and which name matches %s",
		policySuffix, name))
}

var principalKeys = []string{"sasl.jaas.config", "sasl.mechanism", "security.protocol"}

// problem says why the policy refuses a property, or "".
func (p OverridePolicy) problem(property string) string {
	if p == PolicyAll || p == PolicyPrincipal && slices.Contains(principalKeys, property) {
		return ""
	}
	return fmt.Sprintf("The '%s' policy does not allow '%s' to be overridden in the connector configuration.", p, property)
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
	for _, name := range hashOrder(names) {
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
