package recordjson

import (
	"fmt"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// Consumed is a record as Kafka would give it to a sink. Errors name the member that is wrong.
func Consumed(r host.PreviewRecord) (host.ConsumerRecord, error) {
	c := host.ConsumerRecord{Topic: r.Topic, Partition: valueOr(r.Partition, 0), Offset: valueOr(r.Offset, 0),
		TimestampMs: valueOr(r.Timestamp, noKafkaTimestamp)}
	if r.Topic == "" {
		return c, errNoTopic
	}
	if r.Timestamp != nil {
		c.TimestampType = host.CreateTime
	}
	var err error
	if c.Key, err = serialised(r.Key, "key"); err != nil {
		return c, err
	}
	if c.Value, err = serialised(r.Value, "value"); err != nil {
		return c, err
	}
	for i, h := range r.Headers {
		value, err := serialised(h.Value, headerAt(i, h))
		if err != nil {
			return c, err
		}
		c.Headers = append(c.Headers, host.Header{Key: h.Key, Value: value})
	}
	return c, nil
}

const noKafkaTimestamp = -1

func serialised(text []byte, at string) ([]byte, error) {
	d, err := parseDatum(text, at)
	if err != nil {
		return nil, err
	}
	return d.serialised()
}

func headerAt(i int, h host.PreviewHeader) string {
	return fmt.Sprintf("headers[%d] (%s).value", i, h.Key)
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// Polled is a batch with one record, as a source's connector would give it. Errors name the member that is wrong.
func Polled(r host.PreviewRecord) (abi.Batch, error) {
	if r.Topic == "" {
		return abi.Batch{}, errNoTopic
	}
	var b abi.BatchBuilder
	fields := abi.RecordFields{Topic: b.AddTopic(r.Topic), Partition: valueOr(r.Partition, -1),
		Timestamp: valueOr(r.Timestamp, abi.NoTimestamp), Offset: valueOr(r.Offset, -1), SourcePartition: abi.None}
	if r.Timestamp != nil {
		fields.TimestampType = uint8(host.CreateTime)
	}
	var err error
	if fields.Key, err = cell(&b, r.Key, "key"); err != nil {
		return abi.Batch{}, err
	}
	if fields.Value, err = cell(&b, r.Value, "value"); err != nil {
		return abi.Batch{}, err
	}
	for i, h := range r.Headers {
		c, err := cell(&b, h.Value, headerAt(i, h))
		if err != nil {
			return abi.Batch{}, err
		}
		fields.Headers = append(fields.Headers, abi.Header{Key: []byte(h.Key), Schema: c.Schema, Tag: c.Tag, Value: c.Bytes})
	}
	b.Add(&fields)
	return abi.ParseBatch(b.AppendTo(nil), nil)
}

func cell(b *abi.BatchBuilder, text []byte, at string) (abi.Cell, error) {
	d, err := parseDatum(text, at)
	if err != nil {
		return abi.Cell{}, err
	}
	schema, x, err := d.native(at)
	if err != nil {
		return abi.Cell{}, err
	}
	var value abi.Builder
	index := func(s *abi.Schema) uint32 { return b.AddSchema(abi.AppendSchema(nil, s)) }
	if err := value.Native(schema, x, index); err != nil {
		return abi.Cell{}, fmt.Errorf("%s: %w", at, err)
	}
	c := abi.Cell{Schema: abi.None, Tag: value.Value().Tag, Bytes: value.Value().Payload}
	if schema != nil {
		c.Schema = index(schema)
	}
	return c, nil
}

// Record shows entry i of a batch. Error: a guest's value that can't be read.
func Record(batch *abi.Batch, i int) (host.PreviewRecord, error) {
	e := batch.Entry(i)
	r := host.PreviewRecord{Topic: batch.Topic(int(e.Topic()))}
	if n := e.Partition(); n >= 0 {
		r.Partition = &n
	}
	if n := e.Offset(); n >= 0 {
		r.Offset = &n
	}
	if n := e.Timestamp(); n != abi.NoTimestamp {
		r.Timestamp = &n
	}
	var err error
	if r.Key, err = show(batch, abi.Value{Tag: e.Key().Tag, Payload: e.Key().Bytes}, e.Key().Schema); err != nil {
		return r, fmt.Errorf("key: %w", err)
	}
	if r.Value, err = show(batch, abi.Value{Tag: e.Value().Tag, Payload: e.Value().Bytes}, e.Value().Schema); err != nil {
		return r, fmt.Errorf("value: %w", err)
	}
	for h := range e.Headers() {
		value, err := show(batch, abi.Value{Tag: h.Tag, Payload: h.Value}, h.Schema)
		if err != nil {
			return r, fmt.Errorf("header %s: %w", h.Key, err)
		}
		r.Headers = append(r.Headers, host.PreviewHeader{Key: string(h.Key), Value: value})
	}
	return r, nil
}

// OfConsumed shows a record as Kafka gave it.
func OfConsumed(c *host.ConsumerRecord) (host.PreviewRecord, error) {
	r := host.PreviewRecord{Topic: c.Topic, Partition: &c.Partition, Offset: &c.Offset}
	if c.TimestampMs != noKafkaTimestamp {
		r.Timestamp = &c.TimestampMs
	}
	var err error
	if r.Key, err = showNullable(c.Key); err != nil {
		return r, err
	}
	if r.Value, err = showNullable(c.Value); err != nil {
		return r, err
	}
	for _, h := range c.Headers {
		value, err := showNullable(h.Value)
		if err != nil {
			return r, err
		}
		r.Headers = append(r.Headers, host.PreviewHeader{Key: h.Key, Value: value})
	}
	return r, nil
}

func showNullable(b []byte) ([]byte, error) {
	if b == nil {
		return []byte("null"), nil
	}
	return showBytes(b)
}
