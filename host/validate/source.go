package validate

import "github.com/berth-connect/berth/abi"

// Names of source keys that code asks for.
const (
	keyTopicGroups      = "topic.creation.groups"
	keyExactlyOnce      = "exactly.once.support"
	keyBoundary         = "transaction.boundary"
	keyBoundaryInterval = "transaction.boundary.interval.ms"
	keyOffsetsTopic     = "offsets.storage.topic"
)

// sourceKeys are the keys that only sources have (SourceConnectorConfig; KIP-158, KIP-618).
func sourceKeys() []abi.ConfigKey {
	return []abi.ConfigKey{
		optional(keyTopicGroups, abi.ConfigList, text(""), "LOW", groupTopicCreation, 1, "LONG", "Topic Creation Groups",
			"Names of the groups of rules by which missing topics are created.",
			uniqueAliases("topic creation groups")),
		optional(keyExactlyOnce, abi.ConfigString, text("requested"), "MEDIUM", groupExactlyOnce, 2, "SHORT",
			"Exactly once support",
			"Whether a connector that can't promise exactly-once delivery is refused (required) or runs anyway (requested).",
			oneOfAnyCase("REQUIRED", "REQUESTED")),
		optional(keyBoundary, abi.ConfigString, text("poll"), "MEDIUM", groupExactlyOnce, 3, "SHORT", "Transaction Boundary",
			"When transactions end: after each batch (poll), after a time (interval), or where the connector says (connector).",
			oneOfAnyCase("INTERVAL", "POLL", "CONNECTOR")),
		optional(keyBoundaryInterval, abi.ConfigLong, nil, "LOW", groupExactlyOnce, 4, "SHORT",
			"Transaction boundary interval",
			"The time between two commits in milliseconds where transaction.boundary is interval; without it the "+
				"worker's offset.flush.interval.ms.", intervalCheck),
		optional(keyOffsetsTopic, abi.ConfigString, nil, "LOW", groupOffsetsTopic, 1, "LONG", "Offsets topic",
			"A topic of the connector's own for its offsets, besides the worker's.", nonEmpty),
	}
}

// intervalCheck lets null pass, unlike other ranges.
var intervalCheck = custom("[0,...]", func(key string, value any) *abi.ConfigError {
	if millis, isSet := value.(int64); isSet && millis < 0 {
		return abi.InvalidValue(key, abi.ConfigText(value), "Value must be at least 0")
	}
	return nil
})
