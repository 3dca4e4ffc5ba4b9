package engine

import (
	"sync"
	"time"

	"github.com/berth-connect/berth/host"
)

// watchInterval is how often the watch looks; limits hold within one interval.
const watchInterval = 50 * time.Millisecond

// watch ends untrusted instances that compute without end. It looks at counters that host calls move, so that a host
// call costs no clock reading.
type watch struct {
	done chan struct{}
	mu   sync.Mutex
	all  map[*instance]*watched // guarded by mu
}

type watched struct {
	calls     uint64        // host calls seen last time
	computing time.Duration // since calls moved
	progress  uint64        // answers seen last time
	answering time.Duration // since progress moved, asleep not counted
}

func newWatch() *watch {
	return &watch{done: make(chan struct{}), all: map[*instance]*watched{}}
}

func (w *watch) add(in *instance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all[in] = &watched{}
}

func (w *watch) remove(in *instance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, in)
}

func (w *watch) run() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.look()
		case <-w.done:
			return
		}
	}
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for in, seen := range w.all {
		switch {
		case in.asleep.Load():
			seen.computing = 0
		case seen.calls == in.hostCalls.Load():
			seen.computing += watchInterval
			seen.answering += watchInterval
		default:
			seen.computing = 0
			seen.answering += watchInterval
		}
		seen.calls = in.hostCalls.Load()
		if p := in.answers.Load(); p != seen.progress {
			seen.progress, seen.answering = p, 0
		}
		switch {
		case seen.computing > host.ComputeDurationMax:
			in.kill(ErrComputing)
		case seen.answering > host.AnswerComputeDurationMax:
			in.kill(ErrNoAnswer)
		}
	}
}

func (w *watch) stop() { close(w.done) }
