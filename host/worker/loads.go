package worker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/task"
	"github.com/berth-connect/berth/host/usage"
)

// loadAgeMin is how long a task has to run before its load says something: one that begins reads what has gathered, or
// waits for its source.
const loadAgeMin = 10 * time.Second

// loadWindow is the time over which a task's bytes are averaged at least, once it has run as long.
const loadWindow = 5 * time.Minute

// taskFlow counts one task's bytes, besides what its connector's account does.
type taskFlow struct {
	*usage.Connector
	bytes atomic.Int64

	mu       sync.Mutex
	from, to mark // of the window: the last two times that one began; guarded by mu
	began    time.Time
}

// mark is what was counted up to a time.
type mark struct {
	at    time.Time
	bytes int64
}

var _ task.Flow = (*taskFlow)(nil)

func newTaskFlow(account *usage.Connector, now time.Time) *taskFlow {
	begin := mark{at: now}
	return &taskFlow{Connector: account, from: begin, to: begin, began: now}
}

// In implements task.Flow.
func (f *taskFlow) In(records int, bytes int64) {
	f.bytes.Add(bytes)
	f.Connector.In(records, bytes)
}

// Out implements task.Flow.
func (f *taskFlow) Out(records int, bytes int64) {
	f.bytes.Add(bytes)
	f.Connector.Out(records, bytes)
}

// bytesPerSecond is the average over one to two windows.
func (f *taskFlow) bytesPerSecond(now time.Time) int64 {
	bytes := f.bytes.Load()
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.to.at) >= loadWindow {
		f.from, f.to = f.to, mark{now, bytes}
	}
	seconds := now.Sub(f.from.at).Seconds()
	if seconds <= 0 {
		return 0
	}
	return int64(float64(bytes-f.from.bytes) / seconds)
}

// TaskLoads measures the tasks that have run here for loadAgeMin. Of a connector's memory each of its tasks counts an
// equal part.
func (w *Worker) TaskLoads() map[host.TaskID]host.TaskLoad { return w.taskLoads(time.Now()) }

func (w *Worker) taskLoads(now time.Time) map[host.TaskID]host.TaskLoad {
	running, tasks := map[host.TaskID]*taskFlow{}, map[string]int64{}
	w.mu.Lock()
	for id, t := range w.tasks {
		if flow := t.flow.Load(); flow != nil {
			running[id] = flow
			tasks[id.Connector]++
		}
	}
	w.mu.Unlock()
	loads := make(map[host.TaskID]host.TaskLoad, len(running))
	for id, flow := range running {
		if now.Sub(flow.began) < loadAgeMin {
			continue
		}
		loads[id] = host.TaskLoad{BytesPerSecond: flow.bytesPerSecond(now),
			MemoryBytes: flow.MemoryBytes() / tasks[id.Connector]}
	}
	return loads
}
