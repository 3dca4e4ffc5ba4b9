package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every command that asks a worker can say who asks.
func TestCommandsSayWhoAsks(t *testing.T) {
	chain := filepath.Join(t.TempDir(), "chain.json")
	if err := os.WriteFile(chain, []byte(`{"connector.class":"FileStreamSink"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"plugin ls", "plugin show m 1", "preview -topic t -config " + chain, "swap c",
		"shadow c a", "tenant ls", "usage"} {
		for _, c := range []struct{ name, options, env, want string }{
			{"nobody", "", "", ""},
			{"a user", "-user ann:secret", "", "Basic YW5uOnNlY3JldA=="},
			{"a user before a token", "-user ann:secret -token t", "t", "Basic YW5uOnNlY3JldA=="},
			{"a token", "-token t", "u", "Bearer t"},
			{"a token of the environment", "", "u", "Bearer u"},
		} {
			t.Setenv("BERTH_TOKEN", c.env)
			asked := "nobody"
			worker := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				asked = r.Header.Get("Authorization")
			}))
			_ = dispatch(append(strings.Fields(command), strings.Fields("-url "+worker.URL+" "+c.options)...), t.Output())
			worker.Close()
			if asked != c.want {
				t.Errorf("%s, %s: asked as %q, want %q", command, c.name, asked, c.want)
			}
		}
	}
}

// answering is a worker that knows its answers by method, path and body.
func answering(t *testing.T, answers map[string]string) *httptest.Server {
	t.Helper()
	worker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer, known := answers[fmt.Sprintf("%s %s %s", r.Method, r.URL.EscapedPath(), body)]
		if !known {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"error_code":404,"message":"no such thing"}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(worker.Close)
	return worker
}
