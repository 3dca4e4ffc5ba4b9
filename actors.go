package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// actor is one long-lived part of the process.
type actor struct {
	name string
	run  func(ctx context.Context) error // blocks until ctx ends (then drains and returns nil) or it fails
	// ready is closed when the actors after this one may start; nil: at once.
	ready <-chan struct{}
}

var errGaveUp = errors.New("did not stop in time")

// runActors starts actors in order, each when the one before is ready, and stops them in reverse when ctx ends or one
// of them returns. After grace, or at a value from hurry, the rest is given up: they are cancelled together and no
// longer waited for.
func runActors(ctx context.Context, actors []actor, grace time.Duration, hurry <-chan os.Signal) error {
	ended := make(chan outcome, len(actors))
	var started []*running
	var failure error
	for _, a := range actors {
		started = append(started, start(a, ended))
		if failure = awaitReady(ctx, a, ended); failure != nil || ctx.Err() != nil {
			break
		}
	}
	if failure == nil {
		select {
		case <-ctx.Done():
		case end := <-ended:
			failure = end.failure()
		}
	}
	return stopActors(started, failure, grace, hurry)
}

type running struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid once done is closed
}

type outcome struct {
	name string
	err  error
}

// failure of an actor that ended although nobody asked it to.
func (o outcome) failure() error {
	if o.err == nil {
		return fmt.Errorf("%s ended by itself", o.name)
	}
	return fmt.Errorf("%s: %w", o.name, o.err)
}

// start gives the actor a context of its own, so that the order of stopping is ours alone.
func start(a actor, ended chan<- outcome) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{name: a.name, cancel: cancel, done: make(chan struct{})}
	go func() {
		r.err = a.run(ctx)
		close(r.done)
		ended <- outcome{a.name, r.err}
	}()
	return r
}

func awaitReady(ctx context.Context, a actor, ended <-chan outcome) error {
	if a.ready == nil {
		return nil
	}
	select {
	case <-a.ready:
		return nil
	case end := <-ended:
		return end.failure()
	case <-ctx.Done():
		return nil
	}
}

// stopActors returns failure, why the process stops (nil: it was asked to), and what went wrong while stopping.
func stopActors(started []*running, failure error, grace time.Duration, hurry <-chan os.Signal) error {
	problems := []error{failure}
	deadline := time.After(grace)
	for i := len(started) - 1; i >= 0; i-- {
		r := started[i]
		r.cancel()
		select {
		case <-r.done:
			if r.err != nil && !errors.Is(r.err, context.Canceled) && !errors.Is(failure, r.err) {
				problems = append(problems, fmt.Errorf("stop %s: %w", r.name, r.err))
			}
			slog.Debug("stopped", "part", r.name)
			continue
		case <-deadline:
		case <-hurry:
		}
		for _, rest := range started[:i] {
			rest.cancel()
		}
		return errors.Join(append(problems, fmt.Errorf("%s %w", r.name, errGaveUp))...)
	}
	return errors.Join(problems...)
}
