package herder_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/herder/herdertest"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// followWaitMax is how long a restart waits for a start that hangs.
const followWaitMax = 3 * time.Second

// TestRestartFollowsAnUpdate: a restart that is asked for while an answered update is being carried out is decided on
// what the update leads to, and a start that hangs does not hold it up for long.
func TestRestartFollowsAnUpdate(t *testing.T) {
	tests := []struct {
		what, start  string
		includeTasks bool
		onlyFailed   bool
		answer       string
		waited       time.Duration
		connector    int // starts in the end
		state        string
	}{
		{"what failed", "ok", true, true, "RUNNING 0:RUNNING", 0, 2, "RUNNING 0:RUNNING"},
		{"what failed, slow", "slow", true, true, "RUNNING 0:RUNNING", herdertest.SlowStart, 2, "RUNNING 0:RUNNING"},
		{"all, slow", "slow", true, false, "RESTARTING 0:RESTARTING", herdertest.SlowStart, 3, "RUNNING 0:RUNNING"},
		{"what failed, hanging", "hang", true, true, "UNASSIGNED 0:RESTARTING", followWaitMax, 1,
			"UNASSIGNED 0:FAILED"},
		{"all, hanging", "hang", false, false, "RESTARTING 0:FAILED", followWaitMax, 1, "RESTARTING 0:FAILED"},
		{"the failed connector", "throw", false, true, "RESTARTING 0:FAILED", 0, 3, "FAILED 0:FAILED"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t).start()
				defer func() { b.stop() }()
				b.create("c", "", "task.work", "throw")
				b.expect("c", "RUNNING 0:FAILED")
				update := config("name", "c", "task.work", "ok", "connector.start", test.start)
				if _, _, err := b.PutConfig(t.Context(), "c", update); err != nil {
					t.Fatal(err)
				}
				asked := time.Now()
				status, err := b.Restart(t.Context(), store.RestartRequest{
					Connector: "c", IncludeTasks: test.includeTasks, OnlyFailed: test.onlyFailed})
				if err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(asked); waited != test.waited {
					t.Errorf("answered after %v, want %v", waited, test.waited)
				}
				if got := states(status); got != test.answer {
					t.Errorf("answer: got %q, want %q", got, test.answer)
				}
				time.Sleep(2 * herdertest.SlowStart)
				synctest.Wait()
				b.expect("c", test.state)
				if got := b.runtime.Starts("c"); got != test.connector {
					t.Errorf("the connector was started %d times, want %d", got, test.connector)
				}
			})
		})
	}
}

// TestRestartOfWhatIsDeletedMeanwhile: nobody waits for a connector that goes.
func TestRestartOfWhatIsDeletedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("c", "")
		b.put("c", "connector.start", "hang")
		if err := b.Delete(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
		asked := time.Now()
		_, err := b.Restart(t.Context(), store.RestartRequest{Connector: "c"})
		if !errors.Is(err, host.ErrNotFound) || time.Since(asked) != 0 {
			t.Errorf("got %v after %v, want not found at once", err, time.Since(asked))
		}
	})
}

// states writes a connector's states as in "RUNNING 0:RUNNING 1:FAILED".
func states(status herder.ConnectorStatus) string {
	text := string(status.Connector.State)
	for _, task := range status.Tasks {
		text += fmt.Sprintf(" %d:%s", task.Task, task.State)
	}
	return text
}
