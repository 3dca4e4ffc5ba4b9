package pipeline

import (
	"fmt"
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// NoTimestampMs is what a producer record holds when the source gave no timestamp.
const NoTimestampMs = abi.NoTimestamp

// ProducerRecords turns the first n entries of a batch, all serialised by now, into records for the producer; they
// are views of the batch, in the memory of into, which is used again. An entry that a converter left unserialised is an
// error: the chain has no converter for it.
func ProducerRecords(into []host.ProducerRecord, batch *abi.Batch, n int) ([]host.ProducerRecord, error) {
	topics := make([]string, batch.TopicCount())
	for i := range topics {
		topics[i] = batch.Topic(i)
	}
	into = slices.Grow(into[:0], n)[:n]
	for i := range into {
		if err := fillRecord(&into[i], topics, batch.Entry(i)); err != nil {
			return into[:0], fmt.Errorf("record %d, %w", i, err)
		}
	}
	return into, nil
}

func fillRecord(r *host.ProducerRecord, topics []string, e abi.Entry) (err error) {
	r.Topic, r.Partition, r.TimestampMs, r.Headers = topics[e.Topic()], e.Partition(), e.Timestamp(), nil
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
