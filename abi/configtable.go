package abi

import (
	"fmt"
	"strconv"
	"strings"
)

// ConfigTable reads definitions from tables, in which a later key takes the place of an earlier one of its name. A line
// is name, type, importance, default and check; indented lines below it tell what the key is for.
//
//	default  - null, "" the empty text, ! none: the key is required
//	check    a|b one of these, ~a|b in any case, 0.. and 0..9 a range, #name one of named; nothing: none
//
// Tables are constants: it panics on a line that is none.
func ConfigTable(named map[string]*Validator, tables ...string) ConfigDef {
	var d ConfigDef
	for _, table := range tables {
		for line := range strings.Lines(strings.Trim(table, "\n")) {
			if text := strings.TrimSpace(line); !strings.HasPrefix(line, " ") {
				d.Add(tableKey(named, strings.Fields(text)))
			} else {
				last := &d.Keys[len(d.Keys)-1]
				last.Doc = strings.TrimSpace(last.Doc + " " + text)
			}
		}
	}
	return d
}

func tableKey(named map[string]*Validator, fields []string) ConfigKey {
	if len(fields) < 4 {
		panic(fmt.Sprintf("a line of a configuration table is name, type, importance and default, not %q", fields))
	}
	k := ConfigKey{Name: fields[0], Type: ConfigType(fields[1]), Importance: Importance(fields[2]),
		HasDefault: true, Order: -1, Width: WidthNone, Display: fields[0]}
	switch preset := fields[3]; preset {
	case "!":
		k.HasDefault = false
	case "-":
	case `""`:
		k.Default = new(string)
	default:
		k.Default = &preset
	}
	if len(fields) > 4 {
		k.Validator = tableCheck(named, fields[4])
	}
	return k
}

func tableCheck(named map[string]*Validator, check string) *Validator {
	if name, isNamed := strings.CutPrefix(check, "#"); isNamed {
		return named[name]
	}
	if low, high, isRange := strings.Cut(check, ".."); isRange {
		return tableRange(low, high)
	}
	if words, anyCase := strings.CutPrefix(check, "~"); anyCase {
		return &Validator{Kind: ValidOneOfCI, Values: strings.Split(words, "|")}
	}
	return &Validator{Kind: ValidOneOf, Values: strings.Split(check, "|")}
}

// tableRange keeps the fraction that Kafka's limits of doubles show, which a number in a manifest does not have.
func tableRange(low, high string) *Validator {
	v := &Validator{Kind: ValidRange, Min: tableLimit(low), Max: tableLimit(high)}
	if !strings.Contains(low, ".") {
		return v
	}
	return &Validator{Kind: ValidCustom, Text: "[" + low + ",...," + high + "]",
		Check: func(key string, value any) *ConfigError {
			x, isSet := value.(float64)
			switch {
			case !isSet:
				return InvalidValue(key, "null", "Value must be non-null")
			case x < *v.Min:
				return InvalidValue(key, ConfigText(value), "Value must be at least "+low)
			case x > *v.Max:
				return InvalidValue(key, ConfigText(value), "Value must be no more than "+high)
			}
			return nil
		}}
}

// tableLimit is nil where there is none.
func tableLimit(text string) *float64 {
	if text == "" {
		return nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Errorf("read a limit in a configuration table: %w", err))
	}
	return &x
}
