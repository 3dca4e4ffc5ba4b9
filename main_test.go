package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/berth-connect/berth/web/cli"
)

func TestCommands(t *testing.T) {
	cases := []struct {
		args, says, fails string
	}{
		{"", "berth worker -c FILE", ""},
		{"help", "berth plugin upload FILE.wasm", ""},
		{"version", "berth " + version + " go1.", ""},
		{"fly", "", `there is no command "fly"`},
		{"plugin", "", "takes new, build, inspect, sign, verify, upload"},
		{"plugin fly", "", "takes new, build, inspect, sign, verify, upload"},
		{"plugin upload", "usage: berth plugin upload FILE.wasm", cli.ErrUsage.Error()},
		{"worker -x", "usage: berth worker -c FILE", cli.ErrUsage.Error()},
		{"standalone", "usage: berth standalone WORKER.properties", cli.ErrUsage.Error()},
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

func TestAdvertisedURL(t *testing.T) {
	both := "https://secure:8443,http://plain:8083"
	cases := []struct{ listeners, scheme, name, port, want string }{
		{"http://example:8083", "", "", "", "http://example:8083/"},
		{"http://example:8083,http://other:1", "", "public", "", "http://public:8083/"},
		{"http://example:8083", "", "public", "80", "http://public:80/"},
		{"http://:8083", "", "", "", "http://" + ownAddress() + ":8083/"},
		{"http://0.0.0.0:8083", "", "", "81", "http://" + ownAddress() + ":81/"},
		{"http://[::1]:8083", "", "", "", "http://[::1]:8083/"},
		{both, "", "", "", "http://plain:8083/"},
		{both, "https", "", "", "https://secure:8443/"},
		{"https://secure:8443", "", "", "", "https://secure:8443/"},
		{"http://plain:8083", "https", "proxy", "443", "https://proxy:443/"},
	}
	for _, c := range cases {
		loaded, err := loadConfig(javaConfig(t), nil, map[string]string{"listeners": c.listeners,
			"rest.advertised.listener": c.scheme, "rest.advertised.host.name": c.name, "rest.advertised.port": c.port})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := advertisedURL(loaded); err != nil || got.String() != c.want {
			t.Errorf("%+v: got %s, %v", c, got, err)
		}
	}
}

// What is wrong with the keys of a group of workers is said in Connect's words.
func TestBadGroupSettings(t *testing.T) {
	cases := []struct{ key, value, want string }{
		{"connect.protocol", "static", "Invalid value static for configuration connect.protocol: "},
		{"session.timeout.ms", "soon", "Invalid value soon for configuration session.timeout.ms: Not a number of type INT"},
		{"heartbeat.interval.ms", "20000", "heartbeat.interval.ms: it must be less than session.timeout.ms=10000"},
		{"rebalance.timeout.ms", "0", "rebalance.timeout.ms"},
		{"scheduled.rebalance.max.delay.ms", "-1", "Invalid value -1 for configuration scheduled.rebalance.max.delay.ms: "},
		{"inter.worker.key.ttl.ms", "-1", "Invalid value -1 for configuration inter.worker.key.ttl.ms: "},
		{"inter.worker.key.size", "8", "Unable to create key generator with algorithm HmacSHA256 and key size 8"},
		{"inter.worker.key.generation.algorithm", "ROT13", "inter.worker.key.generation.algorithm"},
		{"inter.worker.signature.algorithm", "HmacSHA512", "Signature algorithm must be present in"},
		{"rest.advertised.port", "0", "rest.advertised.port"},
		{"rest.advertised.listener", "ftp", "rest.advertised.listener"},
		{"berth.restart.max", "-1", "berth.restart.max"},
	}
	for _, c := range cases {
		_, err := loadConfig(javaConfig(t), nil, map[string]string{c.key: c.value})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: got %v, want %q", c.key, c.value, err, c.want)
		}
	}
}
