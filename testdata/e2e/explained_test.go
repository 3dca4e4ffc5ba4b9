package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// structOf is JSON in Connect's envelope: a struct with one field.
func structOf(field, kind, value string) string {
	return `{"schema":{"type":"struct","fields":[{"field":"` + field + `","type":"` + kind + `"}]},"payload":{"` + field +
		`":` + value + `}}`
}

// transformed is a sink's part with one transformation t of Connect's; pairs are its keys.
func transformed(plugin, envelope string, pairs ...string) keys {
	config := keys{"value.converter": asJSON, "value.converter.schemas.enable": envelope, "transforms": "t",
		"transforms.t.type": transformsOf + plugin}
	for i := 0; i < len(pairs); i += 2 {
		config["transforms.t."+pairs[i]] = pairs[i+1]
	}
	return config
}

// TestE2EBadRecordsAreExplained makes the mistakes that users make, and reads what they would: the task's trace over
// REST, the log, and the headers of the dead letter. Each names stage, plugin, place, field and what to do.
func TestE2EBadRecordsAreExplained(t *testing.T) {
	const (
		avro      = "io.confluent.connect.avro.AvroConverter"
		longs     = "org.apache.kafka.connect.converters.LongConverter"
		transform = "TRANSFORMATION"
	)
	fromRegistry := "\x00\x00\x00\x00\x07\x02\x06cup"
	p := startProcess(t)
	for _, c := range []struct {
		name, value          string
		config               keys
		stage, plugin, field string
		message, remedy      string
	}{
		{"no-envelope", `{"a":1}`, keys{"value.converter": asJSON, "value.converter.schemas.enable": "true"},
			"VALUE_CONVERTER", asJSON, "", `requires "schema" and "payload"`, "set value.converter.schemas.enable=false"},
		{"registry-to-json", fromRegistry, keys{"value.converter": asJSON, "value.converter.schemas.enable": "false"},
			"VALUE_CONVERTER", asJSON, "", "Converting byte[]", "(schema id 7): set value.converter to " + avro},
		{"json-to-avro", `{"a":1}`, keys{"value.converter": avro,
			"value.converter.schema.registry.url": "http://127.0.0.1:1"}, "VALUE_CONVERTER", avro, "", "Unknown magic byte!",
			"set value.converter to " + asJSON + " with value.converter.schemas.enable=false"},
		{"no-number", `{"price":"8,20"}`, transformed("Cast$Value", "false", "spec", "price:float64"),
			transform, transformsOf + "Cast$Value", "price", "Value (8,20) was out of range", "transforms.t.spec"},
		{"no-number-in-struct", structOf("price", "string", `"dear"`),
			transformed("Cast$Value", "true", "spec", "price:int8"),
			transform, transformsOf + "Cast$Value", "price", "Value (dear) was out of range", "transforms.t.spec"},
		{"no-field", structOf("city", "string", `"Bonn"`), transformed("ExtractField$Value", "true", "field", "town"),
			transform, transformsOf + "ExtractField$Value", "town", "Unknown field: town", "no such field"},
		{"no-key-field", structOf("city", "string", `"Bonn"`), transformed("ValueToKey", "true", "fields", "id"),
			transform, transformsOf + "ValueToKey", "id", "Field does not exist: id", "transforms.t.predicate"},
		{"wrong-format", `{"at":"2023-11-14T22:13:20Z"}`, transformed("TimestampConverter$Value", "false", "field", "at",
			"format", "yyyy-MM-dd HH:mm", "target.type", "Timestamp"),
			transform, transformsOf + "TimestampConverter$Value", "at", "Could not parse timestamp",
			"set transforms.t.format"},
		{"masked-map", `{"card":{"n":1}}`, transformed("MaskField$Value", "false", "fields", "card", "replacement", "*"),
			transform, transformsOf + "MaskField$Value", "card", "Cannot mask value", "transforms.t.replacement"},
		{"null", structOf("city", "string", "null"), keys{"value.converter": asJSON,
			"value.converter.schemas.enable": "true"}, "VALUE_CONVERTER", asJSON, "city",
			"Invalid null value for required STRING field", `declare "optional": true`},
		{"no-long", "17", keys{"value.converter": longs}, "VALUE_CONVERTER", longs, "", "Failed to deserialize long",
			"set value.converter to the converter that fits"},
		{"no-struct", "cup", keys{"transforms": "t", "transforms.t.type": transformsOf + "InsertField$Value",
			"transforms.t.topic.field": "from"}, transform, transformsOf + "InsertField$Value", "",
			"Only Struct objects supported", "HoistField"},
	} {
		t.Run(c.name, func(t *testing.T) {
			topic, dlq := p.name(c.name), p.name("dlq-"+c.name)
			p.CreateTopic(t, topic, 1)
			p.Produce(t, kafkatest.Record{Topic: topic, Value: []byte(c.value)})
			config := p.sink(p.file(c.name), topic).with(c.config)
			p.put(topic, config)
			says := []string{c.message, "at stage " + c.stage, "plugin " + c.plugin + ", version", topic + "-0@0", "remedy: ",
				c.remedy}
			if c.field != "" {
				says = append(says, "at field "+c.field+"\n")
			}
			contains(t, p.awaitFailure(topic), says...)
			p.put(topic, config.with(deadLettersTo(dlq)).with(keys{"errors.log.enable": "true",
				"errors.log.include.messages": "true"}))
			p.awaitRunningAgain(topic)
			p.awaitCommitted(topic, topic, 1)
			checkExplained(t, p.Read(t, dlq)[0], map[string]string{"__connect.errors.topic": topic,
				"__connect.errors.partition": "0", "__connect.errors.offset": "0", "__connect.errors.stage": c.stage,
				"__connect.errors.class.name": c.plugin, "__berth.errors.plugin.class": c.plugin,
				"__berth.errors.field": c.field})
			contains(t, headerOf(p.Read(t, dlq)[0], "__berth.errors.remedy"), c.remedy)
			contains(t, p.logLine("topic='"+topic+"', partition=0, offset=0"), c.stage, c.plugin, "remedy", c.field)
		})
	}
}

func checkExplained(t *testing.T, letter kafkatest.Record, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if got := headerOf(letter, key); got != value {
			t.Errorf("header %s = %q, want %q", key, got, value)
		}
	}
}

// logLine is the line of the worker's log that says something.
func (p *process) logLine(says string) string {
	p.t.Helper()
	found := ""
	p.await("log: "+says, func() bool {
		log, err := os.ReadFile(p.log.Name())
		for line := range strings.Lines(string(log)) {
			if strings.Contains(line, says) {
				found = line
			}
		}
		return err == nil && found != ""
	})
	return found
}
