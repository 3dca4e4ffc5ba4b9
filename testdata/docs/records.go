package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/berth-connect/berth/host"
)

// What a record has if the example does not say otherwise; only what differs is shown.
const (
	inputTopic       = "orders"
	inputTimestampMs = 1_700_000_000_000 // 2023-11-14T22:13:20Z
)

// format is what the bytes of a key or value are, which is how they are shown.
type format int

const (
	formText format = iota
	formJSON
	formBytes
)

type formats struct{ key, value format }

func formatOf(converter string) format {
	switch name := converter[strings.LastIndex(converter, ".")+1:]; strings.TrimSuffix(name, "Converter") {
	case "Json":
		return formJSON
	case "String":
		return formText
	}
	return formBytes
}

// shownRecord is a record on a page. Bytes that are no text stand in key.hex and value.hex.
type shownRecord struct {
	Topic     string            `json:"topic,omitempty"`
	Partition int32             `json:"partition,omitempty"`
	Offset    *int64            `json:"offset,omitempty"`
	Timestamp *int64            `json:"timestamp,omitempty"`
	Key       json.RawMessage   `json:"key,omitempty"`
	KeyHex    string            `json:"key.hex,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	Value     json.RawMessage   `json:"value,omitempty"`
	ValueHex  string            `json:"value.hex,omitempty"`
}

// parse reads the records of an example, one JSON object after the other.
func (f formats) parse(text string) ([]host.ConsumerRecord, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var records []host.ConsumerRecord
	for decoder.More() {
		var shown shownRecord
		if err := decoder.Decode(&shown); err != nil {
			return nil, fmt.Errorf("input record %d: %w", len(records), err)
		}
		r := host.ConsumerRecord{Topic: inputTopic, Partition: shown.Partition, Offset: int64(len(records)),
			TimestampMs: inputTimestampMs, TimestampType: host.CreateTime}
		if shown.Topic != "" {
			r.Topic = shown.Topic
		}
		if shown.Timestamp != nil {
			r.TimestampMs = *shown.Timestamp
		}
		if shown.Offset != nil {
			r.Offset = *shown.Offset
		}
		var err error
		if r.Key, err = f.key.bytes(shown.Key, shown.KeyHex); err == nil {
			r.Value, err = f.value.bytes(shown.Value, shown.ValueHex)
		}
		if err != nil {
			return nil, fmt.Errorf("input record %d: %w", len(records), err)
		}
		for _, key := range slices.Sorted(maps.Keys(shown.Headers)) {
			r.Headers = append(r.Headers, host.Header{Key: key, Value: []byte(shown.Headers[key])})
		}
		records = append(records, r)
	}
	return records, nil
}

// bytes are those of a key or value in Kafka; nil: null.
func (f format) bytes(shown json.RawMessage, inHex string) ([]byte, error) {
	if inHex != "" {
		return hex.DecodeString(strings.ReplaceAll(inHex, " ", ""))
	}
	if shown == nil || string(shown) == "null" {
		return nil, nil
	}
	if f == formJSON {
		return shown, nil
	}
	var text string
	err := json.Unmarshal(shown, &text)
	return []byte(text), err
}

func consumed(records []host.ConsumerRecord) []host.ProducerRecord {
	all := make([]host.ProducerRecord, len(records))
	for i, r := range records {
		all[i] = host.ProducerRecord{Topic: r.Topic, Partition: r.Partition, TimestampMs: r.TimestampMs, Key: r.Key,
			Value: r.Value, Headers: r.Headers}
	}
	return all
}

// withoutTimestamps is for sources whose records have the time of the run.
func withoutTimestamps(records []host.ProducerRecord) []host.ProducerRecord {
	all := slices.Clone(records)
	for i := range all {
		all[i].TimestampMs = inputTimestampMs
	}
	return all
}

// show writes records for a page.
func (f formats) show(records []host.ProducerRecord) string {
	var all []string
	for _, r := range records {
		shown := shownRecord{Headers: map[string]string{}}
		if r.Topic != inputTopic {
			shown.Topic = r.Topic
		}
		if r.Partition > 0 {
			shown.Partition = r.Partition
		}
		if r.TimestampMs != inputTimestampMs {
			shown.Timestamp = &r.TimestampMs
		}
		shown.Key, shown.KeyHex = f.key.shown(r.Key)
		shown.Value, shown.ValueHex = f.value.shown(r.Value)
		if r.Key == nil {
			shown.Key = nil
		}
		for _, h := range r.Headers {
			shown.Headers[h.Key] = string(h.Value)
		}
		all = append(all, layOut(shown))
	}
	return strings.Join(all, "\n")
}

// shown is one of both.
func (f format) shown(raw []byte) (text json.RawMessage, inHex string) {
	switch {
	case raw == nil:
		return json.RawMessage("null"), ""
	case f == formJSON && json.Valid(raw):
		return raw, ""
	case f != formBytes && isText(raw):
		return marshal(string(raw)), ""
	}
	return nil, fmt.Sprintf("% x", raw)
}

func isText(raw []byte) bool {
	return utf8.Valid(raw) && !slices.ContainsFunc([]rune(string(raw)), unicode.IsControl)
}

// marshal writes JSON as people read it: < stays <.
func marshal(v any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // texts, numbers and JSON that was checked
	}
	return bytes.TrimSpace(out.Bytes())
}

// lineColumns is the width of an example; more would have to be scrolled.
const lineColumns = 100

// layOut breaks JSON into lines where it is too long for one.
func layOut(v any) string {
	var out strings.Builder
	decoder := json.NewDecoder(bytes.NewReader(marshal(v)))
	decoder.UseNumber()
	layOutValue(&out, readNode(decoder), "", 0)
	return out.String()
}

// node is a JSON value with the members of objects in order.
type node struct {
	text      string // of a scalar
	open, end string // of an object or list
	names     []string
	members   []node
}

func readNode(decoder *json.Decoder) node {
	token, err := decoder.Token()
	if err != nil {
		panic(err) // it is JSON that was just written
	}
	delimiter, isDelimiter := token.(json.Delim)
	if !isDelimiter {
		return node{text: string(marshal(token))}
	}
	n := node{open: "{", end: "}"}
	if delimiter == '[' {
		n = node{open: "[", end: "]"}
	}
	for decoder.More() {
		name := ""
		if n.open == "{" {
			name = readNode(decoder).text + ": "
		}
		n.names, n.members = append(n.names, name), append(n.members, readNode(decoder))
	}
	_, _ = decoder.Token() // the end, which More saw
	return n
}

func (n node) inLine() string {
	if n.open == "" {
		return n.text
	}
	parts := make([]string, len(n.members))
	for i := range n.members {
		parts[i] = n.names[i] + n.members[i].inLine()
	}
	return n.open + strings.Join(parts, ", ") + n.end
}

// layOutValue writes a value that begins in column used.
func layOutValue(out *strings.Builder, n node, indent string, used int) {
	line := n.inLine()
	if len(n.members) == 0 || used+utf8.RuneCountInString(line) <= lineColumns {
		out.WriteString(line)
		return
	}
	out.WriteString(n.open)
	inner := indent + "  "
	for i, m := range n.members {
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString("\n" + inner + n.names[i])
		layOutValue(out, m, inner, len(inner)+len(n.names[i])+1)
	}
	out.WriteString("\n" + indent + n.end)
}
