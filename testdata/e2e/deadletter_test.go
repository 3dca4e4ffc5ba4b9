package e2e

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// poisonEvery is how often a record of the poisoned topics and files is one that can't be processed.
const poisonEvery = 997

// poisonedAt is the timestamp of these records; the broker deletes what is older than a week.
var poisonedAt = time.Now().UnixMilli()

func isPoison(k int) bool { return k%poisonEvery == poisonEvery/2 }

// deadLettersTo makes a connector skip what fails, into a topic.
func deadLettersTo(topic string) keys {
	return keys{"errors.tolerance": "all", "errors.deadletterqueue.topic.name": topic,
		"errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true"}
}

func headerOf(r kafkatest.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func TestE2EPoisonedTopic(t *testing.T) {
	for _, e := range append(endings, ending{name: "undisturbed"}) {
		t.Run(e.name, func(t *testing.T) { drinkPoisonedTopic(t, e) })
	}
}

func drinkPoisonedTopic(t *testing.T, e ending) {
	p := startProcess(t)
	n, output, topic, dlq, name := lineCount(t)/4, p.file("out.txt"), p.name("poisoned"), p.name("dlq"), p.name("out")
	p.CreateTopic(t, topic, 1)
	p.ProduceEach(t, func(yield func(kafkatest.Record) bool) {
		for k := range n {
			text := fmt.Appendf(nil, `{"k":"%09d"}`, k)
			if isPoison(k) {
				text = text[:len(text)-1]
			}
			if !yield(kafkatest.Record{Topic: topic, Key: []byte(strconv.Itoa(k)), Value: text, Timestamp: poisonedAt,
				Headers: []kafkatest.Header{{Key: "own", Value: []byte("h")}}}) {
				return
			}
		}
	})
	config := keys{"value.converter": asJSON, "value.converter.schemas.enable": "false"}
	p.put(name, p.sink(output, topic).with(config).with(deadLettersTo(dlq)))
	if e.end != nil {
		for i := range interruptions {
			p.interrupt(e, i, func() int64 { return fileSize(t, output) }, int64(n*len("{k=000000000}\n")))
		}
	}
	p.awaitCommitted(name, topic, int64(n))
	goods := counts{t: t, e: e, seen: make([]int, n)}
	eachLine(t, output, func(line []byte) { goods.addLine(line) })
	goods.finish("good", func(k int) bool { return !isPoison(k) })
	bads := counts{t: t, e: e, seen: make([]int, n)}
	p.Each(t, dlq, func(r kafkatest.Record) { bads.addLetter(r, topic, name) })
	bads.finish("bad", isPoison)
}

// counts is how often each of the numbered records was met.
type counts struct {
	t    *testing.T
	e    ending
	seen []int
	torn int
}

func (c *counts) add(k int) {
	if k < 0 || k >= len(c.seen) {
		c.t.Fatalf("there is no record %d", k)
	}
	c.seen[k]++
}

// addLine counts a line that the file sink made of a good record.
func (c *counts) addLine(line []byte) {
	k, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(string(line), "{k="), "}"))
	if err != nil || len(line) != len("{k=000000000}") {
		c.torn++
		return
	}
	c.add(k)
}

// addLetter counts a bad record, which must be what was consumed, byte for byte, with what is known about its failure.
func (c *counts) addLetter(r kafkatest.Record, topic, connector string) {
	c.t.Helper()
	k, err := strconv.Atoi(string(r.Key))
	if err != nil || string(r.Value) != fmt.Sprintf(`{"k":"%09d"`, k) || r.Timestamp != poisonedAt ||
		headerOf(r, "own") != "h" {
		c.t.Fatalf("a letter is not what was consumed: %+v", r)
	}
	c.add(k)
	for key, want := range map[string]string{
		"__connect.errors.topic": topic, "__connect.errors.partition": "0", "__connect.errors.offset": strconv.Itoa(k),
		"__connect.errors.connector.name": connector, "__connect.errors.task.id": "0",
		"__connect.errors.stage": "VALUE_CONVERTER", "__connect.errors.class.name": asJSON,
		"__connect.errors.exception.class.name": "org.apache.kafka.connect.errors.DataException",
		"__connect.errors.exception.message": "Converting byte[] to Kafka Connect data failed due to " +
			"serialization error: ",
		"__berth.errors.plugin.module": "stock", "__berth.errors.plugin.version": "4.1.1",
	} {
		if got := headerOf(r, key); got != want {
			c.t.Fatalf("record %d: header %s = %q, want %q", k, key, got, want)
		}
	}
	if trace := headerOf(r, "__connect.errors.exception.stacktrace"); !strings.Contains(trace,
		fmt.Sprintf("%s-0@%d", topic, k)) {
		c.t.Fatalf("record %d: trace %q", k, trace)
	}
}

// finish checks that each record that should be there was met, once unless the worker was killed, and no other.
func (c *counts) finish(what string, should func(int) bool) {
	c.t.Helper()
	again := 0
	for k, times := range c.seen {
		switch {
		case should(k) && times == 0:
			c.t.Fatalf("%s record %d is lost", what, k)
		case !should(k) && times > 0:
			c.t.Fatalf("record %d is where the %s ones are", k, what)
		case times > 1:
			again += times - 1
		}
	}
	c.t.Logf("%s records: %d came again, %d lines are torn", what, again, c.torn)
	if again > 0 && !c.e.twice {
		c.t.Errorf("%d %s records came twice", again, what)
	}
	if c.torn > c.e.torn {
		c.t.Errorf("%d lines are torn, at most %d may be", c.torn, c.e.torn)
	}
}

func TestE2EPoisonedFile(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) { drinkPoisonedFile(t, e) })
	}
}

func drinkPoisonedFile(t *testing.T, e ending) {
	p := startProcess(t)
	p.mustUpload("kit", "./guest-sdk/go/guesttest/kitmain")
	n, input, topic, dlq, name := lineCount(t)/4, p.file("in.txt"), p.name("lines"), p.name("dlq"), p.name("in")
	var text bytes.Buffer
	ends := map[string]int{} // of bad lines: offset behind it, and which it is
	for k := range n {
		if isPoison(k) {
			text.WriteString("data\n") // what kit.Fail fails on
			ends[fmt.Sprintf(`{"position":%d}`, text.Len())] = k
			continue
		}
		fmt.Fprintf(&text, "%09d\n", k)
	}
	if err := os.WriteFile(input, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	p.put(name, p.source(input, topic).with(keys{"transforms": "f", "transforms.f.type": "kit.Fail"}).
		with(deadLettersTo(dlq)))
	for i := range interruptions {
		p.interrupt(e, i, func() int64 { return p.Count(t, topic) }, int64(n))
	}
	p.awaitPosition(name, int64(text.Len()))
	goods := counts{t: t, e: e, seen: make([]int, n)}
	p.Each(t, topic, func(r kafkatest.Record) {
		k, err := strconv.Atoi(string(r.Value))
		if err != nil {
			t.Fatalf("%q was sent", r.Value)
		}
		goods.add(k)
	})
	goods.finish("good", func(k int) bool { return !isPoison(k) })
	bads := counts{t: t, e: e, seen: make([]int, n)}
	p.Each(t, dlq, func(r kafkatest.Record) {
		k, known := ends[headerOf(r, "__berth.errors.source.offset")]
		if !known || string(r.Value) != "data" || headerOf(r, "__connect.errors.stage") != "TRANSFORMATION" ||
			headerOf(r, "__berth.errors.plugin.alias") != "f" {
			t.Fatalf("a letter of no line: %+v", r)
		}
		bads.add(k)
	})
	bads.finish("bad", isPoison)
}

// A task whose dead letters can't be written fails by name, and what it could not write comes again.
func TestE2EDeadLettersThatCannotBeWritten(t *testing.T) {
	p := startProcess(t)
	topic, name, output := p.name("json"), p.name("out"), p.file("out.txt")
	p.CreateTopic(t, topic, 1)
	huge := `{"a":"` + strings.Repeat("x", 100_000)
	for _, text := range []string{`{"a":1}`, huge, `{"a":3}`} {
		p.Produce(t, kafkatest.Record{Topic: topic, Value: []byte(text)})
	}
	config := p.sink(output, topic).with(keys{"value.converter": asJSON, "value.converter.schemas.enable": "false"})

	dlq := p.name("dlq")
	p.put(name, config.with(deadLettersTo(dlq)).with(keys{"errors.deadletterqueue.topic.replication.factor": "99"}))
	contains(t, p.awaitFailure(name), "Could not initialize dead letter queue with topic="+dlq,
		"INVALID_REPLICATION_FACTOR", "errors.deadletterqueue.topic.replication.factor (now 99)")
	if size := fileSize(t, output); size != 0 {
		t.Errorf("%d bytes are written by a task without its dead-letter topic", size)
	}

	small := config.with(deadLettersTo(dlq)).with(keys{"producer.override.max.request.size": "2048"})
	p.put(name, small)
	p.await("the other failure", func() bool {
		return strings.Contains(p.awaitFailure(name), "Could not produce message to dead letter queue. topic="+dlq)
	})
	contains(t, p.awaitFailure(name), topic+"-0@1", "MESSAGE_TOO_LARGE", "raise max.request.size")
	if at := p.Committed(t, "connect-"+name, topic)[0]; at > 1 {
		t.Errorf("offset %d is committed: the record at 1 is lost", at)
	}

	p.put(name, config.with(deadLettersTo(dlq)))
	p.awaitRunningAgain(name)
	p.awaitCommitted(name, topic, 3)
	letters := p.Read(t, dlq)
	if len(letters) != 1 || string(letters[0].Value) != huge {
		t.Errorf("%d letters", len(letters))
	}
	text := string(read(t, output))
	if !strings.HasPrefix(text, "{a=1}\n") || !strings.HasSuffix(text, "{a=3}\n") {
		t.Errorf("the file holds %q", text)
	}
}

func TestE2EFailuresNameTheirRemedy(t *testing.T) {
	p := startProcess(t)
	cases := []struct {
		name, value string
		config      keys
		says        []string
	}{
		{"envelope", `{"a":1}`, keys{}, []string{`requires "schema" and "payload" fields`,
			"remedy: this is JSON without Connect's envelope: set value.converter.schemas.enable=false"}},
		{"registry", "\x00\x00\x00\x00\x07\x02a", keys{}, []string{"Confluent wire format (schema id 7)",
			"io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url"}},
		{"field", `{"schema":{"type":"struct","fields":[{"field":"a","type":"struct","fields":[` +
			`{"field":"b","type":"int32"}]}]},"payload":{"a":{"b":null}}}`, keys{}, []string{
			"Invalid null value for required INT32 field", "at field a.b"}},
		{"text", "hello", keys{"value.converter.schemas.enable": "false"}, []string{"these bytes are no JSON",
			"Caused by: org.apache.kafka.common.errors.SerializationException: "}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			topic, name, dlq := p.name(c.name), p.name("out-"+c.name), p.name("dlq-"+c.name)
			p.CreateTopic(t, topic, 1)
			p.Produce(t, kafkatest.Record{Topic: topic, Value: []byte(c.value)})
			config := p.sink(p.file(c.name), topic).with(keys{"value.converter": asJSON}).with(c.config).
				with(deadLettersTo(dlq)).with(keys{"errors.tolerance": "none", "errors.log.enable": "true",
				"errors.log.include.messages": "true"})
			p.put(name, config)
			says := append(c.says, "Tolerance exceeded in error handler", "VALUE_CONVERTER", asJSON, topic+"-0@0")
			contains(t, p.awaitFailure(name), says...)
			letters := p.Read(t, dlq)
			if len(letters) != 1 {
				t.Fatalf("%d letters", len(letters))
			}
			contains(t, headerOf(letters[0], "__connect.errors.exception.stacktrace"), c.says...)
			if headerOf(letters[0], "__berth.errors.remedy") == "" && headerOf(letters[0], "__berth.errors.field") == "" {
				t.Error("the letter names neither remedy nor field")
			}
			contains(t, string(read(t, p.log.Name())), "Error encountered in task "+name+"-0. Executing stage "+
				"'VALUE_CONVERTER' with class '"+asJSON+"', where consumed record is {topic='"+topic+
				"', partition=0, offset=0, timestamp=")
		})
	}
}

func TestE2ERetriesOfTransformations(t *testing.T) {
	p := startProcess(t)
	p.mustUpload("flaky", "./testdata/guests/flaky")
	topic, name, output, dlq := p.name("flaky"), p.name("out"), p.file("out.txt"), p.name("dlq")
	p.CreateTopic(t, topic, 1)
	for _, text := range []string{"a", "later", "b", "never", "c"} {
		p.Produce(t, kafkatest.Record{Topic: topic, Value: []byte(text)})
	}
	config := p.sink(output, topic).with(keys{"transforms": "l", "transforms.l.type": "flaky.Later",
		"errors.retry.timeout": "2000", "errors.retry.delay.max.ms": "400"})
	p.put(name, config)
	contains(t, p.awaitFailure(name), "Tolerance exceeded in error handler", "flaky.Later", topic+"-0@3",
		"Caused by: org.apache.kafka.connect.errors.RetriableException: never")
	if got := string(read(t, output)); got != "a\nlater\nb\n" {
		t.Errorf("the file holds %q", got)
	}
	p.put(name, config.with(deadLettersTo(dlq)))
	p.awaitRunningAgain(name)
	p.awaitCommitted(name, topic, 5)
	if got := string(read(t, output)); got != "a\nlater\nb\nc\n" {
		t.Errorf("the file holds %q", got)
	}
	if letters := p.Read(t, dlq); len(letters) != 1 || string(letters[0].Value) != "never" {
		t.Errorf("letters %+v", letters)
	}
	_, metrics := p.call("GET", "/metrics", nil)
	for metric, least := range map[string]float64{"record_failures_total": 4, "record_errors_total": 2,
		"records_skipped_total": 1, "retries_total": 4, "deadletterqueue_produce_requests_total": 1} {
		if got := metricOf(t, metrics, "kafka_connect_task_error_"+metric+`{connector="`+name); got < least {
			t.Errorf("%s is %v, at least %v is due", metric, got, least)
		}
	}
}

// metricOf finds the value of the series that begins so.
func metricOf(t *testing.T, metrics []byte, series string) float64 {
	t.Helper()
	for line := range strings.Lines(string(metrics)) {
		if rest, ok := strings.CutPrefix(line, series); ok {
			fields := strings.Fields(rest)
			value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err != nil {
				t.Fatalf("metric %s: %v", line, err)
			}
			return value
		}
	}
	t.Errorf("there is no metric %s", series)
	return 0
}
