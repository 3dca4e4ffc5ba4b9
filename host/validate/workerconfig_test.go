package validate

import (
	"errors"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
)

func TestWorkersSettings(t *testing.T) {
	for _, c := range []struct{ key, value, says string }{
		{"session.timeout.ms", "10000", ""},
		{"listeners", "http://:8083, ,https://:8443", "Empty URL found when parsing listeners list."},
		{"admin.listeners", "", ""},
		{"response.http.headers.config", `"set Cache-Control:no-cache, no-store",add X-Served-By:berth`, ""},
		{"response.http.headers.config", "set", "Invalid format of header config 'set'."},
		{"response.http.headers.config", "set a b:c", "The '[header name]' cannot contain whitespace"},
		{"response.http.headers.config", "set :c", "Invalid header name ''"},
		{"response.http.headers.config", "set a:b:c", "Invalid format of header name and header value pair 'a:b:c'."},
		{"inter.worker.key.size", "39", "Key length must be at least 40 bits"},
		{"inter.worker.verification.algorithms", "HmacSHA512", "Signature algorithm must be present in"},
		{"sasl.login.refresh.window.factor", "0.4", "Value must be at least 0.5"},
	} {
		config := configOf("group.id", "g", "key.converter", "x", "value.converter", "x", "config.storage.topic", "c",
			"offset.storage.topic", "o", "status.storage.topic", "s", c.key, c.value)
		_, err := ParseDistributed(config, nil)
		var wrong *abi.ConfigError
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s=%s: %v", c.key, c.value, err)
		case c.says != "" && (!errors.As(err, &wrong) || !strings.Contains(wrong.Message, c.says)):
			t.Errorf("%s=%s: error %v, want %s", c.key, c.value, err, c.says)
		}
	}
}

// Tables name checks in a notation of their own, which must not have slips.
func TestTablesAreWellFormed(t *testing.T) {
	definitions := map[string]abi.ConfigDef{"worker": WorkerConfig(), "standalone": StandaloneConfig(),
		"distributed": DistributedConfig(), "producer": producerClient.definition, "consumer": consumerClient.definition,
		"admin": adminClient.definition}
	for name, d := range definitions {
		for _, k := range d.Keys {
			if k.HasDefault && k.Default == nil {
				continue
			}
			if k.HasDefault {
				value, problem := abi.ParseConfigValue(k.Name, k.Type, *k.Default, nil)
				if problem == nil {
					problem = k.Check(value)
				}
				if problem != nil {
					t.Errorf("%s: the default of %s: %v", name, k.Name, problem)
				}
			}
			if k.Importance != abi.High && k.Importance != abi.Medium && k.Importance != abi.Low {
				t.Errorf("%s: %s has importance %s", name, k.Name, k.Importance)
			}
		}
	}
}
