package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// A tenant names what it may not reach, or a file of the worker's, as its schema registry: the task fails, says which
// grant it lacks, and nothing is dialled.
func TestRedTeamSchemaRegistries(t *testing.T) {
	var asked atomic.Int32
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1) }))
	defer inner.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(inner.URL, "http://"), ":")
	f := startFortress(t, "BERTH_ALLOW_NET=*:*,127.0.0.0/8:*,169.254.0.0/16:*")
	topic := "a." + f.name("t")
	f.ask("PUT", "/tenants/a", map[string]any{"topics": []string{"a.*"}, "directories": []string{f.files},
		"network": []string{"*:*"}}, nil)
	f.CreateTopic(t, topic, 1)
	f.Produce(t, kafkatest.Record{Topic: topic, Value: []byte("\x00\x00\x00\x00\x01x")})
	const url, tls = "value.converter.schema.registry.url", "value.converter.schema.registry.ssl."
	const lacks, special = "Tenant a may not use this schema registry", "needs a grant of its own"
	for name, c := range map[string]struct {
		config keys
		says   string
	}{
		"registry-at-the-metadata-service": {keys{url: "http://169.254.169.254/latest"}, lacks},
		"registry-at-the-metadata-by-ipv6": {keys{url: "http://[::ffff:169.254.169.254]"}, lacks},
		"registry-at-a-loopback-address":   {keys{url: inner.URL}, lacks},
		"registry-at-a-loopback-name":      {keys{url: "http://localhost:" + port}, special},
		"registry-second-in-the-list":      {keys{url: "http://registry.example," + inner.URL}, lacks},
		"registry-behind-credentials":      {keys{url: "http://registry.example@127.0.0.1:" + port}, lacks},
		"registry-of-a-file":               {keys{url: "file:///etc/passwd"}, "it must be a list of addresses"},
		"registry-with-a-file-as-trust": {keys{url: "https://registry.example",
			tls + "truststore.location": "/etc/passwd"}, "may not have the worker read its files"},
		"registry-with-a-file-as-keys": {keys{url: "https://registry.example",
			tls + "keystore.location": "/etc/shadow"}, "may not have the worker read its files"},
	} {
		f.attack(t, name, func(p *process) {
			a := p.in("a")
			config := a.sink(p.file(name), topic).with(keys{"value.converter": "io.confluent.connect.avro.AvroConverter",
				"value.converter.max.retries": "0", "errors.retry.timeout": "0"}).with(c.config)
			a.put(name, config)
			defer a.ask("DELETE", "/connectors/"+name, nil, nil)
			a.await("a failure that says why", func() bool {
				_, answer := a.call("GET", "/connectors/"+name+"/status", nil)
				return strings.Contains(string(answer), c.says)
			})
		})
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the worker's own network was asked %d times", n)
	}
	f.finish()
}
