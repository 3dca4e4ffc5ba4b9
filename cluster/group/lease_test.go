package group

import (
	"testing"
	"time"
)

// clock is two clocks at once: a time.Time made here has no monotonic reading, so only the wall is moved.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func TestLease(t *testing.T) {
	c := &clock{now: time.Now().Round(0)}
	l := newLease(10*time.Second, c.read)
	if !l.expired() {
		t.Error("without a session it is not expired")
	}
	start := c.now
	l.begin(start)
	c.now = start.Add(9 * time.Second)
	if l.expired() {
		t.Error("expired before the session timeout")
	}
	l.renew(start.Add(5 * time.Second))
	l.renew(start.Add(3 * time.Second)) // an answer that came late to an earlier request
	c.now = start.Add(15*time.Second - 1)
	if l.expired() {
		t.Error("expired although it was renewed")
	}
	c.now = start.Add(15 * time.Second)
	if !l.expired() {
		t.Error("not expired at the session timeout")
	}
	l.renew(start.Add(14 * time.Second)) // an answer from before the process was suspended
	if !l.expired() {
		t.Error("a lease that ran out was renewed")
	}
	l.begin(c.now)
	if l.expired() {
		t.Error("a new session is expired")
	}
	l.end()
	l.renew(c.now)
	if !l.expired() {
		t.Error("a lease that has ended was renewed")
	}
}
