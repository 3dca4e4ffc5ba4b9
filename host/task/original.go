package task

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/offset"
	"github.com/berth-connect/berth/host/pipeline"
)

// consumed is a record as a sink task read it from Kafka.
type consumed struct{ *host.ConsumerRecord }

func (c consumed) where() string {
	return fmt.Sprintf("record %s-%d@%d (topic, partition, offset)", c.Topic, c.Partition, c.Offset)
}

func (c consumed) shown() string {
	text := fmt.Sprintf(", where consumed record is {topic='%s', partition=%d, offset=%d", c.Topic, c.Partition, c.Offset)
	switch c.TimestampType {
	case host.CreateTime:
		text += fmt.Sprintf(", timestamp=%d, timestampType=CreateTime", c.TimestampMs)
	case host.LogAppendTime:
		text += fmt.Sprintf(", timestamp=%d, timestampType=LogAppendTime", c.TimestampMs)
	}
	return text + "}"
}

func (c consumed) raw(kind string) []byte {
	switch kind {
	case abi.KindKeyConverter:
		return c.Key
	case abi.KindValueConverter:
		return c.Value
	}
	return nil
}

// letter is the record byte for byte; its memory is the consumer's only until the next poll.
func (c consumed) letter() host.ProducerRecord {
	letter := host.ProducerRecord{TimestampMs: c.TimestampMs, Key: bytes.Clone(c.Key), Value: bytes.Clone(c.Value)}
	if c.TimestampMs == noKafkaTimestamp {
		letter.TimestampMs = abi.NoTimestamp
	}
	for _, h := range c.Headers {
		letter.Headers = append(letter.Headers, host.Header{Key: strings.Clone(h.Key), Value: bytes.Clone(h.Value)})
	}
	return letter
}

const noKafkaTimestamp = -1

func (c consumed) place() (string, int32, int64) {
	return strings.Clone(c.Topic), c.Partition, c.Offset
}

func (c consumed) context() []host.Header { return nil }

// polledRecord is a record as a source's connector gave it.
type polledRecord struct {
	batch *abi.Batch
	i     int
	sent  *host.ProducerRecord // as the producer got it, nil: it never came so far
}

func (p polledRecord) entry() abi.Entry { return p.batch.Entry(p.i) }

func (p polledRecord) where() string {
	partition, position := p.source()
	return fmt.Sprintf("record %d of the batch, with source offset %s of source partition %s", p.i, position, partition)
}

// source is the JSON text of the source partition and offset, "null" for none.
func (p polledRecord) source() (partition, position string) {
	partition, position = "null", "null"
	e := p.entry()
	if i := e.SourcePartition(); i != abi.None {
		if text, err := offset.AppendJSON(nil, p.batch.Partition(int(i)).Payload); err == nil {
			partition = string(text)
		}
	}
	if o, ok := e.SourceOffset(); ok {
		if text, err := offset.AppendJSON(nil, o.Payload); err == nil {
			position = string(text)
		}
	}
	return partition, position
}

func (p polledRecord) shown() string {
	partition, position := p.source()
	e := p.entry()
	key, _ := p.cell(e.Key())
	value, _ := p.cell(e.Value())
	topic, kafkaPartition, _ := p.place()
	return fmt.Sprintf(", where source record is = SourceRecord{sourcePartition=%s, sourceOffset=%s} "+
		"ConnectRecord{topic='%s', kafkaPartition=%s, key=%s, value=%s, timestamp=%s}", partition, position, topic,
		orNull(int64(kafkaPartition), -1), textOrNull(key), textOrNull(value), orNull(e.Timestamp(), abi.NoTimestamp))
}

func orNull(n, none int64) string {
	if n == none {
		return "null"
	}
	return fmt.Sprint(n)
}

func textOrNull(b []byte) string {
	if b == nil {
		return "null"
	}
	return string(b)
}

func (p polledRecord) raw(string) []byte { return nil }

func (p polledRecord) cell(c abi.Cell) ([]byte, string) {
	return cellBytes(p.batch, c.Tag, c.Bytes, c.Schema)
}

// letter is the record as the producer got it, else as it was polled.
func (p polledRecord) letter() host.ProducerRecord {
	if p.sent != nil {
		return cloneRecord(p.sent)
	}
	e := p.entry()
	letter := host.ProducerRecord{TimestampMs: e.Timestamp()}
	letter.Key, _ = p.cell(e.Key())
	letter.Value, _ = p.cell(e.Value())
	for h := range e.Headers() {
		value, _ := cellBytes(p.batch, h.Tag, h.Value, h.Schema)
		letter.Headers = append(letter.Headers, host.Header{Key: string(h.Key), Value: value})
	}
	return letter
}

func cloneRecord(r *host.ProducerRecord) host.ProducerRecord {
	c := *r
	c.Key, c.Value, c.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), nil
	for _, h := range r.Headers {
		c.Headers = append(c.Headers, host.Header{Key: strings.Clone(h.Key), Value: bytes.Clone(h.Value)})
	}
	return c
}

func (p polledRecord) place() (string, int32, int64) {
	if p.sent != nil {
		return p.sent.Topic, p.sent.Partition, -1
	}
	return p.batch.Topic(int(p.entry().Topic())), p.entry().Partition(), -1
}

// context is what Connect has no headers for: where in its source the record was, and what its bytes are.
func (p polledRecord) context() []host.Header {
	partition, position := p.source()
	headers := []host.Header{header(berthHeader+"source.partition", partition),
		header(berthHeader+"source.offset", position)}
	if p.sent != nil {
		return headers
	}
	if _, encoding := p.cell(p.entry().Key()); encoding != "" {
		headers = append(headers, header(berthHeader+"key.encoding", encoding))
	}
	if _, encoding := p.cell(p.entry().Value()); encoding != "" {
		headers = append(headers, header(berthHeader+"value.encoding", encoding))
	}
	return headers
}

// neverLeft is a record that failed in a stage that runs with the source's connector, in one instance: the host has not
// seen it, only those around it.
type neverLeft struct {
	batch  *abi.Batch
	before int // index of the entry before which it was
}

func (n neverLeft) where() string {
	if n.before == 0 {
		return "the first record of the batch"
	}
	_, position := polledRecord{batch: n.batch, i: n.before - 1}.source()
	return fmt.Sprintf("record %d of the batch, after the one with source offset %s", n.before, position)
}

func (n neverLeft) shown() string     { return ", where source record is " + n.where() }
func (n neverLeft) raw(string) []byte { return nil }
func (n neverLeft) letter() host.ProducerRecord {
	return host.ProducerRecord{TimestampMs: abi.NoTimestamp}
}
func (n neverLeft) place() (string, int32, int64) { return "", -1, -1 }
func (n neverLeft) context() []host.Header        { return nil }

var _, _, _ original = consumed{}, polledRecord{}, neverLeft{}

// polledOriginal finds the original of a source's record that failed.
func polledOriginal(polled *abi.Batch, f *pipeline.RecordFailure) original {
	if f.Unseen {
		return neverLeft{polled, f.Record}
	}
	return polledRecord{batch: polled, i: f.Record}
}
