package e2e

import (
	"fmt"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// secured are the keys, without a cluster's prefix, of a client that may connect.
func secured(s brokertest.Secured, protocol, mechanism string) keys {
	config := keys{"security.protocol": protocol}
	if protocol != "SASL_PLAINTEXT" {
		config["ssl.truststore.type"], config["ssl.truststore.certificates"] = "PEM", s.Roots
	}
	if protocol == "SSL" {
		config["ssl.keystore.type"], config["ssl.keystore.certificate.chain"] = "PEM", s.Certificate
		config["ssl.keystore.key"] = s.Key
	} else {
		config["sasl.mechanism"], config["sasl.jaas.config"] = mechanism, s.Login(mechanism, s.Password)
	}
	return config
}

// of puts a cluster's prefix before the keys.
func (s keys) of(cluster string) keys {
	prefixed := keys{}
	for key, value := range s {
		prefixed[cluster+".cluster."+key] = value
	}
	return prefixed
}

// startSecured is startMirrored for clusters that ask who it is. These may be one, where every copy would copy the
// heartbeats of all copies before.
func startSecured(t *testing.T) (*mirrored, brokertest.Secured) {
	t.Helper()
	s := brokertest.Secure(t)
	p := startProcess(t, "CONNECT_BERTH_ALLOW_NET=127.0.0.1:*,localhost:*")
	return &mirrored{process: p, config: keys{"target.cluster.alias": "to" + p.id,
		"target.cluster.bootstrap.servers": p.bootstrap, "heartbeats.replication.enabled": "false",
		"config.properties.exclude": `log\..*, min\.insync\.replicas`,
		"key.converter":             asBytes, "value.converter": asBytes, "header.converter": asBytes, "tasks.max": "2"}}, s
}

// from makes the source the brokers that speak a protocol.
func (m *mirrored) from(s brokertest.Secured, protocol, alias string, more keys) {
	m.t.Helper()
	m.source = kafkatest.Open(m.t, s.Addrs[protocol], s.Client(m.t, protocol)...)
	m.config = m.config.with(keys{"source.cluster.alias": alias + m.id,
		"source.cluster.bootstrap.servers": s.Addrs[protocol]}).with(more.of("source"))
}

// TestE2EMirrorSecured copies from clusters with each security.protocol, and to such where the worker's own Kafka is
// one.
func TestE2EMirrorSecured(t *testing.T) {
	m, s := startSecured(t)
	cases := []struct{ protocol, mechanism string }{{"SSL", ""}}
	for _, mechanism := range brokertest.Mechanisms {
		cases = append(cases, struct{ protocol, mechanism string }{"SASL_PLAINTEXT", mechanism},
			struct{ protocol, mechanism string }{"SASL_SSL", mechanism})
	}
	const n = 300
	for i, c := range cases {
		m.from(s, c.protocol, fmt.Sprint("secured", i), secured(s, c.protocol, c.mechanism))
		if s.Shared {
			m.config = m.config.with(keys{"target.cluster.bootstrap.servers": s.Addrs[c.protocol]}).
				with(secured(s, c.protocol, c.mechanism).of("target"))
		}
		topic := m.name(fmt.Sprint("orders", i))
		m.source.CreateTopic(t, topic, 3)
		m.produce(topic, 0, n)
		name := m.name(fmt.Sprint("copy", i))
		m.put(name, m.config.with(keys{"connector.class": mirrorClasses + "MirrorSourceConnector", "topics": topic,
			"replication.factor": "1", "offset-syncs.topic.replication.factor": "1"}))
		m.await(fmt.Sprintf("copies by %s %s", c.protocol, c.mechanism), func() bool {
			return m.Count(t, m.remote(topic)) == n
		})
		m.checkCopy(topic, n)
	}
}
