package guest

import (
	"fmt"
	"testing"

	"github.com/berth-connect/berth/abi"
)

// TestStoredOffsetsAreFound: the table of a plan's offsets answers what looking at each would.
func TestStoredOffsetsAreFound(t *testing.T) {
	partitions := []map[string]any{
		nil,
		{},
		{"topic": "orders", "partition": 0},
		{"topic": "orders", "partition": "0"},
		{"topic": "orders", "partition": 0.0},
		{"topic": "orders", "partition": nil},
		{"topic": "orders"},
		{"orders": "topic", "partition": 0},
		{"nested": map[string]any{"a": 1, "b": []any{1, "x", nil, true}}},
		{"nested": map[string]any{"b": []any{1, "x", nil, false}, "a": 1}},
		{"nested": map[string]any{}},
		{"bytes": []byte("a")},
		{"bytes": []byte("b")},
	}
	list := make([]abi.SourceOffset, len(partitions))
	for i, p := range partitions {
		partition, err := abi.ToValue(any(p))
		if p == nil {
			partition, err = abi.ToValue(nil)
		}
		offset, err2 := abi.ToValue(map[string]any{"at": i})
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		list[i] = abi.SourceOffset{Partition: partition, Offset: offset}
	}
	stored, err := decodeOffsets(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range []Config{{Offsets: stored.list}, {Offsets: stored.list, stored: stored}} {
		for i, p := range partitions[1:] {
			if got, ok := config.Offset(p); !ok || fmt.Sprint(got["at"]) != fmt.Sprint(i+1) {
				t.Errorf("%v (a table: %v): %v, want the one of %d", p, config.stored != nil, got, i+1)
			}
		}
		if got, ok := config.Offset(map[string]any{"topic": "orders", "partition": 1}); ok {
			t.Errorf("a partition without an offset has %v", got)
		}
	}
	if got, ok := (Config{}).Offset(partitions[2]); ok {
		t.Errorf("no offsets hold %v", got)
	}
}
