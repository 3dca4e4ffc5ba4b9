package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/berth-connect/berth/host"
)

// printPreview shows each record with what each stage made of it. What a stage left alone has no line for its data.
func printPreview(out io.Writer, p host.Preview) error {
	var text strings.Builder
	for i, s := range p.Stages {
		fmt.Fprintf(&text, "stage %d  %s\n", i, s.Where())
	}
	width := len("in")
	for _, s := range p.Stages {
		width = max(width, len(s.Short()))
	}
	for i := range p.Records {
		r := &p.Records[i]
		fmt.Fprintf(&text, "\nrecord %d: %s\n", i, r.Outcome)
		writeRecord(&text, fmt.Sprintf("  %-*s  ", width, "in"), r.Input)
		for _, step := range r.Steps {
			writeStep(&text, fmt.Sprintf("  %-*s  ", width, p.Stages[step.Stage].Short()), step)
		}
	}
	for _, line := range p.Log {
		fmt.Fprintf(&text, "log  %s\n", line)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func writeStep(text *strings.Builder, name string, step host.PreviewStep) {
	switch {
	case step.Dropped:
		fmt.Fprintf(text, "%sdropped\n", name)
	case step.Predicate != nil:
		fmt.Fprintf(text, "%s%v\n", name, *step.Predicate)
	case step.Unchanged && step.Error == nil:
		fmt.Fprintf(text, "%sunchanged\n", name)
	}
	for _, r := range step.Records {
		writeRecord(text, name, r)
	}
	if e := step.Error; e != nil {
		fmt.Fprintf(text, "%s%s: %s\n", name, e.Class, e.Message)
		for _, line := range [][2]string{{"field", e.Field}, {"causes", e.Causes}, {"trap", e.Trap}, {"remedy", e.Remedy}} {
			if line[1] != "" {
				fmt.Fprintf(text, "    %s: %s\n", line[0], strings.ReplaceAll(line[1], "\n", "\n    "))
			}
		}
	}
}

func writeRecord(text *strings.Builder, name string, r host.PreviewRecord) {
	fmt.Fprintf(text, "%s%s", name, r.Topic)
	if r.Partition != nil {
		fmt.Fprintf(text, "-%d", *r.Partition)
	}
	if r.Offset != nil {
		fmt.Fprintf(text, "@%d", *r.Offset)
	}
	if r.Timestamp != nil {
		fmt.Fprintf(text, " timestamp=%d", *r.Timestamp)
	}
	fmt.Fprintf(text, "  key %s  value %s", shortDatum(r.Key), shortDatum(r.Value))
	for _, h := range r.Headers {
		fmt.Fprintf(text, "  header %s %s", h.Key, shortDatum(h.Value))
	}
	text.WriteByte('\n')
}

// shortDatum shows a key, value or header without its form: texts that are bytes as they are, values with a schema with
// its types behind them.
func shortDatum(text json.RawMessage) string {
	var datum struct {
		Text, Bytes   *string
		JSON, Payload json.RawMessage
		Schema        *shortSchema
	}
	if err := json.Unmarshal(text, &datum); err != nil {
		return string(text)
	}
	switch {
	case datum.Text != nil:
		return *datum.Text
	case datum.Bytes != nil:
		return "Base64 " + *datum.Bytes
	case datum.JSON != nil:
		return string(datum.JSON) + " : no schema"
	case datum.Schema != nil:
		return string(datum.Payload) + " : " + datum.Schema.String()
	}
	return string(text)
}

// shortSchema is what of a schema is shown.
type shortSchema struct {
	Type, Name, Field   string
	Optional            bool
	Fields              []shortSchema
	Items, Keys, Values *shortSchema
}

func (s *shortSchema) String() string {
	if s == nil {
		return "?"
	}
	shown := s.Type
	switch s.Type {
	case "struct":
		fields := make([]string, len(s.Fields))
		for i := range s.Fields {
			fields[i] = s.Fields[i].Field + " " + s.Fields[i].String()
		}
		shown = "struct{" + strings.Join(fields, ", ") + "}"
	case "array":
		shown = "array of " + s.Items.String()
	case "map":
		shown = "map of " + s.Keys.String() + " to " + s.Values.String()
	}
	if s.Name != "" {
		shown = s.Name[strings.LastIndexByte(s.Name, '.')+1:] + " (" + shown + ")"
	}
	if s.Optional {
		shown = "optional " + shown
	}
	return shown
}
