package group_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/host"
)

// patience is how long a test waits for what must come; no test measures time.
const patience = 90 * time.Second

// cluster is the workers of a test and the config topic that they share. It sees what each of them runs and fails the
// test when two run the same.
type cluster struct {
	t         *testing.T
	bootstrap string
	groupID   string

	mu      sync.Mutex
	changed *sync.Cond
	configs group.ConfigView
	runs    map[string]*worker // connector or task → who runs it
	workers []*worker
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{
		t: t, bootstrap: brokertest.Bootstrap(t), groupID: brokertest.Name(t, "connect"),
		configs: group.ConfigView{Offset: -1, Tasks: map[string]int{}}, runs: map[string]*worker{},
	}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// configure writes connector configurations; tasks < 0 deletes one.
func (c *cluster) configure(tasks map[string]int) {
	c.mu.Lock()
	next := map[string]int{}
	for name, n := range c.configs.Tasks {
		next[name] = n
	}
	for name, n := range tasks {
		if next[name] = n; n < 0 {
			delete(next, name)
		}
	}
	c.configs = group.ConfigView{Offset: max(c.configs.Offset, 0) + 1, Tasks: next}
	workers := slices.Clone(c.workers)
	for _, w := range workers {
		if w.failing == 0 {
			w.read = c.configs
		}
	}
	c.mu.Unlock()
	for _, w := range workers {
		w.member.Rejoin("configurations changed")
	}
}

// await waits until holds is true of the cluster.
func (c *cluster) await(what string, holds func() bool) {
	c.t.Helper()
	late := time.AfterFunc(patience, c.changed.Broadcast)
	defer late.Stop()
	deadline := time.Now().Add(patience)
	c.mu.Lock()
	defer c.mu.Unlock()
	for !holds() {
		if time.Now().After(deadline) {
			for _, w := range c.workers {
				c.t.Logf("%s: %s runs %v", w.url, w.state(), w.running)
			}
			c.t.Fatalf("no sign of: %s", what)
		}
		c.changed.Wait()
	}
}

// allRun says that all that is configured runs, spread over just these workers, of which each has its share.
func (c *cluster) allRun(workers ...*worker) bool {
	total, connectors := 0, len(c.configs.Tasks)
	for _, n := range c.configs.Tasks {
		total += n
	}
	if len(c.runs) != total+connectors {
		return false
	}
	for _, w := range workers {
		tasks := len(w.running.Tasks)
		if tasks < total/len(workers) || tasks > (total+len(workers)-1)/len(workers) {
			return false
		}
	}
	for _, owner := range c.runs {
		if !slices.Contains(workers, owner) {
			return false
		}
	}
	return true
}

// failReads makes the next n reads of the config topic fail; what was not read is not known to the worker.
func (c *cluster) failReads(w *worker, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.failing = n
}

// leaders are the workers that say that they lead.
func (c *cluster) leaders() (leaders []*worker) {
	for _, w := range c.workers {
		if w.session != nil && w.session.IsLeader {
			leaders = append(leaders, w)
		}
	}
	return leaders
}

// worker stands in for the herder: it obeys the member's events at once, and reads the config topic.
type worker struct {
	*cluster
	member  *group.Member
	client  *kgo.Client
	url     string
	stop    context.CancelFunc
	ended   chan error
	failing int // reads of the config topic that will fail

	running  group.Work
	session  *group.Session
	lost     int              // Lost events
	revoked  int              // Revoking events
	read     group.ConfigView // what it has read of the config topic
	obey     func()           // called before an event is obeyed, without the lock
	stopping sync.WaitGroup
}

func (c *cluster) settings(url string) group.Config {
	return group.Config{
		GroupID: c.groupID, URL: url, Protocol: group.Sessioned,
		SessionTimeout: 6 * time.Second, RebalanceTimeout: 30 * time.Second, HeartbeatInterval: 200 * time.Millisecond,
		WorkerSyncTimeout: time.Second, WorkerUnsyncBackoff: time.Second, ScheduledRebalanceMaxDelay: time.Second,
		RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second,
	}
}

// start adds a worker. change may alter settings.
func (c *cluster) start(change func(*group.Config)) *worker {
	c.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap))
	if err != nil {
		c.t.Fatal(err)
	}
	w := &worker{
		cluster: c, client: client, ended: make(chan error, 1), obey: func() {},
		url: fmt.Sprintf("http://worker-%d:8083/", len(c.workers)+1),
	}
	config := c.settings(w.url)
	if change != nil {
		change(&config)
	}
	w.member = group.New(config, group.Ports{Client: client, State: w}, slog.New(slog.NewTextHandler(c.t.Output(), nil)))
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	c.mu.Lock()
	c.workers = append(c.workers, w)
	w.read = c.configs
	c.mu.Unlock()
	w.stopping.Go(func() { w.ended <- w.member.Run(ctx) })
	w.stopping.Go(func() { w.follow(ctx) })
	c.t.Cleanup(func() {
		cancel()
		client.Close()
		w.stopping.Wait()
	})
	return w
}

func (w *worker) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.member.Changed():
			for _, event := range w.member.TakeEvents() {
				w.mu.Lock()
				obey := w.obey
				w.mu.Unlock()
				obey()
				w.on(event)
			}
		}
	}
}

func (w *worker) on(event group.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed.Broadcast()
	switch e := event.(type) {
	case group.Revoking:
		w.revoked++
		w.halt(e.Work)
		w.member.Stopped()
	case group.Lost:
		w.lost++
		w.session = nil
		w.halt(w.running)
		w.member.Stopped()
	case group.Joined:
		w.session = &e.Session
		w.run(e.Session.Held)
	}
}

func names(work group.Work) []string {
	out := slices.Clone(work.Connectors)
	for _, task := range work.Tasks {
		out = append(out, task.String())
	}
	return out
}

func (w *worker) run(held group.Work) {
	for _, name := range names(held) {
		if owner := w.runs[name]; owner != nil && owner != w {
			w.t.Errorf("%s starts %s, which %s runs", w.url, name, owner.url)
		}
		w.runs[name] = w
	}
	for _, name := range names(w.running) {
		if !slices.Contains(names(held), name) {
			w.t.Errorf("%s still runs %s, which is its own no more", w.url, name)
		}
	}
	w.running = held
}

func (w *worker) halt(work group.Work) {
	stopped := names(work)
	for _, name := range stopped {
		if w.runs[name] == w {
			delete(w.runs, name)
		}
	}
	w.running = group.Work{
		Connectors: slices.DeleteFunc(slices.Clone(w.running.Connectors),
			func(name string) bool { return slices.Contains(stopped, name) }),
		Tasks: slices.DeleteFunc(slices.Clone(w.running.Tasks),
			func(id host.TaskID) bool { return slices.Contains(stopped, id.String()) }),
	}
}

func (w *worker) state() string {
	if w.session == nil {
		return "no member"
	}
	return fmt.Sprintf("generation %d %s leader=%v", w.session.Generation, w.session.Protocol, w.session.IsLeader)
}

func (w *worker) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

func (w *worker) ConfigOffset() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.read.Offset
}

func (w *worker) FreshConfigs(ctx context.Context, atLeast int64) (group.ConfigView, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.read.Offset >= atLeast {
		return w.read, nil
	}
	if w.failing > 0 {
		w.failing--
		return group.ConfigView{}, context.DeadlineExceeded
	}
	w.read = w.configs
	return w.read, nil
}

// leave ends a worker as an operator would: its work first, then its membership.
func (w *worker) leave() {
	w.mu.Lock()
	w.halt(w.running)
	w.session = nil
	w.mu.Unlock()
	w.stop()
	if err := <-w.ended; err != nil {
		w.t.Errorf("%s ended with: %v", w.url, err)
	}
}

// crash ends a worker without a word to anybody; what it ran has stopped with it.
func (w *worker) crash() {
	w.client.Close()
	w.mu.Lock()
	w.halt(w.running)
	w.session = nil
	w.mu.Unlock()
}

func TestWorkersShareTheWork(t *testing.T) {
	c := newCluster(t)
	c.configure(map[string]int{"orders": 4, "users": 3})
	first := c.start(nil)
	c.await("the first runs all", func() bool { return c.allRun(first) })
	second := c.start(nil)
	c.await("two share the work", func() bool { return c.allRun(first, second) })
	third := c.start(nil)
	c.await("three share the work", func() bool { return c.allRun(first, second, third) })
	c.configure(map[string]int{"orders": 7, "users": -1})
	c.await("the new set is shared", func() bool { return c.allRun(first, second, third) })

	second.leave()
	c.await("a follower's work is taken over", func() bool { return c.allRun(first, third) })
	first.leave()
	c.await("the leader's work is taken over", func() bool { return c.allRun(third) })
	c.await("one leader", func() bool { return slices.Equal(c.leaders(), []*worker{third}) })
	if owner := third.session.Owners.Task(host.TaskID{Connector: "orders", Task: 0}); owner != third.url {
		t.Errorf("orders-0 runs at %q, want %q", owner, third.url)
	}
}

func TestCrashedWorkersAreReplaced(t *testing.T) {
	c := newCluster(t)
	c.configure(map[string]int{"orders": 6})
	workers := []*worker{c.start(nil), c.start(nil), c.start(nil)}
	c.await("three share the work", func() bool { return c.allRun(workers...) && len(c.leaders()) == 1 })
	leader := c.leaders()[0]
	leader.crash()
	others := slices.DeleteFunc(workers, func(w *worker) bool { return w == leader })
	c.await("the leader's work is taken over", func() bool { return c.allRun(others...) })
	others[0].crash()
	c.await("a follower's work is taken over", func() bool { return c.allRun(others[1]) })
}
