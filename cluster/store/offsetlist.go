package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// List returns a connector's offsets as Connect shows them: one for each partition, null where its key is written
// otherwise than Connect would (in another order, say, or with blanks), none for what no task could have stored. Load
// has them all.
func (s *OffsetStore) List(ctx context.Context, connector string) ([]host.SourceOffset, error) {
	if err := s.records.readToEnd(ctx); err != nil {
		return nil, fmt.Errorf("listing the offsets of connector %s: %w", connector, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reader.shown(connector), nil
}

func (o *offsetReader) shown(connector string) []host.SourceOffset {
	entries := o.connectors[connector]
	if entries == nil {
		return nil
	}
	var out []host.SourceOffset
	listed := map[string]bool{} // by canonical partition
	keys := entries.byAge()
	for _, key := range slices.Backward(keys) {
		entry := entries.byKey[key]
		if listed[entry.canonical] || entries.hidden[entry.canonical] {
			continue
		}
		listed[entry.canonical] = true
		shown := host.SourceOffset{Partition: entry.partition}
		if stored, has := entries.byKey[string(javaKey(connector, entry.partition))]; has {
			shown = host.SourceOffset{Partition: stored.partition, Offset: stored.offset}
		}
		if offset, err := decode(shown.Offset); err == nil && offset == nil {
			shown.Offset = nil
		} else if !isFlat(shown.Offset) {
			o.log.Error("a stored offset is not a JSON object of plain values and is not listed", "connector", connector,
				"partition", string(shown.Partition))
			continue
		}
		if isFlat(shown.Partition) {
			out = append(out, shown)
		}
	}
	slices.Reverse(out)
	return out
}

// byAge lists the keys, the one written last at the end.
func (c *connectorOffsets) byAge() []string {
	keys := make([]string, 0, len(c.byKey))
	for key := range c.byKey {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		x, y := c.byKey[a], c.byKey[b]
		return cmp.Or(cmp.Compare(x.writtenMs, y.writtenMs), cmp.Compare(x.log, y.log), cmp.Compare(a, b))
	})
	return keys
}

// isFlat: an object without objects or arrays in it, which is all that Connect lets through (OffsetUtils).
func isFlat(data []byte) bool {
	fields, ok := decodeMap(data)
	for _, value := range fields {
		switch value.(type) {
		case map[string]any, []any:
			return false
		}
	}
	return ok
}

// memberNames lists the members of an object in the order in which they are written.
func memberNames(object []byte) (names []string) {
	decoder := json.NewDecoder(strings.NewReader(string(object)))
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return names
		}
		if text, ok := name.(string); ok && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names
}

// javaKey is the key that Connect makes of a partition that it has read: Jackson's spelling, a HashMap's order.
func javaKey(connector string, partition []byte) []byte {
	return keyOf(connector, partition, abi.HashOrder(memberNames(partition)))
}

// HashOrdered is a flat partition with its members in the order that Connect gives to one that it has read.
func HashOrdered(partition []byte) []byte {
	if !isFlat(partition) {
		return partition
	}
	key := javaKey("", partition)
	return key[len(`["",`) : len(key)-1]
}

// keyOf spells a flat partition as Jackson does.
func keyOf(connector string, partition []byte, names []string) []byte {
	fields, _ := decodeMap(partition)
	key := append(appendQuoted([]byte{'['}, connector), ',', '{')
	for i, name := range names {
		if i > 0 {
			key = append(key, ',')
		}
		key = append(appendQuoted(key, name), ':')
		switch value := fields[name].(type) {
		case string:
			key = appendQuoted(key, value)
		case json.Number:
			key = append(key, javaNumeral(value)...)
		default:
			text, _ := json.Marshal(value) // it came from JSON
			key = append(key, text...)
		}
	}
	return append(key, '}', ']')
}

// javaNumeral is how Java writes a number that it has read as long or double.
func javaNumeral(n json.Number) string {
	text := javaNumber(n)
	if !strings.ContainsAny(text, ".eE") {
		return text
	}
	double, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	if size := max(double, -double); double == 0 || size >= 1e-3 && size < 1e7 {
		text = strconv.FormatFloat(double, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(double, 'e', -1, 64), "e")
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	power, _ := strconv.Atoi(exponent) // it was just formatted
	return digits + "E" + strconv.Itoa(power)
}
