package abi

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func mustValue(t testing.TB, x any) Value {
	t.Helper()
	v, err := ToValue(x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func cellOf(t testing.TB, schema uint32, x any) Cell {
	v := mustValue(t, x)
	return Cell{Schema: schema, Tag: v.Tag, Bytes: v.Payload}
}

// sampleSchema is the schema of sampleBatch's values.
func sampleSchema() *Schema {
	return &Schema{Type: TypeStruct, Name: "order", Version: 3, HasVersion: true, Doc: "an order", Fields: []Field{
		{"id", &Schema{Type: TypeInt64}},
		{"note", &Schema{Type: TypeString, Optional: true, Default: "none"}},
		{"price", DecimalSchema(2)},
		{"at", TimestampSchema()},
		{"tags", &Schema{Type: TypeArray, Elem: &Schema{Type: TypeString}}},
		{"extra", &Schema{Type: TypeMap, Key: &Schema{Type: TypeString}}},
	}}
}

// sampleBuilder holds n source records of two topics with struct values and headers, and one error behind them.
func sampleBuilder(t testing.TB, n int) *BatchBuilder {
	var b BatchBuilder
	schema := b.AddSchema(AppendSchema(nil, sampleSchema()))
	for i := range n {
		partition := mustValue(t, map[string]any{"file": "a"})
		offset := mustValue(t, map[string]any{"position": int64(i)})
		value := NewStruct(sampleSchema())
		value.Values = []any{int64(i), "n", Decimal{bigInt(1999), 2}, date(1000), []any{"x", "y"}, &OrderedMap{}}
		f := RecordFields{
			Topic: b.AddTopic([]string{"orders", "bills"}[i%2]), Partition: -1, Timestamp: 1_700_000_000_000 + int64(i),
			TimestampType: TimestampTypeCreate, Offset: -1, Origin: uint32(i), Flags: uint8(i % 2),
			Key: cellOf(t, None, int64(i)), Value: cellOf(t, schema, value),
			SourcePartition: b.AddPartition(partition.Payload), SourceOffset: Block{Bytes: offset.Payload},
		}
		if i%2 == 0 {
			f.Headers = []Header{{[]byte("h"), None, TagString, []byte("v")}, {[]byte("raw"), None, TagRaw, []byte{0xFF}}}
		}
		b.Add(&f)
	}
	b.AddError(RecordError{uint32(n), 1, CodeData, "bad", "Class"})
	return &b
}

func parseSample(t testing.TB, n int) Batch {
	batch, err := ParseBatch(sampleBuilder(t, n).AppendTo(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestBatchRoundTrip(t *testing.T) {
	b := parseSample(t, 3)
	if err := b.ValidateValues(); err != nil {
		t.Fatal(err)
	}
	if b.Len() != 3 || b.InputCount() != 4 || b.TopicCount() != 2 || b.SchemaCount() != 1 || b.PartitionCount() != 1 {
		t.Fatalf("counts: %d %d %d %d %d", b.Len(), b.InputCount(), b.TopicCount(), b.SchemaCount(), b.PartitionCount())
	}
	if b.Topic(1) != "bills" || b.ErrorCount() != 1 || b.Error(0) != (RecordError{3, 1, CodeData, "bad", "Class"}) {
		t.Fatalf("topic %q, error %+v", b.Topic(1), b.Error(0))
	}
	file, _ := b.Partition(0).Get("file")
	if file.String() != "a" {
		t.Fatalf("partition %v", b.Partition(0))
	}
	e := b.Entry(2)
	offset, ok := e.SourceOffset()
	position, _ := offset.Get("position")
	if !ok || position.Int64() != 2 || e.Timestamp() != 1_700_000_000_002 || e.Partition() != -1 || e.Offset() != -1 ||
		e.TimestampType() != TimestampTypeCreate || e.Origin() != 2 || e.Flags() != 0 || e.HeaderCount() != 2 {
		t.Fatalf("entry reads wrong: %+v", e)
	}
	var names []string
	for h := range e.Headers() {
		names = append(names, string(h.Key)+":"+h.Tag.String())
	}
	if !slices.Equal(names, []string{"h:STRING", "raw:RAW"}) {
		t.Fatalf("headers %v", names)
	}
	schema, err := ParseSchema(b.SchemaBytes(int(e.Value().Schema)))
	if err != nil || !schema.Equal(sampleSchema()) {
		t.Fatalf("schema %+v: %v", schema, err)
	}
	x, err := Value{e.Value().Tag, e.Value().Bytes}.Native(schema)
	if err != nil {
		t.Fatal(err)
	}
	if price, _ := x.(*Struct).Get("price"); price.(Decimal).String() != "19.99" {
		t.Fatalf("price %v", price)
	}
}

func TestResultRefersToItsInput(t *testing.T) {
	input := parseSample(t, 4)
	var b BatchBuilder
	b.BeginResult(&input)
	var f RecordFields
	for i := range input.Len() {
		if i == 1 {
			continue // dropped
		}
		f.FromInput(input.Entry(i))
		f.Origin = uint32(i)
		if i == 2 {
			f.Topic = b.AddTopic("new")
			f.Value = cellOf(t, None, "changed")
		}
		b.Add(&f)
	}
	encoded := b.AppendTo(nil)
	if len(b.data) != len("changed") {
		t.Fatalf("the answer wrote %d bytes of data, want only the changed value", len(b.data))
	}
	if _, err := ParseBatch(encoded, nil); err == nil {
		t.Fatal("references were accepted without the input")
	}
	answer, err := ParseBatch(encoded, input.Data())
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.CheckAnswer(&input); err != nil {
		t.Fatal(err)
	}
	var whole BatchBuilder
	if err := whole.Compact(&answer); err != nil {
		t.Fatal(err)
	}
	alone, err := ParseBatch(whole.AppendTo(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, 2, 3} {
		got, in := alone.Entry(i), input.Entry(want)
		if !bytes.Equal(got.Key().Bytes, in.Key().Bytes) || !bytes.Equal(got.HeaderBlock().Bytes, in.HeaderBlock().Bytes) ||
			got.Origin() != uint32(want) || !bytes.Equal(got.SourceOffsetBlock().Bytes, in.SourceOffsetBlock().Bytes) {
			t.Fatalf("record %d differs from input %d", i, want)
		}
	}
	if alone.Topic(int(alone.Entry(1).Topic())) != "new" || string(alone.Entry(1).Value().Bytes) != "changed" {
		t.Fatal("the change is lost")
	}
	if err := whole.CompactWithoutSource(&answer); err != nil {
		t.Fatal(err)
	}
	stripped, err := ParseBatch(whole.AppendTo(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := stripped.Entry(0).SourceOffset(); ok || stripped.PartitionCount() != 0 {
		t.Fatal("source offset was not stripped")
	}
}

func TestCheckAnswerRefusesOtherDictionaries(t *testing.T) {
	input := parseSample(t, 2)
	for name, change := range map[string]func(*BatchBuilder){
		"other order": func(b *BatchBuilder) { b.AddTopic("bills"); b.SetInputCount(2) },
		"other count": func(b *BatchBuilder) { b.BeginResult(&input); b.SetInputCount(1) },
	} {
		var b BatchBuilder
		change(&b)
		answer, err := ParseBatch(b.AppendTo(nil), input.Data())
		if err != nil {
			t.Fatal(err)
		}
		if answer.CheckAnswer(&input) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestParseBatchRefuses(t *testing.T) {
	good := sampleBuilder(t, 2).AppendTo(nil)
	rec := HeaderBytes // where the first record begins
	for name, c := range map[string]struct {
		at   int
		word uint32
		want string
	}{
		"magic":                 {0, 1, "magic"},
		"head too long":         {4, 1 << 30, "head of"},
		"record count":          {12, BatchRecordsMax + 1, "records"},
		"topics outside":        {16, uint32(len(good)), "topics"},
		"topics unaligned":      {16, 65, "topics"},
		"schemas too many":      {28, DictionaryMax + 1, "schemas"},
		"records unaligned":     {40, 68, "records"},
		"errors inside header":  {44, 8, "errors"},
		"inputs too few":        {52, 1, "origin"},
		"reserved":              {56, 1, "reserved"},
		"topic index":           {rec, 9, "topic"},
		"partition":             {rec + 4, 0xFFFFFFFE, "partition"},
		"origin rises":          {rec + 24, 1, ""},
		"origin falls":          {rec + EntryBytes + 24, 9, "origin"},
		"timestamp type":        {rec + 28, 3, "timestamp type"},
		"header count":          {rec + 28, 3<<16 | 1, "header block ends early"},
		"header count too low":  {rec + 28, 1<<16 | 1, "too many"},
		"key outside":           {rec + 32, 1 << 20, "key or value"},
		"key refers":            {rec + 32, RefInput, "key or value"},
		"key schema":            {rec + 40, 7, "key or value"},
		"key tag":               {rec + 44, uint32(tagLast) + 1, "key or value"},
		"key pad":               {rec + 44, 1 << 8, "key or value"},
		"null key with bytes":   {rec + 44, 0, "key or value"},
		"value outside":         {rec + 52, 1 << 31, "key or value"},
		"headers outside":       {rec + 64, 1 << 20, "headers"},
		"source partition":      {rec + 72, 5, "source partition"},
		"source offset outside": {rec + 80, 1 << 20, "source offset"},
		"entry reserved":        {rec + 84, 1, "reserved"},
		"error record":          {rec + 2*EntryBytes, 3, "error 0"},
		"error and entry":       {rec + 2*EntryBytes, 1, "entry as well"},
		"error stage":           {rec + 2*EntryBytes + 4, 64, "stage"},
		"error code":            {rec + 2*EntryBytes + 8, 7, "code"},
		"error reserved":        {rec + 2*EntryBytes + 12, 7, "message"},
		"error message":         {rec + 2*EntryBytes + 16, 1 << 20, "message"},
	} {
		bad := bytes.Clone(good)
		le.PutUint32(bad[c.at:], c.word)
		_, err := ParseBatch(bad, nil)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	for n := range good {
		if _, err := ParseBatch(good[:n], nil); err == nil {
			t.Fatalf("accepted the first %d bytes of %d", n, len(good))
		}
	}
}

func TestBuilderWritesIntoTheBuffer(t *testing.T) {
	b := sampleBuilder(t, 2)
	want := b.AppendTo(nil)
	dst := make([]byte, b.Size()+1)
	dst[b.Size()] = '?'
	if n := b.WriteTo(dst); n != len(want) || !bytes.Equal(dst[:n], want) || dst[n] != '?' {
		t.Fatalf("wrote %d bytes", n)
	}
	head, data := b.Encode()
	if !bytes.Equal(slices.Concat(head, data), want) {
		t.Fatal("head and data differ from the whole")
	}
	defer func() {
		if recover() == nil {
			t.Fatal("wrote behind a buffer that is too small")
		}
	}()
	b.WriteTo(make([]byte, b.Size()-1))
}

func TestReadingDoesNotAllocate(t *testing.T) {
	encoded := sampleBuilder(t, 100).AppendTo(nil)
	sum := 0
	allocs := testing.AllocsPerRun(100, func() {
		b, err := ParseBatch(encoded, nil)
		if err != nil {
			t.Error(err)
		}
		for i := range b.Len() {
			e := b.Entry(i)
			value := Value{e.Value().Tag, e.Value().Bytes}
			sum += len(b.TopicBytes(int(e.Topic()))) + len(e.Key().Bytes) + int(value.Item(0).Int64())
			for h := range e.Headers() {
				sum += len(h.Value)
			}
			offset, _ := e.SourceOffset()
			position, _ := offset.Get("position")
			sum += int(position.Int64())
		}
	})
	if allocs != 0 || sum == 0 {
		t.Fatalf("%v allocations a batch", allocs)
	}
}

func TestWritingDoesNotAllocateTwice(t *testing.T) {
	input := parseSample(t, 100)
	var b BatchBuilder
	dst := make([]byte, 1<<20)
	allocs := testing.AllocsPerRun(100, func() {
		if err := b.Compact(&input); err != nil {
			t.Error(err)
		}
		b.WriteTo(dst)
	})
	if allocs > 8 { // texts of the dictionaries and of the error; none a record
		t.Fatalf("%v allocations a batch", allocs)
	}
}

func TestCompactGivesUpOnRepeatedBytes(t *testing.T) {
	input := Batch{data: make([]byte, 1<<20)}
	var b BatchBuilder
	b.AddTopic("t")
	for range 100 {
		value := Cell{Schema: None, Tag: TagRaw, Bytes: input.data}
		f := RecordFields{SourcePartition: None, Key: Cell{Schema: None}, Value: value.FromInput()}
		b.Add(&f)
	}
	batch, err := ParseBatch(b.AppendTo(nil), input.data)
	if err != nil {
		t.Fatal(err)
	}
	var whole BatchBuilder
	if whole.Compact(&batch) == nil {
		t.Fatal("100 times the same MiB were copied")
	}
}

func TestRollbackForgets(t *testing.T) {
	b := sampleBuilder(t, 2)
	want := b.AppendTo(nil)
	mark := b.Mark()
	b.Add(&RecordFields{Topic: b.AddTopic("other"), Origin: 2,
		Value:           cellOf(t, b.AddSchema([]byte{7, 0}), "x"),
		SourcePartition: b.AddPartition(mustValue(t, &OrderedMap{}).Payload)})
	b.AddError(RecordError{Record: 5, Code: CodeData, Message: "m"})
	b.Rollback(mark)
	if got := b.AppendTo(nil); !bytes.Equal(got, want) {
		t.Fatal("something was left")
	}
	if b.AddTopic("orders") != 0 || b.AddTopic("other") != 2 {
		t.Fatal("topics are numbered wrong after a rollback")
	}
}

func BenchmarkParseAndWalk(b *testing.B) {
	encoded := sampleBuilder(b, 500).AppendTo(nil)
	b.SetBytes(int64(len(encoded)))
	b.ReportAllocs()
	for b.Loop() {
		batch, err := ParseBatch(encoded, nil)
		if err != nil || walk(&batch) == 0 {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadOneField(b *testing.B) {
	encoded := sampleBuilder(b, 500).AppendTo(nil)
	batch, err := ParseBatch(encoded, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i, sum := 0, int64(0)
	for b.Loop() {
		c := batch.Entry(i % batch.Len()).Value()
		sum += Value{c.Tag, c.Bytes}.Item(0).Int64()
		i++
	}
}

func BenchmarkEncode(b *testing.B) {
	input := parseSample(b, 500)
	var builder BatchBuilder
	dst := make([]byte, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		if err := builder.Compact(&input); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(builder.WriteTo(dst)))
	}
}

func TestDefaultKeepsTheSchemaItWasMadeWith(t *testing.T) {
	read, err := ParseSchema(AppendSchema(nil, renamedSchema()))
	if err != nil || !read.Equal(renamedSchema()) {
		t.Fatalf("%+v: %v", read, err)
	}
	if made := read.Default.(*Struct); made.Schema.Name != "old" || read.Name != "new" {
		t.Fatalf("a default of %q in %q", made.Schema.Name, read.Name)
	}
	same := renamedSchema()
	same.Name = "old"
	if b := AppendSchema(nil, same); b[1]&schemaOfDefault != 0 {
		t.Fatal("a schema of the default's own that is that around it was written")
	}
}
