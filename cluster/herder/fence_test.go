package herder_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/host"
)

// Tasks that start at once all ask for a fence. None may still be under way when the first task has its producer.
func TestFencingsOfAConnectorDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		event := joined(1, true)
		event.Session.Protocol = group.Compatible // requests are not signed
		b, _ := inGroup(t, event)
		defer func() { b.stop() }()
		if err := b.FenceZombies(t.Context(), "c", nil); err != nil { // a first set, with nobody before it
			t.Fatal(err)
		}
		if err := b.configs.PutTasks(t.Context(), "c", make([]host.Config, 2)); err != nil {
			t.Fatal(err)
		}
		b.admin.Delay = time.Second
		var asking sync.WaitGroup
		for range 3 {
			asking.Go(func() {
				if err := b.FenceZombies(t.Context(), "c", nil); err != nil {
					t.Error(err)
				}
				if got := strings.Join(b.admin.Seen(), " "); got != "g-c-0 g-c-1" {
					t.Errorf("when a task starts, fenced by then are %q, want each once", got)
				}
			})
		}
		asking.Wait()
		if got := strings.Join(b.admin.Seen(), " "); got != "g-c-0 g-c-1" {
			t.Errorf("fenced in the end: %q, want each once", got)
		}
	})
}

// A task that its successors have fenced is not FAILED while this worker stops it; one of the newest set is.
func TestFencedPredecessorsHaveNotFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := inGroup(t, joined(1, true, "c-0")) // without the connector, which would make tasks itself
		defer func() { b.stop() }()
		synctest.Wait()
		id := host.TaskID{Connector: "c"}
		begin := func() {
			t.Helper()
			if _, err := b.Preflight().Fence(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(when string, want host.State) {
			t.Helper()
			synctest.Wait()
			if got, _ := b.statuses.Task(id); got.State != want {
				t.Errorf("%s: %s, want %s", when, got.State, want)
			}
		}
		begin()
		b.runtime.Linger = func() time.Duration { return time.Second }
		if err := b.configs.PutTasks(t.Context(), "c", make([]host.Config, 2)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.TaskStatus(id, host.Failed, "fenced", "")
		expect("fenced by the next set, while it is being stopped", host.Running)
		time.Sleep(2 * time.Second)
		expect("of the next set", host.Running)
		begin()
		b.TaskStatus(id, host.Failed, "fenced", "")
		expect("fenced by nobody of its own", host.Failed)
	})
}
