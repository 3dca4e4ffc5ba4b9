package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

func TestConnectorFiles(t *testing.T) {
	cases := []struct {
		name, text string
		connector  string // name
		key, value string // in its configuration
		target     host.TargetState
		says       string
	}{
		{"p.properties", "name=a\nfile = /x\\u00e4\n", "a", "file", "/xä", "", ""},
		{"flat.json", `{"name":"b","tasks.max":2,"flag":true,"none":null}`, "b", "tasks.max", "2", "", ""},
		{"flat.txt", "\n {\"name\":\"b\",\"config\":\"x\"}", "b", "config", "x", "", ""},
		{"request.json", `{"name":" c ","config":{"k":"v"},"initial_state":"paused","more":{"of":1}}`, "c", "k", "v",
			host.TargetPaused, ""},
		{"request.txt", `{"config":{"name":"d","k":1.50},"name":"d"}`, "d", "k", "1.50", "", ""},
		{"no.properties", "k=v\n", "", "", "", "", "no.properties: Connector configuration is missing the mandatory 'name'"},
		{"no.json", `{"k":"v"}`, "", "", "", "", "missing the mandatory 'name' configuration; add a line like name="},
		{"none.json", `{"config":{"name":"x"}}`, "", "", "", "", "missing the mandatory 'name'"},
		{"two.json", `{"name":"a","config":{"name":"b"}}`, "", "", "", "", "(b) in 'config' doesn't match"},
		{"state.json", `{"name":"a","config":{},"initial_state":"GONE"}`, "", "", "", "",
			`"GONE" is no initial_state: it is one of RUNNING, PAUSED, STOPPED`},
		{"nested.json", `{"name":"a","k":{"x":1}}`, "", "", "", "", `value of "k": a string is expected`},
		{"broken.json", `{"name":"a",`, "", "", "", "", "broken.json: Cannot deserialize value of the connector"},
		{"list.json", `["name"]`, "", "", "", "", "of the connector: an object is expected, not array"},
		{"null.json", `null`, "", "", "", "", "missing the mandatory 'name'"},
		{"escape.properties", "name=\\u00g1", "", "", "", "", "escape.properties"},
	}
	dir := t.TempDir()
	for _, c := range cases {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		files, err := readConnectorFiles([]string{path})
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: got %v, want %q", c.name, err, c.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := files[0]
		if got.Name != c.connector || got.Config.Get("name") != c.connector || got.Config.Get(c.key) != c.value ||
			got.Target != c.target {
			t.Errorf("%s: got %q %q %s", c.name, got.Name, got.Config.Get(c.key), got.Target)
		}
	}
	if _, err := readConnectorFiles([]string{filepath.Join(dir, "absent.properties")}); err == nil ||
		!strings.Contains(err.Error(), "absent.properties") {
		t.Errorf("an absent file: %v", err)
	}
}

// A standalone worker needs what Connect's needs, not what a group needs.
func TestStandaloneConfig(t *testing.T) {
	base := map[string]string{"bootstrap.servers": "b:9092", "offset.storage.file.filename": "/var/offsets",
		"key.converter": "c", "value.converter": "c"}
	c, err := standalone.load(base, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"offset.storage.file.filename": "/var/offsets", "group.id": "",
		"config.storage.replication.factor": "", "offset.flush.interval.ms": "60000"} {
		if got := c.text(key); got != want {
			t.Errorf("%s=%q, want %q", key, got, want)
		}
	}
	delete(base, "offset.storage.file.filename")
	base["offset.flush.interval.ms"] = "often"
	_, err = standalone.load(base, nil, nil)
	if err == nil {
		t.Fatal("a bad configuration was taken")
	}
	for _, want := range []string{`Missing required configuration "offset.storage.file.filename"`,
		"name a file, like /var/lib/connect/offsets", "often for configuration offset.flush.interval.ms"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "group.id") {
		t.Errorf("a standalone worker is asked for a group: %v", err)
	}
}
