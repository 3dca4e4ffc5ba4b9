package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestUsageIsPrinted(t *testing.T) {
	worker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/usage?tenant=team-a" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, `{"worker_id":"w:1","since":"2026-01-02T03:04:05Z","tenants":[{"tenant":"team-a",
			"used":{"cpu_ms":61500,"fuel":1234567,"bytes_in":2048,"memory_bytes":3145728,"traps":2},
			"slowed":{"waits":3,"ms":1500},
			"connectors":[{"connector":"team-a::orders","used":{"records_in":7},
			"plugins":[{"class":"x.Sink","digest":"0123456789abcdef","used":{"cpu_ms":5}}]}]}]}`)
	}))
	defer worker.Close()
	var out bytes.Buffer
	if err := dispatch([]string{"usage", "-url", worker.URL + "/", "-tenant", "team-a"}, &out); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(out.String()) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	contains(t, strings.Join(rows, "\n"), "worker w:1 since 2026-01-02T03:04:05Z (",
		"\n1m1.5s 1.2M 0 0 2.0KiB 0B 3.0MiB 0B 0B 0B 0 0 2 tenant team-a (over its quota: 3 waits, 1.5s)\n",
		"\n0s 0 7 0 0B 0B 0B 0B 0B 0B 0 0 0 orders\n", "\n5ms 0 0 0 0B 0B 0B 0B 0B 0B 0 0 0 x.Sink 0123456789ab")
	if err := dispatch([]string{"usage", "-url", worker.URL}, io.Discard); err == nil ||
		!strings.Contains(err.Error(), "404") {
		t.Errorf("a worker without usage: %v", err)
	}
}
