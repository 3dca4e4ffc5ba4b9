package herder_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

// TestOffsetsAreAlteredBehindAFence: what tasks of an exactly-once source may be left is fenced before its offsets are
// written, and the number of tasks is stored, none; without exactly-once support nobody is fenced.
func TestOffsetsAreAlteredBehindAFence(t *testing.T) {
	for fenced, exactlyOnce := range map[string]bool{"g-c-0 g-c-1": true, "": false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.config.ExactlyOnceSources = exactlyOnce
			defer b.start().stop()
			b.create("c", "", "tasks.max", "2", "connector.alter", "true")
			if _, err := b.Preflight().Fence(t.Context(), host.TaskID{Connector: "c"}); err != nil { // the tasks have started
				t.Fatal(err)
			}
			b.do(b.Stop, "c")
			one := []herder.Offset{{Partition: []byte(`{"p":1}`), Offset: []byte(`{"o":1}`)}}
			if _, err := b.AlterOffsets(t.Context(), "c", one); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(b.admin.Fenced, " "); got != fenced {
				t.Errorf("fenced %q, want %q", got, fenced)
			}
			if stored := b.configs.Snapshot().Connectors["c"]; stored.PendingFence == exactlyOnce {
				t.Errorf("exactly once %t: pending fence %t", exactlyOnce, stored.PendingFence)
			}
			if _, err := b.ResetOffsets(t.Context(), "c"); err != nil {
				t.Fatal(err)
			}
			if left, _ := b.offsets.Load(t.Context(), "c"); len(left) > 0 {
				t.Errorf("a reset has left %v", left)
			}
		})
	}
}

// TestOffsetsStayWhenNobodyCanBeFenced: the answer is Connect's.
func TestOffsetsStayWhenNobodyCanBeFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.config.ExactlyOnceSources, b.admin.Err = true, errors.New("refused")
		defer b.start().stop()
		b.create("c", "", "tasks.max", "2", "connector.alter", "true")
		if _, err := b.Preflight().Fence(t.Context(), host.TaskID{Connector: "c"}); err != nil {
			t.Fatal(err)
		}
		b.do(b.Stop, "c")
		one := []herder.Offset{{Partition: []byte(`{"p":1}`), Offset: []byte(`{"o":1}`)}}
		_, err := b.AlterOffsets(t.Context(), "c", one)
		const said = "Failed to perform zombie fencing for source connector prior to modifying offsets"
		if !errors.Is(err, host.ErrInternal) || err.Error() != said {
			t.Errorf("got %v", err)
		}
		if left, _ := b.offsets.Load(t.Context(), "c"); len(left) > 0 {
			t.Errorf("offsets were written: %v", left)
		}
	})
}
