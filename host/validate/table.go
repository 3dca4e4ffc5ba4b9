package validate

import (
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// tabled reads definitions from tables, in which a later key takes the place of an earlier one of its name. A line is
// name, type, importance, default and check:
//
//	default  - null, "" the empty text, ! none: the key is required
//	check    a|b one of these, ~a|b in any case, 0.. and 0..9 a range, #name one of tableChecks; nothing: none
func tabled(tables ...string) abi.ConfigDef {
	var d abi.ConfigDef
	for _, table := range tables {
		for line := range strings.Lines(strings.TrimSpace(table)) {
			d.Add(tableKey(strings.Fields(line)))
		}
	}
	return d
}

func tableKey(fields []string) abi.ConfigKey {
	k := abi.ConfigKey{Name: fields[0], Type: abi.ConfigType(fields[1]), Importance: abi.Importance(fields[2]),
		HasDefault: true, Order: -1, Width: abi.WidthNone, Display: fields[0]}
	switch fallback := fields[3]; fallback {
	case "!":
		k.HasDefault = false
	case "-":
	case `""`:
		k.Default = text("")
	default:
		k.Default = &fallback
	}
	if len(fields) > 4 {
		k.Validator = tableCheck(fields[4])
	}
	return k
}

// tableChecks are checks that a table can name.
var tableChecks = map[string]*abi.Validator{
	"urls":        custom("List of comma-separated URLs, "+urlExample, checkURLs),
	"admin":       custom("List of comma-separated URLs, "+urlExample, checkAdminURLs),
	"headers":     custom(headerRules, checkHeaders),
	"partitions":  partitionsCheck,
	"replication": replicationCheck,
	"protocol":    custom("["+strings.Join(protocols, ", ")+"]", checkProtocol),
	"generator":   custom("Any KeyGenerator algorithm supported by the worker JVM", checkMAC),
	"mac":         custom("Any MAC algorithm supported by the worker JVM", checkMAC),
	"macs":        custom("A list of one or more MAC algorithms, each supported by the worker JVM", checkMACs),
}

const headerRules = "Comma-separated header rules, where each header rule is of the form '[action] [header name]:" +
	"[header value]' and optionally surrounded by double quotes if any part of a header rule contains a comma"

func tableCheck(check string) *abi.Validator {
	if name, isNamed := strings.CutPrefix(check, "#"); isNamed {
		return tableChecks[name]
	}
	if low, high, isRange := strings.Cut(check, ".."); isRange {
		return tableRange(low, high)
	}
	if words, anyCase := strings.CutPrefix(check, "~"); anyCase {
		return oneOfAnyCase(strings.Split(words, "|")...)
	}
	return oneOf(strings.Split(check, "|")...)
}

// tableRange keeps the fraction that Kafka's limits of doubles show.
func tableRange(low, high string) *abi.Validator {
	v := &abi.Validator{Kind: abi.ValidRange, Min: limit(low), Max: limit(high)}
	if !strings.Contains(low, ".") {
		return v
	}
	return custom("["+low+",...,"+high+"]", func(key string, value any) *abi.ConfigError {
		x, isSet := value.(float64)
		switch {
		case !isSet:
			return abi.InvalidValue(key, "null", "Value must be non-null")
		case x < *v.Min:
			return abi.InvalidValue(key, abi.ConfigText(value), "Value must be at least "+low)
		case x > *v.Max:
			return abi.InvalidValue(key, abi.ConfigText(value), "Value must be no more than "+high)
		}
		return nil
	})
}

// limit reads a limit of a table; nil: there is none.
func limit(text string) *float64 {
	if text == "" {
		return nil
	}
	x, _ := strconv.ParseFloat(text, 64) // tables hold numbers
	return &x
}
