package herder_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

func TestOffsetsOfASink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("c", host.TargetStopped, "connector.class", "FileStreamSink", "topics", "t")
		patch := []herder.Offset{
			{Partition: []byte(`{"kafka_topic":"t","kafka_partition":"1"}`), Offset: []byte(`{"kafka_offset":"7"}`)},
			{Partition: []byte(`{"kafka_topic":"t","kafka_partition":0}`), Offset: []byte(`{"kafka_offset":3}`)},
		}
		message, err := b.AlterOffsets(t.Context(), "c", patch)
		if err != nil || message != "The offsets for this connector have been altered successfully" {
			t.Fatalf("%q, %v", message, err)
		}
		offsets, err := b.Offsets(t.Context(), "c")
		if err != nil || len(offsets) != 2 || string(offsets[1].Partition) != `{"kafka_partition":1,"kafka_topic":"t"}` ||
			string(offsets[1].Offset) != `{"kafka_offset":7}` {
			t.Fatalf("%s, %v", offsets, err)
		}
		if _, err := b.ResetOffsets(t.Context(), "c"); err != nil || len(b.sinks.Committed) != 0 {
			t.Errorf("after the reset: %v, %v", b.sinks.Committed, err)
		}
		b.do(b.Resume, "c")
		if _, err := b.ResetOffsets(t.Context(), "c"); !errors.Is(err, host.ErrBadRequest) {
			t.Errorf("reset of a running connector: %v", err)
		}
	})
}

// TestOffsetsOfASinkInUse: a task that another worker could not end is still a member.
func TestOffsetsOfASinkInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("c", host.TargetStopped, "connector.class", "FileStreamSink", "topics", "t")
		b.sinks.Err = fmt.Errorf("reset: %w", host.ErrGroupInUse)
		_, err := b.ResetOffsets(t.Context(), "c")
		if !errors.Is(err, host.ErrInternal) || !strings.Contains(err.Error(), "tasks haven't stopped completely yet") {
			t.Errorf("%v", err)
		}
		b.sinks.Err = errors.New("Kafka is away")
		_, err = b.ResetOffsets(t.Context(), "c")
		if want := "Failed to reset consumer group offsets for connector c"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	})
}

// TestOffsetsKeepTheirKeys: a stored partition keeps its bytes, whatever order the client writes its members in.
func TestOffsetsKeepTheirKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("c", host.TargetStopped, "connector.alter", "true")
		stored := host.SourceOffset{Partition: []byte(`{"b":1,"a":2}`), Offset: []byte(`{"seq":1}`)}
		if err := b.offsets.Store(t.Context(), "c", []host.SourceOffset{stored}); err != nil {
			t.Fatal(err)
		}
		patch := []herder.Offset{{Partition: []byte(`{ "a": 2, "b": 1 }`), Offset: []byte(`{ "seq": 5 }`)}}
		if _, err := b.AlterOffsets(t.Context(), "c", patch); err != nil {
			t.Fatal(err)
		}
		offsets, err := b.Offsets(t.Context(), "c")
		if err != nil || len(offsets) != 1 || string(offsets[0].Partition) != `{"b":1,"a":2}` ||
			string(offsets[0].Offset) != `{"seq":5}` {
			t.Errorf("%s, %v", offsets, err)
		}
	})
}
