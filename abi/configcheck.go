package abi

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// ValidatorKind names a check of a parsed value.
type ValidatorKind string

// Kinds of validators, after ConfigDef's.
const (
	ValidRange     ValidatorKind = "range"
	ValidOneOf     ValidatorKind = "one_of"
	ValidOneOfCI   ValidatorKind = "one_of_ci"
	ValidNonEmpty  ValidatorKind = "non_empty" // of texts and of lists
	ValidNonNull   ValidatorKind = "non_null"
	ValidNoControl ValidatorKind = "no_control"
	ValidList      ValidatorKind = "list"      // each item is one of Values
	ValidListSize  ValidatorKind = "list_size" // at most Max items
	ValidRegex     ValidatorKind = "regex"     // checked by the plugin: it alone knows its dialect
	ValidCustom    ValidatorKind = "custom"    // checked by the plugin
)

// Validator is the check of one key.
type Validator struct {
	Kind   ValidatorKind
	Min    *float64
	Max    *float64
	Values []string
	Null   bool   // one_of: null will do, too
	Text   string // regex and custom: for the reader of a configuration page

	// Check is what kinds regex and custom do: it says what is wrong with the value of the key; nil: nothing. A manifest
	// does not hold it.
	Check func(key string, value any) *ConfigError
}

// ValidValues describes what passes the validator, as ConfigDef does; "": there is none.
func (k ConfigKey) ValidValues() string {
	v := k.Validator
	if v == nil {
		return ""
	}
	switch v.Kind {
	case ValidRange:
		return v.rangeText()
	case ValidOneOf, ValidList:
		return "[" + strings.Join(v.words(), ", ") + "]"
	case ValidOneOfCI:
		return "(case insensitive) [" + strings.ToUpper(strings.Join(v.Values, ", ")) + "]"
	case ValidNonEmpty:
		if k.Type == ConfigList {
			return "non-empty list"
		}
		return "non-empty string"
	case ValidNonNull:
		return "non-null string"
	case ValidNoControl:
		return "non-empty string without ISO control characters"
	case ValidListSize:
		return "List containing maximum of " + v.sizeText() + " elements"
	}
	return v.Text
}

func (v *Validator) rangeText() string {
	text := "["
	if v.Min != nil {
		text += bound(*v.Min) + ","
	}
	text += "..."
	if v.Max != nil {
		text += "," + bound(*v.Max)
	}
	return text + "]"
}

func (v *Validator) words() []string {
	if v.Null {
		return append(slices.Clone(v.Values), "null")
	}
	return v.Values
}

func (v *Validator) sizeText() string {
	if v.Max == nil {
		return "any number"
	}
	return bound(*v.Max)
}

// bound writes a limit without a fraction where it has none, whatever the type of the key: a manifest does not tell
// whether its author wrote 1 or 1.0.
func bound(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Check applies the validator to a parsed value; nil: it passes, or only the plugin can tell.
func (k ConfigKey) Check(value any) *ConfigError {
	if k.Validator == nil {
		return nil
	}
	return k.Validator.check(k.Type, k.Name, value)
}

func (v *Validator) check(t ConfigType, key string, value any) *ConfigError {
	switch v.Kind {
	case ValidRange:
		return v.checkRange(t, key, value)
	case ValidList, ValidListSize:
		return v.checkList(key, value)
	case ValidNonNull:
		if value == nil {
			return InvalidValue(key, "null", "entry must be non null")
		}
	case ValidRegex, ValidCustom:
		if v.Check != nil {
			return v.Check(key, value)
		}
	default:
		if problem := v.textProblem(t, value); problem != "" {
			return InvalidValue(key, t.shown(value), problem)
		}
	}
	return nil
}

// Exceptions that Java raises where a validator gets what it can't look at.
const (
	classCast   = "java.lang.ClassCastException"
	nullPointer = "java.lang.NullPointerException"
)

func (v *Validator) checkRange(t ConfigType, key string, value any) *ConfigError {
	x, isNumber := configNumber(value)
	switch {
	case value == nil:
		return InvalidValue(key, "null", "Value must be non-null")
	case !isNumber:
		err := InvalidValue(key, t.shown(value), "it is no number, but its range is limited")
		err.Class = classCast
		return err
	case v.Min != nil && x < *v.Min:
		return InvalidValue(key, ConfigText(value), "Value must be at least "+bound(*v.Min))
	case v.Max != nil && x > *v.Max:
		return InvalidValue(key, ConfigText(value), "Value must be no more than "+bound(*v.Max))
	}
	return nil
}

// checkList names the item that is wrong, not the list.
func (v *Validator) checkList(key string, value any) *ConfigError {
	if value == nil {
		err := InvalidValue(key, "null", "it must be a list")
		err.Class = nullPointer
		return err
	}
	items, _ := value.([]string)
	if v.Kind == ValidListSize && v.Max != nil && float64(len(items)) > *v.Max {
		return InvalidValue(key, ConfigText(value), "exceeds maximum list size of ["+v.sizeText()+"].")
	}
	for _, item := range items {
		if v.Kind == ValidList && len(v.Values) > 0 && !slices.Contains(v.Values, item) {
			return InvalidValue(key, item, v.oneOf())
		}
	}
	return nil
}

func (v *Validator) oneOf() string { return "String must be one of: " + strings.Join(v.words(), ", ") }

// textProblem says what is wrong with a text or, for non_empty, a list; "": nothing.
func (v *Validator) textProblem(t ConfigType, value any) string {
	text, isText := value.(string)
	items, _ := value.([]string)
	switch v.Kind {
	case ValidOneOf:
		if isNull := value == nil && v.Null; !isNull && (!isText || !slices.Contains(v.Values, text)) {
			return v.oneOf()
		}
	case ValidOneOfCI:
		upper := strings.ToUpper(text)
		if !isText || !slices.ContainsFunc(v.Values, func(s string) bool { return strings.ToUpper(s) == upper }) {
			return "String must be one of (case insensitive): " + strings.ToUpper(strings.Join(v.Values, ", "))
		}
	case ValidNonEmpty:
		switch {
		case t == ConfigList && len(items) == 0:
			return "Empty list"
		case isText && text == "":
			return "String must be non-empty"
		}
	case ValidNoControl:
		if isText {
			return controlProblem(text)
		}
	}
	return ""
}

func controlProblem(text string) string {
	if text == "" {
		return "String may not be empty"
	}
	var found []string
	for _, r := range text {
		if unicode.IsControl(r) {
			found = append(found, strconv.Itoa(int(r)))
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "String may not contain control sequences but had the following ASCII chars: " + strings.Join(found, ", ")
}

// shown is a parsed value of this type inside an error.
func (t ConfigType) shown(value any) string {
	if value != nil && t == ConfigPassword {
		return Hidden
	}
	return ConfigText(value)
}
