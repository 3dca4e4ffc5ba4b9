package task

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/pipeline"
)

// advice is what to do about failures whose messages Connect's users know and rarely understand. The messages stay as
// Connect has them; this stands beside them.
type advice struct {
	plugin string // how its simple name begins, "" any
	says   string // part of the message or of its causes
	then   string // PREFIX stands for key.converter, value.converter or transforms.ALIAS
}

const converterThatFits = "set PREFIX to the converter that fits what the producer writes"

// advices are looked through in order.
var advices = []advice{
	{"JsonConverter", `requires "schema" and "payload" fields`,
		"this is JSON without Connect's envelope: set PREFIX.schemas.enable=false, or write it with schemas.enable=true"},
	{"JsonConverter", "Unknown schema type",
		"the schema of the envelope is not one of Connect's: mend the producer, or set PREFIX.schemas.enable=false " +
			"to read it as plain JSON"},
	{"JsonConverter", "Converting byte[] to Kafka Connect data failed", "these bytes are no JSON: " + converterThatFits},
	{"JsonConverter", "Invalid null value for required",
		`the schema in the record requires a value: have the producer set one, or declare "optional": true`},
	{"", "Unknown magic byte!", "these bytes were not written with a schema registry: " + converterThatFits},
	{"", "Size of data received by", "the bytes are of another length than this type has: set PREFIX to the converter " +
		"that fits the producer's serializer"},
	{"", "is not compatible with objects of type", oneTypeOnly},
	{"", "Invalid schema type for", oneTypeOnly},
	{"Cast", "was out of range for requested data type", "the value is no number of this type, or too large for it: " +
		"take another type in PREFIX.spec, mend the producer, or leave such records out with PREFIX.predicate"},
	{"Cast", "does not support casting from", "take the parts out first (Flatten, ExtractField), and name fields that " +
		"are numbers, booleans or texts in PREFIX.spec"},
	{"TimestampConverter", "Could not parse timestamp", "set PREFIX.format to the SimpleDateFormat pattern of these " +
		"texts (2023-11-14T22:13:20Z has yyyy-MM-dd'T'HH:mm:ssX), or leave such records out with PREFIX.predicate"},
	{"TimestampConverter", "does not correspond to a known timestamp type format",
		"PREFIX.field must name a text, an int64 of Unix time, or a Date, Time or Timestamp; Cast makes an int64"},
	{"", "Unknown field: ", missingField},
	{"", "Field does not exist: ", missingField},
	{"ReplaceField", "is not a valid field name", missingField},
	{"MaskField", "with custom replacement", "PREFIX.replacement is for texts and numbers: without it a field of any " +
		"type becomes empty; Flatten brings nested texts to the top"},
	{"", "null used for required field", "the field's schema allows no null: have the producer set it or declare it " +
		"optional, or leave such records out with PREFIX.predicate"},
	{"", "A null value requires an optional schema", "the field's schema allows no null: have the producer set it or " +
		"declare it optional"},
	{"", "Only Struct objects supported", "this stage works on structs and maps, and the value is neither: put it " +
		"into one first (HoistField), or, if it is JSON in a text, read it with JsonConverter"},
	{"", "Only Map objects supported",
		"this stage works on maps and structs: a plain value must be put into one first (HoistField)"},
	{"", "Schema required for", "this stage needs a schema: use a converter with one (JsonConverter with " +
		"schemas.enable=true, AvroConverter)"},
	{"", "for record with schemas", "this stage takes no maps in a struct: convert the field before, or leave it out " +
		"(ReplaceField)"},
}

const oneTypeOnly = "this converter writes one type only: set PREFIX to one for all types, as JsonConverter, or " +
	"change the value with Cast before"

const missingField = "records of this schema have no such field: compare the configuration under PREFIX with the " +
	"record as it is at this stage (earlier ones may have renamed or nested it), or leave such records out with " +
	"PREFIX.predicate"

// Remedy is what to do about a failure, "" when nothing is known.
func Remedy(f *pipeline.RecordFailure, raw []byte) string {
	then := foreignFormat(f, raw)
	text := f.Message + "\n" + f.Details.Causes
	for _, a := range advices {
		if then == "" && strings.HasPrefix(simpleName(f.Stage.Found.Class), a.plugin) && strings.Contains(text, a.says) {
			then = a.then
		}
	}
	return strings.ReplaceAll(then, "PREFIX", prefixOf(f.Stage))
}

func simpleName(class string) string { return class[strings.LastIndexByte(class, '.')+1:] }

// prefixOf is how the keys of a stage begin in the connector's configuration.
func prefixOf(s pipeline.Stage) string {
	switch s.Kind {
	case abi.KindKeyConverter:
		return "key.converter"
	case abi.KindHeaderConverter:
		return "header.converter"
	case abi.KindTransform:
		return "transforms." + s.Alias
	case abi.KindPredicate:
		return "predicates." + s.Alias
	}
	return "value.converter"
}

// foreignFormat finds records that were written for another converter: those of a schema registry at converters that
// know none, and plain JSON at those that need one.
func foreignFormat(f *pipeline.RecordFailure, raw []byte) string {
	class := f.Stage.Found.Class
	switch {
	case f.Stage.From || len(raw) == 0:
		return ""
	case len(raw) >= wireFormatBytes && raw[0] == 0 && strings.HasPrefix(class, "org.apache.kafka.connect."):
		return fmt.Sprintf("the record begins with byte 0 and looks like Confluent wire format (schema id %d): set PREFIX "+
			"to io.confluent.connect.avro.AvroConverter, or the converter for Protobuf or JSON Schema, with "+
			"PREFIX.schema.registry.url", binary.BigEndian.Uint32(raw[1:wireFormatBytes]))
	case raw[0] != 0 && strings.HasPrefix(class, "io.confluent.connect.") && json.Valid(raw):
		return "the record is plain JSON, written without a schema registry: set PREFIX to " +
			"org.apache.kafka.connect.json.JsonConverter with PREFIX.schemas.enable=false"
	case raw[0] == 0 && strings.HasPrefix(class, "io.confluent.connect.") && len(raw) >= wireFormatBytes &&
		strings.Contains(f.Message, "schema registry answered") && strings.Contains(f.Message, " 404"):
		return fmt.Sprintf("schema id %d is not in this registry: check PREFIX.schema.registry.url; a record that was "+
			"copied from another cluster needs that cluster's registry", binary.BigEndian.Uint32(raw[1:wireFormatBytes]))
	}
	return ""
}

// wireFormatBytes is the length of what Confluent's serializers put before the data: a zero and the schema's id.
const wireFormatBytes = 5
