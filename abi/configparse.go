package abi

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// ParseConfigValue gives a value the type of its key, as ConfigDef.parseType does: text is read, a value that has the
// type already stays. The result is nil (null), bool, string (STRING, CLASS, PASSWORD), int16, int32, int64, float64,
// []string, or []any for a list that was one. classes nil: a CLASS is not looked up.
func ParseConfigValue(name string, t ConfigType, value any, classes ClassLoader) (any, *ConfigError) {
	var parsed any
	problem := ""
	switch text, isText := value.(string); {
	case value == nil:
	case isText && t == ConfigClass && classes != nil:
		class, ok := classes(TrimConfig(text))
		if !ok {
			problem = "Class " + text + " could not be found."
			break
		}
		parsed = class
	case isText:
		parsed, problem = parseConfigText(t, TrimConfig(text))
	default:
		parsed, problem = convertConfig(t, value)
	}
	if problem != "" {
		return nil, InvalidValue(name, ConfigText(value), problem)
	}
	return parsed, nil
}

// TrimConfig is String.trim: it cuts everything up to the blank.
func TrimConfig(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
}

// parseConfigText reads trimmed text; problem "" means that it fits.
func parseConfigText(t ConfigType, text string) (value any, problem string) {
	switch t {
	case ConfigBoolean:
		switch {
		case strings.EqualFold(text, "true"):
			return true, ""
		case strings.EqualFold(text, "false"):
			return false, ""
		}
		return nil, notBoolean
	case ConfigInt, ConfigShort, ConfigLong:
		return parseConfigInt(t, text)
	case ConfigDouble:
		if x, ok := parseJavaDouble(text); ok {
			return x, ""
		}
		return nil, "Not a number of type DOUBLE"
	case ConfigList:
		return splitList(text), ""
	}
	return text, ""
}

const notBoolean = "Expected value to be either true or false"

// convertConfig takes a value that is no text.
func convertConfig(t ConfigType, value any) (converted any, problem string) {
	but := ", but it was a " + javaClass(value)
	switch t {
	case ConfigBoolean:
		if _, ok := value.(bool); ok {
			return value, ""
		}
		return nil, notBoolean
	case ConfigInt:
		if _, ok := value.(int32); ok {
			return value, ""
		}
		return nil, "Expected value to be a 32-bit integer" + but
	case ConfigShort:
		if _, ok := value.(int16); ok {
			return value, ""
		}
		return nil, "Expected value to be a 16-bit integer (short)" + but
	case ConfigLong:
		switch n := value.(type) {
		case int32:
			return int64(n), ""
		case int64:
			return n, ""
		}
		return nil, "Expected value to be a 64-bit integer (long)" + but
	case ConfigDouble:
		if x, ok := configNumber(value); ok {
			return x, ""
		}
		return nil, "Expected value to be a double" + but
	case ConfigList:
		switch value.(type) {
		case []string, []any:
			return value, ""
		}
		return nil, "Expected a comma separated list."
	case ConfigClass:
		return nil, "Expected a Class instance or class name."
	}
	return nil, "Expected value to be a string" + but
}

// configNumber is Number.doubleValue.
func configNumber(value any) (x float64, ok bool) {
	switch n := value.(type) {
	case int8:
		return float64(n), true
	case int16:
		return float64(n), true
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case float32:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// javaClass names the class that holds such a value in Java.
func javaClass(value any) string {
	switch value.(type) {
	case bool:
		return "java.lang.Boolean"
	case int8:
		return "java.lang.Byte"
	case int16:
		return "java.lang.Short"
	case int32:
		return "java.lang.Integer"
	case int64:
		return "java.lang.Long"
	case float32:
		return "java.lang.Float"
	case float64:
		return "java.lang.Double"
	case string:
		return "java.lang.String"
	case []string, []any:
		return "java.util.ArrayList"
	}
	return "java.lang.Object"
}

func parseConfigInt(t ConfigType, text string) (any, string) {
	bits := map[ConfigType]int{ConfigShort: 16, ConfigInt: 32, ConfigLong: 64}[t]
	n, err := strconv.ParseInt(asciiDigits(text), 10, bits)
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

// asciiDigits maps the decimal digits of any script to ASCII: Java's integer parsers accept them all (of the basic
// plane, as they read UTF-16 units).
func asciiDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII {
			return r
		}
		for _, digits := range unicode.Nd.R16 {
			if r >= rune(digits.Lo) && r <= rune(digits.Hi) {
				return '0' + (r-rune(digits.Lo))%10
			}
		}
		return r
	}, text)
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

// Text is a parsed value of this type as ConfigDef.convertToString shows it; nil: null.
func (t ConfigType) Text(value any) *string {
	var s string
	switch x := value.(type) {
	case nil:
		return nil
	case []string:
		s = strings.Join(x, ",")
	case []any:
		s = strings.Join(configTexts(x), ",")
	default:
		s = ConfigText(x)
	}
	if t == ConfigPassword {
		s = Hidden
	}
	return &s
}

// ConfigText is a value inside an error: what String.valueOf gives.
func ConfigText(value any) string {
	switch x := value.(type) {
	case nil:
		return "null"
	case float32:
		return javaFloat(float64(x), 32)
	case float64:
		return javaFloat(x, 64)
	case []string:
		return "[" + strings.Join(x, ", ") + "]"
	case []any:
		return "[" + strings.Join(configTexts(x), ", ") + "]"
	}
	return fmt.Sprint(value)
}

func configTexts(items []any) []string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = ConfigText(item)
	}
	return texts
}

// javaFloat is Double.toString or Float.toString since Java 19: plain from 1e-3 to 1e7, else with an exponent, always
// with a fraction.
func javaFloat(x float64, bits int) string {
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
		s := strconv.FormatFloat(x, 'f', -1, bits)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'E', -1, bits), "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}
