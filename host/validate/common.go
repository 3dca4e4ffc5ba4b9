package validate

import "github.com/berth-connect/berth/abi"

// Groups of the framework's keys.
const (
	groupCommon        = "Common"
	groupTransforms    = "Transforms"
	groupPredicates    = "Predicates"
	groupErrors        = "Error Handling"
	groupTopicCreation = "Topic Creation"
	groupExactlyOnce   = "Exactly Once Support"
	groupOffsetsTopic  = "offsets.topic"
)

// Names of the framework's keys that code asks for.
const (
	keyName             = "name"
	keyConnectorClass   = "connector.class"
	keyConnectorVersion = "connector.plugin.version"
	keyTasksMax         = "tasks.max"
	keyTasksMaxEnforce  = "tasks.max.enforce"
	keyTransforms       = "transforms"
	keyPredicates       = "predicates"
	keyReload           = "config.action.reload"
	keyRetryTimeout     = "errors.retry.timeout"
	keyRetryDelayMax    = "errors.retry.delay.max.ms"
	keyTolerance        = "errors.tolerance"
	keyLogEnable        = "errors.log.enable"
	keyLogMessages      = "errors.log.include.messages"
	versionSuffix       = ".plugin.version"
)

// text makes a default value.
func text(s string) *string { return &s }

// optional is a key of the framework with a default.
func optional(name string, kind abi.ConfigType, fallback *string, importance abi.Importance, group string, order int32,
	width abi.Width, display, doc string, validator *abi.Validator) abi.ConfigKey {
	return abi.ConfigKey{Name: name, Type: kind, Importance: importance, Doc: doc, Default: fallback, HasDefault: true,
		Group: &group, Order: order, Width: width, Display: display, Validator: validator}
}

// needed is a key of the framework without one.
func needed(name string, kind abi.ConfigType, group string, order int32, width abi.Width, display, doc string,
	validator *abi.Validator) abi.ConfigKey {
	return abi.ConfigKey{Name: name, Type: kind, Importance: abi.High, Doc: doc, Group: &group, Order: order,
		Width: width, Display: display, Validator: validator}
}

// commonKeys are the keys that every connector has (ConnectorConfig), with the defaults that the configuration and the
// worker lead to.
func commonKeys(d defaults) []abi.ConfigKey {
	keys := []abi.ConfigKey{
		needed(keyName, abi.ConfigString, groupCommon, 1, "MEDIUM", "Connector name",
			"The connector's name, unique within the cluster.", noControl),
		needed(keyConnectorClass, abi.ConfigString, groupCommon, 2, "LONG", "Connector class",
			"What to run: the full class name of a source or sink plugin, or an alias of it such as FileStreamSource.", nil),
		optional(keyConnectorVersion, abi.ConfigString, d.connector.version, "MEDIUM", groupCommon, 3, "MEDIUM",
			"Connector version",
			"Which version of the connector plugin to run: one version, a range such as [1.0,2.0), or latest.", versionCheck),
		optional(keyTasksMax, abi.ConfigInt, text("1"), "HIGH", groupCommon, 4, "SHORT", "Tasks max",
			"How many tasks the connector may have at most.", atLeast(1)),
		optional(keyTasksMaxEnforce, abi.ConfigBoolean, text("true"), "LOW", groupCommon, 5, "SHORT", "Enforce tasks max",
			"Deprecated. Whether a connector that asks for more tasks than tasks.max allows fails.", nil),
	}
	keys[2].Recommend = versionsOf(d.connector.versions)
	keys = append(keys, converterKeys(d)...)
	keys = append(keys,
		optional(keyTransforms, abi.ConfigList, text(""), "LOW", groupTransforms, 12, "LONG", "Transforms",
			"Aliases of the transformations that records pass, in this order.", uniqueAliases("transformation aliases")),
		optional(keyPredicates, abi.ConfigList, text(""), "LOW", groupPredicates, 13, "LONG", "Predicates",
			"Aliases of the predicates that transformations may depend on.", uniqueAliases("predicate aliases")),
		optional(keyReload, abi.ConfigString, text("restart"), "LOW", groupCommon, 14, "MEDIUM", "Reload Action",
			"What happens when a configuration provider says that a value has changed: restart the connector, or none.",
			oneOf("none", "restart")))
	return append(keys, errorKeys()...)
}

// errorKeys are the keys of error handling that sources and sinks share (KIP-298).
func errorKeys() []abi.ConfigKey {
	return []abi.ConfigKey{
		optional(keyRetryTimeout, abi.ConfigLong, text("0"), "MEDIUM", groupErrors, 1, "MEDIUM", "Retry Timeout for Errors",
			"For how many milliseconds a failed operation is tried again: 0 not at all, -1 without end.", nil),
		optional(keyRetryDelayMax, abi.ConfigLong, text("60000"), "MEDIUM", groupErrors, 2, "MEDIUM",
			"Maximum Delay Between Retries for Errors", "The longest pause in milliseconds between two attempts.", nil),
		optional(keyTolerance, abi.ConfigString, text("none"), "MEDIUM", groupErrors, 3, "SHORT", "Error Tolerance",
			"Whether an error ends the task at once (none) or the record is skipped (all).", oneOf("none", "all")),
		optional(keyLogEnable, abi.ConfigBoolean, text("false"), "MEDIUM", groupErrors, 4, "SHORT", "Log Errors",
			"Whether tolerated errors are logged too; errors that end the task always are.", nil),
		optional(keyLogMessages, abi.ConfigBoolean, text("false"), "MEDIUM", groupErrors, 5, "SHORT", "Log Error Details",
			"Whether the log of an error names the record: its topic, partition, offset and timestamp.", nil),
	}
}

// versionsOf recommends versions of the connector, once it has a class.
func versionsOf(versions []string) abi.Recommender {
	return func(values abi.ConfigValues) ([]string, bool) { return versions, values.Has(keyConnectorClass) }
}
