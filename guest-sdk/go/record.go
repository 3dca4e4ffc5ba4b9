package guest

import (
	"github.com/berth-connect/berth/abi"
)

// Raw is a key, value or header in its serialised form: what a record holds where no converter stands between it and
// Kafka.
type Raw []byte

// Record is a record on its way. Keys, values and headers are decoded when they are first looked at; what is not set
// anew goes on as the bytes it came as. A record belongs to one goroutine at a time.
type Record struct {
	Topic         string // "": none
	Partition     int32  // Kafka's; -1: none
	Timestamp     int64  // ms since the epoch; abi.NoTimestamp: none
	TimestampType uint8  // abi.TimestampType…

	// Sources set these in Poll; later they are the host's, and changes have no effect. A stage of another module sees
	// them if its plugin WantsSource, numbers in their widest type.
	SourcePartition map[string]any
	SourceOffset    map[string]any // nil: null

	// PartitionOrder names members of SourcePartition in the order in which Kafka's key has them; the others follow in
	// that of a Java HashMap. It counts where a JVM worker shares the offsets: keys are compared by their bytes.
	PartitionOrder []string

	offset     int64
	flags      uint8
	origin     uint32
	source     source
	input      *input // nil: made by a plugin
	entry      abi.Entry
	key, value cell
	headers    []Header
	headersSet bool
	err        error // the first value that could not be decoded
}

// source is the encoded source partition and offset.
type source struct {
	partition []byte // nil: none
	offset    []byte // nil: null
}

// cell is a key, value or header value, encoded, decoded or both.
type cell struct {
	in      abi.Cell // as it came; Schema is an index of input
	input   *input   // nil: made by a plugin
	schema  *abi.Schema
	native  any
	decoded bool
}

// NewRecord returns a record without key, value and timestamp.
func NewRecord(topic string) *Record {
	return &Record{Topic: topic, Partition: -1, Timestamp: abi.NoTimestamp, offset: -1, key: made(nil, nil),
		value: made(nil, nil), headersSet: true}
}

func made(s *abi.Schema, x any) cell { return cell{schema: s, native: x, decoded: true} }

// Copy returns a record that starts as this one is and may then be changed alone, for Many.
func (r *Record) Copy() *Record {
	c := *r
	c.headers = append([]Header(nil), r.headers...)
	return &c
}

// Offset is the offset in Kafka, -1 where it is not known: in sources it is known to Durable and Commit alone, if the
// plugin WantsOffsets, and -1 of a record that was dropped.
func (r *Record) Offset() int64 { return r.offset }

// givenPlace is the topic and partition that the record came with, whatever transforms of this module made of them.
func (r *Record) givenPlace() (topic string, partition int32) {
	if r.input == nil {
		return r.Topic, r.Partition
	}
	return r.input.topics[r.entry.Topic()], r.entry.Partition()
}

// Key returns the key as abi.Value.Native gives it, or Raw.
func (r *Record) Key() any { return r.key.get(&r.err) }

// KeySchema returns the key's schema, nil for none. It is shared: not to be changed.
func (r *Record) KeySchema() *abi.Schema { return r.key.schemaOf(&r.err) }

// SetKey sets the key; nil is null. What Go types are understood tells abi.ToValue.
func (r *Record) SetKey(s *abi.Schema, x any) { r.key = made(s, x) }

// KeyView returns the encoded key, to read one field in place.
func (r *Record) KeyView() abi.Value { return r.key.view(&r.err) }

// Value returns the value as abi.Value.Native gives it, or Raw. A value that can't be decoded reads as nil, and the
// record fails with a data error after the call it was given to.
func (r *Record) Value() any { return r.value.get(&r.err) }

// ValueSchema returns the value's schema, nil for none. It is shared: not to be changed.
func (r *Record) ValueSchema() *abi.Schema { return r.value.schemaOf(&r.err) }

// SetValue sets the value; nil is null.
func (r *Record) SetValue(s *abi.Schema, x any) { r.value = made(s, x) }

// ValueView returns the encoded value, to read one field in place: ValueView().Get("id") decodes nothing else.
func (r *Record) ValueView() abi.Value { return r.value.view(&r.err) }

// Header is one header of a record.
type Header struct {
	Key  string
	cell cell
	err  *error
}

// NewHeader makes a header.
func NewHeader(key string, s *abi.Schema, x any) Header { return Header{Key: key, cell: made(s, x)} }

// Value returns the header's value as abi.Value.Native gives it, or Raw.
func (h *Header) Value() any {
	var ignored error
	if h.err == nil {
		h.err = &ignored
	}
	return h.cell.get(h.err)
}

// Schema returns the header's schema, nil for none.
func (h *Header) Schema() *abi.Schema {
	var ignored error
	if h.err == nil {
		h.err = &ignored
	}
	return h.cell.schemaOf(h.err)
}

// Headers returns the headers in order; SetHeaders replaces them.
func (r *Record) Headers() []Header {
	if !r.headersSet && r.headers == nil && r.input != nil {
		for h := range r.entry.Headers() {
			in := abi.Cell{Schema: h.Schema, Tag: h.Tag, Bytes: h.Value}
			r.headers = append(r.headers, Header{string(h.Key), cell{in: in, input: r.input}, &r.err})
		}
	}
	return r.headers
}

// SetHeaders replaces the headers.
func (r *Record) SetHeaders(headers []Header) { r.headers, r.headersSet = headers, true }

// AddHeader appends a header.
func (r *Record) AddHeader(key string, s *abi.Schema, x any) {
	r.SetHeaders(append(r.Headers(), NewHeader(key, s, x)))
}

func (c *cell) get(failed *error) any {
	if c.decoded {
		return c.native
	}
	c.decode(failed)
	return c.native
}

func (c *cell) decode(failed *error) {
	c.decoded = true
	v := abi.Value{Tag: c.in.Tag, Payload: c.in.Bytes}
	if v.Tag == abi.TagRaw {
		c.native = Raw(v.Payload)
		return
	}
	c.schemaOf(failed)
	x, err := v.NativeIn(c.schema, c.input.schema)
	if err != nil && *failed == nil {
		*failed = DataError(err)
	}
	c.native = x
}

func (c *cell) schemaOf(failed *error) *abi.Schema {
	if c.schema == nil && c.input != nil && c.in.Schema != abi.None {
		var err error
		if c.schema, err = c.input.schema(c.in.Schema); err != nil && *failed == nil {
			*failed = DataError(err)
		}
	}
	return c.schema
}

func (c *cell) view(failed *error) abi.Value {
	if c.input != nil {
		return abi.Value{Tag: c.in.Tag, Payload: c.in.Bytes}
	}
	if raw, ok := c.native.(Raw); ok {
		return abi.Value{Tag: abi.TagRaw, Payload: raw}
	}
	v, err := abi.ToValueOf(c.schema, c.native)
	if err != nil && *failed == nil {
		*failed = DataError(err)
	}
	return v
}

// isNull looks at the value without decoding it.
func (c *cell) isNull() bool {
	if c.input != nil {
		return c.in.Tag == abi.TagNull
	}
	return c.native == nil
}

// IsTombstone tells whether the value is null, without decoding it.
func (r *Record) IsTombstone() bool { return r.value.isNull() }
