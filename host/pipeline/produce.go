package pipeline

import (
	"fmt"
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// NoTimestampMs is what a producer record holds when the source gave no timestamp.
const NoTimestampMs = abi.NoTimestamp

// AppendProducerRecords turns the entries from..to of a batch, all serialised by now, into records for the producer,
// which are views of the batch. An entry that a converter left unserialised is an error: the chain has no converter for
// it.
func AppendProducerRecords(dst []host.ProducerRecord, batch *abi.Batch, from, to int) ([]host.ProducerRecord, error) {
	topics := make([]string, batch.TopicCount())
	for i := range topics {
		topics[i] = batch.Topic(i)
	}
	have := len(dst)
	dst = slices.Grow(dst, to-from)[:have+to-from]
	for i := from; i < to; i++ {
		if err := fillRecord(&dst[have+i-from], topics, batch.Entry(i)); err != nil {
			return dst[:have], fmt.Errorf("record %d, %w", i, err)
		}
	}
	return dst, nil
}

func fillRecord(r *host.ProducerRecord, topics []string, e abi.Entry) (err error) {
	r.Topic, r.Partition, r.TimestampMs, r.Headers = topics[e.Topic()], e.Partition(), e.Timestamp(), nil
	r.Offset = nil
	if r.Key, err = serialised(e.Key()); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if r.Value, err = serialised(e.Value()); err != nil {
		return fmt.Errorf("value: %w", err)
	}
	if e.HeaderCount() == 0 {
		return nil
	}
	if r.Headers, err = serialisedHeaders(e); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	return nil
}

func serialised(c abi.Cell) ([]byte, error) {
	switch c.Tag {
	case abi.TagNull:
		return nil, nil
	case abi.TagRaw:
		return c.Bytes, nil
	}
	return nil, fmt.Errorf("a value of type %v reached the producer without being serialised by a converter", c.Tag)
}

func serialisedHeaders(e abi.Entry) ([]host.Header, error) {
	headers := make([]host.Header, 0, e.HeaderCount())
	for h := range e.Headers() {
		value, err := serialised(abi.Cell{Tag: h.Tag, Bytes: h.Value})
		if err != nil {
			return nil, fmt.Errorf("%q: %w", h.Key, err)
		}
		headers = append(headers, host.Header{Key: string(h.Key), Value: value})
	}
	return headers, nil
}
