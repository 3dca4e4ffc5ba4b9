package validate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/berth-connect/berth/abi"
)

// inRange is ConfigDef.Range; a nil limit is open.
func inRange(low, high *float64) check {
	return func(name string, v parsed) string {
		switch {
		case !v.set:
			return invalid(name, "null", "Value must be non-null")
		case low != nil && v.number < *low:
			return invalid(name, v.java(), "Value must be at least "+limitText(*low))
		case high != nil && v.number > *high:
			return invalid(name, v.java(), "Value must be no more than "+limitText(*high))
		}
		return ""
	}
}

func limitText(limit float64) string { return strconv.FormatFloat(limit, 'f', -1, 64) }

func atLeast(low float64) check { return inRange(&low, nil) }

// oneOf is ConfigDef.ValidString.
func oneOf(words ...string) check {
	return func(name string, v parsed) string {
		if v.set && slices.Contains(words, v.text) {
			return ""
		}
		return invalid(name, v.java(), "String must be one of: "+strings.Join(words, ", "))
	}
}

// oneOfAnyCase is ConfigDef.CaseInsensitiveValidString.
func oneOfAnyCase(words ...string) check {
	upper := make([]string, len(words))
	for i, word := range words {
		upper[i] = strings.ToUpper(word)
	}
	return func(name string, v parsed) string {
		if v.set && slices.Contains(upper, strings.ToUpper(v.text)) {
			return ""
		}
		return invalid(name, v.java(), "String must be one of (case insensitive): "+strings.Join(upper, ", "))
	}
}

// listOf is ConfigDef.ValidList: each item must be one of the words; the message names the item.
func listOf(words ...string) check {
	item := oneOf(words...)
	return func(name string, v parsed) string {
		for _, text := range v.items {
			if problem := item(name, textValue(text)); problem != "" {
				return problem
			}
		}
		return ""
	}
}

// nonEmpty is ConfigDef.NonEmptyString (null passes) or, for lists, NonEmptyListValidator (null does not).
func nonEmpty(kind abi.ConfigType) check {
	if kind == abi.ConfigList {
		return func(name string, v parsed) string {
			if len(v.items) > 0 {
				return ""
			}
			return invalid(name, v.java(), "Empty list")
		}
	}
	return func(name string, v parsed) string {
		if v.set && v.text == "" {
			return invalid(name, "", "String must be non-empty")
		}
		return ""
	}
}

// nonNull is ConfigDef.NonNullValidator.
func nonNull(name string, v parsed) string {
	if v.set {
		return ""
	}
	return invalid(name, "null", "entry must be non null")
}

// noControl is ConfigDef.NonEmptyStringWithoutControlChars.
func noControl(name string, v parsed) string {
	if !v.set {
		return ""
	}
	if v.text == "" {
		return invalid(name, "", "String may not be empty")
	}
	var found []string
	for _, r := range v.text {
		if unicode.IsControl(r) {
			found = append(found, strconv.Itoa(int(r)))
		}
	}
	if found == nil {
		return ""
	}
	return invalid(name, v.text, "String may not contain control sequences but had the following ASCII chars: "+
		strings.Join(found, ", "))
}

// regex is RegexValidator.
func regex(name string, v parsed) string {
	if !v.set {
		return invalid(name, "null", "Invalid regex: no pattern given")
	}
	if problem := patternProblem(v.text); problem != "" {
		return invalid(name, v.text, "Invalid regex: "+problem)
	}
	return ""
}

// uniqueAliases refuses null and repeated aliases.
func uniqueAliases(name string, v parsed) string {
	if problem := nonNull(name, v); problem != "" {
		return problem
	}
	for i, alias := range v.items {
		if slices.Contains(v.items[:i], alias) {
			return invalid(name, v.java(), "Duplicate alias provided.")
		}
	}
	return ""
}

// orDefault accepts a positive number or -1, the mark for the broker's own setting.
func orDefault(message string) check {
	return func(name string, v parsed) string {
		if !v.set || v.number == -1 || v.number >= 1 {
			return ""
		}
		return invalid(name, v.java(), message)
	}
}

// patterns accepts a list of regular expressions.
func patterns(name string, v parsed) string {
	for _, item := range v.items {
		if problem := patternProblem(item); problem != "" {
			return invalid(name, v.java(), fmt.Sprintf("Syntax error in regular expression: %s", problem))
		}
	}
	return ""
}
