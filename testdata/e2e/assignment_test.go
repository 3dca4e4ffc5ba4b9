package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// What the tests of assignments run: one task moves almost all bytes of the group.
const (
	lightConnectors = 10
	heavyRate       = 200 // records of 4,000 bytes a second
	lightRate       = 1   // record of 100 bytes a second
	// measuredSeconds of a task's records are there only when its load is told.
	measuredSeconds = 12
)

// placement is the worker that each task is on, by connector.
type placement map[string]string

// count is the number of tasks on each worker.
func (p placement) count() map[string]int {
	counts := map[string]int{}
	for _, worker := range p {
		counts[worker]++
	}
	return counts
}

// moved counts the tasks that are elsewhere than before, but for those of a worker that has gone.
func (p placement) moved(before placement, gone string) (n int) {
	for name, worker := range before {
		if worker != gone && p[name] != worker {
			n++
		}
	}
	return n
}

// address is a worker's id in statuses.
func (p *process) address() string { return strings.TrimPrefix(p.url, "http://") }

// placed returns where the tasks run; false while not all do, or workers run something else than the statuses say.
func (c *cluster) placed(connectors int, workers []*process) (placement, bool) {
	c.t.Helper()
	code, answer := workers[0].call(http.MethodGet, "/connectors?expand=status", nil)
	var all map[string]struct {
		Status status `json:"status"`
	}
	if code != http.StatusOK || json.Unmarshal(answer, &all) != nil || len(all) != connectors {
		return nil, false
	}
	at := placement{}
	for name, one := range all {
		s := one.Status
		if s.Connector.State != "RUNNING" || len(s.Tasks) != 1 || s.Tasks[0].State != "RUNNING" {
			return nil, false
		}
		at[name] = s.Tasks[0].WorkerID
	}
	counts := at.count()
	for _, p := range workers {
		if p.gauge("kafka_connect_worker_task_count") != counts[p.address()] {
			return nil, false
		}
		delete(counts, p.address())
	}
	return at, len(counts) == 0
}

// awaitPlaced waits until all tasks run on the workers as wanted.
func (c *cluster) awaitPlaced(what string, connectors int, workers []*process, wanted func(placement) bool) placement {
	c.t.Helper()
	var at, last placement
	defer func() {
		if c.t.Failed() {
			c.t.Logf("%s: tasks are at %v, %v", what, last.count(), last)
		}
	}()
	workers[0].await(what, func() (done bool) {
		if at, done = c.placed(connectors, workers); done {
			last = at
		}
		return done && wanted(at)
	})
	return at
}

// generate creates a connector with one task and a topic of its own.
func (c *cluster) generate(name string, rate, lineBytes int) {
	c.t.Helper()
	c.workers[0].CreateTopic(c.t, c.workers[0].name(name), 1)
	c.workers[0].put(name, keys{"connector.class": "Datagen", "kind": "line", "topic": c.workers[0].name(name),
		"rate": strconv.Itoa(rate), "line.bytes": strconv.Itoa(lineBytes), "tasks.max": "1"})
}

// awaitLoads waits until every task has made what it makes while its load is measured.
func (c *cluster) awaitLoads(rates map[string]int) {
	c.t.Helper()
	for name, rate := range rates {
		c.workers[0].await("the load of "+name, func() bool {
			return c.workers[0].Ends(c.t, c.workers[0].name(name))[0] >= int64(rate*measuredSeconds)
		})
	}
}

// TestE2EAssignment: with berth.assignment=load a worker that goes leaves few tasks beside the heavy one, and one that
// comes leaves it alone on its worker; without, tasks are spread by their number. Nothing moves but what has to, and
// with even loads a connector more moves nothing.
func TestE2EAssignment(t *testing.T) {
	t.Run("load", func(t *testing.T) { testAssignment(t, true, "BERTH_ASSIGNMENT=load") })
	t.Run("default", func(t *testing.T) { testAssignment(t, false) })
}

func testAssignment(t *testing.T, byLoad bool, environment ...string) {
	c := startCluster(t, 3, environment...)
	rates := map[string]int{"heavy": heavyRate}
	c.generate("heavy", heavyRate, 4000)
	for i := range lightConnectors {
		name := fmt.Sprintf("light-%02d", i)
		c.generate(name, lightRate, 100)
		rates[name] = lightRate
	}
	anywhere := func(placement) bool { return true }
	c.awaitPlaced("all to run", len(rates), c.workers, anywhere)
	c.awaitLoads(rates)
	c.generate("one-more", lightRate, 100) // whose round tells the leader of the loads
	all := len(rates) + 1
	first := c.awaitPlaced("the heavy task to have few others beside it", all, c.workers, func(at placement) bool {
		return !byLoad || at.count()[at["heavy"]] < all/3
	})

	goes := c.idler(first["heavy"])
	goes.terminate()
	two := c.awaitPlaced("few tasks beside the heavy one", all, c.without(goes), func(at placement) bool {
		held := at.count()[at["heavy"]]
		return byLoad && held <= all/3 || !byLoad && held == all/2
	})
	if moved := two.moved(first, goes.address()); two["heavy"] != first["heavy"] || moved > 1 {
		t.Errorf("a worker that went moved %d tasks of others: before %v, then %v", moved, first, two)
	}

	goes.start()
	three := c.awaitPlaced("the heavy task to be alone", all, c.workers, func(at placement) bool {
		held := at.count()[at["heavy"]]
		return byLoad && held == 1 || !byLoad && held == all/3
	})
	// The new worker needs a third; all of these may have been on the other one.
	if moved := three.moved(two, ""); moved > all*2/3 {
		t.Errorf("a worker that came moved %d tasks: before %v, then %v", moved, two, three)
	}
	c.generate("another", lightRate, 100)
	more := c.awaitPlaced("another connector to run", all+1, c.workers, anywhere)
	if moved := more.moved(three, ""); moved > 0 {
		t.Errorf("another connector moved %d tasks: before %v, then %v", moved, three, more)
	}
	t.Logf("tasks on each worker: at first %v, of two %v (%d moved), of three again %v (%d moved)", first.count(),
		two.count(), two.moved(first, goes.address()), three.count(), three.moved(two, ""))
}

// idler is a worker that neither is at address nor leads: a leader knows what the tasks of others have cost.
func (c *cluster) idler(address string) *process {
	leader := c.leader(c.workers)
	for _, p := range c.workers {
		if p != leader && p.address() != address {
			return p
		}
	}
	return nil
}
