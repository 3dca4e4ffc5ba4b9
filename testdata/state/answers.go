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

// differences asks a worker and tells the first answer that is not as recorded; worker ids are as they are now.
func differences(base string, answers []answer, recordedID, id string) error {
	var all []error
	for _, want := range answers {
		got, err := get(base, want.Path)
		if err != nil {
			return err
		}
		if refusedBefore(want) && got.Status == http.StatusNotFound {
			continue
		}
		if got.Status != want.Status {
			all = append(all, fmt.Errorf("GET %s: status %d, recorded %d (%v)", want.Path, got.Status, want.Status,
				got.Response))
			continue
		}
		recorded, found := canonical("", want.Response), canonical("", got.Response)
		if recorded = strings.ReplaceAll(recorded, recordedID, id); recorded != found {
			all = append(all, fmt.Errorf("GET %s: %s, recorded %s", want.Path, found, recorded))
		}
	}
	if len(all) > 1 {
		return fmt.Errorf("%w, and %d more answers differ", all[0], len(all)-1)
	}
	return errors.Join(all...)
}

// refusedBefore tells paths that Connect's HTTP server refuses before it looks for a resource; 404 is as good.
func refusedBefore(want answer) bool {
	_, isPage := want.Response.(string)
	return want.Status == http.StatusBadRequest && (isPage || strings.Contains(want.Path, "//"))
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
	address.RawQuery = query
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
// and what comes after the first line of a trace.
func canonical(key string, value any) string {
	switch v := value.(type) {
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
