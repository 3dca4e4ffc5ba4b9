package group_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/berth-connect/berth/cluster/group"
)

func offering(p group.Protocol) func(*group.Config) {
	return func(c *group.Config) { c.Protocol = p }
}

// all says that the workers are in one round of a protocol.
func (c *cluster) all(p group.Protocol, workers ...*worker) bool {
	return !slices.ContainsFunc(workers, func(w *worker) bool {
		return w.session == nil || w.session.Protocol != p || w.session.Generation != workers[0].session.Generation
	})
}

func TestGroupSpeaksWhatAllMembersSpeak(t *testing.T) {
	c := newCluster(t)
	c.configure(map[string]int{"orders": 4, "users": 3})
	sessioned := c.start(nil)
	c.await("sessioned", func() bool { return c.allRun(sessioned) && c.all(group.Sessioned, sessioned) })
	compatible := c.start(offering(group.Compatible))
	c.await("compatible", func() bool {
		return c.allRun(sessioned, compatible) && c.all(group.Compatible, sessioned, compatible)
	})
	eager := c.start(offering(group.Eager))
	c.await("eager", func() bool {
		return c.allRun(sessioned, compatible, eager) && c.all(group.Eager, sessioned, compatible, eager)
	})
	c.configure(map[string]int{"orders": 6})
	c.await("another eager round", func() bool {
		return c.allRun(sessioned, compatible, eager) && c.all(group.Eager, sessioned, compatible, eager)
	})
	eager.leave()
	c.await("compatible again", func() bool {
		return c.allRun(sessioned, compatible) && c.all(group.Compatible, sessioned, compatible)
	})
	compatible.leave()
	c.await("sessioned again", func() bool { return c.allRun(sessioned) && c.all(group.Sessioned, sessioned) })
}

// In an eager group nothing runs while the members join.
func TestEagerMembersStopBeforeTheyJoin(t *testing.T) {
	c := newCluster(t)
	c.configure(map[string]int{"orders": 4})
	first, second := c.start(offering(group.Eager)), c.start(offering(group.Eager))
	c.await("two share the work", func() bool { return c.allRun(first, second) })
	before := first.revoked
	c.configure(map[string]int{"users": 4})
	c.await("the new connector runs, too", func() bool { return c.allRun(first, second) && first.revoked > before })
}

// The leader has not read what the others have read: the round is repeated, and what runs goes on.
func TestLeaderBehindItsMembers(t *testing.T) {
	c := newCluster(t)
	c.configure(map[string]int{"orders": 4})
	first, second := c.start(nil), c.start(nil)
	c.await("two share the work", func() bool { return c.allRun(first, second) && len(c.leaders()) == 1 })
	c.failReads(c.leaders()[0], 2)
	c.configure(map[string]int{"users": 4})
	c.await("all run", func() bool { return c.allRun(first, second) })
	if first.failing+second.failing > 0 || first.lost+second.lost > 0 {
		t.Errorf("%d reads were not tried, %d sessions lost", first.failing+second.failing, first.lost+second.lost)
	}
}

// A worker that can't read the config topic gives up its work to those that can, be it the leader, and does not come
// back before it can.
func TestWorkersThatCannotReadTheConfigTopic(t *testing.T) {
	for _, p := range []group.Protocol{group.Sessioned, group.Eager} {
		for _, leads := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s leader=%v", p, leads), func(t *testing.T) { giveUpUnread(t, p, leads) })
		}
	}
}

func giveUpUnread(t *testing.T, p group.Protocol, leads bool) {
	c := newCluster(t)
	c.configure(map[string]int{"orders": 4})
	blind, other := c.start(offering(p)), c.start(offering(p))
	c.await("two share the work", func() bool { return c.allRun(blind, other) && len(c.leaders()) == 1 })
	if (c.leaders()[0] == blind) != leads {
		blind, other = other, blind
	}
	c.failReads(blind, math.MaxInt)
	c.configure(map[string]int{"users": 4})
	c.await("the other runs all", func() bool { return blind.lost > 0 && c.allRun(other) })
	c.failReads(blind, 0)
	c.await("both share again", func() bool { return c.allRun(blind, other) })
}

// Stopping may take longer than a session: heartbeats go on meanwhile.
func TestSlowStopKeepsTheSession(t *testing.T) {
	c := newCluster(t)
	c.configure(map[string]int{"orders": 4})
	short := func(config *group.Config) { config.SessionTimeout = 3 * time.Second }
	first := c.start(short)
	c.await("the first runs all", func() bool { return c.allRun(first) })
	c.mu.Lock()
	first.obey = func() { time.Sleep(4500 * time.Millisecond) }
	c.mu.Unlock()
	second := c.start(short)
	c.await("two share the work", func() bool { return c.allRun(first, second) })
	if first.lost+second.lost > 0 {
		t.Errorf("a worker lost its session while it stopped tasks")
	}
}

// What no retry can mend ends the member with an error that says what to change.
func TestSettingsThatTheBrokerRefuses(t *testing.T) {
	c := newCluster(t)
	w := c.start(func(config *group.Config) { config.SessionTimeout = 24 * time.Hour })
	err := <-w.ended
	if !errors.Is(err, kerr.InvalidSessionTimeout) || !strings.Contains(err.Error(), "session.timeout.ms") {
		t.Errorf("ended with %v, want an error that names session.timeout.ms", err)
	}
}
