package task

import (
	"errors"
	"sync"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
)

// Swap asks a running task to go on with other stages.
type Swap struct {
	Revision  int64 // of the connector's configuration
	Stages    []pipeline.Stage
	Probation *host.SwapPolicy // nil: the stages stay, whatever becomes of records in them
}

// Restage ends a task that can't go on with other stages, because they share an instance with the connector, or that
// must not go on with its old ones, because the new ones do not start. What it had is drained and committed: it is to
// be started anew.
type Restage struct {
	Reason  string
	Changes []host.StageChange
	After   []host.SwapPosition
	Cause   error // the failure of the connector's instance; nil: it is there to commit
}

func (r *Restage) Error() string {
	return "the task is to be started anew with other stages: " + r.Reason
}

// Unwrap shows the failure.
func (r *Restage) Unwrap() []error {
	if r.Cause == nil {
		return nil
	}
	return []error{r.Cause, errInstance}
}

// failure is what a task failed of, nil if it ended to be started anew.
func failure(err error) error {
	var r *Restage
	if errors.As(err, &r) && r.Cause == nil {
		return nil
	}
	return err
}

// Swaps brings swaps to a running task. Its methods may be called from any goroutine.
type Swaps struct {
	due chan struct{} // a token when there is something to do at the next boundary

	mu    sync.Mutex
	next  *Swap  // guarded by mu
	built *built // guarded by mu
}

// built are new stages that run, or the reason why they don't.
type built struct {
	Swap
	links []*pipeline.Link
	same  *pipeline.Link // the stages that the connector's instance is to give up; nil: none
	err   error
}

// NewSwaps returns a way to a task.
func NewSwaps() *Swaps { return &Swaps{due: make(chan struct{}, 1)} }

// Set asks for a swap; one that was asked for before and has not begun is forgotten.
func (s *Swaps) Set(swap Swap) {
	s.mu.Lock()
	s.next = &swap
	s.mu.Unlock()
	s.poke()
}

func (s *Swaps) poke() {
	select {
	case s.due <- struct{}{}:
	default:
	}
}

// Forget takes back what has not begun; the task has ended.
func (s *Swaps) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = nil
}

// deliver hands over what was built beside the task.
func (s *Swaps) deliver(b built) {
	s.mu.Lock()
	s.built = &b
	s.mu.Unlock()
	s.poke()
}

// takeBuilt returns what was built, once.
func (s *Swaps) takeBuilt() *built {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.built
	s.built = nil
	return b
}

// take returns what is to be done, once.
func (s *Swaps) take() (*Swap, *built) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, b := s.next, s.built
	s.next, s.built = nil, nil
	return next, b
}
