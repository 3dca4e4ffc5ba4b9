package abi

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// seed adds the golden bytes and their first halves.
func seed(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(goldenDir, name+".bin"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
}

// FuzzBatch: no bytes make ParseBatch or a walk of what it accepted panic; what it accepted comes out of Compact the
// same, and Compact's bytes stay as they are when that is done again.
func FuzzBatch(f *testing.F) {
	seed(f, "batch", "result")
	ref := parseSample(f, 3)
	f.Fuzz(func(t *testing.T, b []byte) {
		batch, err := ParseBatch(b, ref.Data())
		if err != nil {
			return
		}
		walk(&batch)
		var builder BatchBuilder
		if builder.Compact(&batch) != nil {
			return // its records repeat more bytes than a batch holds
		}
		first := builder.AppendTo(nil)
		copied, err := ParseBatch(first, nil)
		if err != nil {
			t.Fatalf("a copy was refused: %v", err)
		}
		if (batch.ValidateValues() == nil) != (copied.ValidateValues() == nil) {
			t.Fatal("values of the copy are not those of the batch")
		}
		for i := range batch.Len() {
			a, b := batch.Entry(i), copied.Entry(i)
			if !bytes.Equal(a.Value().Bytes, b.Value().Bytes) || !bytes.Equal(a.HeaderBlock().Bytes, b.HeaderBlock().Bytes) {
				t.Fatalf("record %d of the copy differs", i)
			}
		}
		if err := builder.Compact(&copied); err != nil || !bytes.Equal(builder.AppendTo(nil), first) {
			t.Fatal("a copy of the copy differs")
		}
	})
}

// walk calls every accessor.
func walk(b *Batch) (n int) {
	for i := range b.Len() {
		e := b.Entry(i)
		n += len(b.TopicBytes(int(e.Topic())))
		for _, c := range [...]Cell{e.Key(), e.Value()} {
			n += walkValue(Value{c.Tag, c.Bytes}, 0)
			if c.Schema != None {
				n += len(b.SchemaBytes(int(c.Schema)))
			}
		}
		for h := range e.Headers() {
			n += walkValue(Value{h.Tag, h.Value}, 0)
		}
		if p := e.SourcePartition(); p != None {
			n += walkValue(b.Partition(int(p)), 0)
		}
		offset, _ := e.SourceOffset()
		n += walkValue(offset, 0)
	}
	for i := range b.ErrorCount() {
		n += len(b.Error(i).Message)
	}
	return n
}

func walkValue(v Value, depth int) int {
	n := int(v.Int64()) + int(v.Float64()) + len(v.Bytes())
	if depth > 3 || v.Len() > 100 {
		return n
	}
	for i := range v.Len() {
		if v.Tag == TagMap {
			key, value := v.Entry(i)
			n += walkValue(key, depth+1) + walkValue(value, depth+1)
			continue
		}
		n += walkValue(v.Item(i), depth+1)
	}
	if _, ok := v.Get("k"); ok {
		n++
	}
	return n
}

// FuzzValue: no bytes make an accessor panic; a valid value has exactly one encoding, so decoding and encoding it gives
// the same bytes.
func FuzzValue(f *testing.F) {
	seed(f, "values", "object", "plan")
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		v := Value{Tag(b[0]), b[1:]}
		walkValue(v, 0)
		valid := ValidateValue(v) == nil
		x, err := v.Native(nil)
		if err != nil || v.Tag == TagRaw {
			return // structs need a schema
		}
		if !valid {
			return // an item that no accessor reaches may be malformed
		}
		again, err := ToValue(x)
		if err != nil || !bytes.Equal(AppendValueBody(nil, again), b) {
			t.Fatalf("%v: % x came back as % x", err, b, AppendValueBody(nil, again))
		}
	})
}

// FuzzSchema: no bytes make it panic; what was read is written so that it reads the same.
func FuzzSchema(f *testing.F) {
	seed(f, "schema", "renamed")
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSchema(b)
		if err != nil {
			return
		}
		first := AppendSchema(nil, s)
		again, err := ParseSchema(first)
		if err != nil {
			t.Fatalf("read again: %v", err)
		}
		if !bytes.Equal(AppendSchema(nil, again), first) {
			t.Fatal("written again it differs")
		}
	})
}

// FuzzControl: no bytes make a reader of events and control messages panic; what was read is written so that it reads
// the same.
func FuzzControl(f *testing.F) {
	seed(f, "event", "plan", "manifest", "offsets", "failed", "validated", "request", "reply")
	f.Add(AppendEvent(nil, EventAlone, 3, nil))
	f.Add(EncodeStates([]StageState{{Stage: 1, Version: "1.0.0", State: []byte("7")}, {Stage: 2, Error: "lost"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, g := range goldens() {
			switch g.name {
			case "values", "object", "schema", "renamed", "batch", "result":
				continue
			}
			first, err := g.again(b)
			if err != nil {
				continue
			}
			again, err := g.again(first)
			if err != nil || !bytes.Equal(again, first) {
				t.Fatalf("%s: %v, % x became % x", g.name, err, first, again)
			}
		}
		_, _ = ParseTaskConfigs(b)
		_, _ = ParseDurable(b)
		_, _ = ParseWritten(b)
		_, _ = ParseCommitted(b)
		_, _ = ParseConfigsRequest(b)
		_, _ = ParseValidateRequest(b)
		_, _ = ParseAlterRequest(b)
		_, _ = ParseAltered(b)
		_, _ = ParseStates(b)
	})
}
