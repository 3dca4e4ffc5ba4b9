package abi

import (
	"reflect"
	"testing"
)

func TestWrittenBody(t *testing.T) {
	want := []Written{{Seq: 1, Offsets: []int64{5, NotWritten, 1 << 40}}, {Seq: 1 << 33, Offsets: []int64{}}}
	got, err := ParseWritten(EncodeWritten(want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	var ragged Builder
	ragged.BeginArray()
	ragged.BeginArray()
	ragged.Int64(1)
	ragged.BytesValue(make([]byte, 7))
	ragged.End()
	ragged.End()
	for what, body := range map[string][]byte{"seqs alone": EncodeDurable([]int64{1}), "7 bytes": ragged.Bytes()} {
		if _, err := ParseWritten(body); err == nil {
			t.Errorf("%s passed", what)
		}
	}
}
