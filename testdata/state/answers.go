package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// comparison asks a worker again and again for what was recorded.
type comparison struct {
	base   string            // of the worker's URLs
	ids    map[string]string // recorded address of a worker -> that of ours
	passed map[string]bool
}

// differences tells the first answer that is not as recorded. What a connector that runs has done so far is recorded
// at one moment of its work, so it is enough that it was so at one of the calls.
func (c *comparison) differences(answers []answer) error {
	var all []error
	for _, want := range answers {
		err := c.difference(want)
		switch {
		case errors.Is(err, errUnanswered):
			return err
		case err != nil && !c.passed[want.Path]:
			all = append(all, err)
		case err == nil && isProgress(want.Path, answers):
			c.passed[want.Path] = true
		}
	}
	if len(all) > 1 {
		return fmt.Errorf("%w, and %d more answers differ", all[0], len(all)-1)
	}
	return errors.Join(all...)
}

var errUnanswered = errors.New("the worker does not answer")

func (c *comparison) difference(want answer) error {
	got, err := get(c.base, want.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnanswered, err)
	}
	if refusedBefore(want) && got.Status == want.Status {
		return nil
	}
	if got.Status != want.Status {
		return fmt.Errorf("GET %s: status %d, recorded %d (%v)", want.Path, got.Status, want.Status, got.Response)
	}
	recorded, found := canonical("", want.Response), canonical("", got.Response)
	for then, now := range c.ids {
		recorded = strings.ReplaceAll(recorded, then, now)
	}
	if recorded != found {
		return fmt.Errorf("GET %s: %s, recorded %s", want.Path, found, recorded)
	}
	return nil
}

// isProgress tells whether a path is about the offsets or the topics of a connector that was recorded as running.
func isProgress(path string, answers []answer) bool {
	connector, about, _ := strings.Cut(strings.TrimPrefix(path, "/connectors/"), "/")
	if about != "offsets" && about != "topics" {
		return false
	}
	return slices.ContainsFunc(answers, func(a answer) bool {
		status, _ := a.Response.(map[string]any)
		state, _ := status["connector"].(map[string]any)
		return a.Path == "/connectors/"+connector+"/status" && state["state"] == "RUNNING"
	})
}

// refusedBefore tells paths that Connect's HTTP server refuses before it looks for a resource; its page is free.
func refusedBefore(want answer) bool {
	_, isPage := want.Response.(string)
	return want.Status == http.StatusBadRequest && isPage
}

// get asks for a path as it was recorded, in characters that a URL must have escaped.
func get(base, path string) (answer, error) {
	address, err := url.Parse(base)
	if err != nil {
		return answer{}, err
	}
	plain, query, _ := strings.Cut(path, "?")
	if address.Path, err = url.PathUnescape(plain); err != nil {
		return answer{}, err
	}
	address.RawPath, address.RawQuery = plain, query
	response, err := http.Get(address.String())
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	var body any
	if err := json.Unmarshal(text, &body); err != nil {
		body = string(text)
	}
	return answer{path, response.StatusCode, body}, nil
}

// canonical is equal for answers that differ in nothing but what the README calls free: the order of arrays, versions,
// times, and what comes after the first line of a trace.
func canonical(key string, value any) string {
	switch v := value.(type) {
	case float64:
		if key == "last_modified" {
			return "(a time)"
		}
	case map[string]any:
		var members []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			members = append(members, fmt.Sprintf("%q:%s", name, canonical(name, v[name])))
		}
		return "{" + strings.Join(members, ",") + "}"
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, canonical(key, item))
		}
		slices.Sort(items)
		return "[" + strings.Join(items, ",") + "]"
	case string:
		if key == "version" {
			v = "(any)"
		}
		first, _, _ := strings.Cut(v, "\n")
		if key != "trace" {
			first = v
		}
		return fmt.Sprintf("%q", first)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
