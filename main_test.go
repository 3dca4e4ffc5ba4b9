package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestCommands(t *testing.T) {
	cases := []struct {
		args, says, fails string
	}{
		{"", "berth worker -c FILE", ""},
		{"help", "berth plugin push FILE.wasm", ""},
		{"version", "berth " + version + " go1.", ""},
		{"fly", "", `there is no command "fly"`},
		{"plugin", "", "takes new, build, inspect or push"},
		{"plugin fly", "", "takes new, build, inspect or push"},
		{"plugin push", "usage: berth plugin push FILE.wasm", errUsage.Error()},
		{"worker -x", "usage: berth worker -c FILE", errUsage.Error()},
		{"standalone", "usage: berth standalone WORKER.properties", errUsage.Error()},
		{"worker -c /nonexistent/worker.properties", "", "read the worker's configuration"},
		{"worker -set group.id", "", "-set group.id: it must be KEY=VALUE"},
		{"worker -set group.id=x", "", `Missing required configuration "config.storage.topic"`},
		{"plugin inspect main.go", "", "main"},
	}
	for _, c := range cases {
		var out bytes.Buffer
		err := dispatch(strings.Fields(c.args), &out)
		if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("berth %s: got error %v, want %q", c.args, err, c.fails)
		}
		if !strings.Contains(out.String(), c.says) {
			t.Errorf("berth %s: %q is not in\n%s", c.args, c.says, out.String())
		}
	}
}

func TestOptionsStandAnywhere(t *testing.T) {
	for _, args := range []string{"-lang rust source dir", "source -lang rust dir", "source dir -lang=rust"} {
		flags := newFlags("plugin new", "", &bytes.Buffer{})
		language := flags.String("lang", "go", "")
		got, err := parseFlags(flags, strings.Fields(args), 2, 2)
		if err != nil || *language != "rust" || strings.Join(got, " ") != "source dir" {
			t.Errorf("%s: %q, %s, %v", args, got, *language, err)
		}
	}
	for _, args := range []string{"", "a b c", "-none"} {
		if _, err := parseFlags(newFlags("x", "", &bytes.Buffer{}), strings.Fields(args), 1, 2); !errors.Is(err, errUsage) {
			t.Errorf("%q: got %v", args, err)
		}
	}
}

func TestWorkerID(t *testing.T) {
	cases := []struct{ listeners, name, port, want string }{
		{"http://example:8083", "", "", "example:8083"},
		{"http://example:8083,http://other:1", "public", "", "public:8083"},
		{"http://example:8083", "public", "80", "public:80"},
		{"http://:8083", "", "", ownAddress() + ":8083"},
		{"http://0.0.0.0:8083", "", "81", ownAddress() + ":81"},
		{"http://[::1]:8083", "", "", "[::1]:8083"},
	}
	for _, c := range cases {
		loaded, err := loadConfig(javaConfig(t), nil, map[string]string{
			"listeners": c.listeners, "rest.advertised.host.name": c.name, "rest.advertised.port": c.port})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := advertisedURL(loaded); err != nil || got.Host != c.want {
			t.Errorf("%+v: got %s, %v", c, got, err)
		}
	}
}
