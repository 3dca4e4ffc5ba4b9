package herder_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// inGroup runs a herder in a scripted group on a topic with connectors c and d of 2 tasks each.
func inGroup(t *testing.T, events ...group.Event) (*bench, *script) {
	b, g := newBench(t), newScript()
	for _, name := range []string{"c", "d"} {
		stored := config("tasks.max", "2", "name", name)
		if err := b.configs.PutConnector(t.Context(), name, stored, ""); err != nil {
			t.Fatal(err)
		}
		var tasks []host.Config
		for i := range 2 {
			class, number := "conformance.TestSourceTask", fmt.Sprint(i)
			tasks = append(tasks, host.Config{"task.class": &class, "task": &number})
		}
		if err := b.configs.PutTasks(t.Context(), name, tasks); err != nil {
			t.Fatal(err)
		}
	}
	b.configs.TakeEvents()
	b.group = g
	b.start()
	for _, event := range events {
		g.send(event)
	}
	return b, g
}

func TestWorkerRunsWhatItIsGiven(t *testing.T) {
	tests := []struct {
		name           string
		events         []group.Event
		running        []string
		c, d           string
		stopped        int
		generationC    int
		generationTask int
	}{
		{"nothing", []group.Event{joined(1, true)}, nil, "none", "none", 0, 0, 0},
		{"tasks without their connector", []group.Event{joined(1, true, "c-1", "d")}, []string{"c-1", "d"},
			"none", "RUNNING", 0, 0, 1},
		{"more", []group.Event{joined(1, true, "c"), joined(2, true, "c", "c-0", "c-1")}, []string{"c", "c-0", "c-1"},
			"RUNNING 0:RUNNING 1:RUNNING", "none", 0, 1, 2},
		{"less", []group.Event{joined(1, true, "c", "c-0", "c-1"), group.Revoking{Work: work("c", "c-1")}},
			[]string{"c-0"}, "UNASSIGNED 0:RUNNING 1:UNASSIGNED", "none", 1, 1, 1},
		{"other", []group.Event{joined(1, true, "c", "c-0"), group.Revoking{Work: work("c-0")}, joined(2, true, "c", "d-0")},
			[]string{"c", "d-0"}, "RUNNING 0:UNASSIGNED", "none", 1, 1, 1},
		{"all again", []group.Event{joined(1, true, "c", "c-0"), group.Revoking{Work: work("c", "c-0")},
			joined(2, false, "c", "c-0")}, []string{"c", "c-0"}, "RUNNING 0:RUNNING", "none", 1, 2, 2},
		{"expelled", []group.Event{joined(1, true, "c", "c-0", "d-1"), group.Lost{}}, nil,
			"UNASSIGNED 0:UNASSIGNED", "none", 1, 1, 1},
		{"expelled while it gives up work", []group.Event{joined(1, true, "c", "c-0"), group.Revoking{Work: work("c-0")},
			group.Lost{}}, nil, "UNASSIGNED 0:UNASSIGNED", "none", 2, 1, 1},
		{"back", []group.Event{joined(1, true, "c-0"), group.Lost{}, joined(5, false, "c-0")}, []string{"c-0"},
			"none", "none", 1, 0, 5},
		{"what is not configured", []group.Event{joined(1, true, "x", "x-0", "c-2", "c-0")}, []string{"c-0"},
			"none", "none", 0, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, g := inGroup(t, test.events...)
				defer func() { b.stop() }()
				b.expectRunning(test.running...)
				for name, want := range map[string]string{"c": test.c, "d": test.d} {
					if want == "none" {
						want = "No status found for connector " + name
					}
					b.expect(name, want)
				}
				g.expect(t, test.stopped, 0)
				if s, has := b.statuses.Connector("c"); has && s.Generation != test.generationC {
					t.Errorf("generation of c's status: got %d, want %d", s.Generation, test.generationC)
				}
				for task, s := range b.statuses.Tasks("c") {
					if s.State == host.Running && s.Generation != test.generationTask {
						t.Errorf("generation of task %d's status: got %d, want %d", task, s.Generation, test.generationTask)
					}
				}
			})
		})
	}
}

// TestStoppedWaitsForTheStop: the group goes on only when everything that was revoked has stopped, however long it
// takes, and although the connector's plugin hangs in its start.
func TestStoppedWaitsForTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, g := inGroup(t, joined(1, true, "c", "c-0", "d", "d-0", "d-1"))
		defer func() { b.stop() }()
		b.runtime.Linger = func() time.Duration { return 5 * time.Second }
		hang := config("connector.start", "hang", "tasks.max", "2", "name", "c")
		if _, _, err := b.PutConfig(t.Context(), "c", hang); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		g.send(group.Revoking{Work: work("c-0", "d-0", "d-1")})
		time.Sleep(4 * time.Second)
		synctest.Wait()
		g.expect(t, 0, 0)
		b.expectRunning("c-0", "d", "d-0", "d-1")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		g.expect(t, 1, 0)
		b.expectRunning("d")
	})
}

// TestWhatIsElsewhereIsLeftAlone: late words about parts that another worker runs, and a failure's trace.
func TestWhatIsElsewhereIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, g := inGroup(t, joined(3, false, "c", "c-0", "c-1"))
		defer func() { b.stop() }()
		b.TaskStatus(host.TaskID{Connector: "c", Task: 1}, host.Failed, "trace", "1")
		b.statuses.PutTask(host.TaskID{Connector: "c", Task: 0},
			store.Status{State: host.Running, WorkerID: "other:8083", Generation: 4})
		g.send(group.Revoking{Work: work("c", "c-0", "c-1")})
		b.expect("c", "UNASSIGNED 0:RUNNING 1:FAILED")
		b.TaskStatus(host.TaskID{Connector: "c", Task: 0}, host.Failed, "late", "1")
		b.ConnectorStatus("c", host.Failed, "late", "1")
		synctest.Wait()
		b.expect("c", "UNASSIGNED 0:RUNNING 1:FAILED")
	})
}

// TestLateWordsAreMended: a worker that comes back after its session has ended says UNASSIGNED about what runs here.
func TestLateWordsAreMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := inGroup(t, joined(3, false, "c", "c-1"))
		defer func() { b.stop() }()
		late := store.Status{State: host.Unassigned, WorkerID: "other:8083", Generation: 2}
		for task := range 2 {
			b.statuses.PutTask(host.TaskID{Connector: "c", Task: task}, late)
		}
		b.statuses.PutConnector("c", late)
		b.statuses.PutConnector("d", late)
		time.Sleep(time.Minute)
		b.expect("c", "RUNNING 0:UNASSIGNED 1:RUNNING")
		b.expect("d", "UNASSIGNED")
	})
}

func TestWhenToRejoin(t *testing.T) {
	ctx := context.Background()
	one := []host.Config{{}}
	two := []host.Config{{}, {}}
	tests := []struct {
		name    string
		change  func(*bench) error
		rejoins int
		starts  int // of c-0
	}{
		{"a new connector", func(b *bench) error { return b.configs.PutConnector(ctx, "e", config("name", "e"), "") }, 1, 1},
		{"a connector less", func(b *bench) error { return b.configs.DeleteConnector(ctx, "d") }, 1, 1},
		{"other configuration", func(b *bench) error {
			return b.configs.PutConnector(ctx, "d", config("name", "d"), "")
		}, 0, 1},
		{"fewer tasks", func(b *bench) error { return b.configs.PutTasks(ctx, "c", one) }, 1, 2},
		{"other tasks", func(b *bench) error { return b.configs.PutTasks(ctx, "c", two) }, 0, 2},
		{"target state", func(b *bench) error { return b.configs.PutTargetState(ctx, "c", host.TargetPaused) }, 0, 1},
		{"restart", func(b *bench) error {
			return b.configs.PutRestart(ctx, store.RestartRequest{Connector: "c", IncludeTasks: true})
		}, 0, 1},
		{"session key", func(b *bench) error { return b.configs.PutSessionKey(ctx, store.SessionKey{}) }, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, g := inGroup(t, joined(1, false, "c-0"))
				defer func() { b.stop() }()
				if err := test.change(b); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				g.expect(t, 0, test.rejoins)
				if starts := b.runtime.Starts("c-0"); starts != test.starts {
					t.Errorf("task c-0 was started %d times, want %d", starts, test.starts)
				}
			})
		})
	}
}

// TestRestartRecordsReachTheirParts: each worker restarts what it runs.
func TestRestartRecordsReachTheirParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := inGroup(t, joined(1, false, "d", "d-1"))
		defer func() { b.stop() }()
		b.statuses.PutTask(host.TaskID{Connector: "d", Task: 0}, store.Status{State: host.Running, WorkerID: "o"})
		request := store.RestartRequest{Connector: "d", IncludeTasks: true}
		if err := b.configs.PutRestart(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got := []int{b.runtime.Starts("d"), b.runtime.Starts("d-0"), b.runtime.Starts("d-1")}
		if want := []int{2, 0, 2}; !slices.Equal(got, want) {
			t.Errorf("starts of d, d-0, d-1: got %v, want %v", got, want)
		}
		b.expect("d", "RUNNING 0:RUNNING 1:RUNNING")
	})
}

func TestRequestsOfOthersThanTheLeader(t *testing.T) {
	ctx := context.Background()
	valid := config("name", "e")
	requests := map[string]func(b *bench) error{
		"create":  func(b *bench) error { _, err := b.Create(ctx, "e", valid, ""); return err },
		"put":     func(b *bench) error { _, _, err := b.PutConfig(ctx, "c", config("name", "c")); return err },
		"patch":   func(b *bench) error { _, err := b.PatchConfig(ctx, "none", host.Config{}); return err },
		"delete":  func(b *bench) error { return b.Delete(ctx, "none") },
		"stop":    func(b *bench) error { return b.Stop(ctx, "c") },
		"restart": func(b *bench) error { return b.RestartConnector(ctx, "d") },
		"task":    func(b *bench) error { return b.RestartTask(ctx, host.TaskID{Connector: "d", Task: 1}) },
		"failures": func(b *bench) error {
			_, err := b.TaskFailures(ctx, host.TaskID{Connector: "d", Task: 1})
			return err
		},
		"alter": func(b *bench) error { _, err := b.AlterOffsets(ctx, "none", nil); return err },
		"reset": func(b *bench) error { _, err := b.ResetOffsets(ctx, "none"); return err },
		"with tasks": func(b *bench) error {
			_, err := b.Restart(ctx, store.RestartRequest{Connector: "c", IncludeTasks: true})
			return err
		},
	}
	const conflict = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
	const nobody = "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was " +
		"underway."
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, g := inGroup(t, joined(1, false, "c", "c-0"))
				defer func() { b.stop() }()
				expectElsewhere(t, request(b), leaderURL, conflict)
				g.send(group.Lost{})
				expectElsewhere(t, request(b), "", nobody)
			})
		})
	}
}

func expectElsewhere(t *testing.T, err error, url, text string) {
	t.Helper()
	var other *herder.NotLeader
	if !errors.As(err, &other) || other.LeaderURL != url || err.Error() != text || !errors.Is(err, host.ErrConflict) {
		t.Errorf("got %v, want a conflict %q with URL %q", err, text, url)
	}
}

func TestRequestsThatNeedNoLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := inGroup(t, joined(1, false, "c", "c-0"))
		defer func() { b.stop() }()
		b.do(b.Pause, "c")
		b.expect("c", "PAUSED 0:PAUSED")
		b.do(b.Resume, "d")
		b.do(b.RestartConnector, "c")
		if err := b.Stop(t.Context(), "none"); !errors.Is(err, host.ErrNotFound) {
			t.Errorf("stop of an unknown connector: %v", err)
		}
		bad := config("tasks.max", "0", "name", "e")
		if _, err := b.Create(t.Context(), "e", bad, ""); !errors.Is(err, host.ErrBadRequest) {
			t.Errorf("an invalid configuration: %v", err)
		}
	})
}

// TestLeaderKnowsOwners: a restart of what runs elsewhere names its worker.
func TestLeaderKnowsOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := inGroup(t, joined(1, true, "c", "c-0"))
		defer func() { b.stop() }()
		b.create("far", "", "tasks.max", "1")
		class := "conformance.TestSourceTask"
		if err := b.configs.PutTasks(t.Context(), "far", []host.Config{{"task.class": &class}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		const conflict = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
		expectElsewhere(t, b.RestartConnector(t.Context(), "far"), "http://other:8083/", conflict)
		expectElsewhere(t, b.RestartTask(t.Context(), host.TaskID{Connector: "far"}), "http://other:8083/", conflict)
	})
}

// TestRequestsDuringARebalance: restarts wait a moment for the round's end, reads and others never do.
func TestRequestsDuringARebalance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, g := inGroup(t, joined(1, true, "c", "c-0"))
		defer func() { b.stop() }()
		g.setJoining(true)
		err := b.RestartConnector(t.Context(), "c")
		const stale = "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent " +
			"config change)"
		if !errors.Is(err, host.ErrConflict) || err.Error() != stale {
			t.Errorf("restart while a round goes on and on: %v", err)
		}
		began := time.Now()
		b.expect("c", "RUNNING 0:RUNNING")
		b.do(b.Pause, "c")
		if waited := time.Since(began); waited != 0 {
			t.Errorf("read and pause waited %s for the round", waited)
		}
		time.AfterFunc(time.Second, func() {
			g.setJoining(false)
			g.mu.Lock()
			g.events = append(g.events, joined(2, true, "c", "c-0"))
			g.mu.Unlock()
			g.changed <- struct{}{}
		})
		if err := b.RestartConnector(t.Context(), "c"); err != nil {
			t.Errorf("restart after the round: %v", err)
		}
	})
}

// TestALostClaimHoldsUpRequests: after a write that shows that another worker has claimed to lead, the next request
// waits for the round that tells who does.
func TestALostClaimHoldsUpRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, g := inGroup(t, joined(1, true, "c", "c-0"))
		defer func() { b.stop() }()
		b.configs.LoseClaim()
		update := config("name", "c", "topic", "t")
		if _, _, err := b.PutConfig(t.Context(), "c", update); !errors.Is(err, store.ErrNotClaimed) {
			t.Errorf("a write without the claim: %v", err)
		}
		answered := make(chan error, 1)
		go func() {
			_, _, err := b.PutConfig(t.Context(), "c", update)
			answered <- err
		}()
		synctest.Wait()
		select {
		case err := <-answered:
			t.Errorf("answered before the round: %v", err)
		default:
		}
		b.expect("c", "RUNNING 0:RUNNING")
		g.expect(t, 0, 1)
		g.send(joined(2, true, "c", "c-0"))
		if err := <-answered; err != nil {
			t.Errorf("after the round: %v", err)
		}
	})
}

// TestBeforeTheFirstRound: reads are answered, requests wait.
func TestBeforeTheFirstRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, g := inGroup(t)
		defer func() { b.stop() }()
		if names, err := b.Connectors(t.Context()); err != nil || len(names) != 2 {
			t.Errorf("connectors %v, %v", names, err)
		}
		if ready, doing := b.Ready(); ready {
			t.Errorf("ready while %s", doing)
		}
		time.AfterFunc(time.Minute, func() { g.send(joined(1, false, "c")) })
		if err := b.Pause(t.Context(), "c"); err != nil {
			t.Error(err)
		}
		if ready, _ := b.Ready(); !ready {
			t.Error("not ready after the first round")
		}
	})
}

// TestTaskConfigsGoToTheLeader: the owner computes them, the leader writes them; a leader that is not there is asked
// again.
func TestTaskConfigsGoToTheLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := inGroup(t, joined(1, false, "c", "c-0"))
		defer func() { b.stop() }()
		b.leader.mu.Lock()
		b.leader.err = errors.New("IO Error trying to forward REST request")
		b.leader.mu.Unlock()
		if err := b.configs.PutConnector(t.Context(), "c", config("tasks.max", "3", "name", "c"), ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		b.leader.mu.Lock()
		b.leader.err = nil
		b.leader.mu.Unlock()
		time.Sleep(time.Hour)
		b.leader.mu.Lock()
		defer b.leader.mu.Unlock()
		want := leaderURL + " c 3 signed true"
		if got := b.leader.what; !slices.Equal(got, []string{want, want, want, want}) { // at 0, 250, 750 and 1750 ms
			t.Errorf("the leader got %q, want four times %q", got, want)
		}
	})
}

// TestPausedTasksWakeUpForTheirEnd: as in Connect they say RUNNING once more, and the leader deletes that when the
// round has ended.
func TestPausedTasksWakeUpForTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, g := inGroup(t, joined(1, true, "c", "c-0", "c-1", "d-0"))
		defer func() { b.stop() }()
		for _, name := range []string{"c", "d"} {
			if err := b.Pause(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		b.TaskStatus(host.TaskID{Connector: "c", Task: 1}, host.Failed, "trace", "1")
		synctest.Wait()
		b.expect("c", "PAUSED 0:PAUSED 1:FAILED")
		if err := b.Stop(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.expect("c", "STOPPED 0:RUNNING 1:FAILED")
		b.expectRunning("d-0")
		g.send(joined(2, true, "c", "d-0"))
		synctest.Wait()
		b.expect("c", "STOPPED")
	})
}

// TestStoppedAndResumedUnseen: the owner sees both at once; the tasks are gone although the target state is the same.
func TestStoppedAndResumedUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer func() { b.stop() }()
		b.create("c", "", "tasks.max", "2")
		other := b.configs.Another()
		b.configs.Hold(true)
		err := errors.Join(other.PutTasks(t.Context(), "c", nil), other.PutTargetState(t.Context(), "c", host.TargetStopped),
			other.PutTargetState(t.Context(), "c", host.TargetStarted))
		if err != nil {
			t.Fatal(err)
		}
		b.configs.Hold(false)
		synctest.Wait()
		b.expect("c", "RUNNING 0:RUNNING 1:RUNNING")
	})
}
