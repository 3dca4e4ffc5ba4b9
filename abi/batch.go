package abi

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

var le = binary.LittleEndian

// Batch is a view of an encoded batch; ParseBatch makes it. Its accessors read in place, do not allocate and do not
// check again, so an index out of range panics as a slice index does.
type Batch struct {
	head, data, ref []byte

	records, errors               int
	topics, schemas, partitions   int // counts
	recordsAt, errorsAt           int // offsets in the head
	topicsAt, schemasAt, sourceAt int
	inputCount                    int
}

// ParseBatch checks a batch, b = head ‖ data, and returns a view of it. ref is the data area of the batch that it
// answers (Batch.Data), for offsets that carry RefInput; without ref such offsets are errors. After a nil error every
// accessor is safe; what values and schemas hold is left to ValidateValues.
func ParseBatch(b []byte, ref []byte) (Batch, error) {
	batch, err := parseBatch(b, ref)
	if err != nil {
		return Batch{}, fmt.Errorf("read batch: %w", err)
	}
	return batch, nil
}

func parseBatch(b, ref []byte) (Batch, error) {
	var p Batch
	if len(b) < HeaderBytes || len(b) > BatchBytesMax {
		return p, fmt.Errorf("%d bytes, want %d to %d", len(b), HeaderBytes, BatchBytesMax)
	}
	headLen, dataLen := uint64(le.Uint32(b[4:])), uint64(le.Uint32(b[8:]))
	if le.Uint32(b) != BatchMagic || le.Uint64(b[56:]) != 0 {
		return p, fmt.Errorf("magic or reserved bytes are wrong")
	}
	if headLen < HeaderBytes || headLen+dataLen != uint64(len(b)) {
		return p, fmt.Errorf("head of %d and data of %d bytes in %d", headLen, dataLen, len(b))
	}
	p.head, p.data, p.ref = b[:headLen:headLen], b[headLen:], ref
	if err := p.parseTables(); err != nil {
		return p, err
	}
	if err := p.checkDictionaries(); err != nil {
		return p, err
	}
	if err := p.checkRecords(); err != nil {
		return p, err
	}
	return p, p.checkErrors()
}

// tables describes the tables of a head: where the header keeps their offset and count, and what they may be.
var tables = [...]struct {
	name                 string
	offAt, countAt       int
	size, align, entries uint32
}{
	{"topics", 16, 20, 8, 4, DictionaryMax},
	{"schemas", 24, 28, 8, 4, DictionaryMax},
	{"partitions", 32, 36, 8, 4, DictionaryMax},
	{"records", 40, 12, EntryBytes, 8, BatchRecordsMax},
	{"errors", 44, 48, ErrorBytes, 4, BatchRecordsMax},
}

func (b *Batch) parseTables() error {
	var at, count [len(tables)]int
	for i := range tables {
		t := &tables[i]
		off, n := le.Uint32(b.head[t.offAt:]), le.Uint32(b.head[t.countAt:])
		if n == 0 {
			continue
		}
		end := uint64(off) + uint64(n)*uint64(t.size)
		if n > t.entries || off < HeaderBytes || off%t.align != 0 || end > uint64(len(b.head)) {
			return fmt.Errorf("table of %d %s at %d does not fit", n, t.name, off)
		}
		at[i], count[i] = int(off), int(n)
	}
	b.topicsAt, b.schemasAt, b.sourceAt, b.recordsAt, b.errorsAt = at[0], at[1], at[2], at[3], at[4]
	b.topics, b.schemas, b.partitions, b.records, b.errors = count[0], count[1], count[2], count[3], count[4]
	inputs := le.Uint32(b.head[52:])
	if inputs > BatchRecordsMax {
		return fmt.Errorf("%d input records", inputs)
	}
	b.inputCount = int(inputs)
	return nil
}

func (b *Batch) checkDictionaries() error {
	for _, t := range [...]struct {
		name  string
		at, n int
	}{{"topic", b.topicsAt, b.topics}, {"schema", b.schemasAt, b.schemas}, {"partition", b.sourceAt, b.partitions}} {
		for i := range t.n {
			off, size := le.Uint32(b.head[t.at+8*i:]), le.Uint32(b.head[t.at+8*i+4:])
			if uint64(off)+uint64(size) > uint64(len(b.head)) {
				return fmt.Errorf("%s %d is outside the head", t.name, i)
			}
		}
	}
	for i := range b.topics {
		if !utf8.Valid(b.TopicBytes(i)) {
			return fmt.Errorf("topic %d is not UTF-8", i)
		}
	}
	return nil
}

func (b *Batch) checkRecords() error {
	last := uint32(0)
	for i := range b.records {
		rec := b.entryBytes(i)
		if err := b.checkEntry(rec); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		origin := le.Uint32(rec[24:])
		if origin < last || uint64(origin) >= uint64(b.inputCount) {
			return fmt.Errorf("record %d: origin %d after %d, of %d", i, origin, last, b.inputCount)
		}
		last = origin
	}
	return nil
}

func (b *Batch) checkEntry(rec []byte) error {
	switch {
	case uint64(le.Uint32(rec)) >= uint64(b.topics):
		return fmt.Errorf("topic %d of %d", le.Uint32(rec), b.topics)
	case int32(le.Uint32(rec[4:])) < -1:
		return fmt.Errorf("partition %d", int32(le.Uint32(rec[4:])))
	case rec[28] > TimestampTypeLogAppend || rec[29] > FlagPredicate|FlagNoTopic:
		return fmt.Errorf("timestamp type %d, flags %#x", rec[28], rec[29])
	case le.Uint32(rec[84:]) != 0:
		return fmt.Errorf("reserved bytes are set")
	}
	if !b.cellFits(rec[32:48]) || !b.cellFits(rec[48:64]) {
		return fmt.Errorf("key or value does not fit")
	}
	if p := le.Uint32(rec[72:]); p != None && uint64(p) >= uint64(b.partitions) {
		return fmt.Errorf("source partition %d of %d", p, b.partitions)
	}
	if n := le.Uint32(rec[80:]); n != None && !b.fits(le.Uint32(rec[76:]), n) {
		return fmt.Errorf("source offset does not fit")
	}
	return b.checkHeaders(rec)
}

// fits tells whether a range lies within the data area that its offset names.
func (b *Batch) fits(off, size uint32) bool {
	area := b.data
	if off&RefInput != 0 {
		off, area = off&^RefInput, b.ref
		if area == nil {
			return false
		}
	}
	return uint64(off)+uint64(size) <= uint64(len(area))
}

func (b *Batch) cellFits(cell []byte) bool {
	word := le.Uint32(cell[12:]) // tag and three zero bytes
	schema, size := le.Uint32(cell[8:]), le.Uint32(cell[4:])
	return word <= uint32(tagLast) && (word != 0 || size == 0) &&
		(schema == None || uint64(schema) < uint64(b.schemas)) && b.fits(le.Uint32(cell), size)
}

func (b *Batch) checkHeaders(rec []byte) error {
	n, off, size := int(le.Uint16(rec[30:])), le.Uint32(rec[64:]), le.Uint32(rec[68:])
	if n > HeadersMax || !b.fits(off, size) {
		return fmt.Errorf("%d headers do not fit", n)
	}
	block := b.area(off, size)
	for range n {
		if len(block) < headerPrefixBytes {
			return fmt.Errorf("header block ends early")
		}
		keyLen, valueLen := uint64(le.Uint32(block)), uint64(le.Uint32(block[4:]))
		schema, word := le.Uint32(block[8:]), le.Uint32(block[12:])
		if word > uint32(tagLast) || word == 0 && valueLen != 0 || schema != None && uint64(schema) >= uint64(b.schemas) {
			return fmt.Errorf("header has tag %#x and schema %d", word, schema)
		}
		if headerPrefixBytes+keyLen+valueLen > uint64(len(block)) {
			return fmt.Errorf("header block ends early")
		}
		block = block[headerPrefixBytes+keyLen+valueLen:]
	}
	if len(block) != 0 {
		return fmt.Errorf("header block has %d bytes too many", len(block))
	}
	return nil
}

func (b *Batch) checkErrors() error {
	for i := range b.errors {
		e := b.head[b.errorsAt+ErrorBytes*i:]
		record, code, class, size := le.Uint32(e), Code(le.Uint32(e[8:])), le.Uint32(e[12:]), le.Uint32(e[20:])
		switch {
		case record != None && uint64(record) >= uint64(b.inputCount):
			return fmt.Errorf("error %d: record %d of %d", i, record, b.inputCount)
		case code < CodeRetriable || code > CodeInternal || le.Uint32(e[4:]) >= PlanStagesMax:
			return fmt.Errorf("error %d: code %d, stage %d", i, code, le.Uint32(e[4:]))
		case size > ErrorMessageBytes || class > ErrorClassBytes || !b.fits(le.Uint32(e[16:]), size+class):
			return fmt.Errorf("error %d: message or class does not fit", i)
		case record != None && b.hasOrigin(record):
			return fmt.Errorf("error %d: record %d has an entry as well", i, record)
		}
	}
	return nil
}

// hasOrigin looks for an entry of that origin; origins rise.
func (b *Batch) hasOrigin(origin uint32) bool {
	low, high := 0, b.records
	for low < high {
		mid := (low + high) / 2
		if le.Uint32(b.entryBytes(mid)[24:]) < origin {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low < b.records && le.Uint32(b.entryBytes(low)[24:]) == origin
}

// Len is the number of records.
func (b *Batch) Len() int { return b.records }

// InputCount is the number of records that the stage was given.
func (b *Batch) InputCount() int { return b.inputCount }

// Data is the data area: the ref of batches that answer this one.
func (b *Batch) Data() []byte { return b.data[:len(b.data):len(b.data)] }

// TopicCount is the number of topics in the dictionary.
func (b *Batch) TopicCount() int { return b.topics }

// Topic returns topic i; it copies the text.
func (b *Batch) Topic(i int) string { return string(b.TopicBytes(i)) }

// TopicBytes returns topic i in place.
func (b *Batch) TopicBytes(i int) []byte { return b.dictionary(b.topicsAt, b.topics, i) }

// SchemaCount is the number of schemas in the dictionary.
func (b *Batch) SchemaCount() int { return b.schemas }

// SchemaBytes returns the encoding of schema i in place.
func (b *Batch) SchemaBytes(i int) []byte { return b.dictionary(b.schemasAt, b.schemas, i) }

// PartitionCount is the number of source partitions in the dictionary.
func (b *Batch) PartitionCount() int { return b.partitions }

// Partition returns source partition i, a MAP.
func (b *Batch) Partition(i int) Value {
	return Value{TagMap, b.dictionary(b.sourceAt, b.partitions, i)}
}

func (b *Batch) dictionary(at, n, i int) []byte {
	_ = b.head[:n][i] // an index out of range must not read the next table
	off, size := le.Uint32(b.head[at+8*i:]), le.Uint32(b.head[at+8*i+4:])
	return b.head[off : off+size : off+size]
}

func (b *Batch) entryBytes(i int) []byte {
	_ = b.head[:b.records][i]
	at := b.recordsAt + EntryBytes*i
	return b.head[at : at+EntryBytes : at+EntryBytes]
}

// Entry returns record i.
func (b *Batch) Entry(i int) Entry { return Entry{b.entryBytes(i), b.data, b.ref} }

// ErrorCount is the number of errors.
func (b *Batch) ErrorCount() int { return b.errors }

// RecordError is what went wrong with one record of the input, or with all of it (Record None).
type RecordError struct {
	Record  uint32 // origin
	Stage   uint32 // index in the plan
	Code    Code
	Message string
	Class   string // exception class to show; "": that of the code
}

// Error returns error i.
func (b *Batch) Error(i int) RecordError {
	_ = b.head[:b.errors][i]
	e := b.head[b.errorsAt+ErrorBytes*i:]
	class, size := le.Uint32(e[12:]), le.Uint32(e[20:])
	text := string(b.area(le.Uint32(e[16:]), size+class))
	return RecordError{le.Uint32(e), le.Uint32(e[4:]), Code(le.Uint32(e[8:])), text[:size], text[size:]}
}

// area returns a checked range of the data area that its offset names.
func (b *Batch) area(off, size uint32) []byte { return area(b.data, b.ref, off, size) }

func area(data, ref []byte, off, size uint32) []byte {
	if off&RefInput != 0 {
		off, data = off&^RefInput, ref
	}
	return data[off : off+size : off+size]
}

// CheckAnswer tells whether the batch may answer input: it was asked about as many records, and its dictionaries
// begin with those of the input, which references to the input rely on.
func (b *Batch) CheckAnswer(input *Batch) error {
	if b.inputCount != input.records {
		return fmt.Errorf("answer is for %d records of %d", b.inputCount, input.records)
	}
	if !b.begins(input, (*Batch).TopicCount, (*Batch).TopicBytes) ||
		!b.begins(input, (*Batch).SchemaCount, (*Batch).SchemaBytes) ||
		!b.begins(input, (*Batch).PartitionCount, (*Batch).partitionBytes) {
		return fmt.Errorf("dictionaries of the answer do not begin with those of its input")
	}
	return nil
}

func (b *Batch) partitionBytes(i int) []byte { return b.dictionary(b.sourceAt, b.partitions, i) }

func (b *Batch) begins(input *Batch, count func(*Batch) int, item func(*Batch, int) []byte) bool {
	n := count(input)
	if count(b) < n {
		return false
	}
	for i := range n {
		if string(item(b, i)) != string(item(input, i)) {
			return false
		}
	}
	return true
}

// ValidateValues walks every schema, source partition, key, value, header and source offset.
func (b *Batch) ValidateValues() error {
	for i := range b.schemas {
		if _, err := ParseSchema(b.SchemaBytes(i)); err != nil {
			return fmt.Errorf("schema %d: %w", i, err)
		}
	}
	for i := range b.partitions {
		if err := validateValue(b.Partition(i), 0, 0); err != nil {
			return fmt.Errorf("source partition %d: %w", i, err)
		}
	}
	for i := range b.records {
		if err := b.validateRecord(b.Entry(i)); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	return nil
}

func (b *Batch) validateRecord(e Entry) error {
	schemas := uint32(b.schemas)
	for _, cell := range [...]Cell{e.Key(), e.Value()} {
		if err := validateValue(Value{cell.Tag, cell.Bytes}, schemas, 0); err != nil {
			return err
		}
	}
	for h := range e.Headers() {
		if err := validateValue(Value{h.Tag, h.Value}, schemas, 0); err != nil {
			return fmt.Errorf("header: %w", err)
		}
	}
	if offset, ok := e.SourceOffset(); ok {
		if err := validateValue(offset, 0, 0); err != nil {
			return fmt.Errorf("source offset: %w", err)
		}
	}
	return nil
}
