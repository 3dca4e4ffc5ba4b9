package tenancy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
)

type tenants map[string]host.Tenant

func (t tenants) Tenant(name string) (host.Tenant, bool) { r, is := t[name]; return r, is }
func (t tenants) AnyTenant() bool                        { return len(t) > 0 }

func grants() Grants {
	return Grants{Reserved: []string{"a.state"}, Tenants: tenants{"b": {Name: "b"}, "a": {Name: "a",
		Topics: []string{"a.*", "shared"}, Groups: []string{"team-*"}, Client: map[string]string{"sasl.username": "${p:u}"}}},
		Resolve: func(config host.Config) (host.Config, error) {
			resolved := host.Config{}
			for key, value := range config {
				text := strings.ReplaceAll(*value, "${p:u}", "ann")
				resolved[key] = &text
			}
			return resolved, nil
		}}
}

func configOf(pairs ...string) host.Config {
	config := host.Config{}
	for i := 0; i < len(pairs); i += 2 {
		config[pairs[i]] = &pairs[i+1]
	}
	return config
}

func TestConfigurationsAskForWhatIsGranted(t *testing.T) {
	for _, c := range []struct{ connector, key, value, says string }{
		{"a::x", "topics", "a.one, shared", ""},
		{"a::x", "topics", "a.one,b.two", "may not use the topic b.two"},
		{"a::x", "topics", "a.state", "may not use the topic a.state"},
		{"x", "topics", "a.state,b.two", ""},
		{"a::x", "topics.regex", `a\..*`, ""},
		{"a::x", "topics.regex", `.*`, ""}, // found out when it matches another's
		{"a::x", "topics.regex", `b\..*`, `may not use the topics b\..*`},
		{"a::x", "topics.regex", `other`, "may not use the topic other"},
		{"a::x", "errors.deadletterqueue.topic.name", "dlq", "may not use the topic dlq"},
		{"a::x", "offsets.storage.topic", "connect-configs", "may not use the topic connect-configs"},
		{"a::x", "consumer.override.group.id", "team-1", ""},
		{"a::x", "consumer.override.group.id", "a::own", ""},
		{"a::x", "consumer.override.group.id", "connect-a::own", ""},
		{"a::x", "consumer.override.group.id", "connect-b::x", "may not use the consumer group connect-b::x"},
		{"a::x", "consumer.override.group.id", "connect-x", "may not use the consumer group connect-x"},
		{"x", "consumer.override.group.id", "anything", ""},
		{"x", "consumer.override.group.id", "connect-a::x", "is a tenant's"},
		{"a::x", "producer.override.bootstrap.servers", "h:1", "may not override bootstrap.servers"},
		{"a::x", "admin.override.ssl.keystore.location", "/etc/shadow", "may not override ssl.keystore.location"},
		{"a::x", "producer.override.transactional.id", "t", "may not override transactional.id"},
		{"x", "producer.override.bootstrap.servers", "h:1", ""},
		{"a::x", "producer.override.acks", "1", ""},
		{"gone::x", "topics", "a.one", "Tenant gone not found"},
	} {
		_, err := grants().Client(c.connector, configOf(c.key, c.value))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s with %s=%s: %v, want %q", c.connector, c.key, c.value, err, c.says)
		}
	}
}

func TestRecordsClientIsStrongerThanTheConnectors(t *testing.T) {
	config := configOf("producer.override.sasl.username", "bob")
	got, err := grants().Client("a::x", config)
	if err != nil || got.Get("producer.override.sasl.username") != "ann" ||
		got.Get("admin.override.sasl.username") != "ann" {
		t.Errorf("%v, %v", got, err)
	}
	if config.Get("producer.override.sasl.username") != "bob" {
		t.Error("the configuration itself was changed")
	}
}

// kafka is a client that takes everything, and a consumer with records of some topics.
type kafka struct {
	host.Clients
	sent   []string
	topics []string
}

func (k *kafka) Producer(host.TaskID, host.Config) (host.Producer, error) { return k, nil }

func (k *kafka) DeadLetters(context.Context, host.TaskID, host.Config, string, int16) (host.Producer, error) {
	return k, nil
}

func (k *kafka) Open(context.Context, host.TaskID, host.Config, string) (host.TransactionalProducer, error) {
	return transactional{k}, nil
}

func (k *kafka) Send(_ context.Context, records []host.ProducerRecord, _ func(int, error)) error {
	for _, r := range records {
		k.sent = append(k.sent, r.Topic)
	}
	return nil
}

func (k *kafka) Close() {}

type transactional struct{ host.Producer }

func (transactional) Offsets(context.Context) ([]host.SourceOffset, error) { return nil, nil }
func (transactional) Begin() error                                         { return nil }
func (transactional) Commit(context.Context, []host.SourceOffset) error    { return nil }
func (transactional) Abort(context.Context) error                          { return nil }

func (k *kafka) Consumer(_ host.TaskID, _ host.Config, r host.Rebalancer) (host.Consumer, error) {
	return &consumer{kafka: k, rebalancer: r}, nil
}

type consumer struct {
	host.Consumer
	kafka      *kafka
	rebalancer host.Rebalancer
}

func (c *consumer) Poll(ctx context.Context, _ int, _ time.Duration) (records []host.ConsumerRecord, err error) {
	partitions := map[host.TopicPartition]int64{}
	for _, topic := range c.kafka.topics {
		partitions[host.TopicPartition{Topic: topic}] = 0
		records = append(records, host.ConsumerRecord{Topic: topic})
	}
	c.rebalancer.Assigned(ctx, partitions)
	return records, nil
}

func (c *consumer) Close(ctx context.Context) {
	var all []host.TopicPartition
	for _, topic := range c.kafka.topics {
		all = append(all, host.TopicPartition{Topic: topic})
	}
	c.rebalancer.Revoked(ctx, all)
}

// heard notes the topics that a task hears of.
type heard struct{ assigned, revoked []string }

func (h *heard) Assigned(_ context.Context, partitions map[host.TopicPartition]int64) {
	for tp := range partitions {
		h.assigned = append(h.assigned, tp.Topic)
	}
}

func (h *heard) Revoked(_ context.Context, partitions []host.TopicPartition) {
	for _, tp := range partitions {
		h.revoked = append(h.revoked, tp.Topic)
	}
}

func (h *heard) Lost(context.Context, []host.TopicPartition) {}

func TestProducersSendToTheTenantsTopics(t *testing.T) {
	ctx, task := t.Context(), host.TaskID{Connector: "a::x"}
	for name, open := range map[string]func(*kafka, host.TaskID) (host.Producer, error){
		"producer": func(k *kafka, id host.TaskID) (host.Producer, error) { return grants().Clients(k).Producer(id, nil) },
		"dead letters": func(k *kafka, id host.TaskID) (host.Producer, error) {
			return grants().Clients(k).DeadLetters(ctx, id, nil, "a.dlq", 1)
		},
		"transaction": func(k *kafka, id host.TaskID) (host.Producer, error) {
			return grants().Transactions(k).Open(ctx, id, nil, "")
		},
	} {
		k := &kafka{}
		producer, err := open(k, task)
		if err != nil {
			t.Fatal(err)
		}
		var refused *NotGranted
		err = producer.Send(ctx, []host.ProducerRecord{{Topic: "a.one"}, {Topic: "b.two"}}, nil)
		if !errors.As(err, &refused) || refused.Name != "b.two" || len(k.sent) > 0 {
			t.Errorf("%s: %v, sent %v", name, err, k.sent)
		}
		if err := producer.Send(ctx, []host.ProducerRecord{{Topic: "a.one"}, {Topic: "shared"}}, nil); err != nil ||
			len(k.sent) != 2 {
			t.Errorf("%s: %v, sent %v", name, err, k.sent)
		}
		if producer, err = open(k, host.TaskID{Connector: "x"}); err != nil {
			t.Fatal(err)
		}
		if err := producer.Send(ctx, []host.ProducerRecord{{Topic: "b.two"}}, nil); err != nil {
			t.Errorf("%s of the default tenant: %v", name, err)
		}
	}
	if _, err := grants().Clients(&kafka{}).DeadLetters(ctx, task, nil, "b.dlq", 1); err == nil {
		t.Error("another's dead-letter topic is opened")
	}
}

func TestConsumersReadTheTenantsTopics(t *testing.T) {
	for pattern, names := range map[string]bool{"": true, ".*": false} {
		k, h := &kafka{topics: []string{"a.one", "b.two"}}, &heard{}
		config := configOf("topics.regex", pattern)
		consumer, err := grants().Clients(k).Consumer(host.TaskID{Connector: "a::x"}, config, h)
		if err != nil {
			t.Fatal(err)
		}
		records, err := consumer.Poll(t.Context(), 10, 0)
		var refused *NotGranted
		if !errors.As(err, &refused) || len(records) > 0 || strings.Contains(err.Error(), "b.two") != names {
			t.Errorf("topics.regex=%s: %v, %v", pattern, records, err)
		}
		consumer.Close(t.Context())
		if strings.Join(h.assigned, ",") != "a.one" || strings.Join(h.revoked, ",") != "a.one" {
			t.Errorf("the task hears of %v, then loses %v", h.assigned, h.revoked)
		}
	}
}
