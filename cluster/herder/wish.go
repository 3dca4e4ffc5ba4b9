package herder

import "github.com/berth-connect/berth/host"

// wish is what should run here. Epochs count the records that ask for a new start of the connector or of its tasks, or
// for another target state; one that was changed there and back has cost the connector its tasks if it was STOPPED.
type wish struct {
	config      host.Config // nil: the connector was deleted
	here        bool        // the connector itself is this worker's; its tasks may be without it
	configEpoch int
	target      host.TargetState
	targetEpoch int
	tasks       map[int]host.Config // that are this worker's
	tasksEpoch  int
	taskCount   int   // of all workers
	revision    int64 // of config
}

// taskRun is what a task runs with: the configurations, and the tasksEpoch, of its start or of its last swap.
type taskRun struct {
	epoch           int
	connector, task host.Config
}

// outdates tells whether an operation for an older wish need not be finished.
func (w wish) outdates(older wish) bool {
	return w.config == nil || older.here && !w.here || w.configEpoch != older.configEpoch ||
		w.target == host.TargetStopped && older.target != host.TargetStopped
}

// stops tells whether tasks of an older wish are not to run on.
func (w wish) stops(older wish) bool {
	for task := range older.tasks {
		if _, stays := w.tasks[task]; !stays {
			return true
		}
	}
	return w.tasksEpoch != older.tasksEpoch
}

// emptied tells whether the connector has no tasks any more, on any worker: it is being stopped, which its target state
// says a record later.
func (w wish) emptied() bool { return w.config != nil && w.taskCount <= 0 }

func (w wish) idle() bool { return !w.here && len(w.tasks) == 0 }
