package recordjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/berth-connect/berth/abi"
)

// datum is a key, value or header as it was given. At most one of the fields is set; none: null.
type datum struct {
	Text    *string         `json:"text,omitempty"`
	Bytes   *[]byte         `json:"bytes,omitempty"`
	JSON    json.RawMessage `json:"json,omitempty"`
	Schema  *schemaJSON     `json:"schema,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// parseDatum reads one; at names it in errors.
func parseDatum(text json.RawMessage, at string) (datum, error) {
	var d datum
	text = bytes.TrimSpace(text)
	if len(text) == 0 || string(text) == "null" {
		return d, nil
	}
	if text[0] == '"' {
		return d, json.Unmarshal(text, &d.Text)
	}
	if text[0] != '{' {
		return d, fmt.Errorf("%s is %.40s: write {\"json\": %.40s}, or a text in quotes", at, text, text)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, fmt.Errorf("%s: %w: it takes one of text, bytes (Base64), json, or schema with payload; an object that is "+
			"the value itself is written {\"json\": {…}}", at, err)
	}
	forms := 0
	for _, given := range []bool{d.Text != nil, d.Bytes != nil, d.JSON != nil, d.Schema != nil} {
		if given {
			forms++
		}
	}
	if forms != 1 || d.Payload != nil && d.Schema == nil {
		return d, fmt.Errorf("%s must have exactly one of text, bytes, json, or schema with payload", at)
	}
	return d, nil
}

// serialised is the datum where bytes are due; nil: null.
func (d *datum) serialised() ([]byte, error) {
	switch {
	case d.Text != nil:
		return []byte(*d.Text), nil
	case d.Bytes != nil:
		return append([]byte{}, *d.Bytes...), nil
	case d.JSON != nil:
		return compact(d.JSON)
	case d.Schema != nil:
		payload := d.Payload
		if payload == nil {
			payload = json.RawMessage("null")
		}
		return encode(struct {
			Schema  *schemaJSON     `json:"schema"`
			Payload json.RawMessage `json:"payload"`
		}{d.Schema, payload})
	}
	return nil, nil
}

// encode leaves <, > and & as they are.
func encode(x any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(x)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func compact(text json.RawMessage) ([]byte, error) {
	var b bytes.Buffer
	err := json.Compact(&b, text)
	return b.Bytes(), err
}

// native is the datum as a connector would give it: a text and bytes with the schema of their type.
func (d *datum) native(at string) (*abi.Schema, any, error) {
	switch {
	case d.Text != nil:
		return &abi.Schema{Type: abi.TypeString}, *d.Text, nil
	case d.Bytes != nil:
		return &abi.Schema{Type: abi.TypeBytes}, append([]byte{}, *d.Bytes...), nil
	case d.JSON != nil:
		x, err := parseValue(nil, d.JSON, at)
		return nil, x, err
	case d.Schema != nil:
		s, err := d.Schema.schema(at+".schema", 0)
		if err != nil {
			return nil, nil, err
		}
		payload := d.Payload
		if payload == nil {
			payload = json.RawMessage("null")
		}
		x, err := parseValue(s, payload, at+".payload")
		return s, x, err
	}
	return nil, nil, nil
}

// Native decodes a value of a batch; schema is the index of its schema there, abi.None: it has none.
func Native(batch *abi.Batch, v abi.Value, schema uint32) (any, *abi.Schema, error) {
	lookup := func(i uint32) (*abi.Schema, error) {
		if int(i) >= batch.SchemaCount() {
			return nil, fmt.Errorf("schema %d of %d", i, batch.SchemaCount())
		}
		return abi.ParseSchema(batch.SchemaBytes(int(i)))
	}
	var declared *abi.Schema
	var err error
	if schema != abi.None {
		if declared, err = lookup(schema); err != nil {
			return nil, nil, err
		}
	}
	x, err := v.NativeIn(declared, lookup)
	return x, declared, err
}

// show writes a key, value or header of a batch.
func show(batch *abi.Batch, v abi.Value, schema uint32) (json.RawMessage, error) {
	if v.Tag == abi.TagRaw {
		return showBytes(v.Payload)
	}
	x, declared, err := Native(batch, v, schema)
	if err != nil {
		return nil, err
	}
	if declared == nil {
		if x == nil {
			return json.RawMessage("null"), nil
		}
		if b, isBytes := x.([]byte); isBytes {
			return encode(datum{Bytes: &b})
		}
		return encode(datum{JSON: AppendValue(nil, x)})
	}
	return encode(datum{Schema: newSchemaJSON(declared), Payload: AppendValue(nil, x)})
}

func showBytes(b []byte) (json.RawMessage, error) {
	if utf8.Valid(b) {
		text := string(b)
		return encode(datum{Text: &text})
	}
	return encode(datum{Bytes: &b})
}

var errNoTopic = errors.New("topic is missing: every record needs one")
