//go:build realregistry

package e2e

import (
	"encoding/binary"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// registryConverters are those of the bundled module for schema registries.
var registryConverters = []string{"io.confluent.connect.avro.AvroConverter",
	"io.confluent.connect.json.JsonSchemaConverter", "io.confluent.connect.protobuf.ProtobufConverter"}

// registryAt is the schema registry that testdata/servers/schema-registry.sh started.
func registryAt(t *testing.T) (url, dir string) {
	t.Helper()
	url, dir = os.Getenv("BERTH_TEST_REGISTRY"), os.Getenv("BERTH_TEST_REGISTRY_DIR")
	if url == "" || dir == "" {
		t.Fatal("BERTH_TEST_REGISTRY must name a schema registry, and BERTH_TEST_REGISTRY_DIR the folder that " +
			"testdata/servers/schema-registry.sh started it with")
	}
	return url, dir
}

func controlRegistry(t *testing.T, command, dir string) {
	t.Helper()
	if said, err := exec.Command("testdata/servers/schema-registry.sh", command, dir).CombinedOutput(); err != nil {
		t.Fatalf("schema-registry.sh %s: %v\n%s", command, err, said)
	}
}

// converterOf names a converter for values, with its registry behind an address where nothing listens.
func converterOf(class, url string) keys {
	return keys{"value.converter": class, "value.converter.schema.registry.url": "http://127.0.0.1:1/none," + url,
		"value.converter.retries.wait.ms": "100", "value.converter.http.read.timeout.ms": "1000",
		"value.converter.http.connect.timeout.ms": "1000"}
}

// structured is a line in a struct with two texts beside it.
var structured = keys{"transforms": "hoist,from,topic",
	"transforms.hoist.type": transformsOf + "HoistField$Value", "transforms.hoist.field": "line",
	"transforms.from.type": transformsOf + "InsertField$Value", "transforms.from.static.field": "from",
	"transforms.from.static.value": "a file",
	"transforms.topic.type":        transformsOf + "InsertField$Value", "transforms.topic.topic.field": "topic"}

var plainLine = keys{"transforms": "line", "transforms.line.type": transformsOf + "ExtractField$Value",
	"transforms.line.field": "line"}

// TestE2ERegistryRoundTrip takes lines through structs in each format of the registry and back, while the registry does
// not answer at first, neither to the source nor to the sink.
func TestE2ERegistryRoundTrip(t *testing.T) {
	url, dir := registryAt(t)
	for _, class := range registryConverters {
		t.Run(class[strings.LastIndex(class, ".")+1:], func(t *testing.T) {
			p := startProcess(t)
			n, input, output := lineCount(t)/10, p.file("in.txt"), p.file("out.txt")
			topic, from, to := p.name("structs"), p.name("in"), p.name("out")
			size := writeNumbered(t, input, n)
			t.Cleanup(func() { controlRegistry(t, "resume", dir) })
			controlRegistry(t, "pause", dir)
			p.put(from, p.source(input, topic).with(converterOf(class, url)).with(structured))
			p.awaitLog("a stage asks for the batch again")
			p.awaitState(from, "RUNNING", 1)
			controlRegistry(t, "resume", dir)
			p.awaitPosition(from, size)
			controlRegistry(t, "pause", dir)
			p.put(to, p.sink(output, topic).with(converterOf(class, url)).with(plainLine))
			p.awaitLog("the connector asks for the batch again")
			controlRegistry(t, "resume", dir)
			p.awaitCommitted(to, topic, p.Count(t, topic))
			check := sequence{t: t}
			eachLine(t, output, check.add)
			check.finish(ending{}, n)
			p.checkFrames(topic)
		})
	}
}

// checkFrames expects that each value begins with a zero byte and one and the same id.
func (p *process) checkFrames(topic string) {
	p.t.Helper()
	ids := map[uint32]int{}
	p.Each(p.t, topic, func(r kafkatest.Record) {
		if len(r.Value) < 5 || r.Value[0] != 0 {
			p.t.Fatalf("a value begins with % x", r.Value[:min(len(r.Value), 8)])
		}
		ids[binary.BigEndian.Uint32(r.Value[1:])]++
	})
	if len(ids) != 1 {
		p.t.Errorf("records by id of their schema: %v", ids)
	}
}

func (p *process) awaitLog(text string) {
	p.t.Helper()
	p.await("log: "+text, func() bool {
		log, err := os.ReadFile(p.log.Name())
		return err == nil && strings.Contains(string(log), text)
	})
}

// guardSubject has the registry refuse what readers of the schemas before can't read.
func guardSubject(t *testing.T, url, subject string) {
	t.Helper()
	request, err := http.NewRequest("PUT", url+"/config/"+subject, strings.NewReader(`{"compatibility":"FULL"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("set the compatibility of %s: %s", subject, response.Status)
	}
}

// TestE2ERegistryRefuses shows what a user reads when it is not the record that is at fault, or just the record.
func TestE2ERegistryRefuses(t *testing.T) {
	url, _ := registryAt(t)
	p := startProcess(t)
	avro := converterOf(registryConverters[0], url)
	for name, c := range map[string]struct {
		value []byte
		more  keys
		want  []string
	}{
		"no frame":   {[]byte("{}"), nil, []string{"DataException", "Unknown magic byte", "0x7B"}},
		"unknown id": {[]byte{0, 0x7F, 0xFF, 0xFF, 0xFF, 1}, nil, []string{"schema 2147483647", "404"}},
		"no address": {[]byte{0}, keys{"value.converter.schema.registry.url": "registry"},
			[]string{"schema.registry.url", "http"}},
	} {
		topic := p.name(strings.ReplaceAll(name, " ", "-"))
		p.CreateTopic(t, topic, 1)
		p.Produce(t, kafkatest.Record{Topic: topic, Value: c.value})
		p.put(topic, p.sink(p.file(name), topic).with(avro).with(c.more))
		contains(t, p.awaitFailure(topic), c.want...)
	}
	topic, input := p.name("evolved"), p.file("evolved.txt")
	guardSubject(t, url, topic+"-value")
	size := writeNumbered(t, input, 10)
	first := p.name("first")
	p.put(first, p.source(input, topic).with(avro).with(structured))
	p.awaitPosition(first, size)
	second := p.name("second") // its structs have another field that has no default
	p.put(second, p.source(input, topic).with(avro).with(keys{"transforms": "hoist",
		"transforms.hoist.type": transformsOf + "HoistField$Value", "transforms.hoist.field": "other"}))
	contains(t, p.awaitFailure(second), "subject "+topic+"-value", "409")
}
