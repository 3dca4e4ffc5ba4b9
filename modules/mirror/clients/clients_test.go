package clients

import (
	"maps"
	"strings"
	"testing"
)

func configOf(keyvals ...string) map[string]*string {
	config := map[string]*string{}
	for i := 0; i < len(keyvals); i += 2 {
		config[keyvals[i]] = &keyvals[i+1]
	}
	return config
}

func TestLaterPrefixesWin(t *testing.T) {
	config := configOf("source.cluster.client.id", "a", "consumer.client.id", "b", "source.consumer.client.id", "c",
		"target.cluster.client.id", "d", "source.cluster.x", " y ")
	for _, c := range []struct {
		side       Side
		kind       Kind
		name, want string
	}{
		{SourceSide, Consumer, "client.id", "c"}, {SourceSide, Admin, "client.id", "a"},
		{TargetSide, Consumer, "client.id", "b"}, {TargetSide, Producer, "client.id", "d"},
		{SourceSide, Producer, "x", "y"}, {TargetSide, Admin, "x", ""},
	} {
		if got := Property(config, c.side, c.kind, c.name); got != c.want {
			t.Errorf("%s of the %s %s: %q, want %q", c.name, c.side, c.kind, got, c.want)
		}
	}
}

const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password='p\'"';`

func TestBadPropertiesAreNamed(t *testing.T) {
	good := configOf("source.cluster.bootstrap.servers", "a:1, b:2", "source.cluster.security.protocol", "sasl_ssl",
		"source.cluster.sasl.mechanism", "plain", "source.cluster.sasl.jaas.config", jaas)
	if err := Check(good, SourceSide, Consumer); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ key, value, says string }{
		{"source.cluster.bootstrap.servers", "", "Invalid value  for configuration source.cluster.bootstrap.servers: give"},
		{"source.cluster.bootstrap.servers", "a", "value a for configuration source.cluster.bootstrap.servers: each entry"},
		{"consumer.isolation.level", "x", "value x for configuration consumer.isolation.level: use read_uncommitted or"},
		{"source.consumer.fetch.max.bytes", "0", "source.consumer.fetch.max.bytes: use a whole number from 1"},
		{"source.cluster.security.protocol", "TLS", "use PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"},
		{"source.cluster.sasl.mechanism", "GSSAPI", "sasl.mechanism: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
		{"source.cluster.sasl.jaas.config", "user=u", "value [hidden] for configuration source.cluster.sasl.jaas.config"},
		{"source.cluster.ssl.truststore.location", "/x.jks", "source.cluster.ssl.truststore.location: a module reads no"},
		{"source.cluster.ssl.keystore.key", "k", "belong together"},
		{"source.cluster.ssl.endpoint.identification.algorithm", "", "always verified"},
		{"source.cluster.ssl.key.password", "s3", "value [hidden] for configuration source.cluster.ssl.key.password"},
	} {
		config := maps.Clone(good)
		config[c.key] = &c.value
		if err := Check(config, SourceSide, Consumer); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s=%s: %v, want %s", c.key, c.value, err, c.says)
		}
	}
	err := Check(nil, TargetSide, Admin)
	if err == nil || !strings.Contains(err.Error(), "target.cluster.bootstrap.servers is missing") {
		t.Errorf("no configuration: %v", err)
	}
}

func TestJAAS(t *testing.T) {
	if got, ok := parseJAAS(jaas); !ok || got["username"] != "u" || got["password"] != `p'"` {
		t.Errorf("%v, %v", got, ok)
	}
	for _, text := range []string{"", ";", "PlainLoginModule required;", `XLoginModule required username="u";`,
		`XLoginModule required username="u" password="p"`, `XLoginModule required username= password="p";`,
		`X required username="u" password="p";`} {
		if got, ok := parseJAAS(text); ok {
			t.Errorf("%s: %v", text, got)
		}
	}
}
