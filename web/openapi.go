package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// OpenAPIKey is the worker's property that says whether the API is described at /openapi.json, a path that Kafka
// Connect does not have.
const OpenAPIKey = "berth.rest.openapi.enable"

// The description of the API in OpenAPI 3.1. Its schemas are those of the Go types that are read and written, its paths
// those that are routed, so that neither differs from what is served.

// operation is what a method of a path does. Bodies are given as values of the types that stand for them.
type operation struct {
	summary string
	query   []parameter
	body    any         // nil: none is read
	answers map[int]any // of success, by status; nil: without a body
}

// parameter is one of the query.
type parameter struct {
	name, doc string
	kind      schema
}

// wasmModule and plainText are bodies that are no JSON.
type (
	wasmModule struct{}
	plainText  struct{}
)

type schema map[string]any

// errorStatuses are what any request may be answered with; their bodies are an errorMessage, but for 401.
var errorStatuses = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
	http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusRequestTimeout, http.StatusConflict,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusInternalServerError,
	http.StatusServiceUnavailable}

func (s *Server) getOpenAPI(c echo.Context) error {
	return writeJSON(c, http.StatusOK, s.describe())
}

// describe lists the routes of all listeners.
func (s *Server) describe() schema {
	d := &description{components: schema{}}
	paths := map[string]schema{}
	for _, route := range slices.Concat(s.main.Routes(), s.admin.Routes()) {
		what, known := operations[route.Method+" "+route.Path]
		if !known { // HEAD and OPTIONS, which all paths have
			continue
		}
		path, parameters := d.path(route.Path)
		if paths[path] == nil {
			paths[path] = schema{"parameters": parameters}
		}
		paths[path][strings.ToLower(route.Method)] = d.operation(what)
	}
	return schema{
		"openapi": "3.1.0",
		"info": schema{"title": "Kafka Connect REST API, and Berth's own", "version": s.config.Version,
			"description": "Kafka Connect's API as its worker serves it, and beside it modules and what they need."},
		"paths":      paths,
		"components": schema{"schemas": d.components},
	}
}

// description collects the schemas that it refers to.
type description struct {
	components schema
	reads      bool // a body is described: what it has besides is refused
}

// path turns /a/:b into /a/{b} with its parameters.
func (d *description) path(route string) (string, []schema) {
	parameters := []schema{}
	segments := strings.Split(route, "/")
	for i, segment := range segments {
		name, found := strings.CutPrefix(segment, ":")
		if !found {
			continue
		}
		kind := schema{"type": "string", "minLength": 1}
		if name == "task" {
			kind = schema{"type": "integer"}
		}
		segments[i] = "{" + name + "}"
		parameters = append(parameters, schema{"name": name, "in": "path", "required": true, "schema": kind})
	}
	return strings.Join(segments, "/"), parameters
}

func (d *description) operation(what operation) schema {
	o := schema{"summary": what.summary, "responses": d.responses(what)}
	parameters := []schema{}
	for _, p := range what.query {
		parameters = append(parameters, schema{"name": p.name, "in": "query", "description": p.doc, "schema": p.kind})
	}
	if len(parameters) > 0 {
		o["parameters"] = parameters
	}
	if what.body != nil {
		d.reads = true
		o["requestBody"] = schema{"required": true, "content": d.content(what.body)}
		d.reads = false
	}
	return o
}

func (d *description) responses(what operation) schema {
	all := schema{}
	for _, status := range errorStatuses {
		one := schema{"description": http.StatusText(status)}
		if status != http.StatusUnauthorized {
			one["content"] = d.content(errorMessage{})
		}
		all[strconv.Itoa(status)] = one
	}
	for status, body := range what.answers {
		one := schema{"description": http.StatusText(status)}
		if body != nil {
			one["content"] = d.content(body)
		}
		all[strconv.Itoa(status)] = one
	}
	return all
}

func (d *description) content(body any) schema {
	switch body.(type) {
	case wasmModule:
		file := schema{"type": "string", "format": "binary"}
		form := schema{"type": "object", "properties": schema{"file": file}, "required": []string{"file"}}
		content := schema{wasmMediaType: schema{"schema": file}}
		if d.reads {
			content[echo.MIMEMultipartForm] = schema{"schema": form}
			content[echo.MIMEApplicationJSON] = schema{"schema": d.of(reflect.TypeFor[pullBody]())}
		}
		return content
	case plainText:
		return schema{"text/plain": schema{}}
	}
	return schema{echo.MIMEApplicationJSON: schema{"schema": d.of(reflect.TypeOf(body))}}
}

var rawJSON = reflect.TypeFor[json.RawMessage]()

// of is the schema of a type as encoding/json writes it.
func (d *description) of(t reflect.Type) schema {
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(d.of(t.Elem()))
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return schema{"type": "integer"}
	case reflect.Float64:
		return schema{"type": "number"}
	case reflect.Slice:
		if t == rawJSON {
			return schema{}
		}
		if t.Elem().Kind() == reflect.Uint8 {
			return schema{"type": "string", "contentEncoding": "base64"}
		}
		return schema{"type": "array", "items": d.of(t.Elem())}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": d.of(t.Elem())}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return schema{"type": "string", "format": "date-time"}
		}
		return d.reference(t)
	}
	panic("no schema for " + t.String()) // a type that no test has seen
}

func nullable(s schema) schema {
	if name, simple := s["type"].(string); simple {
		s = maps.Clone(s)
		s["type"] = []string{name, "null"}
		return s
	}
	return schema{"anyOf": []schema{s, {"type": "null"}}}
}

// reference puts a struct's schema among the components.
func (d *description) reference(t reflect.Type) schema {
	name := t.Name()
	if name == "" {
		return d.object(t)
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if _, known := d.components[name]; !known {
		d.components[name] = nil // it may refer to itself
		d.components[name] = d.object(t)
	}
	return schema{"$ref": "#/components/schemas/" + name}
}

func (d *description) object(t reflect.Type) schema {
	properties, required := schema{}, []string{}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous || !field.IsExported() || name == "-" {
			continue
		}
		kind := d.of(field.Type)
		if field.Tag.Get("nullable") != "" {
			kind = nullable(kind)
		}
		if values := field.Tag.Get("enum"); values != "" {
			kind["enum"] = strings.Split(values, ",")
		}
		properties[name] = kind
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			required = append(required, name)
		}
	}
	s := schema{"type": "object", "properties": properties, "required": required}
	if d.reads {
		s["additionalProperties"] = false
	}
	return s
}
