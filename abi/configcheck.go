package abi

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// parseConfigText parses the text of a key as ConfigDef.parseType does; problem "" means that it fits.
func parseConfigText(t ConfigType, text string) (value any, problem string) {
	trimmed := strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	switch t {
	case ConfigBoolean:
		switch {
		case strings.EqualFold(trimmed, "true"):
			return true, ""
		case strings.EqualFold(trimmed, "false"):
			return false, ""
		}
		return nil, "Expected value to be either true or false"
	case ConfigInt, ConfigShort, ConfigLong:
		return parseConfigInt(t, trimmed)
	case ConfigDouble:
		if x, ok := parseJavaDouble(trimmed); ok {
			return x, ""
		}
		return nil, "Not a number of type DOUBLE"
	case ConfigList:
		return splitList(trimmed), ""
	}
	return trimmed, ""
}

func parseConfigInt(t ConfigType, text string) (any, string) {
	bits := map[ConfigType]int{ConfigShort: 16, ConfigInt: 32, ConfigLong: 64}[t]
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return nil, "Not a number of type " + string(t)
	}
	switch t {
	case ConfigShort:
		return int16(n), ""
	case ConfigInt:
		return int32(n), ""
	}
	return n, ""
}

// parseJavaDouble takes what Double.parseDouble takes: a type suffix, NaN and Infinity in that spelling only.
func parseJavaDouble(text string) (float64, bool) {
	unsigned := strings.TrimLeft(text, "+-")
	if unsigned == "NaN" || unsigned == "Infinity" {
		x, err := strconv.ParseFloat(strings.Replace(text, "Infinity", "Inf", 1), 64)
		if unsigned == "NaN" {
			return math.NaN(), len(text)-len(unsigned) <= 1
		}
		return x, err == nil
	}
	hex := strings.HasPrefix(strings.ToLower(unsigned), "0x")
	suffixed := len(text) > 1 && strings.ContainsRune("dDfF", rune(text[len(text)-1]))
	if suffixed && (!hex || strings.ContainsAny(text, "pP")) { // in a bare hex number these are digits
		text = text[:len(text)-1]
	}
	if strings.ContainsAny(text, "_iInN") {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(x, 0) {
		return 0, false
	}
	return x, true
}

// splitList splits at commas and the white space around them; "" is the empty list.
func splitList(text string) []string {
	if text == "" {
		return []string{}
	}
	items := strings.Split(text, ",")
	const space = " \t\n\v\f\r"
	for i, item := range items {
		if i > 0 {
			item = strings.TrimLeft(item, space)
		}
		if i < len(items)-1 {
			item = strings.TrimRight(item, space)
		}
		items[i] = item
	}
	return items
}

// check applies the validator to a parsed value (nil: null) and returns Connect's error.
func (v *Validator) check(k ConfigKey, value any) *ConfigError {
	problem := ""
	text, isText := value.(string)
	switch v.Kind {
	case ValidRange:
		problem = v.checkRange(k.Type, value)
	case ValidOneOf:
		if !isText || !slices.Contains(v.Values, text) {
			problem = "String must be one of: " + strings.Join(v.Values, ", ")
		}
	case ValidOneOfCI:
		if !isText || !slices.ContainsFunc(v.Values, func(s string) bool { return strings.EqualFold(s, text) }) {
			problem = "String must be one of (case insensitive): " + strings.ToUpper(strings.Join(v.Values, ", "))
		}
	case ValidNonEmpty:
		if isText && text == "" {
			problem = "String must be non-empty"
		}
	case ValidNonNull:
		if value == nil {
			return InvalidValue(k.Name, "null", "entry must be non null")
		}
	case ValidNoControl:
		if isText {
			problem = checkControl(text)
		}
	case ValidList:
		return v.checkList(k, value)
	}
	if problem == "" {
		return nil
	}
	return InvalidValue(k.Name, k.shown(value), problem)
}

func (v *Validator) checkRange(t ConfigType, value any) string {
	var x float64
	switch n := value.(type) {
	case int16:
		x = float64(n)
	case int32:
		x = float64(n)
	case int64:
		x = float64(n)
	case float64:
		x = n
	default:
		return "Value must be non-null"
	}
	switch {
	case v.Min != nil && x < *v.Min:
		return "Value must be at least " + bound(t, *v.Min)
	case v.Max != nil && x > *v.Max:
		return "Value must be no more than " + bound(t, *v.Max)
	}
	return ""
}

// bound writes a limit as Java would: without a fraction for integers.
func bound(t ConfigType, x float64) string {
	if t == ConfigDouble {
		return javaDouble(x)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func checkControl(text string) string {
	if text == "" {
		return "String may not be empty"
	}
	var found []string
	for _, r := range text {
		if r < ' ' || r >= 0x7F && r <= 0x9F {
			found = append(found, strconv.Itoa(int(r)))
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "String may not contain control sequences but had the following ASCII chars: " + strings.Join(found, ", ")
}

func (v *Validator) checkList(k ConfigKey, value any) *ConfigError {
	items, _ := value.([]string)
	for _, item := range items {
		if len(v.Values) > 0 && !slices.Contains(v.Values, item) {
			return InvalidValue(k.Name, item, "String must be one of: "+strings.Join(v.Values, ", "))
		}
	}
	return nil
}

// shown is the value inside an error: as Java's string concatenation writes it, passwords hidden.
func (k ConfigKey) shown(value any) string {
	if list, ok := value.([]string); ok {
		return "[" + strings.Join(list, ", ") + "]"
	}
	if value != nil && k.Type == ConfigPassword {
		return Hidden
	}
	return javaText(value)
}

func javaText(value any) string {
	switch x := value.(type) {
	case nil:
		return "null"
	case float64:
		return javaDouble(x)
	}
	return fmt.Sprint(value)
}

// javaDouble is Double.toString: plain from 1e-3 to 1e7, else with an exponent, always with a fraction.
func javaDouble(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	}
	size := math.Abs(x)
	if x == 0 || size >= 1e-3 && size < 1e7 {
		s := strconv.FormatFloat(x, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'E', -1, 64), "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}
