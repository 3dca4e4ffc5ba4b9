package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What the README of the recordings calls free makes no difference; all else does.
func TestDifferences(t *testing.T) {
	const answered = `{"b":["x","y"],"a":{"version":"1","trace":"first\nsecond"},"worker_id":"here:1","n":1}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/connectors/ż" {
			status := map[bool]int{true: http.StatusBadRequest, false: http.StatusNotFound}
			http.Error(w, "{}", status[strings.Contains(r.URL.Path, "//")])
			return
		}
		_, _ = w.Write([]byte(answered))
	}))
	defer server.Close()
	for _, c := range []struct{ path, recorded, says string }{
		{"/connectors/%C5%BC", answered, ""},
		{"/connectors/ż", `{"n":1,"b":["y","x"],"a":{"trace":"first\nother","version":"2"},"worker_id":"there:2"}`, ""},
		{"/connectors/ż", strings.Replace(answered, `"n":1`, `"n":2`, 1), `"n":1`},
		{"/connectors/ż", strings.Replace(answered, "first", "zero", 1), "zero"},
		{"/connectors/ż", strings.Replace(answered, `"x",`, "", 1), "recorded"},
		{"/connectors/none", answered, "status 404, recorded 200"},
	} {
		want := answer{Path: c.path, Status: http.StatusOK}
		if err := json.Unmarshal([]byte(c.recorded), &want.Response); err != nil {
			t.Fatal(err)
		}
		err := comparing(server.URL).differences([]answer{want})
		if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s: got %v, want %q", c.path, c.recorded, err, c.says)
		}
	}
	refused := answer{Path: "/connectors//config", Status: http.StatusBadRequest, Response: "<html>"}
	if err := comparing(server.URL).differences([]answer{refused}); err != nil {
		t.Errorf("a path that Connect's HTTP server refuses: %v", err)
	}
}

// comparing expects the worker there:2 and finds here:1.
func comparing(base string) *comparison {
	return &comparison{base: base, ids: map[string]string{"there:2": "here:1"}, passed: map[string]bool{}}
}

// What a running connector has done was recorded on its way; what a paused one has done must stay so.
func TestProgressIsPassed(t *testing.T) {
	offsets := []string{"[]", "[1]"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/status") {
			_, _ = w.Write([]byte(`{"connector":{"state":"` + r.Header.Get("State") + `"}}`))
			return
		}
		_, _ = w.Write([]byte(offsets[0]))
	}))
	defer server.Close()
	for _, c := range []struct {
		state  string
		passes bool
	}{{"RUNNING", true}, {"PAUSED", false}} {
		status := map[string]any{"connector": map[string]any{"state": c.state}}
		answers := []answer{
			{"/connectors/c/offsets", http.StatusOK, []any{}}, {"/connectors/c/status", http.StatusOK, status},
		}
		asked := comparing(server.URL)
		_ = asked.differences(answers) // the status is none
		offsets[0], offsets[1] = offsets[1], offsets[0]
		err := asked.differences(answers)
		if err == nil || strings.Contains(err.Error(), "/offsets") == c.passes {
			t.Errorf("%s: %v", c.state, err)
		}
		offsets[0], offsets[1] = offsets[1], offsets[0]
	}
}
