// Package airport is the logic of the demo's plugin, apart from its entry, so that the demo can work out what the
// plugin must have made of each line.
package airport

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

// Object turns one line of comma-separated values into a JSON object with the columns' names, in their order.
// Numbers stay numbers, empty values become null.
func Object(columns []string, line string) (string, error) {
	values, err := csv.NewReader(strings.NewReader(line)).Read()
	if err != nil {
		return "", fmt.Errorf("read the line: %w", err)
	}
	if len(values) != len(columns) {
		return "", fmt.Errorf("the line has %d values for %d columns", len(values), len(columns))
	}
	object := []byte{'{'}
	for i, value := range values {
		if i > 0 {
			object = append(object, ',')
		}
		object = append(quote(object, columns[i]), ':')
		switch {
		case value == "":
			object = append(object, "null"...)
		case isNumber(value):
			object = append(object, value...)
		default:
			object = quote(object, value)
		}
	}
	return string(append(object, '}')), nil
}

// isNumber accepts what JSON calls a number; a code like 007 is none.
func isNumber(value string) bool {
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || strings.Trim(digits, "0123456789.") != "" {
		return false
	}
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if whole == "" || hasPoint && fraction == "" || len(whole) > 1 && whole[0] == '0' {
		return false
	}
	_, err := strconv.ParseFloat(value, 64)
	return err == nil
}

func quote(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, string(r)...)
		}
	}
	return append(dst, '"')
}
