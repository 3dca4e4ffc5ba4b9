package worker

import (
	"slices"
	"strings"
	"sync"

	"github.com/berth-connect/berth/host"
)

const (
	// failuresKeptMax is how many failures of a task are kept, and failingTasksMax of how many tasks: those that failed
	// last.
	failuresKeptMax = 20
	failingTasksMax = 1000
	// failureTraceBytesMax bounds the trace of one.
	failureTraceBytesMax = 16 << 10
)

// failures are what became of tasks on this worker; a restart does not empty it. The zero value is ready for use.
type failures struct {
	mu    sync.Mutex
	tasks []*taskFailures // that of the last failure last; guarded by mu
}

type taskFailures struct {
	id   host.TaskID
	kept []host.TaskFailure
}

func (f *failures) add(id host.TaskID, failure host.TaskFailure) {
	if len(failure.Trace) > failureTraceBytesMax {
		failure.Trace = strings.ToValidUTF8(failure.Trace[:failureTraceBytesMax], "") + "…"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	of := f.takeOut(id)
	if of == nil {
		of = &taskFailures{id: id}
	}
	of.kept = append(of.kept, failure)
	of.kept = of.kept[max(len(of.kept)-failuresKeptMax, 0):]
	f.tasks = append(f.tasks, of)
	f.tasks = f.tasks[max(len(f.tasks)-failingTasksMax, 0):]
}

// takeOut returns nil for a task that has not failed.
func (f *failures) takeOut(id host.TaskID) *taskFailures {
	i := slices.IndexFunc(f.tasks, func(t *taskFailures) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	of := f.tasks[i]
	f.tasks = slices.Delete(f.tasks, i, i+1)
	return of
}

// of returns a task's failures, the latest first.
func (f *failures) of(id host.TaskID) []host.TaskFailure {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []host.TaskFailure{}
	for _, t := range f.tasks {
		if t.id == id {
			all = append(all, t.kept...)
		}
	}
	slices.Reverse(all)
	return all
}

// forget drops the failures of the connectors whose names begin with prefix.
func (f *failures) forget(prefix string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tasks = slices.DeleteFunc(f.tasks, func(t *taskFailures) bool { return strings.HasPrefix(t.id.Connector, prefix) })
}

// TaskFailures implements host.Runtime.
func (w *Worker) TaskFailures(id host.TaskID) []host.TaskFailure { return w.failures.of(id) }
