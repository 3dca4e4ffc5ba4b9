// Package definition declares the keys of the three connectors of MirrorMaker 2: names, types, defaults and order are
// those of Apache Kafka 4.1.
package definition

import (
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// Source is that of MirrorSourceConnector.
func Source() abi.ConfigDef { return tabled(shared, ssl, sasl, source) }

// Checkpoint is that of MirrorCheckpointConnector.
func Checkpoint() abi.ConfigDef { return tabled(shared, ssl, sasl, checkpoint) }

// Heartbeat is that of MirrorHeartbeatConnector.
func Heartbeat() abi.ConfigDef { return tabled(shared, ssl, sasl, heartbeat) }

// tabled reads definitions from tables. A line is name, type, importance, default and perhaps a check; indented lines
// below it tell what the key is for. A default of - is null, of ! none: the key is required. Checks are a|b: one of
// these, ~a|b: in any case, 0..9: a range.
func tabled(tables ...string) abi.ConfigDef {
	var d abi.ConfigDef
	for _, table := range tables {
		for line := range strings.Lines(strings.TrimSpace(table)) {
			text := strings.TrimSpace(line)
			if strings.HasPrefix(line, " ") {
				last := &d.Keys[len(d.Keys)-1]
				last.Doc = strings.TrimSpace(last.Doc + " " + text)
				continue
			}
			d.Keys = append(d.Keys, key(strings.Fields(text)))
		}
	}
	return d
}

func key(fields []string) abi.ConfigKey {
	k := abi.ConfigKey{Name: fields[0], Type: abi.ConfigType(fields[1]), Importance: abi.Importance(fields[2]),
		HasDefault: true, Order: -1, Width: abi.WidthNone, Display: fields[0]}
	switch preset := fields[3]; preset {
	case "!":
		k.HasDefault = false
	case "-":
	default:
		k.Default = &preset
	}
	if len(fields) > 4 {
		k.Validator = check(fields[4])
	}
	return k
}

func check(text string) *abi.Validator {
	if low, high, isRange := strings.Cut(text, ".."); isRange {
		return inRange(low, high)
	}
	if words, anyCase := strings.CutPrefix(text, "~"); anyCase {
		return &abi.Validator{Kind: abi.ValidOneOfCI, Values: strings.Split(words, "|")}
	}
	return &abi.Validator{Kind: abi.ValidOneOf, Values: strings.Split(text, "|")}
}

// inRange keeps the fraction that Kafka's limits of doubles show, which a number in a manifest does not have.
func inRange(low, high string) *abi.Validator {
	v := &abi.Validator{Kind: abi.ValidRange, Min: limit(low), Max: limit(high)}
	if !strings.Contains(low, ".") {
		return v
	}
	return &abi.Validator{Kind: abi.ValidCustom, Text: "[" + low + ",...," + high + "]",
		Check: func(key string, value any) *abi.ConfigError {
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
		}}
}

// limit panics on what is no number: the tables are constants, which a test reads.
func limit(text string) *float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(err)
	}
	return &x
}
