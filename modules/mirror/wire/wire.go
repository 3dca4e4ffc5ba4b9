// Package wire holds the three records of MirrorMaker 2 byte by byte, in Kafka's primitive types: numbers are big
// endian, a text is an int16 length and UTF-8.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// version is that of the values of checkpoints and heartbeats; offset syncs have none.
const version = 0

// OffsetSync says that a record of the source cluster has been copied, and where it lies in the target cluster.
type OffsetSync struct {
	Topic      string // at the source
	Partition  int32
	Upstream   int64
	Downstream int64
}

// Encode returns key and value. It fails if a text is longer than an int16 can tell, as of the others.
func (s OffsetSync) Encode() (key, value []byte, err error) {
	if key, err = appendText(nil, s.Topic); err != nil {
		return nil, nil, fmt.Errorf("offset sync: topic: %w", err)
	}
	key = binary.BigEndian.AppendUint32(key, uint32(s.Partition))
	value = binary.BigEndian.AppendUint64(nil, uint64(s.Upstream))
	return key, binary.BigEndian.AppendUint64(value, uint64(s.Downstream)), nil
}

// ParseOffsetSync reads one.
func ParseOffsetSync(key, value []byte) (OffsetSync, error) {
	k, v := reader{b: key}, reader{b: value}
	s := OffsetSync{Topic: k.text(), Partition: k.int32(), Upstream: v.int64(), Downstream: v.int64()}
	return s, outcome("offset sync", &k, &v)
}

// Checkpoint says how far a consumer group of the source cluster is, in offsets of both clusters.
type Checkpoint struct {
	Group      string
	Topic      string // at the target
	Partition  int32
	Upstream   int64
	Downstream int64
	Metadata   string // that the group committed with the offset
}

// Encode returns key and value.
func (c Checkpoint) Encode() (key, value []byte, err error) {
	if key, err = appendTexts(c.Group, c.Topic); err != nil {
		return nil, nil, fmt.Errorf("checkpoint: group and topic: %w", err)
	}
	key = binary.BigEndian.AppendUint32(key, uint32(c.Partition))
	value = binary.BigEndian.AppendUint16(nil, version)
	value = binary.BigEndian.AppendUint64(value, uint64(c.Upstream))
	value = binary.BigEndian.AppendUint64(value, uint64(c.Downstream))
	if value, err = appendText(value, c.Metadata); err != nil {
		return nil, nil, fmt.Errorf("checkpoint: metadata: %w", err)
	}
	return key, value, nil
}

// ParseCheckpoint reads one.
func ParseCheckpoint(key, value []byte) (Checkpoint, error) {
	k, v := reader{b: key}, reader{b: value}
	v.version()
	c := Checkpoint{Group: k.text(), Topic: k.text(), Partition: k.int32(), Upstream: v.int64(), Downstream: v.int64(),
		Metadata: v.text()}
	return c, outcome("checkpoint", &k, &v)
}

// Heartbeat says that a flow from one cluster to another is alive.
type Heartbeat struct {
	Source, Target string // aliases
	Timestamp      int64  // ms since the epoch
}

// Encode returns key and value.
func (h Heartbeat) Encode() (key, value []byte, err error) {
	if key, err = appendTexts(h.Source, h.Target); err != nil {
		return nil, nil, fmt.Errorf("heartbeat: aliases: %w", err)
	}
	value = binary.BigEndian.AppendUint16(nil, version)
	return key, binary.BigEndian.AppendUint64(value, uint64(h.Timestamp)), nil
}

// ParseHeartbeat reads one.
func ParseHeartbeat(key, value []byte) (Heartbeat, error) {
	k, v := reader{b: key}, reader{b: value}
	v.version()
	h := Heartbeat{Source: k.text(), Target: k.text(), Timestamp: v.int64()}
	return h, outcome("heartbeat", &k, &v)
}

func appendTexts(texts ...string) (b []byte, err error) {
	for _, text := range texts {
		if b, err = appendText(b, text); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendText(b []byte, text string) ([]byte, error) {
	if len(text) > math.MaxInt16 {
		return nil, fmt.Errorf("%d bytes, at most %d", len(text), math.MaxInt16)
	}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...), nil
}

// reader takes primitives off the front; after the first that does not fit it gives zero values.
type reader struct {
	b   []byte
	err error
}

var errShort = errors.New("it ends too early")

func (r *reader) take(n int) []byte {
	if r.err == nil && (n < 0 || n > len(r.b)) {
		r.err = errShort
	}
	if r.err != nil {
		return make([]byte, max(n, 0))
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) int16() int16 { return int16(binary.BigEndian.Uint16(r.take(2))) }
func (r *reader) int32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }
func (r *reader) int64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) }
func (r *reader) text() string { return string(r.take(int(r.int16()))) }

// version refuses what a newer writer made.
func (r *reader) version() {
	if v := r.int16(); r.err == nil && v != version {
		r.err = fmt.Errorf("version %d, want %d", v, version)
	}
}

func outcome(what string, key, value *reader) error {
	for _, part := range []struct {
		name string
		r    *reader
	}{{"key", key}, {"value", value}} {
		if part.r.err != nil {
			return fmt.Errorf("read %s of %s: %w", part.name, what, part.r.err)
		}
	}
	return nil
}
