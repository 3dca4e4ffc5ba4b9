package guest

import (
	"fmt"

	"github.com/berth-connect/berth/abi"
)

// cachedSchemasMax bounds the caches of schemas; a batch holds at most abi.DictionaryMax, most hold one or two.
const cachedSchemasMax = 1024

// input is a batch that was given to the instance, with what was decoded of its dictionaries.
type input struct {
	batch   abi.Batch
	topics  []string
	schemas []*abi.Schema
	codec   *codec
}

// codec turns batches to records and back; it keeps schemas from batch to batch.
type codec struct {
	parsed  map[string]*abi.Schema
	encoded map[*abi.Schema][]byte
	batch   abi.BatchBuilder
	value   abi.Builder
	block   []byte
	key     []byte
}

func newCodec() *codec {
	return &codec{parsed: map[string]*abi.Schema{}, encoded: map[*abi.Schema][]byte{}}
}

func (in *input) schema(i uint32) (*abi.Schema, error) {
	if int(i) >= len(in.schemas) {
		return nil, fmt.Errorf("schema %d of %d", i, len(in.schemas))
	}
	if in.schemas[i] == nil {
		s, err := in.codec.parseSchema(in.batch.SchemaBytes(int(i)))
		if err != nil {
			return nil, err
		}
		in.schemas[i] = s
	}
	return in.schemas[i], nil
}

func (c *codec) parseSchema(b []byte) (*abi.Schema, error) {
	if s := c.parsed[string(b)]; s != nil {
		return s, nil
	}
	s, err := abi.ParseSchema(b)
	if err != nil {
		return nil, err
	}
	if len(c.parsed) >= cachedSchemasMax {
		clear(c.parsed)
	}
	c.parsed[string(b)] = s
	return s, nil
}

// schemaIndex adds a schema to the batch that is being written.
func (c *codec) schemaIndex(s *abi.Schema) uint32 {
	if s == nil {
		return abi.None
	}
	b := c.encoded[s]
	if b == nil {
		if len(c.encoded) >= cachedSchemasMax {
			clear(c.encoded)
		}
		b = abi.AppendSchema(nil, s)
		c.encoded[s] = b
	}
	return c.batch.AddSchema(b)
}

// records makes the records of a batch; they are views of it.
func (c *codec) records(body []byte) (*input, []*Record, error) {
	batch, err := abi.ParseBatch(body, nil)
	if err != nil {
		return nil, nil, err
	}
	in := &input{batch: batch, topics: make([]string, batch.TopicCount()), codec: c}
	in.schemas = make([]*abi.Schema, batch.SchemaCount())
	for i := range in.topics {
		in.topics[i] = batch.Topic(i)
	}
	slab := make([]Record, batch.Len())
	list := make([]*Record, len(slab))
	for i := range slab {
		e := batch.Entry(i)
		slab[i] = Record{
			Topic: in.topics[e.Topic()], Partition: e.Partition(), Timestamp: e.Timestamp(),
			TimestampType: e.TimestampType(), offset: e.Offset(), flags: e.Flags(), origin: uint32(i), input: in, entry: e,
			key: cell{in: e.Key(), input: in}, value: cell{in: e.Value(), input: in},
		}
		if err := slab[i].readSource(&batch); err != nil {
			return nil, nil, err
		}
		list[i] = &slab[i]
	}
	return in, list, nil
}

// readSource decodes source partition and offset, which batches have only where a plugin WantsSource.
func (r *Record) readSource(batch *abi.Batch) (err error) {
	if i := r.entry.SourcePartition(); i != abi.None {
		if r.SourcePartition, err = nativeMap(batch.Partition(int(i))); err != nil {
			return fmt.Errorf("source partition: %w", err)
		}
	}
	if offset, has := r.entry.SourceOffset(); has {
		if r.SourceOffset, err = nativeMap(offset); err != nil {
			return fmt.Errorf("source offset: %w", err)
		}
	}
	return nil
}

// add appends a record to the batch that is being written. into is the batch that it answers, nil in sources.
func (c *codec) add(r *Record, into *input, origin uint32) error {
	f := abi.RecordFields{SourcePartition: abi.None}
	if r.input != nil && r.input == into {
		f.FromInput(r.entry)
	} else if r.source.partition != nil {
		f.SourcePartition = c.batch.AddPartition(r.source.partition)
		f.SourceOffset = abi.Block{Bytes: r.source.offset}
	}
	f.Topic, f.Partition, f.Origin, f.Flags = c.batch.AddTopic(r.Topic), r.Partition, origin, r.flags
	if r.Topic != "" {
		f.Flags &^= abi.FlagNoTopic
	}
	f.Timestamp, f.TimestampType, f.Offset = r.Timestamp, r.TimestampType, r.offset
	if err := c.addHeaders(r, into, &f); err != nil {
		return err
	}
	var err error
	if f.Key, c.key, err = c.encodeOrRefer(&r.key, into, c.key); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if f.Value, c.block, err = c.encodeOrRefer(&r.value, into, c.block); err != nil {
		return fmt.Errorf("value: %w", err)
	}
	c.batch.Add(&f)
	return nil
}

func (c *codec) addHeaders(r *Record, into *input, f *abi.RecordFields) error {
	if r.input != nil && r.input == into && !r.headersSet {
		return nil // the block of the input
	}
	f.HeaderBlock = abi.Block{}
	headers := r.Headers()
	for i := range headers {
		h := &headers[i]
		cell, _, err := c.encode(&h.cell, into, nil)
		if err != nil {
			return fmt.Errorf("header %s: %w", h.Key, err)
		}
		f.Headers = append(f.Headers, abi.Header{Key: []byte(h.Key), Schema: cell.Schema, Tag: cell.Tag, Value: cell.Bytes})
	}
	if len(f.Headers) > abi.HeadersMax {
		return fmt.Errorf("%d headers, at most %d", len(f.Headers), abi.HeadersMax)
	}
	return nil
}

// encodeOrRefer returns a cell for the batch that is being written: a reference for one that came with the input it
// answers, else bytes in scratch, which is returned grown.
func (c *codec) encodeOrRefer(v *cell, into *input, scratch []byte) (abi.Cell, []byte, error) {
	if v.input != nil && v.input == into {
		return v.in.FromInput(), scratch, nil
	}
	return c.encode(v, into, scratch)
}

func (c *codec) encode(v *cell, into *input, scratch []byte) (abi.Cell, []byte, error) {
	if v.input != nil && v.input == into {
		return v.in, scratch, nil
	}
	var failed error
	x, schema := v.get(&failed), v.schemaOf(&failed) // cells of another batch name its schemas: decode them
	if failed != nil {
		return abi.Cell{}, scratch, failed
	}
	if raw, ok := x.(Raw); ok {
		return abi.Cell{Schema: abi.None, Tag: abi.TagRaw, Bytes: raw}, scratch, nil
	}
	c.value.Reset()
	if err := c.value.Native(schema, x, c.schemaIndex); err != nil {
		return abi.Cell{}, scratch, err
	}
	encoded := c.value.Value()
	scratch = append(scratch[:0], encoded.Payload...)
	return abi.Cell{Schema: c.schemaIndex(schema), Tag: encoded.Tag, Bytes: scratch}, scratch, nil
}
