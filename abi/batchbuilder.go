package abi

import "fmt"

// BatchBuilder writes a batch. Its zero value is ready; Reset makes it ready for the next one and keeps the memory.
// It keeps no reference to the bytes it is given.
type BatchBuilder struct {
	topics, schemas, partitions dictionary
	entries, errors, data, head []byte
	inputs                      int
	inputsSet                   bool
}

// dictionary is a list of byte strings without duplicates.
type dictionary struct {
	bytes  []byte
	ends   []int
	lookup map[string]uint32
}

func (d *dictionary) reset() {
	d.bytes, d.ends = d.bytes[:0], d.ends[:0]
	clear(d.lookup)
}

// intern returns the index of an entry, adding it when it is new.
func (d *dictionary) intern(b []byte) uint32 {
	if i, ok := d.lookup[string(b)]; ok {
		return i
	}
	return d.add(b)
}

// add adds an entry even when it is there already, so that copies of dictionaries keep their indices.
func (d *dictionary) add(b []byte) uint32 {
	i := uint32(len(d.ends))
	d.bytes = append(d.bytes, b...)
	d.ends = append(d.ends, len(d.bytes))
	if d.lookup == nil {
		d.lookup = map[string]uint32{}
	}
	if _, ok := d.lookup[string(b)]; !ok {
		d.lookup[string(b)] = i
	}
	return i
}

// RecordFields is one record to be added. Indices are the builder's own. Mind the values that mean "none": Partition
// and Offset -1, Timestamp NoTimestamp, SourcePartition and a cell's Schema None.
type RecordFields struct {
	Topic           uint32
	Partition       int32
	Timestamp       int64
	TimestampType   uint8
	Offset          int64
	Origin          uint32 // not below that of the record before
	Flags           uint8
	Key, Value      Cell
	Headers         []Header
	HeaderBlock     Block // instead of Headers, when Headers is nil
	SourcePartition uint32
	SourceOffset    Block // nil Bytes: null
}

// Reset forgets the batch that was written.
func (b *BatchBuilder) Reset() {
	b.topics.reset()
	b.schemas.reset()
	b.partitions.reset()
	b.entries, b.errors, b.data = b.entries[:0], b.errors[:0], b.data[:0]
	b.inputs, b.inputsSet = 0, false
}

// Len is the number of records added.
func (b *BatchBuilder) Len() int { return len(b.entries) / EntryBytes }

// ErrorCount is the number of errors added.
func (b *BatchBuilder) ErrorCount() int { return len(b.errors) / ErrorBytes }

// AddTopic returns the index of a topic, adding it when it is new.
func (b *BatchBuilder) AddTopic(topic string) uint32 {
	if i, ok := b.topics.lookup[topic]; ok {
		return i
	}
	return b.topics.add([]byte(topic))
}

// AddSchema returns the index of an encoded schema, adding it when it is new.
func (b *BatchBuilder) AddSchema(schema []byte) uint32 { return b.schemas.intern(schema) }

// AddPartition returns the index of a source partition (payload of a MAP), adding it when it is new.
func (b *BatchBuilder) AddPartition(payload []byte) uint32 { return b.partitions.intern(payload) }

// SetInputCount sets the number of records that the stage was given. Unset, it is one more than the last origin.
func (b *BatchBuilder) SetInputCount(n int) { b.inputs, b.inputsSet = n, true }

// BeginResult starts the answer to input: dictionaries that begin with its dictionaries, and its record count.
func (b *BatchBuilder) BeginResult(input *Batch) {
	b.Reset()
	b.copyDictionaries(input, true)
	b.SetInputCount(input.Len())
}

func (b *BatchBuilder) copyDictionaries(from *Batch, partitions bool) {
	for i := range from.topics {
		b.topics.add(from.TopicBytes(i))
	}
	for i := range from.schemas {
		b.schemas.add(from.SchemaBytes(i))
	}
	for i := range from.partitions {
		if partitions {
			b.partitions.add(from.partitionBytes(i))
		}
	}
}

// Add appends a record. More headers than HeadersMax make a batch that no reader takes.
func (b *BatchBuilder) Add(r *RecordFields) {
	key, value := b.place(r.Key.Bytes, r.Key.at), b.place(r.Value.Bytes, r.Value.at)
	headersOff, headersLen, headerCount := b.placeHeaders(r)
	offsetOff, offsetLen := uint32(0), uint32(None)
	if r.SourceOffset.Bytes != nil {
		offsetOff, offsetLen = b.place(r.SourceOffset.Bytes, r.SourceOffset.at), uint32(len(r.SourceOffset.Bytes))
	}
	e := b.entries
	e = le.AppendUint32(e, r.Topic)
	e = le.AppendUint32(e, uint32(r.Partition))
	e = le.AppendUint64(e, uint64(r.Timestamp))
	e = le.AppendUint64(e, uint64(r.Offset))
	e = le.AppendUint32(e, r.Origin)
	e = append(e, r.TimestampType, r.Flags)
	e = le.AppendUint16(e, uint16(headerCount))
	e = appendCell(e, key, &r.Key)
	e = appendCell(e, value, &r.Value)
	e = le.AppendUint32(le.AppendUint32(e, headersOff), headersLen)
	e = le.AppendUint32(e, r.SourcePartition)
	e = le.AppendUint32(le.AppendUint32(e, offsetOff), offsetLen)
	b.entries = le.AppendUint32(e, 0)
	if !b.inputsSet {
		b.inputs = int(r.Origin) + 1
	}
}

func appendCell(e []byte, off uint32, c *Cell) []byte {
	e = le.AppendUint32(le.AppendUint32(e, off), uint32(len(c.Bytes)))
	return append(le.AppendUint32(e, c.Schema), byte(c.Tag), 0, 0, 0)
}

// place copies bytes to the data area, or refers to the input; it returns their offset.
func (b *BatchBuilder) place(bytes []byte, at uint32) uint32 {
	if at&RefInput != 0 {
		return at
	}
	off := len(b.data)
	b.data = append(b.data, bytes...)
	return uint32(off)
}

func (b *BatchBuilder) placeHeaders(r *RecordFields) (off, size uint32, count int) {
	if r.Headers == nil {
		block := r.HeaderBlock
		return b.place(block.Bytes, block.at), uint32(len(block.Bytes)), block.Count
	}
	start := len(b.data)
	for _, h := range r.Headers {
		b.data = AppendHeader(b.data, h)
	}
	return uint32(start), uint32(len(b.data) - start), len(r.Headers)
}

// AddError appends an error; its message is cut to ErrorMessageBytes, its class to ErrorClassBytes.
func (b *BatchBuilder) AddError(e RecordError) {
	message, class := CutMessage(e.Message), cut(e.Class, ErrorClassBytes)
	b.errors = le.AppendUint32(b.errors, e.Record)
	b.errors = le.AppendUint32(b.errors, e.Stage)
	b.errors = le.AppendUint32(b.errors, uint32(e.Code))
	b.errors = le.AppendUint32(b.errors, uint32(len(class)))
	b.errors = le.AppendUint32(b.errors, uint32(len(b.data)))
	b.errors = le.AppendUint32(b.errors, uint32(len(message)))
	b.data = append(append(b.data, message...), class...)
	if !b.inputsSet && e.Record != None {
		b.inputs = max(b.inputs, int(e.Record)+1)
	}
}

// Compact makes the batch a copy of from that refers to no other batch. Many records may refer to the same bytes, so
// the copy may be far larger than the original; over BatchBytesMax it is given up with an error.
func (b *BatchBuilder) Compact(from *Batch) error { return b.copyOf(from, true) }

// CompactWithoutSource is Compact without source partitions and source offsets, which are the host's to keep.
func (b *BatchBuilder) CompactWithoutSource(from *Batch) error { return b.copyOf(from, false) }

func (b *BatchBuilder) copyOf(from *Batch, source bool) error {
	b.Reset()
	b.copyDictionaries(from, source)
	var fields RecordFields
	for i := range from.Len() {
		fields.SetEntry(from.Entry(i))
		if !source {
			fields.SourcePartition, fields.SourceOffset = None, Block{}
		}
		b.Add(&fields)
		if b.Size() > BatchBytesMax {
			return fmt.Errorf("copy batch: more than %d bytes after %d of %d records", BatchBytesMax, i+1, from.Len())
		}
	}
	for i := range from.ErrorCount() {
		b.AddError(from.Error(i))
		if b.Size() > BatchBytesMax {
			return fmt.Errorf("copy batch: more than %d bytes after error %d", BatchBytesMax, i)
		}
	}
	b.SetInputCount(from.InputCount())
	return nil
}

// SetEntry takes all fields from an entry of a batch with the same dictionaries; Add will copy what they refer to.
func (r *RecordFields) SetEntry(e Entry) {
	*r = RecordFields{
		Topic: e.Topic(), Partition: e.Partition(), Timestamp: e.Timestamp(), TimestampType: e.TimestampType(),
		Offset: e.Offset(), Origin: e.Origin(), Flags: e.Flags(), Key: e.Key(), Value: e.Value(),
		HeaderBlock: e.HeaderBlock(), SourcePartition: e.SourcePartition(), SourceOffset: e.SourceOffsetBlock(),
	}
}

// FromInput makes Add refer to the input for all that SetEntry took from one of its entries.
func (r *RecordFields) FromInput(e Entry) {
	r.SetEntry(e)
	r.Key, r.Value = e.Key().FromInput(), e.Value().FromInput()
	r.HeaderBlock = e.HeaderBlock().FromInput()
	if r.SourceOffset.Bytes != nil {
		r.SourceOffset = e.SourceOffsetBlock().FromInput()
	}
}

func (b *BatchBuilder) headSize() int {
	n := HeaderBytes + len(b.entries) + len(b.errors)
	for _, d := range [...]*dictionary{&b.topics, &b.schemas, &b.partitions} {
		n += 8*len(d.ends) + len(d.bytes)
	}
	return n
}

// Size is the size of the encoded batch in bytes.
func (b *BatchBuilder) Size() int { return b.headSize() + len(b.data) }

// AppendTo appends the encoded batch.
func (b *BatchBuilder) AppendTo(dst []byte) []byte { return append(b.appendHead(dst), b.data...) }

// WriteTo writes the encoded batch into dst, which has room for Size bytes, and returns Size.
func (b *BatchBuilder) WriteTo(dst []byte) int {
	return len(b.AppendTo(dst[:0:len(dst)][:0:b.Size()]))
}

// Encode returns the two parts of the encoded batch; they are valid until the builder changes.
func (b *BatchBuilder) Encode() (head, data []byte) {
	b.head = b.appendHead(b.head[:0])
	return b.head, b.data
}

func (b *BatchBuilder) appendHead(dst []byte) []byte {
	recordsAt := HeaderBytes
	errorsAt := recordsAt + len(b.entries)
	topicsAt := errorsAt + len(b.errors)
	schemasAt := topicsAt + 8*len(b.topics.ends)
	partitionsAt := schemasAt + 8*len(b.schemas.ends)
	bytesAt := partitionsAt + 8*len(b.partitions.ends)
	for _, word := range [...]int{BatchMagic, b.headSize(), len(b.data), b.Len(),
		topicsAt, len(b.topics.ends), schemasAt, len(b.schemas.ends), partitionsAt, len(b.partitions.ends),
		recordsAt, errorsAt, b.ErrorCount(), b.inputs, 0, 0} {
		dst = le.AppendUint32(dst, uint32(word))
	}
	dst = append(append(dst, b.entries...), b.errors...)
	dst = b.topics.appendRanges(dst, bytesAt)
	dst = b.schemas.appendRanges(dst, bytesAt+len(b.topics.bytes))
	dst = b.partitions.appendRanges(dst, bytesAt+len(b.topics.bytes)+len(b.schemas.bytes))
	dst = append(dst, b.topics.bytes...)
	dst = append(dst, b.schemas.bytes...)
	return append(dst, b.partitions.bytes...)
}

func (d *dictionary) appendRanges(dst []byte, at int) []byte {
	start := 0
	for _, end := range d.ends {
		dst = le.AppendUint32(dst, uint32(at+start))
		dst = le.AppendUint32(dst, uint32(end-start))
		start = end
	}
	return dst
}

// Mark is a state of a builder to go back to.
type Mark struct{ topics, schemas, partitions, entries, errors, data, inputs int }

// Mark notes what was written so far.
func (b *BatchBuilder) Mark() Mark {
	return Mark{len(b.topics.ends), len(b.schemas.ends), len(b.partitions.ends), len(b.entries), len(b.errors),
		len(b.data), b.inputs}
}

// Rollback forgets what was written since the mark.
func (b *BatchBuilder) Rollback(m Mark) {
	b.topics.truncate(m.topics)
	b.schemas.truncate(m.schemas)
	b.partitions.truncate(m.partitions)
	b.entries, b.errors, b.data, b.inputs = b.entries[:m.entries], b.errors[:m.errors], b.data[:m.data], m.inputs
}

func (d *dictionary) truncate(n int) {
	for i := len(d.ends) - 1; i >= n; i-- {
		start := 0
		if i > 0 {
			start = d.ends[i-1]
		}
		entry := d.bytes[start:d.ends[i]]
		if d.lookup[string(entry)] == uint32(i) {
			delete(d.lookup, string(entry))
		}
		d.bytes, d.ends = d.bytes[:start], d.ends[:i]
	}
}
