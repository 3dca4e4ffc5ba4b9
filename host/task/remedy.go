package task

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/pipeline"
)

// advice is what to do about failures whose messages Connect's users know and rarely understand. The messages stay as
// Connect has them; this stands beside them.
type advice struct {
	class string // suffix of the plugin's class, "" any
	says  string // part of the message
	then  string // PREFIX stands for key.converter or value.converter
}

var advices = []advice{
	{"JsonConverter", `requires "schema" and "payload" fields`,
		"this is JSON without Connect's envelope: set PREFIX.schemas.enable=false, or write it with schemas.enable=true"},
	{"JsonConverter", "Unknown schema type",
		"the schema of the envelope is not one of Connect's: mend the producer, or set PREFIX.schemas.enable=false to read " +
			"it as plain JSON"},
	{"JsonConverter", "Converting byte[] to Kafka Connect data failed",
		"these bytes are no JSON: set PREFIX to the converter that fits what the producer writes"},
	{"", "Only Struct objects supported",
		"this stage needs a schema: use a converter with one (JsonConverter with schemas.enable=true, AvroConverter), or a " +
			"transformation for maps"},
	{"", "Only Map objects supported",
		"this stage works on maps and structs: a plain value must be put into one first (HoistField)"},
	{"", "Size of data received by",
		"the bytes are of another length than this type has: set PREFIX to the converter that fits the producer's " +
			"serializer"},
}

// remedy is what to do about a failure, "" when nothing is known.
func remedy(f *pipeline.RecordFailure, record original) string {
	prefix := "value.converter"
	if f.Stage.Kind == abi.KindKeyConverter {
		prefix = "key.converter"
	}
	if text := wireFormat(f, record.raw(f.Stage.Kind)); text != "" {
		return strings.ReplaceAll(text, "PREFIX", prefix)
	}
	for _, a := range advices {
		if strings.HasSuffix(f.Stage.Found.Class, a.class) && strings.Contains(f.Message, a.says) {
			return strings.ReplaceAll(a.then, "PREFIX", prefix)
		}
	}
	return ""
}

// wireFormatBytes is the length of what Confluent's serializers put before the data: a zero and the schema's id.
const wireFormatBytes = 5

// wireFormat finds records of a schema registry at converters that know none.
func wireFormat(f *pipeline.RecordFailure, raw []byte) string {
	if f.Stage.From || len(raw) < wireFormatBytes || raw[0] != 0 ||
		!strings.HasPrefix(f.Stage.Found.Class, "org.apache.kafka.connect.") {
		return ""
	}
	return fmt.Sprintf("the record begins with byte 0 and looks like Confluent wire format (schema id %d): set PREFIX to "+
		"io.confluent.connect.avro.AvroConverter, or the converter for Protobuf or JSON Schema, with "+
		"PREFIX.schema.registry.url", binary.BigEndian.Uint32(raw[1:wireFormatBytes]))
}
