package herder_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

func TestFailedTasksStartAgain(t *testing.T) {
	worker := herder.RestartPolicy{Max: 3, Window: time.Hour, Backoff: 10 * time.Second, BackoffMax: 15 * time.Second}
	tests := []struct {
		name   string
		worker herder.RestartPolicy
		config []string
		starts map[time.Duration]int // by the time since the failure
		trace  string                // at the end
	}{
		{"off", herder.RestartPolicy{}, nil, map[time.Duration]int{time.Hour: 1}, ""},
		{"of the worker", worker, nil, map[time.Duration]int{9 * time.Second: 1, 11 * time.Second: 2, 24 * time.Second: 2,
			26 * time.Second: 3, 41 * time.Second: 4, 50 * time.Minute: 4},
			"Not restarted: berth.restart.max=3 restarts within berth.restart.window.ms=3600000 have not helped; " +
				"restarted at 2000-01-01T00:00:10Z, 2000-01-01T00:00:25Z, 2000-01-01T00:00:40Z."},
		{"off for a connector", worker, []string{"berth.restart.max", "0"}, map[time.Duration]int{time.Hour: 1}, ""},
		{"of a connector", herder.RestartPolicy{}, []string{"berth.restart.max", "2", "berth.restart.window.ms", "1000",
			"berth.restart.backoff.ms", "600"}, map[time.Duration]int{500 * time.Millisecond: 1, 700 * time.Millisecond: 2,
			1100 * time.Millisecond: 2, 1300 * time.Millisecond: 3, time.Minute: 3},
			"Not restarted: berth.restart.max=2 restarts within berth.restart.window.ms=1000 have not helped; " +
				"restarted at 2000-01-01T00:00:00Z, 2000-01-01T00:00:01Z."},
		{"seldom", herder.RestartPolicy{}, []string{"berth.restart.max", "2", "berth.restart.window.ms", "1000",
			"berth.restart.backoff.ms", "2000"}, map[time.Duration]int{time.Hour + time.Second: 1801},
			"Restart 2 of 2 (berth.restart.max) follows at 2000-01-01T01:00:02Z; restarted at 2000-01-01T01:00:00Z."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.config.Restarts = test.worker
				b.start()
				defer func() { b.stop() }()
				began := time.Now()
				b.create("c", "", append(test.config, "task.work", "throw")...)
				for len(test.starts) > 0 {
					next := time.Duration(1 << 62)
					for at := range test.starts {
						next = min(next, at)
					}
					time.Sleep(time.Until(began.Add(next)))
					synctest.Wait()
					if got := b.runtime.Starts("c-0"); got != test.starts[next] {
						t.Errorf("after %s: %d starts, want %d", next, got, test.starts[next])
					}
					delete(test.starts, next)
				}
				b.expect("c", "RUNNING 0:FAILED")
				status, _ := b.statuses.Task(host.TaskID{Connector: "c"})
				first, note, _ := strings.Cut(*status.Trace, "\n")
				if first != "org.apache.kafka.connect.errors.ConnectException: poll failed on purpose" || note != test.trace {
					t.Errorf("trace %q, note %q, want %q", first, note, test.trace)
				}
			})
		})
	}
}

// TestOperatorsAreFaster: a planned restart is given up when somebody else has acted, and a new configuration begins
// anew.
func TestOperatorsAreFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.config.Restarts = herder.RestartPolicy{Max: 1, Window: time.Hour, Backoff: 10 * time.Second}
		b.start()
		defer func() { b.stop() }()
		id := host.TaskID{Connector: "c"}
		expect := func(starts int) {
			t.Helper()
			synctest.Wait()
			if got := b.runtime.Starts("c-0"); got != starts {
				t.Errorf("%d starts, want %d", got, starts)
			}
		}
		b.create("c", "", "task.work", "throw")
		time.Sleep(5 * time.Second)
		if err := b.RestartTask(t.Context(), id); err != nil { // fails again, which plans the restart anew
			t.Fatal(err)
		}
		expect(2)
		time.Sleep(6 * time.Second)
		expect(2)
		time.Sleep(5 * time.Second)
		expect(3)
		time.Sleep(30 * time.Minute)
		expect(3)
		b.put("c", "task.work", "throw", "x", "y")
		expect(4)
		time.Sleep(time.Minute)
		expect(5)
		b.put("c")
		b.expect("c", "RUNNING 0:RUNNING")
		time.Sleep(time.Minute)
		expect(6)
	})
}

func TestBadRestartPolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		c := config("name", "c", "berth.restart.max", "many", "berth.restart.window.ms", "0", "tasks.max", "0")
		_, err := b.Create(t.Context(), "c", c, "")
		want := "Connector configuration is invalid and contains the following 3 error(s):\n" +
			"Invalid value 0 for configuration tasks.max: Value must be at least 1\n" +
			"Invalid value many for configuration berth.restart.max: Not a number of type INT\n" +
			"Invalid value 0 for configuration berth.restart.window.ms: Value must be at least 1\nYou can also"
		if !errors.Is(err, host.ErrBadRequest) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}
