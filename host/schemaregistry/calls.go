package schemaregistry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// schema is one that the registry holds, in the registry's own words.
type schema struct {
	ID         int32       `json:"id,omitempty"`
	Version    int32       `json:"version,omitempty"`
	Subject    string      `json:"subject,omitempty"`
	Type       string      `json:"schemaType,omitempty"` // "": AVRO
	Text       string      `json:"schema"`
	References []reference `json:"references,omitempty"`
}

// reference is a schema that another one names.
type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int32  `json:"version"`
}

// resolved is a schema with all that it refers to, however deep, in the order in which a parser needs them.
type resolved struct {
	schema
	all []named
}

type named struct {
	reference
	text string
}

// negativeTTL is how long the registry's "no" to a question about a schema counts: a schema that is not there yet may
// come, and a flood of records that name it must not become a flood of requests.
const negativeTTL = 5 * time.Second

// holds says how long an outcome counts: what is registered never changes.
func holds(err error) time.Duration {
	var refused *refusal
	switch {
	case err == nil:
		return -1
	case errors.As(err, &refused) && refused.status != http.StatusUnauthorized && refused.status != http.StatusForbidden:
		return negativeTTL
	}
	return 0
}

// call is one call of LAYOUT.md, section 10.
type call func(ctx context.Context, r *Registry, args abi.Value) (abi.Value, error)

var calls = map[string]call{"schema": schemaCall, "register": registerCall, "lookup": lookupCall, "latest": latestCall}

// Serve answers a guest's request. A registry that can't be reached is a retriable error, one that refuses the
// credentials or that the tenant may not reach an error of configuration, and everything else one of the record.
func (r *Registry) Serve(ctx context.Context, request abi.Request) abi.Reply {
	serve, known := calls[request.Call]
	if !known {
		return abi.Reply{Code: abi.CodeInternal, Message: fmt.Sprintf("the schema registry has no call %q", request.Call)}
	}
	ctx, cancel := context.WithTimeout(ctx, host.RequestDurationMax)
	defer cancel()
	result, err := serve(ctx, r, request.Arguments)
	if err != nil {
		return abi.Reply{Code: codeOf(err), Message: err.Error()}
	}
	return abi.Reply{Result: result}
}

func codeOf(err error) abi.Code {
	var refused *refusal
	switch {
	case notGranted(err):
		return abi.CodeConfig
	case !errors.As(err, &refused):
		return abi.CodeRetriable
	case refused.status == http.StatusUnauthorized || refused.status == http.StatusForbidden:
		return abi.CodeConfig
	}
	return abi.CodeData
}

// schemaCall gives the schema with an id.
func schemaCall(ctx context.Context, r *Registry, args abi.Value) (abi.Value, error) {
	id := argument(args, "id").Int32()
	path := fmt.Sprintf("/schemas/ids/%d", id)
	if subject := argument(args, "subject").String(); subject != "" {
		path += "?subject=" + url.QueryEscape(subject)
	}
	return r.resolve(ctx, path, nil)
}

// registerCall registers a schema under a subject, or finds it there, and gives its id.
func registerCall(ctx context.Context, r *Registry, args abi.Value) (abi.Value, error) {
	return r.post(ctx, "/subjects/%s/versions", args)
}

// lookupCall gives the id of a schema that must be registered under a subject.
func lookupCall(ctx context.Context, r *Registry, args abi.Value) (abi.Value, error) {
	return r.post(ctx, "/subjects/%s", args)
}

// latestCall gives the newest schema of a subject.
func latestCall(ctx context.Context, r *Registry, args abi.Value) (abi.Value, error) {
	return r.resolve(ctx, subjectPath("/subjects/%s/versions/latest", args), &r.latestTTL)
}

func subjectPath(path string, args abi.Value) string {
	path = fmt.Sprintf(path, url.PathEscape(argument(args, "subject").String()))
	if argument(args, "normalize").Bool() {
		path += "?normalize=true"
	}
	return path
}

func argument(args abi.Value, key string) abi.Value {
	v, _ := args.Get(key)
	return v
}

// resolve gets a schema and what it refers to; ttl overrides how long the answer holds.
func (r *Registry) resolve(ctx context.Context, path string, ttl *time.Duration) (abi.Value, error) {
	value, err := r.cache.get(ctx, path, func(ctx context.Context) (any, time.Duration, error) {
		var found resolved
		err := r.client.do(ctx, http.MethodGet, path, nil, &found.schema)
		if err == nil {
			err = r.follow(ctx, &found, found.References, map[reference]bool{})
		}
		if err == nil && ttl != nil {
			return found, *ttl, nil
		}
		return found, holds(err), err
	})
	if err != nil {
		return abi.Value{}, err
	}
	return value.(resolved).value()
}

// follow appends what references name, the deepest first.
func (r *Registry) follow(ctx context.Context, found *resolved, references []reference, seen map[reference]bool) error {
	for _, ref := range references {
		if seen[ref] {
			continue
		}
		seen[ref] = true
		if len(seen) > host.RegistryReferencesMax {
			return &refusal{http.StatusOK, 0, fmt.Sprintf("a schema with more than %d references",
				host.RegistryReferencesMax), "GET"}
		}
		path := fmt.Sprintf("/subjects/%s/versions/%d", url.PathEscape(ref.Subject), ref.Version)
		value, err := r.cache.get(ctx, path, func(ctx context.Context) (any, time.Duration, error) {
			var s schema
			err := r.client.do(ctx, http.MethodGet, path, nil, &s)
			return s, holds(err), err
		})
		if err != nil {
			return fmt.Errorf("reference %q: %w", ref.Name, err)
		}
		s := value.(schema)
		if err := r.follow(ctx, found, s.References, seen); err != nil {
			return err
		}
		found.all = append(found.all, named{ref, s.Text})
	}
	return nil
}

// post sends a schema to a subject; the id that comes back never changes.
func (r *Registry) post(ctx context.Context, path string, args abi.Value) (abi.Value, error) {
	sent := schema{Type: argument(args, "type").String(), Text: argument(args, "schema").String()}
	if sent.Type == "AVRO" {
		sent.Type = "" // what registries before 5.5 know
	}
	references := argument(args, "references")
	for i := range references.Len() {
		item := references.Item(i)
		sent.References = append(sent.References, reference{argument(item, "name").String(),
			argument(item, "subject").String(), argument(item, "version").Int32()})
	}
	path = subjectPath(path, args)
	key := strings.Join([]string{path, sent.Type, sent.Text, fmt.Sprint(sent.References)}, "\x00")
	value, err := r.cache.get(ctx, key, func(ctx context.Context) (any, time.Duration, error) {
		var known schema
		err := r.client.do(ctx, http.MethodPost, path, sent, &known)
		return known, holds(err), err
	})
	if err != nil {
		return abi.Value{}, err
	}
	return abi.ToValue(&abi.OrderedMap{Pairs: []abi.Pair{{Key: "id", Value: value.(schema).ID}}})
}

func (s resolved) value() (abi.Value, error) {
	kind := s.Type
	if kind == "" {
		kind = "AVRO"
	}
	references := make([]any, len(s.all))
	for i, n := range s.all {
		references[i] = &abi.OrderedMap{Pairs: []abi.Pair{{Key: "name", Value: n.Name}, {Key: "subject", Value: n.Subject},
			{Key: "version", Value: n.Version}, {Key: "schema", Value: n.text}}}
	}
	return abi.ToValue(&abi.OrderedMap{Pairs: []abi.Pair{{Key: "id", Value: s.ID}, {Key: "version", Value: s.Version},
		{Key: "type", Value: kind}, {Key: "schema", Value: s.Text}, {Key: "references", Value: references}}})
}
