package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// Names of sink keys that code asks for.
const (
	keyTopics         = "topics"
	keyTopicsRegex    = "topics.regex"
	keyDLQ            = "errors.deadletterqueue.topic.name"
	keyDLQReplication = "errors.deadletterqueue.topic.replication.factor"
	keyDLQHeaders     = "errors.deadletterqueue.context.headers.enable"
	keyGroupOverride  = "consumer.override.group.id"
)

// sinkKeys are the keys that only sinks have (SinkConnectorConfig; KIP-215, KIP-298).
func sinkKeys() []abi.ConfigKey {
	return []abi.ConfigKey{
		optional(keyTopics, abi.ConfigList, text(""), "HIGH", groupCommon, 4, "LONG", "Topics",
			"The topics to read.", nil),
		optional(keyTopicsRegex, abi.ConfigString, text(""), "HIGH", groupCommon, 4, "LONG", "Topics regex",
			"A Java regular expression: the topics whose whole name it matches are read. Either this or topics.", Regex),
		optional(keyDLQ, abi.ConfigString, text(""), "MEDIUM", groupErrors, 6, "MEDIUM", "Dead Letter Queue Topic Name",
			"The topic that takes records which can't be delivered; none when empty.", nil),
		optional(keyDLQReplication, abi.ConfigShort, text("3"), "MEDIUM", groupErrors, 7, "MEDIUM",
			"Dead Letter Queue Topic Replication Factor", "How often that topic is replicated when it is made.", nil),
		optional(keyDLQHeaders, abi.ConfigBoolean, text("false"), "MEDIUM", groupErrors, 8, "MEDIUM",
			"Enable Error Context Headers", "Whether its records carry headers that tell what went wrong and where.", nil),
	}
}

// topicProblem is what is wrong between the keys that choose a sink's topics, with the keys that it is shown at.
func topicProblem(config host.Config) (message string, at []string) {
	pattern, dlq := config.Get(keyTopicsRegex), abi.TrimConfig(config.Get(keyDLQ))
	hasTopics, hasPattern := abi.TrimConfig(config.Get(keyTopics)) != "", abi.TrimConfig(pattern) != ""
	list := topicList(config)
	switch {
	case hasTopics && hasPattern:
		return "topics and topics.regex are mutually exclusive options, but both are set.",
			[]string{keyTopics, keyTopicsRegex}
	case !hasTopics && !hasPattern:
		return "Must configure one of topics or topics.regex", []string{keyTopics, keyTopicsRegex}
	case dlq == "":
		return "", nil
	case hasTopics && slices.Contains(list, dlq):
		return fmt.Sprintf("The DLQ topic '%s' may not be included in the list of topics ('topics=[%s]') "+
			"consumed by the connector", dlq, strings.Join(list, ", ")), []string{keyTopics}
	case hasPattern && fullMatch(abi.TrimConfig(pattern), dlq):
		return fmt.Sprintf("The DLQ topic '%s' may not be matched by the regex for the topics ('topics.regex=%s') "+
			"consumed by the connector", dlq, pattern), []string{keyTopicsRegex}
	}
	return "", nil
}

// topicList is the value of topics without blanks, empty names and repetitions.
func topicList(config host.Config) []string {
	list := []string{}
	for _, topic := range items(config, keyTopics) {
		if topic != "" && !slices.Contains(list, topic) {
			list = append(list, topic)
		}
	}
	return list
}

// checkSink adds the problems that concern several keys.
func (w Worker) checkSink(config host.Config, out *outcomes) {
	message, at := topicProblem(config)
	for _, name := range at {
		out.at(name).fail(message)
	}
	if w.Standalone {
		return
	}
	if group, given := config[keyGroupOverride]; given {
		o := out.at(keyGroupOverride)
		if group == nil {
			return
		}
		o.Value = group
		if w.GroupID != "" && *group == w.GroupID {
			o.fail(fmt.Sprintf("Consumer group %s conflicts with Connect worker group %s", *group, w.GroupID))
		}
		return
	}
	name := out.at(keyName)
	if w.GroupID != "" && "connect-"+host.JoinTenant(w.Tenant, name.value()) == w.GroupID {
		name.fail(fmt.Sprintf("Consumer group for sink connector named %s conflicts with Connect worker group %s",
			name.value(), w.GroupID))
	}
}
