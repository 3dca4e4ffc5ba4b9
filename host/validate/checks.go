package validate

import (
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
)

func atLeast(low float64) *abi.Validator { return &abi.Validator{Kind: abi.ValidRange, Min: &low} }

func oneOf(words ...string) *abi.Validator {
	return &abi.Validator{Kind: abi.ValidOneOf, Values: words}
}

func oneOfAnyCase(words ...string) *abi.Validator {
	return &abi.Validator{Kind: abi.ValidOneOfCI, Values: words}
}

var (
	nonEmpty  = &abi.Validator{Kind: abi.ValidNonEmpty}
	noControl = &abi.Validator{Kind: abi.ValidNoControl}
)

// custom is a check of the host's own; describe is what its toString says in Connect, "" where it has none.
func custom(describe string, check func(key string, value any) *abi.ConfigError) *abi.Validator {
	return &abi.Validator{Kind: abi.ValidCustom, Text: describe, Check: check}
}

// wrong is a check's finding in words of its own.
func wrong(key, message string) *abi.ConfigError { return &abi.ConfigError{Key: key, Message: message} }

// Regex is RegexValidator.
var Regex = custom("valid regex", func(key string, value any) *abi.ConfigError {
	pattern, isText := value.(string)
	if !isText {
		return abi.InvalidValue(key, "null", "Invalid regex: no pattern given")
	}
	if problem := patternProblem(pattern); problem != "" {
		return abi.InvalidValue(key, pattern, "Invalid regex: "+problem)
	}
	return nil
})

// uniqueAliases refuses null and repeated aliases of a subject such as transformation aliases.
func uniqueAliases(subject string) *abi.Validator {
	return custom("non-null string, unique "+subject, uniqueItems)
}

func uniqueItems(key string, value any) *abi.ConfigError {
	if value == nil {
		return abi.InvalidValue(key, "null", "entry must be non null")
	}
	list, _ := value.([]string)
	for i, alias := range list {
		if slices.Contains(list[:i], alias) {
			return abi.InvalidValue(key, abi.ConfigText(list), "Duplicate alias provided.")
		}
	}
	return nil
}

// pluginLoading is the exception about versions of plugins that are not there.
const pluginLoading = "org.apache.kafka.connect.runtime.isolation.VersionedPluginLoadingException"

// versionCheck refuses ranges that begin without an end.
var versionCheck = custom("", func(key string, value any) *abi.ConfigError {
	if version, _ := value.(string); isUnbounded(version) {
		return &abi.ConfigError{Key: key, Message: "Unbounded range: " + abi.TrimConfig(version), Class: pluginLoading}
	}
	return nil
})

// nullPointer is the exception of Connect's checks that take null for a number.
const nullPointer = "java.lang.NullPointerException"

// orDefault accepts a positive number or -1, the mark for the broker's own setting.
func orDefault(describe, message string) *abi.Validator {
	return custom(describe, func(key string, value any) *abi.ConfigError {
		text := abi.ConfigText(value)
		if value == nil {
			return &abi.ConfigError{Key: key, Message: key + " must be a number, but it is null", Class: nullPointer}
		}
		if text == "-1" || text != "0" && !strings.HasPrefix(text, "-") {
			return nil
		}
		return abi.InvalidValue(key, text, message)
	})
}

// patterns accepts a list of regular expressions.
var patterns = custom("", func(key string, value any) *abi.ConfigError {
	list, _ := value.([]string)
	for _, pattern := range list {
		if problem := patternProblem(pattern); problem != "" {
			return abi.InvalidValue(key, abi.ConfigText(list), "Syntax error in regular expression: "+problem)
		}
	}
	return nil
})
