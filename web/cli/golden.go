package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/berth-connect/berth/host"
)

// golden is a golden file: a chain, records, and what is expected to become of them. Records are those of POST
// /preview.
type golden struct {
	About   string            `json:"about,omitempty"`
	Chain   string            `json:"chain"`
	Config  json.RawMessage   `json:"config"`
	Records []json.RawMessage `json:"records"`
	Expect  []expectation     `json:"expect"`
}

// expectation is what becomes of one record.
type expectation struct {
	Outcome string               `json:"outcome"`          // passed, dropped or failed
	By      string               `json:"by,omitempty"`     // alias of the stage where it ended; converters: kind
	Error   *expectedError       `json:"error,omitempty"`  // of a failed record
	Output  []host.PreviewRecord `json:"output,omitempty"` // of a passed one
}

// expectedError is compared as far as it is given.
type expectedError struct {
	Class   string `json:"class,omitempty"`
	Message string `json:"message,omitempty"`
	Field   string `json:"field,omitempty"`
}

// playGolden runs a file. problem says how what was made differs from what is expected; "": it does not. With update
// the file is given what was made instead. Errors: the file or its configuration can't be used.
func playGolden(ctx context.Context, previewer host.Previewer, file string, update bool) (problem string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	g, err := parseGolden(text)
	if err != nil {
		return "", err
	}
	made, err := g.play(ctx, previewer)
	if err != nil {
		return "", err
	}
	if update {
		return "", g.write(file, made)
	}
	if len(g.Expect) != len(made) {
		return fmt.Sprintf("  expects the outcome of %d records, but there are %d\n", len(g.Expect), len(made)), nil
	}
	for i := range made {
		difference, err := made[i].difference(g.Expect[i])
		if err != nil {
			return "", fmt.Errorf("expect[%d]: %w", i, err)
		}
		if difference != "" {
			problem += fmt.Sprintf("  record %d (- expected, + made)\n%s", i, difference)
		}
	}
	return problem, nil
}

func parseGolden(text []byte) (golden, error) {
	var g golden
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&g); err != nil {
		return g, fmt.Errorf("%w: it must be an object with about, chain, config, records and expect", err)
	}
	return g, nil
}

// play is what the chain makes of the records.
func (g *golden) play(ctx context.Context, previewer host.Previewer) ([]expectation, error) {
	config, err := parseChainConfig(g.Config)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	request := host.PreviewRequest{Chain: g.Chain, Config: config}
	for i, text := range g.Records {
		var record host.PreviewRecord
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&record); err != nil {
			return nil, fmt.Errorf("records[%d]: %w", i, err)
		}
		request.Records = append(request.Records, record)
	}
	preview, err := previewer.Preview(ctx, request)
	if err != nil {
		return nil, err
	}
	made := make([]expectation, len(preview.Records))
	for i, r := range preview.Records {
		made[i] = expectation{Outcome: r.Outcome, Output: r.Output}
		if r.Outcome == host.PreviewPassed {
			continue
		}
		last := r.Steps[len(r.Steps)-1]
		made[i].By = preview.Stages[last.Stage].Short()
		if e := last.Error; e != nil {
			made[i].Error = &expectedError{e.Class, e.Message, e.Field}
		}
	}
	return made, nil
}

// difference shows what was made beside what is expected, "" when they are the same.
func (made expectation) difference(expected expectation) (string, error) {
	if made.Error != nil && expected.Error != nil {
		made.Error = made.Error.asFarAs(*expected.Error)
	}
	want, err := canonical(expected)
	if err != nil {
		return "", err
	}
	got, err := canonical(made)
	if err != nil || want == got {
		return "", err
	}
	return lineDifference(want, got), nil
}

// asFarAs leaves out what is not expected.
func (e expectedError) asFarAs(expected expectedError) *expectedError {
	for _, pair := range [][2]*string{{&e.Class, &expected.Class}, {&e.Message, &expected.Message},
		{&e.Field, &expected.Field}} {
		if *pair[1] == "" {
			*pair[0] = ""
		}
	}
	return &e
}

// canonical is an expectation in one spelling: members sorted, a text in its long form, numbers as they are written.
func canonical(e expectation) (string, error) {
	e.Output = slices.Clone(e.Output)
	for i := range e.Output {
		r := &e.Output[i]
		r.Key, r.Value = longForm(r.Key), longForm(r.Value)
		r.Headers = slices.Clone(r.Headers)
		for k := range r.Headers {
			r.Headers[k].Value = longForm(r.Headers[k].Value)
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var members any
	if err := decoder.Decode(&members); err != nil {
		return "", err
	}
	return indented(members)
}

func longForm(datum json.RawMessage) json.RawMessage {
	if len(datum) == 0 {
		return json.RawMessage("null")
	}
	if datum[0] != '"' {
		return datum
	}
	return slices.Concat(json.RawMessage(`{"text":`), datum, json.RawMessage("}"))
}

func indented(x any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(x)
	return text.String(), err
}

// lineDifference shows the lines between those that both begin and end with.
func lineDifference(want, got string) string {
	was, is := strings.Split(strings.TrimSuffix(want, "\n"), "\n"), strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	head, tail := 0, 0
	for head < min(len(was), len(is)) && was[head] == is[head] {
		head++
	}
	for tail < min(len(was), len(is))-head && was[len(was)-1-tail] == is[len(is)-1-tail] {
		tail++
	}
	const around = 3
	var text strings.Builder
	show := func(mark string, lines []string) {
		for _, line := range lines {
			text.WriteString("  " + mark + " " + line + "\n")
		}
	}
	show(" ", was[max(0, head-around):head])
	show("-", was[head:len(was)-tail])
	show("+", is[head:len(is)-tail])
	show(" ", was[len(was)-tail:min(len(was), len(was)-tail+around)])
	return text.String()
}

var errNotRun = errors.New("a record was not tried, which is nothing to expect")

// write gives the file what was made.
func (g golden) write(file string, made []expectation) error {
	for _, e := range made {
		if e.Outcome == host.PreviewNotRun {
			return fmt.Errorf("%w: %s", errNotRun, e.Error.Message)
		}
	}
	g.Expect = made
	text, err := indented(g)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}
