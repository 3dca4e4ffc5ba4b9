package validate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// differences compares an answer with a recorded one, which may hold matchers ({"$prefix": ...} and so on).
func differences(want, got any, at string) []string {
	if m, ok := want.(map[string]any); ok {
		if len(m) == 1 {
			for op, argument := range m {
				if strings.HasPrefix(op, "$") || op == "sha256-16" {
					return special(op, argument, got, at)
				}
			}
		}
		return objectDifferences(m, got, at)
	}
	if list, ok := want.([]any); ok {
		return listDifferences(list, got, at)
	}
	w, isText := want.(string)
	g, gotText := got.(string)
	if isText && gotText && strings.Contains(w, "must be one of") {
		if slices.Equal(sortedWords(w), sortedWords(g)) {
			return nil
		}
	}
	if !reflect.DeepEqual(want, got) {
		return []string{fmt.Sprintf("%s: want %s, got %s", at, short(want), short(got))}
	}
	return nil
}

func objectDifferences(want map[string]any, got any, at string) []string {
	g, ok := got.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s: want an object, got %s", at, short(got))}
	}
	var out []string
	for name, value := range want {
		if _, ok := g[name]; !ok {
			out = append(out, fmt.Sprintf("%s.%s: missing, want %s", at, name, short(value)))
			continue
		}
		out = append(out, differences(value, g[name], at+"."+name)...)
	}
	for name := range g {
		if _, ok := want[name]; !ok {
			out = append(out, fmt.Sprintf("%s.%s: not wanted, got %s", at, name, short(g[name])))
		}
	}
	return out
}

func listDifferences(want []any, got any, at string) []string {
	g, ok := got.([]any)
	if !ok || len(g) != len(want) {
		return []string{fmt.Sprintf("%s: want %s, got %s", at, short(want), short(got))}
	}
	var out []string
	for i := range want {
		out = append(out, differences(want[i], g[i], fmt.Sprintf("%s[%d]", at, i))...)
	}
	return out
}

func special(op string, argument, got any, at string) []string {
	text, isText := got.(string)
	holds := false
	switch op {
	case "$any":
		holds = true
	case "$jvm", "$version", "sha256-16":
		holds = isText && text != ""
	case "$prefix":
		holds = isText && strings.HasPrefix(text, argument.(string))
	case "$re":
		holds = isText && regexp.MustCompile(`(?s)\A(?:`+argument.(string)+`)\z`).MatchString(text)
	case "$lines":
		holds = isText && slices.Equal(sortedLines(text), sortedLines(argument.(string)))
	case "$contains", "$unordered":
		list, isList := got.([]any)
		if !isList || op == "$unordered" && len(list) != len(argument.([]any)) {
			break
		}
		holds = !slices.ContainsFunc(argument.([]any), func(want any) bool {
			return !slices.ContainsFunc(list, func(g any) bool { return len(differences(want, g, at)) == 0 })
		})
	}
	if holds {
		return nil
	}
	return []string{fmt.Sprintf("%s: want %s %s, got %s", at, op, short(argument), short(got))}
}

func sortedLines(s string) []string { return slices.Sorted(slices.Values(strings.Split(s, "\n"))) }

func sortedWords(s string) []string {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \n", r) })
	return slices.Sorted(slices.Values(words))
}

func short(v any) string {
	b, _ := json.Marshal(v)
	return string(b[:min(len(b), 400)])
}

// summary is the view "validate" of an answer: the recordings leave the definitions out of most steps.
func summary(body any) any {
	answer, ok := body.(map[string]any)
	if !ok || answer["configs"] == nil {
		return body
	}
	order, undefined, invisible := []any{}, []any{}, []any{}
	values, errors, recommended := map[string]any{}, map[string]any{}, map[string]any{}
	for _, c := range answer["configs"].([]any) {
		config := c.(map[string]any)
		value := config["value"].(map[string]any)
		name := value["name"].(string)
		order = append(order, name)
		values[name] = value["value"]
		if config["definition"] == nil {
			undefined = append(undefined, name)
		}
		if list := value["errors"].([]any); len(list) > 0 {
			errors[name] = list
		}
		if value["visible"] == false {
			invisible = append(invisible, name)
		}
		if list := value["recommended_values"].([]any); len(list) > 0 {
			recommended[name] = list
		}
	}
	return map[string]any{"name": answer["name"], "error_count": answer["error_count"], "groups": answer["groups"],
		"order": order, "values": values, "errors": errors, "undefined": undefined, "invisible": invisible,
		"recommended": recommended}
}
