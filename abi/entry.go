package abi

import "iter"

// Entry is a view of one record of a batch.
type Entry struct {
	rec, data, ref []byte
}

// Topic is the index of the topic in the batch.
func (e Entry) Topic() uint32 { return le.Uint32(e.rec) }

// Partition is the Kafka partition, -1 for none.
func (e Entry) Partition() int32 { return int32(le.Uint32(e.rec[4:])) }

// Timestamp is in milliseconds since the epoch, NoTimestamp for none.
func (e Entry) Timestamp() int64 { return int64(le.Uint64(e.rec[8:])) }

// Offset is the offset in Kafka, -1 for none.
func (e Entry) Offset() int64 { return int64(le.Uint64(e.rec[16:])) }

// Origin is the index of the input record that this one came from.
func (e Entry) Origin() uint32 { return le.Uint32(e.rec[24:]) }

// TimestampType is one of the TimestampType constants.
func (e Entry) TimestampType() uint8 { return e.rec[28] }

// Flags holds FlagPredicate and FlagNoTopic.
func (e Entry) Flags() uint8 { return e.rec[29] }

// Key is the record's key.
func (e Entry) Key() Cell { return e.cell(32) }

// Value is the record's value.
func (e Entry) Value() Cell { return e.cell(48) }

func (e Entry) cell(at int) Cell {
	off, size := le.Uint32(e.rec[at:]), le.Uint32(e.rec[at+4:])
	return Cell{le.Uint32(e.rec[at+8:]), Tag(e.rec[at+12]), area(e.data, e.ref, off, size), off &^ RefInput}
}

// HeaderCount is the number of headers.
func (e Entry) HeaderCount() int { return int(le.Uint16(e.rec[30:])) }

// HeaderBlock is all headers in their encoding.
func (e Entry) HeaderBlock() Block {
	off, size := le.Uint32(e.rec[64:]), le.Uint32(e.rec[68:])
	return Block{e.HeaderCount(), area(e.data, e.ref, off, size), off &^ RefInput}
}

// Headers goes through the headers in order.
func (e Entry) Headers() iter.Seq[Header] {
	return func(yield func(Header) bool) { e.eachHeader(yield) }
}

func (e Entry) eachHeader(yield func(Header) bool) {
	block := e.HeaderBlock()
	eachHeader(block.Bytes, block.Count, yield)
}

// SourcePartition is the index of the source partition in the batch, None in sinks.
func (e Entry) SourcePartition() uint32 { return le.Uint32(e.rec[72:]) }

// SourceOffset is the source offset, a MAP; false: null.
func (e Entry) SourceOffset() (Value, bool) {
	block := e.SourceOffsetBlock()
	return Value{TagMap, block.Bytes}, block.Bytes != nil
}

// SourceOffsetBlock is the payload of the source offset; nil Bytes: null.
func (e Entry) SourceOffsetBlock() Block {
	off, size := le.Uint32(e.rec[76:]), le.Uint32(e.rec[80:])
	if size == None {
		return Block{}
	}
	return Block{0, area(e.data, e.ref, off, size), off &^ RefInput}
}

// Cell is a record's key or value: an encoded value and the index of its schema in the batch (None: no schema).
type Cell struct {
	Schema uint32
	Tag    Tag
	Bytes  []byte

	at uint32 // offset in the data area that it was read from
}

// Header is one header; Value is its encoded value.
type Header struct {
	Key    []byte
	Schema uint32
	Tag    Tag
	Value  []byte
}

// Block is bytes of a data area: the header block of a record, with the number of headers in it, or a source offset.
type Block struct {
	Count int
	Bytes []byte

	at uint32
}

// FromInput marks a cell read from the input batch: the builder of the answer refers to it instead of copying it.
func (c Cell) FromInput() Cell {
	c.at |= RefInput
	return c
}

// FromInput marks a block read from the input batch, as Cell.FromInput does.
func (b Block) FromInput() Block {
	b.at |= RefInput
	return b
}

// Headers goes through the headers of a checked block; it ends early where the block is malformed.
func (b Block) Headers() iter.Seq[Header] {
	return func(yield func(Header) bool) { eachHeader(b.Bytes, b.Count, yield) }
}

// eachHeader stands apart so that Headers is inlined and its closure stays off the heap.
func eachHeader(rest []byte, count int, yield func(Header) bool) {
	for range count {
		if len(rest) < headerPrefixBytes {
			return
		}
		keyEnd := headerPrefixBytes + uint64(le.Uint32(rest))
		end := keyEnd + uint64(le.Uint32(rest[4:]))
		if end > uint64(len(rest)) {
			return
		}
		key, value := rest[headerPrefixBytes:keyEnd:keyEnd], rest[keyEnd:end:end]
		if !yield(Header{key, le.Uint32(rest[8:]), Tag(rest[12]), value}) {
			return
		}
		rest = rest[end:]
	}
}

// AppendHeader appends one header to a header block.
func AppendHeader(dst []byte, h Header) []byte {
	dst = le.AppendUint32(dst, uint32(len(h.Key)))
	dst = le.AppendUint32(dst, uint32(len(h.Value)))
	dst = le.AppendUint32(dst, h.Schema)
	dst = append(dst, byte(h.Tag), 0, 0, 0)
	return append(append(dst, h.Key...), h.Value...)
}
