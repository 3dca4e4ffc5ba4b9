package validate

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// TopicGroup is a group of rules by which a source's missing topics are created (KIP-158).
type TopicGroup struct {
	Name              string
	Include           []string // Java regular expressions; one must match the whole topic name
	Exclude           []string // none may
	ReplicationFactor int16    // -1: the broker's default
	Partitions        int32    // -1: the broker's default
	Configs           map[string]string
}

const (
	topicPrefix  = "topic.creation."
	defaultGroup = "default"
)

// Checks of topics that a worker creates.
var (
	partitionsCheck = orDefault("Positive number, or -1 to use the broker's default",
		"Number of partitions must be positive, or -1 to use the broker's default")
	replicationCheck = orDefault("Positive number not larger than the number of brokers in the Kafka cluster, or -1 to "+
		"use the broker's default", "Replication factor must be positive and not larger than the number of brokers in "+
		"the Kafka cluster, or -1 to use the broker's default")
)

// TopicGroups reads topic.creation.*: the groups in the order listed, then the default group. It is empty when the
// connector has no such key, which leaves creation to the broker. Error: host.ErrBadRequest with Connect's text.
func TopicGroups(config host.Config) ([]TopicGroup, error) {
	if !hasPrefix(config, topicPrefix) {
		return nil, nil
	}
	names := items(config, keyTopicGroups)
	if err := uniqueItems(keyTopicGroups, names); err != nil {
		return nil, host.BadRequest(err.Message)
	}
	fallback, err := topicGroup(config, defaultGroup, nil)
	if err != nil {
		return nil, err
	}
	fallback.Include, fallback.Exclude = []string{".*"}, []string{}
	var groups []TopicGroup
	for _, name := range names {
		if name == defaultGroup {
			continue
		}
		group, err := topicGroup(config, name, &fallback)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group)
	}
	return append(groups, fallback), nil
}

// Matches tells whether the group's rules apply to a topic.
func (g TopicGroup) Matches(topic string) bool {
	matches := func(pattern string) bool { return fullMatch(pattern, topic) }
	return slices.ContainsFunc(g.Include, matches) && !slices.ContainsFunc(g.Exclude, matches)
}

// topicGroup reads one group; parent (nil for the default group) has what the group leaves out.
func topicGroup(config host.Config, name string, parent *TopicGroup) (TopicGroup, error) {
	var d abi.ConfigDef
	d.Embed(topicPrefix+name+".", groupTopicCreation, 1, define(groupKeys(parent)...))
	values, err := Parse(d, config)
	if err != nil {
		return TopicGroup{}, err
	}
	prefix := topicPrefix + name + "."
	g := TopicGroup{
		Name:              name,
		Include:           nonNil(values.List(prefix + "include")),
		Exclude:           nonNil(values.List(prefix + "exclude")),
		ReplicationFactor: int16(values.Int(prefix + "replication.factor")),
		Partitions:        int32(values.Int(prefix + "partitions")),
		Configs:           map[string]string{},
	}
	for property, value := range stripped(config, prefix) {
		if !slices.Contains(groupKeyNames, property) && value != nil {
			g.Configs[property] = *value
		}
	}
	return g, nil
}

// groupKeyNames are never settings of a topic, not even those that the default group has no use for.
var groupKeyNames = []string{"include", "exclude", "replication.factor", "partitions"}

// groupKeys are the keys of a group, in the order in which Connect reports their problems.
func groupKeys(parent *TopicGroup) []abi.ConfigKey {
	replication := abi.ConfigKey{Name: "replication.factor", Type: abi.ConfigShort, Order: 1, Validator: replicationCheck}
	partitions := abi.ConfigKey{Name: "partitions", Type: abi.ConfigInt, Order: 2, Validator: partitionsCheck}
	if parent == nil {
		return []abi.ConfigKey{replication, partitions}
	}
	replication.HasDefault, replication.Default = true, text(strconv.Itoa(int(parent.ReplicationFactor)))
	partitions.HasDefault, partitions.Default = true, text(strconv.Itoa(int(parent.Partitions)))
	replication.Order, partitions.Order = 3, 4
	return []abi.ConfigKey{
		{Name: "include", Type: abi.ConfigList, HasDefault: true, Default: text(""), Order: 1, Validator: patterns},
		{Name: "exclude", Type: abi.ConfigList, HasDefault: true, Default: text(""), Order: 2, Validator: patterns},
		replication, partitions,
	}
}

func nonNil(items []string) []string { return append([]string{}, items...) }

func hasPrefix(config host.Config, prefix string) bool {
	for name := range maps.Keys(config) {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
