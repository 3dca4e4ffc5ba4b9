package herder_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// script is a group whose events the test sends.
type script struct {
	mu      sync.Mutex
	changed chan struct{}
	events  []group.Event
	stopped int
	rejoins int
	joining bool
	fenced  bool
}

func newScript() *script { return &script{changed: make(chan struct{}, 1)} }

func (s *script) send(events ...group.Event) {
	s.mu.Lock()
	s.events = append(s.events, events...)
	s.mu.Unlock()
	s.changed <- struct{}{}
	synctest.Wait()
}

func (s *script) Changed() <-chan struct{} { return s.changed }

func (s *script) TakeEvents() []group.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events
	s.events = nil
	return events
}

func (s *script) Stopped() { s.count(&s.stopped) }

func (s *script) Rejoin(string) { s.count(&s.rejoins) }

func (s *script) Rebalancing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.joining
}

func (s *script) Fenced() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fenced
}

func (s *script) fence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fenced = true
}

func (s *script) setJoining(joining bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joining = joining
}

func (s *script) count(n *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

func (s *script) expect(t *testing.T, stopped, rejoins int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped != stopped || s.rejoins != rejoins {
		t.Errorf("Stopped was called %d times, Rejoin %d times; want %d and %d", s.stopped, s.rejoins, stopped, rejoins)
	}
}

const leaderURL = "http://leader:8083/"

// work reads names of connectors and ids of tasks.
func work(names ...string) group.Work {
	var w group.Work
	for _, name := range names {
		if n := len(name) - 2; n > 0 && name[n] == '-' {
			w.Tasks = append(w.Tasks, host.TaskID{Connector: name[:n], Task: int(name[n+1] - '0')})
		} else {
			w.Connectors = append(w.Connectors, name)
		}
	}
	return w
}

func joined(generation int32, leads bool, held ...string) group.Joined {
	s := group.Session{Generation: generation, Protocol: group.Sessioned, IsLeader: leads, Held: work(held...),
		Assignment: group.Assignment{LeaderURL: leaderURL}}
	if leads {
		s.Owners = group.OwnersOf(map[string]group.Work{"http://worker:8083/": s.Held,
			"http://other:8083/": work("far", "far-0")})
	}
	return group.Joined{Session: s}
}

// sent is a leader that keeps what it gets.
type sent struct {
	mu   sync.Mutex
	what []string
	err  error
}

func (s *sent) PutTaskConfigs(_ context.Context, url, connector string, tasks []host.Config,
	sign sessionkey.Signer) error {
	return s.keep(fmt.Sprintf("%s %s %d signed %t", url, connector, len(tasks), sign != nil))
}

func (s *sent) FenceZombies(_ context.Context, url, connector string, _ sessionkey.Signer) error {
	return s.keep(url + " fence " + connector)
}

func (s *sent) ShadowReports(_ context.Context, url, connector, alias string, sign sessionkey.Signer) (
	[]host.ShadowReport, error) {
	return nil, s.keep(fmt.Sprintf("%s shadow %s %s signed %t", url, connector, alias, sign != nil))
}

func (s *sent) keep(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what = append(s.what, what)
	return s.err
}
