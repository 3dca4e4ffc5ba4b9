package pipeline

import (
	"fmt"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// NoTimestampMs is what a producer record holds when the source gave no timestamp.
const NoTimestampMs = abi.NoTimestamp

// ProducerRecords turns the first n entries of a batch, all serialised by now, into records for the producer; they
// are views of the batch. An entry that a converter left unserialised is an error: the chain has no converter for it.
func ProducerRecords(batch *abi.Batch, n int) ([]host.ProducerRecord, error) {
	topics := make([]string, batch.TopicCount())
	for i := range topics {
		topics[i] = batch.Topic(i)
	}
	records := make([]host.ProducerRecord, n)
	for i := range records {
		e := batch.Entry(i)
		r := &records[i]
		r.Topic, r.Partition, r.TimestampMs = topics[e.Topic()], e.Partition(), e.Timestamp()
		var err error
		if r.Key, err = serialised(e.Key()); err != nil {
			return nil, fmt.Errorf("record %d, key: %w", i, err)
		}
		if r.Value, err = serialised(e.Value()); err != nil {
			return nil, fmt.Errorf("record %d, value: %w", i, err)
		}
		if e.HeaderCount() == 0 {
			continue
		}
		if r.Headers, err = serialisedHeaders(e); err != nil {
			return nil, fmt.Errorf("record %d, header: %w", i, err)
		}
	}
	return records, nil
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
