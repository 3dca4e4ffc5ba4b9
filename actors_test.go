package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// journal writes down what the actors of a test do.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, " ")
}

// actor makes one that is ready once it runs, then waits and ends with err.
func (j *journal) actor(name string, err error) actor {
	ready := make(chan struct{})
	return actor{name: name, ready: ready, run: func(ctx context.Context) error {
		j.add("+" + name)
		close(ready)
		<-ctx.Done()
		j.add("-" + name)
		return err
	}}
}

const never = time.Hour

func TestActorsStopInReverse(t *testing.T) {
	j := &journal{}
	ctx, cancel := context.WithCancel(context.Background())
	last := actor{name: "last", run: func(inner context.Context) error {
		cancel()
		<-inner.Done()
		j.add("-last")
		return nil
	}}
	if err := runActors(ctx, []actor{j.actor("a", nil), j.actor("b", nil), last}, never, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := j.text(), "+a +b -last -b -a"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestActorsFailure(t *testing.T) {
	boom := errors.New("boom")
	silent := make(chan struct{})
	cases := []struct {
		name, want, order string
		failing           actor
		is                error
	}{
		{"before ready", "bad: boom", "+a -a",
			actor{"bad", func(context.Context) error { return boom }, silent}, boom},
		{"after ready", "bad: boom", "+a -a", actor{"bad", func(context.Context) error { return boom }, nil}, boom},
		{"returns nil unasked", "bad ended by itself", "+a -a",
			actor{"bad", func(context.Context) error { return nil }, nil}, nil},
	}
	for _, c := range cases {
		j := &journal{}
		err := runActors(context.Background(), []actor{j.actor("a", nil), c.failing}, never, nil)
		if err == nil || err.Error() != c.want || (c.is != nil && !errors.Is(err, c.is)) {
			t.Errorf("%s: got %v", c.name, err)
		}
		if j.text() != c.order {
			t.Errorf("%s: order %q, want %q", c.name, j.text(), c.order)
		}
	}
}

func TestActorsAreGivenUp(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	stuck := actor{name: "stuck", run: func(context.Context) error { <-release; return nil }}
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	for _, c := range []struct {
		grace time.Duration
		hurry chan os.Signal
	}{{0, nil}, {never, signals}} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		err := runActors(ctx, []actor{stuck}, c.grace, c.hurry)
		if !errors.Is(err, errGaveUp) || !strings.Contains(err.Error(), "stuck") {
			t.Errorf("grace %v: got %v", c.grace, err)
		}
	}
}

func TestActorsReportFailuresOfStopping(t *testing.T) {
	j := &journal{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := runActors(ctx, []actor{j.actor("a", errors.New("flush failed"))}, never, nil)
	if err == nil || err.Error() != "stop a: flush failed" {
		t.Errorf("got %v", err)
	}
}
