package task

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/recordjson"
)

func converterStage(class, kind string) pipeline.Stage {
	s := pipeline.Stage{Stage: abi.Stage{Kind: kind}}
	s.Found = plugin.Plugin{Module: "stock", Digest: strings.Repeat("ab", 32)}
	s.Found.Class, s.Found.Version = class, "4.1.1"
	return s
}

const jsonConverter = "org.apache.kafka.connect.json.JsonConverter"

func TestReportOfAConsumedRecord(t *testing.T) {
	record := consumed{&host.ConsumerRecord{Topic: "t", Partition: 3, Offset: 42, TimestampMs: 1234,
		TimestampType: host.CreateTime, Value: []byte("{")}}
	f := &pipeline.RecordFailure{Code: abi.CodeData, Stage: converterStage(jsonConverter, abi.KindValueConverter),
		Message: "Converting byte[] to Kafka Connect data failed",
		Details: pipeline.Details{Field: "a.b", Causes: "Caused by: x.SerializationException: eof"}}
	r := newReport(f, record)
	id := host.TaskID{Connector: "c", Task: 2}
	want := "Error encountered in task c-2. Executing stage 'VALUE_CONVERTER' with class '" + jsonConverter +
		"', where consumed record is {topic='t', partition=3, offset=42, timestamp=1234, timestampType=CreateTime}."
	if got := r.logged(id, true); got != want {
		t.Errorf("logged\n%s, want\n%s", got, want)
	}
	if got := r.logged(id, false); got != want[:strings.Index(want, ", where")]+"." {
		t.Errorf("logged %s", got)
	}
	trace := r.trace()
	for _, line := range []string{
		"org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed\n",
		"\tat stage VALUE_CONVERTER, plugin " + jsonConverter + ", version 4.1.1 (module stock, abababababab)\n",
		"\tat field a.b\n", "\tat record t-3@42 (topic, partition, offset)\n", "Caused by: x.SerializationException: eof\n",
		"\tremedy: these bytes are no JSON: set value.converter to "} {
		if !strings.Contains(trace, line) {
			t.Errorf("the trace lacks %q:\n%s", line, trace)
		}
	}
	var keys []string
	for _, h := range r.headers(id) {
		keys = append(keys, h.Key)
	}
	wantKeys := []string{"topic", "partition", "offset", "connector.name", "task.id", "stage", "class.name",
		"exception.class.name", "exception.message", "exception.stacktrace"}
	for i := range wantKeys {
		wantKeys[i] = "__connect.errors." + wantKeys[i]
	}
	if !slices.Equal(keys[:len(wantKeys)], wantKeys) {
		t.Errorf("headers %v", keys)
	}
}

func TestALetterKeepsItsFirstHeaders(t *testing.T) {
	record := consumed{&host.ConsumerRecord{Topic: "dlq", TimestampMs: -1,
		Headers: []host.Header{header("__connect.errors.topic", "first"), header("x", "y")}}}
	f := &pipeline.RecordFailure{Code: abi.CodeData, Stage: converterStage(jsonConverter, abi.KindValueConverter)}
	r := newReport(f, record)
	c := &Config{Errors: Tolerance{DeadLetters: DeadLetters{Topic: "dlq2", ContextHeaders: true}}}
	letter := r.letter(c)
	if letter.Topic != "dlq2" || letter.TimestampMs != abi.NoTimestamp || letter.Partition != -1 || letter.Key != nil ||
		letter.Value != nil {
		t.Errorf("%+v", letter)
	}
	topics := 0
	for _, h := range letter.Headers {
		if h.Key == "__connect.errors.topic" {
			topics++
		}
	}
	if topics != 1 || string(letter.Headers[0].Value) != "first" || letter.Headers[1].Key != "x" {
		t.Errorf("headers %v", letter.Headers)
	}
	c.Errors.DeadLetters.ContextHeaders = false
	if letter := r.letter(c); len(letter.Headers) != 2 {
		t.Errorf("headers %v", letter.Headers)
	}
}

func TestRemedies(t *testing.T) {
	avro := []byte{0, 0, 0, 0, 7, 2, 4}
	cases := []struct {
		class, kind, message string
		raw                  []byte
		want                 string
	}{
		{jsonConverter, abi.KindValueConverter, "Converting byte[] to Kafka Connect data failed", avro,
			"looks like Confluent wire format (schema id 7): set value.converter to io.confluent.connect.avro.AvroConverter"},
		{jsonConverter, abi.KindKeyConverter, "Converting byte[] to Kafka Connect data failed", avro, "set key.converter to"},
		{jsonConverter, abi.KindKeyConverter, "Converting byte[] to Kafka Connect data failed", []byte("x"), "no JSON"},
		{jsonConverter, abi.KindValueConverter,
			`JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain others`, []byte("{}"),
			"set value.converter.schemas.enable=false"},
		{"org.apache.kafka.connect.transforms.InsertField$Value", abi.KindTransform,
			"Only Struct objects supported for [field insertion], found: java.lang.String", nil, "HoistField"},
		{"org.apache.kafka.connect.transforms.Cast$Value", abi.KindTransform,
			"Value (x) was out of range for requested data type", nil, "another type in transforms.t.spec"},
		{"org.apache.kafka.connect.transforms.TimestampConverter$Key", abi.KindTransform,
			"Could not parse timestamp: value (x) does not match pattern (y)", nil, "set transforms.t.format"},
		{"org.apache.kafka.connect.transforms.ExtractField$Key", abi.KindTransform, "Unknown field: a.b", nil,
			"under transforms.t "},
		{"io.confluent.connect.avro.AvroConverter", abi.KindValueConverter, "Unknown magic byte!", []byte(`{"a":1}`),
			"set value.converter to org.apache.kafka.connect.json.JsonConverter with value.converter.schemas.enable=false"},
		{"io.confluent.connect.avro.AvroConverter", abi.KindValueConverter, "Unknown magic byte!", []byte("text"),
			"not written with a schema registry"},
		{"io.confluent.connect.avro.AvroConverter", abi.KindKeyConverter,
			"schema 7: the schema registry answered GET /schemas/ids/7 with 404: Schema not found (error code 40403)", avro,
			"schema id 7 is not in this registry: check key.converter.schema.registry.url"},
		{"my.Converter", abi.KindValueConverter, "bad", avro, ""},
		{"my.CastConverter", abi.KindHeaderConverter, "Size of data received by X is not 8", nil, "set header.converter"},
	}
	for _, c := range cases {
		f := &pipeline.RecordFailure{Stage: converterStage(c.class, c.kind), Message: c.message}
		f.Stage.Alias = "t"
		if got := Remedy(f, c.raw); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.message, got, c.want)
		}
	}
}

func TestUnsettledOffsetsHoldBackCommits(t *testing.T) {
	u, a, b := newUnsettled(), host.TopicPartition{Topic: "a"}, host.TopicPartition{Topic: "b"}
	for _, offset := range []int64{7, 3, 5} {
		u.add(a, offset)
	}
	check := func(tp host.TopicPartition, want int64) {
		t.Helper()
		if got := u.limit(tp, 10); got != want {
			t.Errorf("limit of %v = %d, want %d", tp, got, want)
		}
	}
	check(a, 3)
	check(b, 10)
	u.answered(a, 3, nil)
	check(a, 5)
	u.answered(a, 5, errors.New("refused"))
	check(a, 5)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := u.await(ctx); err == nil {
		t.Error("a letter without answer is not waited for")
	}
	u.answered(a, 7, nil)
	if err := u.await(t.Context()); err != nil {
		t.Error(err)
	}
	check(a, 5)
	u.forget(a)
	check(a, 10)
}

func TestValuesAsJSON(t *testing.T) {
	s := &abi.Schema{Type: abi.TypeStruct, Fields: []abi.Field{{Name: "a", Schema: &abi.Schema{Type: abi.TypeInt32}},
		{Name: "b", Schema: &abi.Schema{Type: abi.TypeString, Optional: true}}}}
	for want, x := range map[string]any{
		`{"a":1,"b":null}`:        &abi.Struct{Schema: s, Values: []any{int32(1), nil}},
		`[true,"x\"",1.5,"-Inf"]`: []any{true, `x"`, 1.5, math.Inf(-1)},
		`{"k":{"1":"AQI="}}`: &abi.OrderedMap{Pairs: []abi.Pair{{Key: "k",
			Value: &abi.OrderedMap{Pairs: []abi.Pair{{Key: int64(1), Value: []byte{1, 2}}}}}}},
		`1700000000000`: time.UnixMilli(1700000000000),
	} {
		if got := string(recordjson.AppendValue(nil, x)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestTraceNamesARefusedLetter(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", &DeadLetterError{"dlq", "record t-0@1", errors.New("TOO_LARGE")})
	want := "org.apache.kafka.connect.errors.ConnectException: " + err.Error() +
		"\n\tat record t-0@1\nCaused by: TOO_LARGE\n\tremedy: make topic dlq take the record, or name another one in " +
		"errors.deadletterqueue.topic.name\n"
	if got := Trace(err); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
