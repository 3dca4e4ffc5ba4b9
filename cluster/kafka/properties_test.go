package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/berth-connect/berth/host"
)

func TestBadPropertiesNameKeyValueAndRemedy(t *testing.T) {
	for _, c := range []struct{ key, value, remedy string }{
		{"producer.acks", "some", "use one of all, -1, 1, 0"},
		{"producer.linger.ms", "soon", "whole number from 0"},
		{"producer.max.request.size", "12", "whole number from 1024"},
		{"producer.compression.type", "brotli", "none, gzip, snappy, lz4, zstd"},
		{"producer.enable.idempotence", "perhaps", "use true or false"},
		{"consumer.auto.offset.reset", "middle", "earliest, latest, none"},
		{"consumer.partition.assignment.strategy", "a.b.LuckyAssignor", "CooperativeStickyAssignor"},
		{"consumer.group.protocol", "consumer", "classic"},
		{"consumer.security.protocol", "HTTPS", "SASL_SSL"},
		{"bootstrap.servers", "localhost", "host:port"},
		{"bootstrap.servers", "", "at least one host:port"},
		{"metadata.max.age.ms", "1", "at least"},
	} {
		worker := map[string]string{"bootstrap.servers": "b:1", c.key: c.value}
		_, err := NewClients(worker, slog.New(slog.DiscardHandler))
		key := strings.TrimPrefix(strings.TrimPrefix(c.key, "producer."), "consumer.")
		var property *PropertyError
		if !errors.As(err, &property) || property.Key != key || property.Value != c.value ||
			!strings.Contains(property.Remedy, c.remedy) {
			t.Errorf("%s=%q: %v, want an error with %s and %q", c.key, c.value, err, key, c.remedy)
		}
		if err != nil && !errors.Is(err, host.ErrBadRequest) {
			t.Errorf("%s: not a bad request: %v", c.key, err)
		}
	}
}

func TestPasswordsAreNotInErrors(t *testing.T) {
	worker := map[string]string{"bootstrap.servers": "b:1", "security.protocol": "SASL_PLAINTEXT",
		"sasl.mechanism":   "PLAIN",
		"sasl.jaas.config": "PlainLoginModule required hunter2"}
	if _, err := WorkerOptions(worker, "x", slog.New(slog.DiscardHandler)); err == nil || strings.Contains(err.Error(),
		"hunter2") {
		t.Errorf("error = %v, want one without the secret", err)
	}
}

func TestUnknownPropertiesAreReportedOnce(t *testing.T) {
	var out bytes.Buffer
	worker := map[string]string{"bootstrap.servers": "b:1", "producer.lingre.ms": "5", "producer.batch.size": "1",
		"rest.port": "1"}
	c, err := NewClients(worker, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.producerSettings(host.TaskID{}, nil, "p"); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(out.String(), "\n"); got != 1 || !strings.Contains(out.String(), "lingre.ms") {
		t.Errorf("log = %q, want one line about lingre.ms", out.String())
	}
}

func TestPrecedence(t *testing.T) {
	worker := map[string]string{"bootstrap.servers": "b:1", "producer.buffer.memory": "5000",
		"security.protocol": "SASL_SSL",
		"sasl.mechanism":    "PLAIN", "sasl.jaas.config": `x.PlainLoginModule required username="u" password="p";`,
		"consumer.max.poll.records": "7", "consumer.group.id": "theirs"}
	c := newClients(t, "b:1", worker)
	id := host.TaskID{Connector: "c"}
	for want, setting := range map[int64]host.Config{5000: nil, 6000: config("producer.override.buffer.memory", "6000")} {
		if s, err := c.producerSettings(id, setting, "p"); err != nil || s.bufferBytes != want {
			t.Errorf("buffer.memory = %d, %v, want %d", s.bufferBytes, err, want)
		}
	}
	s, err := c.producerSettings(id, nil, "connector-producer-c-0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(s.opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if sasls := client.OptValue(kgo.SASL); len(sasls.([]sasl.Mechanism)) > 0 {
		t.Error("a task's producer has the worker's own login")
	}
	if id := client.OptValue(kgo.ClientID); id != "connector-producer-c-0" {
		t.Errorf("client.id = %v", id)
	}
	override := config("topics", "t", "consumer.override.max.poll.records", "8")
	if s, err := c.consumerSettings(id, override); err != nil || s.maxRecords != 8 || s.group != "theirs" {
		t.Errorf("consumer: %d records, group %s, %v", s.maxRecords, s.group, err)
	}
	if group := newClients(t, "b:1", nil).sinkGroupID("c", config("consumer.override.group.id", "g")); group != "g" {
		t.Errorf("group = %s, want the connector's", group)
	}
}

func TestJAAS(t *testing.T) {
	const class = "org.apache.kafka.common.security.plain.PlainLoginModule"
	for _, c := range []struct {
		text string
		want map[string]string
	}{
		{class + ` required username="alice" password="a b;c\"d\\e";`, map[string]string{"username": "alice",
			"password": `a b;c"d\e`}},
		{class + "\n  required\n username=alice\tpassword='x' ;", map[string]string{"username": "alice", "password": "x"}},
		{"x.ScramLoginModule required username=a password=b tokenauth=true;",
			map[string]string{"username": "a", "password": "b", "tokenauth": "true"}},
		{class + ` required username="alice" password="x"`, nil},
		{class + ` required username="alice";`, nil},
		{class + ` required username="alice" password="x;`, nil},
		{class + ` required username "alice" password = "x";`, nil},
		{"Other required username=a password=b;", nil},
		{"", nil},
	} {
		got, err := parseJAAS(c.text)
		if (err != nil) != (c.want == nil) || !maps.Equal(got, c.want) && c.want != nil {
			t.Errorf("%s: %v, %v, want %v", c.text, got, err, c.want)
		}
	}
}

func FuzzJAAS(f *testing.F) {
	f.Add(`PlainLoginModule required username="alice" password="a\"b";`)
	f.Fuzz(func(t *testing.T, text string) {
		login, err := parseJAAS(text)
		if err == nil && (len(login) < 2 || text == "") {
			t.Errorf("%q: %v", text, login)
		}
	})
}

func TestStoresMustBePEM(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"ssl.truststore.location", "/none/trust.jks", "ssl.truststore.type"},
		{"ssl.truststore.certificates", "no certificate", "ssl.truststore.type"},
	} {
		worker := map[string]string{"bootstrap.servers": "b:1", "security.protocol": "SSL", c.key: c.value}
		_, err := WorkerOptions(worker, "x", slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error about %s", c.key, err, c.want)
		}
		worker["ssl.truststore.type"] = "PEM"
		_, err = WorkerOptions(worker, "x", slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), c.key) {
			t.Errorf("%s as PEM: %v, want an error about it", c.key, err)
		}
	}
}

func TestBackoffGrowsToItsLimit(t *testing.T) {
	next := backoff(100*time.Millisecond, time.Second)
	for fails, want := range map[int]time.Duration{0: 100, 1: 100, 2: 200, 4: 800, 5: 1000, 1 << 30: 1000} {
		want *= time.Millisecond
		if got := next(fails); got < want*8/10 || got > want*12/10 {
			t.Errorf("after %d failures %v, want %v give or take a fifth", fails, got, want)
		}
	}
}

func TestSubscription(t *testing.T) {
	for _, c := range []struct {
		config host.Config
		want   string
	}{
		{config("topics", " a, b ,"), "[a b]"},
		{config("topics.regex", "a.*"), "[]"},
		{config(), "error"},
		{config("topics", "a", "topics.regex", "b"), "error"},
		{config("topics.regex", "a(?=b)"), "error"},
	} {
		s, err := subscription(c.config)
		got := fmt.Sprint(s.names)
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%v: %s (%v), want %s", c.config, got, err, c.want)
		}
	}
}
