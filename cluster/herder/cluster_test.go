package herder_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/herder/herdertest"
	"github.com/berth-connect/berth/host"
)

// walk is a random history of a group of workers: what operators, coordinators and crashes do, in any order and at any
// time. Nothing may run twice at any moment; when all is quiet, everything runs.
type walk struct {
	t        *testing.T
	r        *rand.Rand
	cluster  *herdertest.Cluster
	place    *herdertest.Place
	topic    *herdertest.Configs // of nobody
	statuses *herdertest.Statuses
	workers  []*walker
	started  int
}

type walker struct {
	*bench
	member *herdertest.Member
}

// TestRandomHistories takes BERTH_HISTORIES seeds, or one seed that BERTH_SEED names.
func TestRandomHistories(t *testing.T) {
	histories, err := strconv.Atoi(cmp.Or(os.Getenv("BERTH_HISTORIES"), "40"))
	if err != nil {
		t.Fatal(err)
	}
	first, last := 0, histories-1
	if one := os.Getenv("BERTH_SEED"); one != "" {
		if first, err = strconv.Atoi(one); err != nil {
			t.Fatal(err)
		}
		last = first
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomHistory(t, uint64(seed)) })
		})
	}
}

func randomHistory(t *testing.T, seed uint64) {
	protocols := []group.Protocol{group.Eager, group.Compatible, group.Sessioned}
	w := &walk{t: t, r: rand.New(rand.NewPCG(seed, 1)), place: &herdertest.Place{},
		cluster: herdertest.NewCluster(protocols[seed%3]), topic: herdertest.NewConfigs(), statuses: herdertest.NewStatuses()}
	for range 1 + w.r.IntN(3) {
		w.add()
	}
	steps := []func(){w.add, w.create, w.create, w.create, w.update, w.update, w.remove, w.retarget, w.retarget, w.kill,
		w.lose, w.rest, w.rest, w.rest, w.lag, w.restart}
	for range 60 {
		steps[w.r.IntN(len(steps))]()
		if w.r.IntN(3) > 0 {
			time.Sleep(time.Duration(w.r.IntN(2000)) * time.Millisecond)
		}
	}
	w.settle()
	for _, worker := range w.workers {
		worker.stop()
	}
}

func (w *walk) add() {
	if len(w.workers) == 5 {
		return
	}
	w.started++
	b := newBench(w.t)
	b.configs, b.statuses = w.topic.Another(), w.statuses
	b.config.WorkerID = fmt.Sprintf("w%d:8083", w.started)
	b.join = func(h *herder.Herder) herder.Group {
		worker := &walker{bench: b, member: w.cluster.Join("http://"+b.config.WorkerID+"/", h, b.configs)}
		w.workers = append(w.workers, worker)
		return worker.member
	}
	b.leads = w.cluster
	b.setUp = func(r *herdertest.Runtime) {
		r.Place = w.place
		r.Linger = func() time.Duration { return time.Duration(rand.IntN(1500)) * time.Millisecond }
	}
	b.launch()
}

// kill ends a worker as a crash does.
func (w *walk) kill() {
	if len(w.workers) < 2 {
		return
	}
	i := w.r.IntN(len(w.workers))
	worker := w.workers[i]
	w.workers = slices.Delete(w.workers, i, i+1)
	worker.runtime.Kill()
	worker.member.Leave()
	worker.stop()
}

func (w *walk) lose() { w.any().member.Lose() }

func (w *walk) any() *walker { return w.workers[w.r.IntN(len(w.workers))] }

func (w *walk) name() string { return fmt.Sprintf("c%d", w.r.IntN(6)) }

func (w *walk) rest() { time.Sleep(time.Duration(w.r.IntN(10)) * time.Second) }

// lag keeps a worker from reading the config topic for a while.
func (w *walk) lag() {
	configs := w.any().configs
	configs.Hold(true)
	time.AfterFunc(time.Duration(w.r.IntN(3000))*time.Millisecond, func() { configs.Hold(false) })
}

// ask makes a request at some worker and, as REST does, at the one that this names.
func (w *walk) ask(request func(context.Context, *bench) error) {
	b := w.any().bench
	ctx, cancel := context.WithTimeout(w.t.Context(), 90*time.Second)
	defer cancel()
	for range 3 {
		err := request(ctx, b)
		var other *herder.NotLeader
		if !errors.As(err, &other) {
			if err != nil && !errors.Is(err, host.ErrNotFound) && !errors.Is(err, host.ErrConflict) && ctx.Err() == nil {
				w.t.Errorf("request: %v", err)
			}
			return
		}
		i := slices.IndexFunc(w.workers, func(worker *walker) bool {
			return "http://"+worker.config.WorkerID+"/" == other.LeaderURL
		})
		if i < 0 {
			return
		}
		b = w.workers[i].bench
	}
}

func (w *walk) create() {
	name, tasks := w.name(), fmt.Sprint(1+w.r.IntN(4))
	w.ask(func(ctx context.Context, b *bench) error {
		_, err := b.Create(ctx, name, config("tasks.max", tasks, "name", name), "")
		return err
	})
}

func (w *walk) update() {
	name, tasks := w.name(), fmt.Sprint(1+w.r.IntN(4))
	start := []string{"", "", "", "hang"}[w.r.IntN(4)]
	w.ask(func(ctx context.Context, b *bench) error {
		_, _, err := b.PutConfig(ctx, name, config("tasks.max", tasks, "name", name, "connector.start", start))
		return err
	})
}

func (w *walk) remove() {
	name := w.name()
	w.ask(func(ctx context.Context, b *bench) error { return b.Delete(ctx, name) })
}

func (w *walk) retarget() {
	name, target := w.name(), w.r.IntN(4)
	w.ask(func(ctx context.Context, b *bench) error {
		return []func() error{
			func() error { return b.Pause(ctx, name) },
			func() error { return b.Resume(ctx, name) },
			func() error { return b.Resume(ctx, name) },
			func() error { return b.Stop(ctx, name) },
		}[target]()
	})
}

func (w *walk) restart() {
	id := host.TaskID{Connector: w.name(), Task: w.r.IntN(3)}
	w.ask(func(ctx context.Context, b *bench) error { return b.RestartTask(ctx, id) })
}

// settle mends what was broken on purpose, waits, and compares what runs with what should.
func (w *walk) settle() {
	time.Sleep(time.Minute)
	for name, c := range w.topic.Snapshot().Connectors {
		if c.Config.Get("connector.start") == "hang" {
			w.ask(func(ctx context.Context, b *bench) error {
				_, _, err := b.PutConfig(ctx, name, config("tasks.max", "2", "name", name))
				return err
			})
		}
	}
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	var want []string
	got := w.place.Running()
	topic := w.topic.Snapshot()
	for _, name := range topic.Names() {
		connector := topic.Connectors[name]
		if connector.Target == host.TargetStopped { // the runtime may have it, or not any more
			got = slices.DeleteFunc(got, func(what string) bool { return what == name })
		} else {
			want = append(want, name)
		}
		for _, id := range connector.Tasks(name) {
			want = append(want, id.String())
		}
		tasks := connector.Config.Get("tasks.max")
		if connector.Target == host.TargetStarted && fmt.Sprint(len(connector.Tasks(name))) != tasks {
			w.t.Errorf("connector %s has %d tasks, wants %s", name, len(connector.Tasks(name)), tasks)
		}
		w.expectStates(name, connector.Target)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("running: got %v, want %v", got, want)
	}
	if twice := w.place.Twice(); len(twice) > 0 {
		w.t.Errorf("ran twice at a time: %v", twice)
	}
}

// expectStates: the status topic tells the truth, and names the worker that runs each part.
func (w *walk) expectStates(name string, target host.TargetState) {
	want := map[host.TargetState]host.State{host.TargetStarted: host.Running, host.TargetPaused: host.Paused,
		host.TargetStopped: host.Stopped}[target]
	runs := func(workerID, what string) bool {
		return slices.ContainsFunc(w.workers, func(worker *walker) bool {
			return worker.config.WorkerID == workerID && slices.Contains(worker.runtime.Running(), what)
		})
	}
	if s, _ := w.statuses.Connector(name); s.State != want || want != host.Stopped && !runs(s.WorkerID, name) {
		w.t.Errorf("connector %s: %s on %s, want %s where it runs", name, s.State, s.WorkerID, want)
	}
	for task, s := range w.statuses.Tasks(name) {
		id := host.TaskID{Connector: name, Task: task}
		if s.State != want || !runs(s.WorkerID, id.String()) {
			w.t.Errorf("task %s: %s on %s, want %s where it runs", id, s.State, s.WorkerID, want)
		}
	}
}
