package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPagesAreUpToDate runs every example again.
func TestPagesAreUpToDate(t *testing.T) {
	modules := filepath.Join("..", "..", "modules")
	pages, err := render(t.Context(), modules)
	if err != nil {
		t.Fatal(err)
	}
	if err := compare(filepath.Join(modules, "docs"), pages); err != nil {
		t.Error(err)
	}
}

// TestExamplesThatWorkNoLongerAreFound breaks examples in the ways in which they break.
func TestExamplesThatWorkNoLongerAreFound(t *testing.T) {
	r, err := newRunner(t.Context(), filepath.Join("..", "..", "modules"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	const cast = "transforms=t\ntransforms.t.type=Cast$Value\ntransforms.t.spec="
	for _, c := range []struct{ name, section, config, input, says string }{
		{"key that is gone", "Use", cast, `{"value": {"a": "1"}}`, "spec"},
		{"plugin that is gone", "Use", "transforms=t\ntransforms.t.type=Casting", `{"value": 1}`, "Casting"},
		{"record that fails in a chain", "Use", cast + "a:int8", `{"value": {"a": "x"}}`, "record 0 fails at stage"},
		{"connector that fails", "Use", "name=n\nconnector.class=Blackhole\ntopics=orders", `{"value.hex": "7b"}`,
			"examples fail in the section"},
		{"failure that is none", troubles, "name=n\nconnector.class=Blackhole\ntopics=orders", `{"value": 1}`,
			"examples fail in the section"},
		{"connector that is gone", "Use", "name=n\nconnector.class=Greyhole\ntopics=orders", `{"value": 1}`, "Greyhole"},
		{"input that is none", "Use", cast + "a:int8", `{"values": 1}`, "unknown field"},
		{"no property", "Use", "transforms", `{"value": 1}`, "is not key=value"},
	} {
		text := "# T\n\nLead.\n\n## " + c.section + "\n\n```properties\n" + c.config + "\n```\n\n```json input\n" + c.input +
			"\n```\n"
		source, err := parseSource("T.md", text)
		if err != nil {
			t.Fatal(err)
		}
		site := newSite(r.worker, r.registry, nil)
		if page, err := site.page(t.Context(), source, r.run); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v\n%s", c.name, err, page)
		}
	}
}

func TestSourcesThatAreNone(t *testing.T) {
	for text, says := range map[string]string{
		"Title\n":                                   `must begin with "# Title"`,
		"# T\nplugin: a\n\n":                        "plugins: alias",
		"# T\n\nLead.\n\n## S\n\n```json\n":         "does not end",
		"# T\n\nLead.\n\n## S\n\n```x input\n```\n": "follows no configuration",
	} {
		if _, err := parseSource("T.md", text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEachPluginHasOnePage(t *testing.T) {
	r, err := newRunner(t.Context(), filepath.Join("..", "..", "modules"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	cast, number := "Cast$Key, Cast$Value", "Cast$Key"
	for _, c := range []struct {
		plugins []string
		says    string
	}{
		{[]string{cast}, "must have one page and has 0"},
		{[]string{cast, number}, "must have one page and has"},
		{[]string{"Casting"}, "there is no plugin Casting"},
	} {
		var sources []*source
		for _, plugins := range c.plugins {
			s, err := parseSource("T.md", "# T\nplugins: "+plugins+"\n\nLead.\n")
			if err != nil {
				t.Fatal(err)
			}
			sources = append(sources, s)
		}
		if err := newSite(r.worker, r.registry, sources).checkCoverage(); err == nil ||
			!strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v", c.plugins, err)
		}
	}
}

func TestPagesThatAreNotUpToDate(t *testing.T) {
	dir := t.TempDir()
	pages := map[string]string{"A.md": "a\n", "B.md": "b\n"}
	if err := os.WriteFile(filepath.Join(dir, "C.md"), []byte("c\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := compare(dir, pages)
	for _, says := range []string{"A.md is not up to date, run make docs", "B.md", "C.md has no source"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not in %v", says, err)
		}
	}
	if err := write(dir, pages); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir, pages); err != nil {
		t.Error(err)
	}
}

func TestLongRecordsAreBroken(t *testing.T) {
	long := strings.Repeat("x", 60)
	for _, c := range []struct {
		value any
		want  string
	}{
		{map[string]any{"a": []int{1, 2}, "b": "<ü>"}, `{"a": [1, 2], "b": "<ü>"}`},
		{map[string]any{"a": long, "b": map[string]any{"c": long}},
			"{\n  \"a\": \"" + long + "\",\n  \"b\": {\"c\": \"" + long + "\"}\n}"},
		{[]string{long, long}, "[\n  \"" + long + "\",\n  \"" + long + "\"\n]"},
		{map[string]any{}, "{}"},
	} {
		if got := layOut(c.value); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}
