package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPluginLsShowsWhatIsInTheProgram(t *testing.T) {
	var out bytes.Buffer
	if err := dispatch([]string{"plugin", "ls"}, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var rows []string
	for _, line := range lines {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	contains(t, strings.Join(rows, "\n"), "KIND ALIAS CLASS VERSION MODULE\nsink ",
		"\ntransformation Cast$Value org.apache.kafka.connect.transforms.Cast$Value 4.1.1 stock\n",
		"\nconverter Avro io.confluent.connect.avro.AvroConverter 0.1.0 registry\n",
		"\npredicate Matches berth.ExprPredicate 0.1.0 expr\n",
		"\nheader converter Simple org.apache.kafka.connect.storage.SimpleHeaderConverter 4.1.1 stock")
	out.Reset()
	if err := dispatch([]string{"plugin", "ls", "-json"}, &out); err != nil {
		t.Fatal(err)
	}
	var plugins []listedPlugin
	if err := json.Unmarshal(out.Bytes(), &plugins); err != nil {
		t.Fatal(err)
	}
	if len(plugins) != len(rows)-1 {
		t.Errorf("%d plugins as JSON, %d lines", len(plugins), len(rows)-1)
	}
	for _, p := range plugins {
		if p.Class == "" || p.Type == "" || p.Version == "" || p.Module == "" || p.Doc == "" || p.Aliases == nil {
			t.Errorf("incomplete: %+v", p)
		}
	}
}

func TestPluginLsOfAWorker(t *testing.T) {
	const module = `{"name":"shout","plugins":[{"class":"x.Shout","type":"transformation","version":"1.0.0",
		"aliases":["ShoutIt","Shout"],"documentation":"d"},{"class":"x.Sink","type":"sink","aliases":[]}]}`
	for _, c := range []struct {
		name    string
		answers map[string]string // by path and query; others are 404
		want    string            // the lines without blanks, or what the error says
	}{
		{"berth", map[string]string{"/plugins": "[" + module + "]"},
			"sink - x.Sink - shout|transformation Shout x.Shout 1.0.0 shout"},
		{"java", map[string]string{"/connector-plugins?connectorsOnly=false": `[{"class":"a.B","type":"source",
			"version":"1"}]`}, "source - a.B 1 -"},
		{"empty", map[string]string{"/plugins": "[]"}, ""},
		{"no worker", nil, "/connector-plugins?connectorsOnly=false: 404 Not Found"},
		{"page", map[string]string{"/plugins": "<html>"}, "-url must name its REST API"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer, found := c.answers[r.URL.RequestURI()]
			if !found {
				w.WriteHeader(http.StatusNotFound)
			}
			fmt.Fprint(w, answer)
		}))
		t.Cleanup(server.Close)
		var out bytes.Buffer
		err := dispatch([]string{"plugin", "ls", "-url", server.URL + "/"}, &out)
		var rows []string
		for line := range strings.Lines(out.String()) {
			rows = append(rows, strings.Join(strings.Fields(line), " "))
		}
		got := strings.Join(rows[min(len(rows), 1):], "|")
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	err := dispatch([]string{"plugin", "ls", "-url", gone.URL}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "-url must name its REST API") {
		t.Errorf("without a worker: %v", err)
	}
}
