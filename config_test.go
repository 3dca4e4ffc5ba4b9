package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/web/cli"
)

const javaWorker = `# a file as the Java worker reads it
bootstrap.servers=b1:9092,b2:9092
group.id = connect-cluster
config.storage.topic: connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
key.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
value.converter=org.apache.kafka.connect.\
    json.JsonConverter
producer.sasl.jaas.config=${file:/secrets:jaas}
rest.extension.classes=com.example.Unknown
scheduled.rebalance.max.delay.ms=0
`

func javaConfig(t *testing.T) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "worker.properties")
	if err := os.WriteFile(file, []byte(javaWorker), 0o600); err != nil {
		t.Fatal(err)
	}
	values, err := cli.ReadProperties(file)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestConfigOfAJavaWorker(t *testing.T) {
	environment := []string{
		"CONNECT_GROUP_ID=from-connect", "BERTH_GROUP_ID=from-berth", "CONNECT_OFFSET_FLUSH_INTERVAL_MS=1000",
		"CONNECT_CONFIG_PROVIDERS_MY___FILE_PARAM_A__B=x", "HOME=/nowhere",
	}
	c, err := loadConfig(javaConfig(t), environment, map[string]string{"listeners": "http://:9999"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"bootstrap.servers":                    "b1:9092,b2:9092",
		"group.id":                             "from-berth",
		"config.storage.topic":                 "connect-configs",
		"key.converter":                        "org.apache.kafka.connect.json.JsonConverter",
		"key.converter.schemas.enable":         "false",
		"value.converter":                      "org.apache.kafka.connect.json.JsonConverter",
		"producer.sasl.jaas.config":            "${file:/secrets:jaas}",
		"rest.extension.classes":               "com.example.Unknown",
		"status.storage.partitions":            "5",
		"listeners":                            "http://:9999",
		"config.providers.my_file.param.a-b":   "x",
		"config.storage.replication.factor":    "3",
		"exactly.once.source.support":          "disabled",
		"rest.advertised.host.name":            "",
		"response.http.headers.config.unknown": "",
	}
	all := c.all()
	for key, value := range want {
		if all[key] != value || c.text(key) != value {
			t.Errorf("%s = %q, want %q", key, all[key], value)
		}
	}
	if _, found := all["home"]; found {
		t.Error("a variable without our prefix became a key")
	}
	if got := c.millis("offset.flush.interval.ms"); got != time.Second {
		t.Errorf("offset.flush.interval.ms = %v", got)
	}
	if got := c.millis("scheduled.rebalance.max.delay.ms"); got != 0 {
		t.Errorf("scheduled.rebalance.max.delay.ms = %v", got)
	}
	if got := c.list("bootstrap.servers"); len(got) != 2 || got[1] != "b2:9092" {
		t.Errorf("bootstrap.servers as a list = %q", got)
	}
	if !c.flag("topic.creation.enable") || c.number("offset.storage.partitions") != 25 {
		t.Error("defaults are not Connect's")
	}
}

func TestConfigNamesEveryBadValue(t *testing.T) {
	invalid := func(value, key, message string) string {
		return "Invalid value " + value + " for configuration " + key + ": " + message
	}
	cases := []struct{ key, value, says string }{
		{"bootstrap.servers", "b1", invalid("b1", "bootstrap.servers", "it must be a list like broker1:9092")},
		{"bootstrap.servers", "b1:9092,b2:", invalid("b1:9092,b2:", "bootstrap.servers", "it must")},
		{"bootstrap.servers", "", `Missing required configuration "bootstrap.servers": it must be a list like`},
		{"group.id", " ", `Missing required configuration "group.id" which has no default value; it must name the group`},
		{"offset.flush.interval.ms", "abc", invalid("abc", "offset.flush.interval.ms",
			"Not a number of type LONG; it must be a number of milliseconds")},
		{"offset.flush.interval.ms", "0", invalid("0", "offset.flush.interval.ms", "it must")},
		{"offset.storage.replication.factor", "0", "to use the broker's default; it must be -1"},
		{"rest.advertised.port", "65536", invalid("65536", "rest.advertised.port", "it must be a port")},
		{"listeners", "tcp://:1", invalid("tcp://:1", "listeners", "it must be a list of URLs")},
		{"topic.creation.enable", "yes", "Expected value to be either true or false; it must be true or false"},
		{"berth.kafka.quirks.enable", "no", invalid("no", "berth.kafka.quirks.enable", "it must be true or false")},
		{"berth.rest.openapi.enable", "no", invalid("no", "berth.rest.openapi.enable", "it must be true or false")},
		{"connect.protocol", "lazy", "Invalid Connect protocol compatibility; it must be eager"},
		{"heartbeat.interval.ms", "10000", "it must be less than session.timeout.ms=10000"},
		{"sasl.login.refresh.window.jitter", "0.3", invalid("0.3", "sasl.login.refresh.window.jitter",
			"Value must be no more than 0.25")},
		{"config.providers", "vault", invalid("", "config.providers.vault.class", "it must be FileConfigProvider")},
	}
	for _, c := range cases {
		_, err := loadConfig(javaConfig(t), nil, map[string]string{c.key: c.value})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s=%q: got %v, want %q", c.key, c.value, err, c.says)
		}
	}
	_, err := loadConfig(nil, nil, nil)
	for _, key := range []string{"group.id", "config.storage.topic", "value.converter"} {
		if err == nil || !strings.Contains(err.Error(), `Missing required configuration "`+key+`" which`) {
			t.Errorf("an empty configuration does not name %s: %v", key, err)
		}
	}
	if _, err = cli.ReadProperties(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestReferencesInAWorkersConfiguration(t *testing.T) {
	secrets := filepath.Join(t.TempDir(), "secrets.properties")
	if err := os.WriteFile(secrets, []byte("group=g\njaas=secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(javaConfig(t), []string{"FLUSH=1000"}, map[string]string{
		"config.providers":            "file, env",
		"config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
		"config.providers.env.class":  "EnvVarConfigProvider",
		"group.id":                    "${file:" + secrets + ":group}",
		"offset.flush.interval.ms":    "${env:FLUSH}",
		"producer.sasl.jaas.config":   "${file:" + secrets + ":jaas} ${other:x}",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.text("group.id") != "g" || c.millis("offset.flush.interval.ms") != time.Second ||
		c.text("producer.sasl.jaas.config") != "secret ${other:x}" {
		t.Errorf("%v", c.all())
	}
}

func TestOwnVariablesKeepTheirFirstWord(t *testing.T) {
	c, err := loadConfig(map[string]string{
		"bootstrap.servers": "k:1", "group.id": "g", "config.storage.topic": "c", "offset.storage.topic": "o",
		"status.storage.topic": "s", "key.converter": "x", "value.converter": "x",
	}, []string{"BERTH_ALLOW_DIRS=/a,/b", "BERTH_CLIENT_ID=me"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.allow([]string{"/c"})
	if got := strings.Join(c.list("berth.allow.dirs"), " "); got != "/a /b /c" || c.text("client.id") != "me" {
		t.Fatalf("folders %q, client %q", got, c.text("client.id"))
	}
}
