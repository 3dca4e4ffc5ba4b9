package store

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// readerOf has read records, "key=value", of before the start.
func readerOf(records ...string) *configReader {
	reader := newConfigReader(slog.New(slog.DiscardHandler))
	for i, text := range records {
		key, value, _ := strings.Cut(text, "=")
		record := &kgo.Record{Key: []byte(key), Offset: int64(i)}
		if value != "" {
			record.Value = []byte(value)
		}
		reader.apply(record)
	}
	return reader
}

// As in Connect's worker, a count of the wrong type costs what is left of a poll; what comes after it is read.
func TestBadCountSkipsTheRestOfAPoll(t *testing.T) {
	for _, bad := range []string{`commit-c={"tasks":"1"}`, `tasks-fencing-c={"count":1}`} {
		records := []string{`connector-c={"properties":{}}`, bad}
		for i := len(records); i <= pollRecordsMax; i++ {
			records = append(records, fmt.Sprintf(`connector-%d={"properties":{}}`, i))
		}
		reader := readerOf(records...)
		if names := reader.snapshot().Names(); !slices.Equal(names, []string{"500", "c"}) {
			t.Errorf("%s: %v", bad, names)
		}
		reader.started = true
		for i, text := range []string{bad, `connector-new={"properties":{}}`} {
			key, value, _ := strings.Cut(text, "=")
			reader.apply(&kgo.Record{Key: []byte(key), Value: []byte(value), Offset: int64(len(records) + i)})
		}
		if _, known := reader.snapshot().Connector("new"); !known {
			t.Errorf("%s: a record that came after the start is skipped", bad)
		}
	}
}

// A snapshot is made once for all who ask between two records, and never changes.
func TestASnapshotIsMadeOnceAfterEachRecord(t *testing.T) {
	reader := readerOf(`connector-a={"properties":{}}`)
	first := reader.snapshot()
	if reader.snapshot() != first {
		t.Error("it is made for each who asks")
	}
	for i, key := range []string{"connector-b", "berth-tenant-x", "session-key", "connector-a"} {
		before := reader.snapshot()
		offset := before.Offset
		var value []byte // of a: deleted
		if key != "connector-a" {
			value = []byte(`{"properties":{},"key":"AAEC","algorithm":"HmacSHA256","creation-timestamp":1}`)
		}
		reader.apply(&kgo.Record{Key: []byte(key), Value: value, Offset: int64(i + 1)})
		if now := reader.snapshot(); now == before || now.Offset != int64(i+2) || before.Offset != offset {
			t.Errorf("after %s: the snapshot before is at %d (was %d), the one of now at %d", key, before.Offset, offset,
				now.Offset)
		}
	}
	last := reader.snapshot()
	if !slices.Equal(first.Names(), []string{"a"}) || !slices.Equal(last.Names(), []string{"b"}) ||
		len(first.Tenants) != 0 || len(last.Tenants) != 1 || first.SessionKey != nil || last.SessionKey == nil {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

// A key that is not base64 stops the start, unless it was replaced since.
func TestBadSessionKeyStopsTheStart(t *testing.T) {
	const bad = `session-key={"key":"%%%","algorithm":"HmacSHA256","creation-timestamp":1}`
	const good = `session-key={"key":"AAEC","algorithm":"HmacSHA256","creation-timestamp":1}`
	for _, c := range []struct {
		records []string
		stops   bool
	}{
		{[]string{bad}, true}, {[]string{good, bad}, true}, {[]string{bad, good}, false},
		{[]string{bad, "session-key="}, false}, {[]string{good}, false}, {nil, false},
	} {
		store := &ConfigStore{reader: readerOf(c.records...)}
		if err := store.begin(); (err != nil) != c.stops {
			t.Errorf("%v: %v", c.records, err)
		}
	}
}
