package abi

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden bytes anew")

const goldenDir = "../testdata/abi"

// golden is one file of golden bytes: encode gives them, decode reads them back and encodes what it read.
type golden struct {
	name, doc string
	encode    func(t testing.TB) []byte
	again     func(b []byte) ([]byte, error)
}

func goldenPlan() Plan {
	value := "orders"
	return Plan{Role: RoleTask, Connector: "c", Task: 3, Worker: "w:8083", Stages: []Stage{
		{Kind: KindSource, Plugin: "kit.Counter", Alias: "source", Config: map[string]*string{"topic": &value, "null": nil}},
		{Kind: KindTransform, Plugin: "kit.Upper", Alias: "up", Config: map[string]*string{}, Guarded: true, Negate: true},
		{Kind: KindKeyConverter, Plugin: "kit.Hex", Alias: "key", Config: map[string]*string{}, From: true},
	}, Files: []string{"/data"}, Stdio: true, BatchBytes: 1 << 20, BatchRecords: 500}
}

func goldenManifest() Manifest {
	preset, group, low := "5", "Limits", 1.0
	return Manifest{ABI: 1, SDK: "go 0.1.0", Plugins: []Plugin{{
		Class: "example.Source", Aliases: []string{"Source"}, Kind: KindSource, Version: "1.2.3", Doc: "Reads.",
		TaskClass: "example.Task", Capabilities: []string{CapabilityNet}, Watches: true, GoesAlone: true,
		Needs: Needs{CapabilityNet: {"api.example.com:443"}, CapabilityFiles: {"/data"}},
		Config: ConfigDef{Keys: []ConfigKey{
			{Name: "url", Type: ConfigString, Importance: High, Doc: "Where.", Order: -1, Width: WidthLong, Display: "URL",
				Validator: &Validator{Kind: ValidNonEmpty}},
			{Name: "limit", Type: ConfigInt, Importance: Low, Default: &preset, HasDefault: true, Group: &group, Order: 1,
				Width: WidthNone, Display: "limit", Dependents: []string{"url"}, Internal: true,
				Validator: &Validator{Kind: ValidRange, Min: &low, Values: []string{"a"}, Text: "at least 1"}},
		}}},
	}}
}

func goldens() []golden {
	return []golden{
		{"values", "A value body: an array with a value of each tag but RAW.", goldenValues, againValue},
		{"object", "A value body: an OBJECT.", func(t testing.TB) []byte {
			return AppendValueBody(nil, mustValue(t, Object{"java.lang.Character", "é"}))
		}, againValue},
		{"halved", "A value body: a text of a, a backslash and the first half of a surrogate pair.", func(testing.TB) []byte {
			var b Builder
			b.UTF16([]uint16{'a', '\\', 0xD83D})
			return AppendValueBody(nil, b.Value())
		}, againValue},
		{"schema", "A schema: the struct of the values in batch.bin.", func(testing.TB) []byte {
			return AppendSchema(nil, sampleSchema())
		}, func(b []byte) ([]byte, error) {
			s, err := ParseSchema(b)
			return AppendSchema(nil, s), err
		}},
		{"renamed", "A schema that was renamed after it got its default, which has the old name.", func(testing.TB) []byte {
			return AppendSchema(nil, renamedSchema())
		}, func(b []byte) ([]byte, error) {
			s, err := ParseSchema(b)
			return AppendSchema(nil, s), err
		}},
		{"batch", "A batch of 3 source records and an error of a fourth: two topics, a schema, a partition, headers.",
			func(t testing.TB) []byte { return sampleBuilder(t, 3).AppendTo(nil) }, againBatch},
		{"result", "The answer to batch.bin: record 0 as it came, 1 dropped, 2 with another topic and value; references " +
			"point into the data area of batch.bin.", goldenResult, nil},
		{"event", "A DURABLE event with seq 9: batches 1 and 2.", func(testing.TB) []byte {
			return AppendEvent(nil, EventDurable, 9, EncodeDurable([]int64{1, 2}))
		}, func(b []byte) ([]byte, error) {
			e, err := ParseEvent(b)
			return AppendEvent(nil, e.Kind, e.Seq, e.Body), err
		}},
		{"plan", "The body of a PLAN event.", func(testing.TB) []byte { return goldenPlan().Encode() },
			func(b []byte) ([]byte, error) { p, err := ParsePlan(b); return p.Encode(), err }},
		{"manifest", "The body of a MANIFEST message.", func(testing.TB) []byte { return goldenManifest().Encode() },
			func(b []byte) ([]byte, error) { m, err := ParseManifest(b); return m.Encode(), err }},
		{"offsets", "The body of OPEN, CLOSE, FLUSH and commit.", func(testing.TB) []byte {
			return EncodePartitionOffsets([]PartitionOffset{{"orders", 0, 42}, {"orders", 1, -1}})
		}, func(b []byte) ([]byte, error) {
			p, err := ParsePartitionOffsets(b)
			return EncodePartitionOffsets(p), err
		}},
		{"failed", "The body of a FAILED message.", func(testing.TB) []byte {
			return Failure{CodeData, "bad", 1, 7, "org.apache.kafka.connect.errors.DataException"}.Encode()
		}, func(b []byte) ([]byte, error) { f, err := ParseFailure(b); return f.Encode(), err }},
		{"validated", "The body of a VALIDATED message.", func(testing.TB) []byte {
			return EncodeKeyValidations([]KeyValidation{{"limit", nil, []string{"too low"}, []string{"5"}, true}})
		}, func(b []byte) ([]byte, error) {
			k, err := ParseKeyValidations(b)
			return EncodeKeyValidations(k), err
		}},
		{"request", "The body of a REQUEST message: stage 1 asks for schema 7.", func(t testing.TB) []byte {
			arguments := mustValue(t, &OrderedMap{[]Pair{{"id", int32(7)}}})
			return Request{1, CapabilitySchemaRegistry, "schema", arguments}.Encode()
		}, func(b []byte) ([]byte, error) { r, err := ParseRequest(b); return r.Encode(), err }},
		{"reply", "The body of a REPLY event: an error for request 3.", func(testing.TB) []byte {
			return Reply{Request: 3, Code: CodeData, Message: "no such schema"}.Encode()
		}, func(b []byte) ([]byte, error) { r, err := ParseReply(b); return r.Encode(), err }},
	}
}

func renamedSchema() *Schema {
	old := &Schema{Type: TypeStruct, Name: "old", Fields: []Field{{"a", &Schema{Type: TypeInt32}}}}
	return &Schema{Type: TypeStruct, Name: "new", Default: &Struct{old, []any{int32(3)}}, Fields: old.Fields}
}

func goldenValues(t testing.TB) []byte {
	return AppendValueBody(nil, mustValue(t, []any{nil, int8(-2), int16(300), int32(-70000), int64(1) << 40,
		float32(1.5), -2.5, true, "é", []byte{0, 255}, []any{"a", int8(1)}, &OrderedMap{[]Pair{{"k", int32(1)}, {"n", nil}}},
		&Struct{&Schema{Type: TypeStruct, Fields: []Field{{"a", nil}, {"b", nil}}}, []any{"x", nil}},
		Decimal{bigInt(-1999), 2}, date(1_700_000_000_000), bigInt(128)}))
}

func againValue(b []byte) ([]byte, error) {
	v, err := ParseValueBody(b)
	return AppendValueBody(nil, v), err
}

func againBatch(b []byte) ([]byte, error) {
	batch, err := ParseBatch(b, nil)
	if err != nil {
		return nil, err
	}
	var builder BatchBuilder
	err = builder.Compact(&batch)
	return builder.AppendTo(nil), err
}

func goldenResult(t testing.TB) []byte {
	input := parseSample(t, 3)
	var b BatchBuilder
	b.BeginResult(&input)
	var f RecordFields
	f.FromInput(input.Entry(0))
	b.Add(&f)
	f.FromInput(input.Entry(2))
	f.Topic, f.Value = b.AddTopic("new"), cellOf(t, None, "changed")
	b.Add(&f)
	return b.AppendTo(nil)
}

// TestGoldenBytes holds the encoders to the bytes in testdata/abi, which every SDK must read and write.
func TestGoldenBytes(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.name, func(t *testing.T) {
			got := g.encode(t)
			file := filepath.Join(goldenDir, g.name+".bin")
			if *update {
				writeGolden(t, file, g, got)
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("encoded\n%s\nwant\n%s", hex.Dump(got), hex.Dump(want))
			}
			if g.again == nil {
				return
			}
			again, err := g.again(want)
			if err != nil || !bytes.Equal(again, want) {
				t.Fatalf("%v, read and written again\n%s\nwant\n%s", err, hex.Dump(again), hex.Dump(want))
			}
		})
	}
}

func TestGoldenResultReads(t *testing.T) {
	input := parseSample(t, 3)
	b, err := os.ReadFile(filepath.Join(goldenDir, "result.bin"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := ParseBatch(b, input.Data())
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.CheckAnswer(&input); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(answer.Entry(0).Value().Bytes, input.Entry(0).Value().Bytes) || answer.Entry(1).Origin() != 2 {
		t.Fatal("references read wrong")
	}
}

func writeGolden(t *testing.T, file string, g golden, b []byte) {
	t.Helper()
	text := fmt.Sprintf("%s.bin, %d bytes\n%s\n\n%s", g.name, len(b), g.doc, hex.Dump(b))
	if err := os.MkdirAll(goldenDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(goldenDir, g.name+".txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
