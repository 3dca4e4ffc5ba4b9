package recordjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// typeNames are JsonConverter's, in the order of abi's types.
var typeNames = []string{"int8", "int16", "int32", "int64", "float", "double", "boolean", "string", "bytes", "array",
	"map", "struct"}

// schemaJSON is a schema as JsonConverter writes it. A struct's field has its name in Field.
type schemaJSON struct {
	Type       string          `json:"type"`
	Optional   bool            `json:"optional"`
	Fields     []schemaJSON    `json:"fields,omitempty"`
	Items      *schemaJSON     `json:"items,omitempty"`
	Keys       *schemaJSON     `json:"keys,omitempty"`
	Values     *schemaJSON     `json:"values,omitempty"`
	Name       string          `json:"name,omitempty"`
	Version    *int32          `json:"version,omitempty"`
	Doc        string          `json:"doc,omitempty"`
	Parameters json.RawMessage `json:"parameters,omitempty"`
	Default    json.RawMessage `json:"default,omitempty"`
	Field      string          `json:"field,omitempty"`
}

func newSchemaJSON(s *abi.Schema) *schemaJSON {
	if s == nil {
		return nil
	}
	j := &schemaJSON{Type: typeNames[s.Type], Optional: s.Optional, Name: s.Name, Doc: s.Doc,
		Items: nil, Keys: newSchemaJSON(s.Key), Parameters: parametersJSON(s.Parameters)}
	if s.HasVersion {
		j.Version = &s.Version
	}
	if s.Type == abi.TypeMap {
		j.Values = newSchemaJSON(s.Elem)
	} else {
		j.Items = newSchemaJSON(s.Elem)
	}
	for _, f := range s.Fields {
		field := newSchemaJSON(f.Schema)
		if field == nil {
			field = &schemaJSON{}
		}
		field.Field = f.Name
		j.Fields = append(j.Fields, *field)
	}
	if s.Default != nil {
		j.Default = AppendValue(nil, s.Default)
	}
	return j
}

// parametersJSON keeps the order of parameters.
func parametersJSON(parameters []abi.Parameter) json.RawMessage {
	if len(parameters) == 0 {
		return nil
	}
	text := []byte{'{'}
	for i, p := range parameters {
		text = appendQuoted(append(appendQuoted(separated(text, i), p.Key), ':'), p.Value)
	}
	return append(text, '}')
}

// schema reads a schema; at names it in errors, as "value.schema".
func (j *schemaJSON) schema(at string, depth int) (*abi.Schema, error) {
	kind := slices.Index(typeNames, j.Type)
	if kind < 0 {
		return nil, fmt.Errorf("%s.type is %q: it must be one of %s", at, j.Type, strings.Join(typeNames, ", "))
	}
	if depth > abi.DepthMax {
		return nil, fmt.Errorf("%s is deeper than %d", at, abi.DepthMax)
	}
	s := &abi.Schema{Type: abi.Type(kind), Optional: j.Optional, Name: j.Name, Doc: j.Doc}
	if j.Version != nil {
		s.Version, s.HasVersion = *j.Version, true
	}
	if err := j.readParameters(s, at); err != nil {
		return nil, err
	}
	if err := j.readChildren(s, at, depth); err != nil {
		return nil, err
	}
	if len(j.Default) > 0 {
		var err error
		if s.Default, err = parseValue(s, j.Default, at+".default"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (j *schemaJSON) readParameters(s *abi.Schema, at string) error {
	if len(j.Parameters) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(j.Parameters))
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil // the whole was valid JSON, so this is its end
		}
		key, isText := token.(string)
		if !isText {
			continue
		}
		var value string
		if err := decoder.Decode(&value); err != nil {
			return fmt.Errorf("%s.parameters.%s must be a text", at, key)
		}
		s.Parameters = append(s.Parameters, abi.Parameter{Key: key, Value: value})
	}
}

func (j *schemaJSON) readChildren(s *abi.Schema, at string, depth int) (err error) {
	child := func(j *schemaJSON, name string) *abi.Schema {
		if err != nil {
			return nil
		}
		if j == nil {
			err = fmt.Errorf("%s has no %q, which a schema of type %s needs", at, name, typeNames[s.Type])
			return nil
		}
		var c *abi.Schema
		c, err = j.schema(at+"."+name, depth+1)
		return c
	}
	switch s.Type {
	case abi.TypeArray:
		s.Elem = child(j.Items, "items")
	case abi.TypeMap:
		s.Key, s.Elem = child(j.Keys, "keys"), child(j.Values, "values")
	case abi.TypeStruct:
		names := map[string]bool{}
		for i := range j.Fields {
			f := &j.Fields[i]
			if f.Field == "" || names[f.Field] {
				return fmt.Errorf("%s.fields[%d] has no \"field\" of its own, the name of the field", at, i)
			}
			names[f.Field] = true
			s.Fields = append(s.Fields, abi.Field{Name: f.Field, Schema: child(f, "fields."+f.Field)})
		}
	}
	return err
}
