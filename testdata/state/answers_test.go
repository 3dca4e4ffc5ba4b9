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
			http.Error(w, "{}", http.StatusNotFound)
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
		err := differences(server.URL, []answer{want}, "there:2", "here:1")
		if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s: got %v, want %q", c.path, c.recorded, err, c.says)
		}
	}
	refused := answer{Path: "/connectors//config", Status: http.StatusBadRequest, Response: "<html>"}
	if err := differences(server.URL, []answer{refused}, "a", "b"); err != nil {
		t.Errorf("a path that Connect's HTTP server refuses: %v", err)
	}
}
