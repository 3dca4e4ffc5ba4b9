package validate

import (
	"maps"
	"math"
	"slices"
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

const (
	badPartitions  = "Number of partitions must be positive, or -1 to use the broker's default"
	badReplication = "Replication factor must be positive and not larger than the number of brokers in the Kafka " +
		"cluster, or -1 to use the broker's default"
)

// TopicGroups reads topic.creation.*: the groups in the order listed, then the default group. It is empty when the
// connector has no such key, which leaves creation to the broker. Error: host.ErrBadRequest with Connect's text.
func TopicGroups(config host.Config) ([]TopicGroup, error) {
	if !hasPrefix(config, topicPrefix) {
		return nil, nil
	}
	names, problem := parse(keyTopicGroups, config[keyTopicGroups], abi.ConfigList, nil)
	if problem == "" && names.set {
		problem = uniqueAliases(keyTopicGroups, names)
	}
	if problem != "" {
		return nil, host.BadRequest(problem)
	}
	fallback, err := topicGroup(config, defaultGroup, nil)
	if err != nil {
		return nil, err
	}
	fallback.Include, fallback.Exclude = []string{".*"}, []string{}
	var groups []TopicGroup
	for _, name := range names.items {
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
	d := newDefinition()
	d.embed(topicPrefix+name+".", groupTopicCreation, 1, groupKeys(parent))
	values, problem := d.first(config, nil)
	if problem != "" {
		return TopicGroup{}, host.BadRequest(problem)
	}
	prefix := topicPrefix + name + "."
	g := TopicGroup{
		Name:              name,
		Include:           nonNil(values[prefix+"include"].items),
		Exclude:           nonNil(values[prefix+"exclude"].items),
		ReplicationFactor: number[int16](values[prefix+"replication.factor"]),
		Partitions:        number[int32](values[prefix+"partitions"]),
		Configs:           map[string]string{},
	}
	for property, value := range stripped(config, prefix) {
		if d.byName[prefix+property] == nil && value != nil {
			g.Configs[property] = *value
		}
	}
	return g, nil
}

// groupKeys are the keys of a group, in the order in which Connect reports their problems.
func groupKeys(parent *TopicGroup) []key {
	replication := key{name: "replication.factor", kind: abi.ConfigShort, required: true, check: orDefault(badReplication)}
	partitions := key{name: "partitions", kind: abi.ConfigInt, required: true, check: orDefault(badPartitions)}
	if parent == nil {
		replication.order, partitions.order = 1, 2
		return []key{replication, partitions}
	}
	replication.required, replication.fallback = false, text(integerText(parent.ReplicationFactor))
	partitions.required, partitions.fallback = false, text(integerText(parent.Partitions))
	replication.order, partitions.order = 3, 4
	return []key{
		{name: "include", kind: abi.ConfigList, fallback: text(""), order: 1, check: patterns},
		{name: "exclude", kind: abi.ConfigList, fallback: text(""), order: 2, check: patterns},
		replication, partitions,
	}
}

func integerText[N int16 | int32](n N) string { return limitText(float64(n)) }

// number converts a parsed number that fits by its type.
func number[N int16 | int32 | int64](v parsed) N { return N(math.Round(v.number)) }

func nonNil(items []string) []string { return append([]string{}, items...) }

func hasPrefix(config host.Config, prefix string) bool {
	for name := range maps.Keys(config) {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
