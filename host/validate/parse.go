package validate

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/berth-connect/berth/abi"
)

// parsed is a value after parsing; the zero value is null.
type parsed struct {
	set    bool
	text   string   // as the REST API shows it
	items  []string // LIST
	isList bool
	number float64 // numbers
	secret string  // PASSWORD
}

// java is the text of the value inside error messages: what String.valueOf gives.
func (v parsed) java() string {
	switch {
	case !v.set:
		return "null"
	case v.isList:
		return "[" + strings.Join(v.items, ", ") + "]"
	}
	return v.text
}

// shown is the value in the REST API's answer.
func (v parsed) shown() *string {
	if !v.set {
		return nil
	}
	return &v.text
}

func textValue(text string) parsed { return parsed{set: true, text: text} }

func listValue(items []string) parsed {
	return parsed{set: true, text: strings.Join(items, ","), items: items, isList: true}
}

// invalid is the text of a ConfigException.
func invalid(name, value, message string) string {
	return "Invalid value " + value + " for configuration " + name + ": " + message
}

// parse reads a configuration value as ConfigDef.parseType does. The second result is the error's text. Without
// classes a class name is not looked up.
func parse(name string, raw *string, kind abi.ConfigType, classes *classes) (parsed, string) {
	if raw == nil {
		return parsed{}, ""
	}
	trimmed := trim(*raw)
	switch kind {
	case abi.ConfigBoolean:
		if lower := strings.ToLower(trimmed); lower == "true" || lower == "false" {
			return textValue(lower), ""
		}
		return parsed{}, invalid(name, *raw, "Expected value to be either true or false")
	case abi.ConfigList:
		return listValue(splitList(trimmed)), ""
	case abi.ConfigPassword:
		return parsed{set: true, text: abi.Hidden, secret: trimmed}, ""
	case abi.ConfigInt, abi.ConfigShort, abi.ConfigLong, abi.ConfigDouble:
		v, ok := parseNumber(trimmed, kind)
		if !ok {
			return parsed{}, invalid(name, *raw, "Not a number of type "+string(kind))
		}
		return v, ""
	case abi.ConfigClass:
		if classes == nil {
			return textValue(trimmed), ""
		}
		class, ok := classes.load(trimmed)
		if !ok {
			return parsed{}, invalid(name, *raw, "Class "+*raw+" could not be found.")
		}
		return textValue(class), ""
	}
	return textValue(trimmed), ""
}

// trim is String.trim: it cuts everything up to the blank.
func trim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

var comma = regexp.MustCompile(`[ \t\n\x0B\f\r]*,[ \t\n\x0B\f\r]*`)

func splitList(trimmed string) []string {
	if trimmed == "" {
		return []string{}
	}
	return comma.Split(trimmed, -1)
}

var integerBits = map[abi.ConfigType]int{abi.ConfigShort: 16, abi.ConfigInt: 32, abi.ConfigLong: 64}

func parseNumber(text string, kind abi.ConfigType) (parsed, bool) {
	if kind == abi.ConfigDouble {
		f, ok := parseDouble(text)
		return parsed{set: true, text: doubleText(f), number: f}, ok
	}
	n, ok := parseInteger(text, kind)
	return parsed{set: true, text: strconv.FormatInt(n, 10), number: float64(n)}, ok
}

func parseInteger(text string, kind abi.ConfigType) (int64, bool) {
	n, err := strconv.ParseInt(asciiDigits(text), 10, integerBits[kind])
	return n, err == nil
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

var (
	decimalNumber = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	hexNumber     = regexp.MustCompile(`^[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+$`)
)

// parseDouble is Double.parseDouble: Java's grammar with its suffixes f and d; out of range becomes infinite.
func parseDouble(text string) (float64, bool) {
	switch strings.TrimLeft(text, "+-") {
	case "NaN":
		return math.NaN(), len(text) <= len("+NaN")
	case "Infinity":
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	}
	if n := len(text); n > 1 && strings.ContainsRune("fFdD", rune(text[n-1])) {
		if short := text[:n-1]; decimalNumber.MatchString(short) || hexNumber.MatchString(short) {
			text = short
		}
	}
	if !decimalNumber.MatchString(text) && !hexNumber.MatchString(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil || math.IsInf(f, 0)
}

// doubleText is Double.toString of Java 19 and later (shortest digits).
func doubleText(f float64) string {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.Replace(strconv.FormatFloat(f, 'g', -1, 64), "Inf", "Infinity", 1), "+")
	case abs == 0 || abs >= 1e-3 && abs < 1e7:
		return withFraction(strconv.FormatFloat(f, 'f', -1, 64))
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	n, _ := strconv.Atoi(exponent)
	return withFraction(mantissa) + "E" + strconv.Itoa(n)
}

func withFraction(digits string) string {
	if strings.Contains(digits, ".") {
		return digits
	}
	return digits + ".0"
}
