package pipeline

import (
	"encoding/binary"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
)

var le = binary.LittleEndian

// Fetch is consumed records as the body of a BATCH event: they are encoded straight into the memory of the guest that
// polls, so that a record's bytes are copied once. The records must stay as they are until then.
type Fetch struct {
	records  []host.ConsumerRecord
	topics   []string
	topicOf  map[string]uint32
	headLen  int
	dataLen  int
	lastName string // the topic looked up last: most fetches come from one
	lastID   uint32
}

var _ guest.Body = (*Fetch)(nil)

// NewFetch prepares records for encoding.
func NewFetch(records []host.ConsumerRecord) *Fetch {
	f := &Fetch{records: records, topicOf: map[string]uint32{}}
	topicBytes := 0
	for i := range records {
		r := &records[i]
		if i == 0 || r.Topic != records[i-1].Topic {
			topicBytes += f.addTopic(r.Topic)
		}
		f.dataLen += len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			f.dataLen += headerPrefixBytes + len(h.Key) + len(h.Value)
		}
	}
	f.headLen = abi.HeaderBytes + len(records)*abi.EntryBytes + len(f.topics)*8 + topicBytes
	return f
}

// addTopic enters a topic and returns how many bytes that takes.
func (f *Fetch) addTopic(topic string) int {
	if _, known := f.topicOf[topic]; known {
		return 0
	}
	f.topicOf[topic] = uint32(len(f.topics))
	f.topics = append(f.topics, topic)
	return len(topic)
}

// headerPrefixBytes is the fixed part of one header in a header block.
const headerPrefixBytes = 16

// Size implements guest.Body.
func (f *Fetch) Size() int { return f.headLen + f.dataLen }

// WriteTo implements guest.Body.
func (f *Fetch) WriteTo(dst []byte) {
	recordsAt := abi.HeaderBytes
	topicsAt := recordsAt + len(f.records)*abi.EntryBytes
	for i, word := range [...]int{abi.BatchMagic, f.headLen, f.dataLen, len(f.records), topicsAt, len(f.topics),
		0, 0, 0, 0, recordsAt, 0, 0, len(f.records), 0, 0} {
		le.PutUint32(dst[4*i:], uint32(word))
	}
	at := topicsAt + 8*len(f.topics)
	for i, topic := range f.topics {
		le.PutUint32(dst[topicsAt+8*i:], uint32(at))
		le.PutUint32(dst[topicsAt+8*i+4:], uint32(len(topic)))
		at += copy(dst[at:], topic)
	}
	data := dst[f.headLen:]
	used := 0
	for i := range f.records {
		used = f.writeRecord(dst[recordsAt+i*abi.EntryBytes:], data, used, i)
	}
}

func (f *Fetch) writeRecord(e, data []byte, used, i int) int {
	r := &f.records[i]
	le.PutUint32(e, f.topicID(r.Topic))
	le.PutUint32(e[4:], uint32(r.Partition))
	timestamp := r.TimestampMs
	if timestamp == -1 { // Kafka's "no timestamp"
		timestamp = abi.NoTimestamp
	}
	le.PutUint64(e[8:], uint64(timestamp))
	le.PutUint64(e[16:], uint64(r.Offset))
	le.PutUint32(e[24:], uint32(i))
	e[28], e[29] = byte(r.TimestampType), 0
	le.PutUint16(e[30:], uint16(len(r.Headers)))
	used = writeRaw(e[32:], data, used, r.Key)
	used = writeRaw(e[48:], data, used, r.Value)
	block := used
	for _, h := range r.Headers {
		used = writeHeader(data, used, h)
	}
	le.PutUint32(e[64:], uint32(block))
	le.PutUint32(e[68:], uint32(used-block))
	le.PutUint32(e[72:], abi.None)
	le.PutUint32(e[76:], 0)
	le.PutUint32(e[80:], abi.None)
	le.PutUint32(e[84:], 0)
	return used
}

func (f *Fetch) topicID(topic string) uint32 {
	if topic != f.lastName {
		f.lastName, f.lastID = topic, f.topicOf[topic]
	}
	return f.lastID
}

// writeRaw fills a cell with serialised bytes, nil being NULL.
func writeRaw(cell, data []byte, used int, b []byte) int {
	le.PutUint32(cell, uint32(used))
	le.PutUint32(cell[4:], uint32(len(b)))
	le.PutUint32(cell[8:], abi.None)
	le.PutUint32(cell[12:], uint32(rawTag(b)))
	return used + copy(data[used:], b)
}

func writeHeader(data []byte, used int, h host.Header) int {
	le.PutUint32(data[used:], uint32(len(h.Key)))
	le.PutUint32(data[used+4:], uint32(len(h.Value)))
	le.PutUint32(data[used+8:], abi.None)
	le.PutUint32(data[used+12:], uint32(rawTag(h.Value)))
	used += headerPrefixBytes
	used += copy(data[used:], h.Key)
	return used + copy(data[used:], h.Value)
}

func rawTag(b []byte) abi.Tag {
	if b == nil {
		return abi.TagNull
	}
	return abi.TagRaw
}
