package guesttest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// TextOfValue writes a value for readers; the pairs of maps are sorted, so that equal texts mean equal control values.
func TextOfValue(v abi.Value) string {
	switch v.Tag {
	case abi.TagString:
		return fmt.Sprintf("%q", v.Payload)
	case abi.TagNull:
		return "null"
	case abi.TagBoolean:
		return fmt.Sprint(v.Bool())
	case abi.TagInt8, abi.TagInt16, abi.TagInt32, abi.TagInt64, abi.TagDate:
		return fmt.Sprintf("%s:%d", strings.ToLower(v.Tag.String()), v.Int64())
	case abi.TagFloat32, abi.TagFloat64:
		return fmt.Sprintf("%s:%v", strings.ToLower(v.Tag.String()), v.Float64())
	case abi.TagArray, abi.TagStruct:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = TextOfValue(v.Item(i))
		}
		if v.Tag == abi.TagStruct {
			return fmt.Sprintf("struct#%d(%s)", int32(v.StructSchema()), strings.Join(items, ", "))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case abi.TagMap:
		pairs := make([]string, v.Len())
		for i := range pairs {
			key, value := v.Entry(i)
			pairs[i] = TextOfValue(key) + ": " + TextOfValue(value)
		}
		slices.Sort(pairs)
		return "{" + strings.Join(pairs, ", ") + "}"
	}
	return fmt.Sprintf("%s:%x", strings.ToLower(v.Tag.String()), v.Payload)
}

// TextOfBatch writes a batch record by record, as the conformance list compares them: errors last, sorted, without
// their messages.
func TextOfBatch(b *abi.Batch) string {
	var lines []string
	for i := range b.Len() {
		lines = append(lines, textOfEntry(b, b.Entry(i)))
	}
	var errs []string
	for i := range b.ErrorCount() {
		e := b.Error(i)
		text := fmt.Sprintf("error record=%d stage=%d code=%d", int32(e.Record), e.Stage, e.Code)
		if e.Class != "" {
			text += " class=" + e.Class
		}
		errs = append(errs, text)
	}
	slices.Sort(errs)
	lines = append(lines, errs...)
	return fmt.Sprintf("batch of %d\n%s", b.InputCount(), strings.Join(lines, "\n"))
}

func textOfEntry(b *abi.Batch, e abi.Entry) string {
	var s strings.Builder
	fmt.Fprintf(&s, "origin=%d topic=%s partition=%d offset=%d", e.Origin(), b.TopicBytes(int(e.Topic())), e.Partition(),
		e.Offset())
	if e.Timestamp() != abi.NoTimestamp || e.TimestampType() != 0 {
		fmt.Fprintf(&s, " timestamp=%d/%d", e.Timestamp(), e.TimestampType())
	}
	if e.Flags() != 0 {
		fmt.Fprintf(&s, " flags=%d", e.Flags())
	}
	key, value := e.Key(), e.Value()
	fmt.Fprintf(&s, " key=%s", textOfCell(b, key.Schema, key.Tag, key.Bytes))
	fmt.Fprintf(&s, " value=%s", textOfCell(b, value.Schema, value.Tag, value.Bytes))
	for h := range e.Headers() {
		fmt.Fprintf(&s, " header %q=%s", h.Key, textOfCell(b, h.Schema, h.Tag, h.Value))
	}
	if p := e.SourcePartition(); p != abi.None {
		fmt.Fprintf(&s, " source=%s", TextOfValue(b.Partition(int(p))))
	}
	if offset, ok := e.SourceOffset(); ok {
		fmt.Fprintf(&s, " at=%s", TextOfValue(offset))
	}
	return s.String()
}

func textOfCell(b *abi.Batch, schema uint32, tag abi.Tag, payload []byte) string {
	text := TextOfValue(abi.Value{Tag: tag, Payload: payload})
	if schema != abi.None {
		text += fmt.Sprintf("<schema %x>", b.SchemaBytes(int(schema)))
	}
	return text
}

// TextOfMessage writes a message; ref is the data area of the batch that a RESULT answers.
func TextOfMessage(m Message, ref []byte) string {
	if len(m.Body) == 0 {
		return "empty"
	}
	if m.Kind == abi.MessageRecords || m.Kind == abi.MessageResult {
		b, err := abi.ParseBatch(m.Body, ref)
		if err == nil {
			err = b.ValidateValues()
		}
		if err != nil {
			return err.Error()
		}
		return TextOfBatch(&b)
	}
	v, err := abi.ParseValueBody(m.Body)
	if err != nil {
		return err.Error()
	}
	return TextOfValue(v)
}
