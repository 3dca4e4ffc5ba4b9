package shadow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/offset"
	"github.com/berth-connect/berth/host/recordjson"
)

// dictionaries are those of two batches. Where they are the same, so are records with the same bytes: what these name
// by a number, the schema of a header or of a struct in a map, is the same there.
type dictionaries struct {
	a, b *abi.Batch
	same bool
}

// agree compares the schemas of two batches, unless they are those of the last time: records come batch by batch.
func (d *dictionaries) agree(a, b *abi.Batch) bool {
	if d.a != a || d.b != b {
		*d = dictionaries{a, b, a.SchemaCount() == b.SchemaCount()}
		for i := 0; d.same && i < a.SchemaCount(); i++ {
			d.same = bytes.Equal(a.SchemaBytes(i), b.SchemaBytes(i))
		}
	}
	return d.same
}

// same tells whether two chains made the same of a record. Failures are the same when stage, code and message are.
func same(a, b *outcome, d *dictionaries) bool {
	if (a.failed == nil) != (b.failed == nil) || a.hi-a.lo != b.hi-b.lo {
		return false
	}
	if a.failed != nil && (a.failed.Stage.Alias != b.failed.Stage.Alias || a.failed.Stage.Kind != b.failed.Stage.Kind ||
		a.failed.Code != b.failed.Code || a.failed.Message != b.failed.Message) {
		return false
	}
	for i := range a.hi - a.lo {
		if !sameRecord(a.batch, a.lo+i, b.batch, b.lo+i, d) {
			return false
		}
	}
	return true
}

// sameRecord compares encodings first. Where these differ, so may the records, or only the way they are written: then
// their JSON decides.
func sameRecord(a *abi.Batch, i int, b *abi.Batch, k int, d *dictionaries) bool {
	x, y := a.Entry(i), b.Entry(k)
	if x.Partition() != y.Partition() || x.Timestamp() != y.Timestamp() ||
		!bytes.Equal(a.TopicBytes(int(x.Topic())), b.TopicBytes(int(y.Topic()))) || x.HeaderCount() != y.HeaderCount() {
		return false
	}
	agree := d.agree(a, b)
	if (x.HeaderCount() == 0 || agree && bytes.Equal(x.HeaderBlock().Bytes, y.HeaderBlock().Bytes)) &&
		sameCell(a, x.Key(), b, y.Key(), agree) && sameCell(a, x.Value(), b, y.Value(), agree) {
		return true
	}
	one, oneErr := recordjson.Record(a, i)
	other, otherErr := recordjson.Record(b, k)
	return oneErr == nil && otherErr == nil && reflect.DeepEqual(one, other)
}

func sameCell(a *abi.Batch, x abi.Cell, b *abi.Batch, y abi.Cell, agree bool) bool {
	if x.Tag != y.Tag || !bytes.Equal(x.Bytes, y.Bytes) || (x.Schema == abi.None) != (y.Schema == abi.None) {
		return false
	}
	if agree {
		return x.Schema == y.Schema
	}
	// A struct without a declared schema names one of its batch, by a number that means another one elsewhere.
	nested := x.Schema == abi.None && x.Tag >= abi.TagArray && x.Tag <= abi.TagStruct
	return !nested && (x.Schema == abi.None ||
		bytes.Equal(a.SchemaBytes(int(x.Schema)), b.SchemaBytes(int(y.Schema))))
}

// origin says where entry i of a batch is from.
func origin(batch *abi.Batch, i int) host.ShadowOrigin {
	e := batch.Entry(i)
	o := host.ShadowOrigin{Topic: batch.Topic(int(e.Topic()))}
	if n := e.Partition(); n >= 0 {
		o.Partition = &n
	}
	if n := e.Offset(); n >= 0 {
		o.Offset = &n
	}
	if p := e.SourcePartition(); p != abi.None {
		o.SourcePartition = sourceJSON(batch.Partition(int(p)).Payload)
	}
	if s, given := e.SourceOffset(); given {
		o.SourceOffset = sourceJSON(s.Payload)
	}
	return o
}

func sourceJSON(payload []byte) json.RawMessage {
	text, err := offset.AppendJSON(nil, payload)
	if err != nil {
		return nil
	}
	return cut(text)
}

// shown is an outcome for the report.
func (o *outcome) shown() host.ShadowOutcome {
	s := host.ShadowOutcome{Outcome: host.PreviewPassed}
	for i := o.lo; i < o.hi; i++ {
		r, err := recordjson.Record(o.batch, i)
		if err != nil {
			return host.ShadowOutcome{Outcome: host.PreviewFailed,
				Error: &host.PreviewError{Message: "a record that can't be read: " + err.Error()}}
		}
		r.Key, r.Value = cut(r.Key), cut(r.Value)
		for k := range r.Headers {
			r.Headers[k].Value = cut(r.Headers[k].Value)
		}
		s.Records = append(s.Records, r)
		if len(s.Records) == shownRecordsMax {
			break
		}
	}
	switch {
	case o.failed != nil:
		s.Outcome, s.Stage, s.Error = host.PreviewFailed, o.failed.Stage.Where(), o.error()
	case o.hi == o.lo:
		s.Outcome = host.PreviewDropped
	}
	return s
}

// shownRecordsMax bounds what a difference shows of a record that became many.
const shownRecordsMax = 5

// cut makes a long text of JSON a short one that says so.
func cut(text json.RawMessage) json.RawMessage {
	if len(text) <= host.ShadowDatumBytesMax {
		return text
	}
	short, err := json.Marshal(fmt.Sprintf("%d bytes of JSON, beginning with %s", len(text),
		bytes.ToValidUTF8(text[:host.ShadowDatumBytesMax], nil)))
	if err != nil {
		return json.RawMessage("null")
	}
	return short
}
