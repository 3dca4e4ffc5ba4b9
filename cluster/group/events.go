package group

import (
	"context"
	"slices"
	"sync"
)

// events is the queue from the member to the herder, and the herder's answer that it has stopped work.
type events struct {
	mu      sync.Mutex
	queue   []Event
	pending int           // Revoking and Lost that Stopped has not answered
	changed chan struct{} // capacity 1
	stopped chan struct{} // capacity 1
}

func newEvents() *events {
	return &events{changed: make(chan struct{}, 1), stopped: make(chan struct{}, 1)}
}

func (e *events) emit(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, lost := event.(Lost); lost {
		e.pending -= len(slices.DeleteFunc(e.queue, func(dropped Event) bool { return !asksToStop(dropped) }))
		e.queue = nil
	}
	if asksToStop(event) {
		e.pending++
	}
	e.queue = append(e.queue, event)
	signal(e.changed)
}

func asksToStop(event Event) bool {
	_, joined := event.(Joined)
	return !joined
}

func (e *events) take() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	queue := e.queue
	e.queue = nil
	return queue
}

func (e *events) answerStopped() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pending = max(e.pending-1, 0)
	signal(e.stopped)
}

// awaitStopped returns when all that was asked to stop has stopped, or with the cause of ctx.
func (e *events) awaitStopped(ctx context.Context) error {
	for {
		e.mu.Lock()
		pending := e.pending
		e.mu.Unlock()
		if pending == 0 {
			return nil
		}
		select {
		case <-e.stopped:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// signal fills a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
