package abi

import (
	"fmt"
)

// NotWritten stands in Written for a record that did not go to Kafka: it was dropped, or given up.
const NotWritten = -1

// Written is one item of the WRITTEN event: where Kafka put the records of a RECORDS batch.
type Written struct {
	Seq     int64
	Offsets []int64 // of each polled record of the batch, in the order of the poll; of several made of it the last's
}

// EncodeWritten returns the body of WRITTEN.
func EncodeWritten(list []Written) []byte {
	var b Builder
	b.BeginArray()
	for _, w := range list {
		offsets := make([]byte, 0, 8*len(w.Offsets))
		for _, offset := range w.Offsets {
			offsets = le.AppendUint64(offsets, uint64(offset))
		}
		b.BeginArray()
		b.Int64(w.Seq)
		b.Put(Value{TagBytes, offsets})
		b.End()
	}
	b.End()
	return b.Bytes()
}

// ParseWritten reads the body of WRITTEN.
func ParseWritten(b []byte) ([]Written, error) {
	var list []Written
	err := parseArray(b, "written batches", func(v Value) error {
		if v.Tag != TagArray || v.Len() != 2 || v.Item(0).Tag != TagInt64 || v.Item(1).Tag != TagBytes {
			return fmt.Errorf("it is not a seq and bytes")
		}
		offsets := v.Item(1).Payload
		if len(offsets)%8 != 0 {
			return fmt.Errorf("%d bytes of offsets, not a multiple of 8", len(offsets))
		}
		w := Written{Seq: v.Item(0).Int64(), Offsets: make([]int64, len(offsets)/8)}
		for i := range w.Offsets {
			w.Offsets[i] = int64(le.Uint64(offsets[8*i:]))
		}
		list = append(list, w)
		return nil
	})
	return list, err
}
