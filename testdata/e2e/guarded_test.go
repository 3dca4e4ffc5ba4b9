package e2e

import (
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
)

// What a user sees whose dead-letter topic may not be created, or not be written to: topic, setting and what to do.
func TestE2EDeadLetterTopicIsForbidden(t *testing.T) {
	addr := brokertest.Guarded(t, "orders", "letters")
	t.Setenv("BERTH_TEST_BOOTSTRAP", addr)
	var environment []string
	for _, client := range []string{"", "PRODUCER_", "CONSUMER_", "ADMIN_"} {
		environment = append(environment, "CONNECT_"+client+"SECURITY_PROTOCOL=SASL_PLAINTEXT",
			"CONNECT_"+client+"SASL_MECHANISM=PLAIN", "CONNECT_"+client+"SASL_JAAS_CONFIG="+brokertest.Login(brokertest.Root))
	}
	p := startProcess(t, environment...)
	config := keys{"value.converter": asJSON, "value.converter.schemas.enable": "false"}
	for _, c := range []struct {
		name, user, dlq string
		says            []string
	}{
		{"no create", brokertest.Guest, "forbidden", []string{"Could not initialize dead letter queue with topic=forbidden",
			"TOPIC_AUTHORIZATION_FAILED", "create the topic, or let the principal of the connector's admin client create it",
			"errors.deadletterqueue.topic.name"}},
		{"no write", brokertest.Guest, "letters", []string{"Could not produce message to dead letter queue. topic=letters",
			"at record orders-0@0", "TOPIC_AUTHORIZATION_FAILED", "let the principal of the connector's producer write to it",
			"errors.deadletterqueue.topic.name"}},
		{"no producer", brokertest.Stranger, "letters", []string{"topic=letters", "CLUSTER_AUTHORIZATION_FAILED",
			"let the principal of the connector's producer write to it", "IDEMPOTENT_WRITE"}},
	} {
		name, login := p.name(c.dlq+c.user), brokertest.Login(c.user)
		asUser := keys{"admin.override.sasl.jaas.config": login, "producer.override.sasl.jaas.config": login}
		p.put(name, p.sink(p.file(c.dlq), "orders").with(config).with(deadLettersTo(c.dlq)).with(asUser))
		trace := p.awaitFailure(name)
		t.Logf("%s:\n%s", c.name, trace)
		contains(t, trace, c.says...)
	}
}
