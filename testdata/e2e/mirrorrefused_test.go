package e2e

import (
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
)

// TestE2EMirrorRefused: a login or a certificate that is refused fails the connector with the key to look at, and the
// right one makes it run.
func TestE2EMirrorRefused(t *testing.T) {
	m, s := startSecured(t)
	other := brokertest.NewAuthority(t).PEM()
	for _, c := range []struct {
		what, protocol, mechanism string
		wrong                     keys
		property                  string
	}{
		{"password", "SASL_PLAINTEXT", "PLAIN", keys{"sasl.jaas.config": s.Login("PLAIN", "wrong")}, "sasl.jaas.config"},
		{"scram", "SASL_PLAINTEXT", "SCRAM-SHA-256", keys{"sasl.jaas.config": s.Login("SCRAM-SHA-256", "wrong")},
			"sasl.jaas.config"},
		{"certificate", "SASL_SSL", "PLAIN", keys{"ssl.truststore.certificates": other}, "ssl.truststore.certificates"},
		{"client", "SSL", "", keys{"ssl.keystore.certificate.chain": "", "ssl.keystore.key": ""}, "ssl.keystore"},
	} {
		t.Run(c.what, func(t *testing.T) {
			right := secured(s, c.protocol, c.mechanism)
			m.from(s, c.protocol, c.what, right)
			topic := m.name("refused-" + c.what)
			m.source.CreateTopic(t, topic, 3)
			m.produce(topic, 0, 30)
			config := m.config.with(keys{"connector.class": mirrorClasses + "MirrorSourceConnector", "topics": topic,
				"replication.factor": "1", "offset-syncs.topic.replication.factor": "1"})
			name := m.name("copy-" + c.what)
			m.put(name, config.with(c.wrong.of("source")))
			m.awaitConnector(name, "FAILED", "source.cluster."+c.property)
			patch := keys{}
			for key := range c.wrong.of("source") {
				patch[key] = config[key]
			}
			m.ask("PATCH", "/connectors/"+name+"/config", patch, nil)
			m.await("copies", func() bool { return m.Count(t, m.remote(topic)) == 30 })
			m.checkCopy(topic, 30)
		})
	}
}
