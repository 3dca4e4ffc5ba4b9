package herdertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// Cluster is a group of workers in memory, with a coordinator that never errs: it hands work out by the rules of the
// eager or the incremental protocols, though not to the same members as Kafka Connect's assignors would.
type Cluster struct {
	protocol group.Protocol

	mu         sync.Mutex
	generation int32
	members    []*Member // the first leads
	due        bool      // a round was asked for and has not begun
	workers    map[string]*herder.Herder
}

// NewCluster returns a group without members.
func NewCluster(protocol group.Protocol) *Cluster {
	return &Cluster{protocol: protocol, workers: map[string]*herder.Herder{}}
}

// Member is one worker's membership. It implements herder.Group.
type Member struct {
	cluster *Cluster
	url     string
	state   group.State

	changed chan struct{}
	events  []group.Event // guarded by the cluster's mu, as all that follows
	held    group.Work
	owed    int // calls of Stopped
	round   int32
}

// Join adds a worker with an advertised URL.
func (c *Cluster) Join(url string, h *herder.Herder, configs *Configs) *Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &Member{cluster: c, url: url, state: herder.NewGroupState(configs), changed: make(chan struct{}, 1)}
	c.members = append(c.members, m)
	c.workers[url] = h
	c.due = true
	c.advance()
	return m
}

// Leave takes a worker out at once, as the session timeout does with a dead one.
func (m *Member) Leave() {
	c := m.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members = slices.DeleteFunc(c.members, func(other *Member) bool { return other == m })
	delete(c.workers, m.url)
	c.due = true
	c.advance()
}

// Lose tells a worker that it is no member any more. It joins anew, as the last, when it has stopped its work.
func (m *Member) Lose() {
	c := m.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members = append(slices.DeleteFunc(c.members, func(other *Member) bool { return other == m }), m)
	for _, event := range m.events {
		if _, isJoined := event.(group.Joined); !isJoined {
			m.owed--
		}
	}
	m.events, m.held = nil, group.Work{}
	m.owed++
	m.send(group.Lost{Reason: "on purpose"})
	c.due = true
	c.advance()
}

// Changed implements herder.Group.
func (m *Member) Changed() <-chan struct{} { return m.changed }

// TakeEvents implements herder.Group.
func (m *Member) TakeEvents() []group.Event {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	events := m.events
	m.events = nil
	return events
}

// Stopped implements herder.Group.
func (m *Member) Stopped() {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	m.owed--
	if m.owed < 0 {
		panic("Stopped was called although nothing had to be stopped")
	}
	m.cluster.advance()
}

// Rejoin implements herder.Group.
func (m *Member) Rejoin(string) {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	m.cluster.due = true
	m.cluster.advance()
}

// Rebalancing implements herder.Group.
func (m *Member) Rebalancing() bool {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	return m.cluster.due || m.round != m.cluster.generation
}

// Fenced implements herder.Group: this coordinator waits for members that it has expelled.
func (m *Member) Fenced() bool { return false }

func (m *Member) send(event group.Event) {
	m.events = append(m.events, event)
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// advance runs rounds until one waits for members that have to stop something. It must be called with mu held.
func (c *Cluster) advance() {
	for c.due && len(c.members) > 0 {
		for _, m := range c.members {
			if m.owed > 0 {
				return
			}
		}
		c.due = false
		if c.protocol == group.Eager && c.revokeAll() {
			c.due = true
			continue
		}
		c.assign()
	}
}

func (c *Cluster) revokeAll() bool {
	any := false
	for _, m := range c.members {
		if len(m.held.Connectors)+len(m.held.Tasks) > 0 {
			any = true
			m.revoke(m.held)
			m.held = group.Work{}
		}
	}
	return any
}

func (m *Member) revoke(work group.Work) {
	m.owed++
	m.send(group.Revoking{Work: work})
}

// assign gives what nobody holds to those who hold least, and takes from those who hold too much; what was taken is
// given out by the next round, when it has stopped.
func (c *Cluster) assign() {
	c.generation++
	view, err := c.members[0].state.FreshConfigs(context.Background(), c.newest())
	if err != nil {
		panic(err)
	}
	shares := c.shares(view)
	for _, m := range c.members {
		kept, revoked := shares.trim(m.held)
		m.held = kept
		if len(revoked.Connectors)+len(revoked.Tasks) > 0 {
			shares.withhold(revoked)
			m.revoke(revoked)
			c.due = true
		}
	}
	shares.distribute(c.members)
	for i, m := range c.members {
		if m.owed > 0 {
			continue // joins when it has stopped what it had to
		}
		m.round = c.generation
		session := group.Session{Generation: c.generation, MemberID: m.url, Protocol: c.protocol, IsLeader: i == 0,
			Assignment: group.Assignment{Leader: c.members[0].url, LeaderURL: c.members[0].url, ConfigOffset: view.Offset},
			Held:       group.Work{Connectors: slices.Clone(m.held.Connectors), Tasks: slices.Clone(m.held.Tasks)}}
		if session.IsLeader {
			session.Owners = c.owners()
		}
		m.send(group.Joined{Session: session})
	}
}

func (c *Cluster) newest() int64 {
	newest := int64(-1)
	for _, m := range c.members {
		newest = max(newest, m.state.ConfigOffset())
	}
	return newest
}

func (c *Cluster) owners() *group.Owners {
	held := map[string]group.Work{}
	for _, m := range c.members {
		held[m.url] = m.held
	}
	return group.OwnersOf(held)
}

// shares is what is configured and how much of it a member may hold.
type shares struct {
	free           group.Work
	connectorsMost int
	tasksMost      int
}

func (c *Cluster) shares(view group.ConfigView) *shares {
	s := &shares{}
	for name, tasks := range view.Tasks {
		s.free.Connectors = append(s.free.Connectors, name)
		if slices.Contains(view.Inconsistent, name) {
			continue
		}
		for task := range tasks {
			s.free.Tasks = append(s.free.Tasks, host.TaskID{Connector: name, Task: task})
		}
	}
	n := len(c.members)
	s.connectorsMost, s.tasksMost = (len(s.free.Connectors)+n-1)/n, (len(s.free.Tasks)+n-1)/n
	return s
}

// trim takes what a member may keep out of what is free.
func (s *shares) trim(held group.Work) (kept, revoked group.Work) {
	for _, name := range held.Connectors {
		if len(kept.Connectors) < s.connectorsMost && slices.Contains(s.free.Connectors, name) {
			kept.Connectors = append(kept.Connectors, name)
		} else {
			revoked.Connectors = append(revoked.Connectors, name)
		}
	}
	for _, id := range held.Tasks {
		if len(kept.Tasks) < s.tasksMost && slices.Contains(s.free.Tasks, id) {
			kept.Tasks = append(kept.Tasks, id)
		} else {
			revoked.Tasks = append(revoked.Tasks, id)
		}
	}
	s.withhold(kept)
	return kept, revoked
}

func (s *shares) withhold(work group.Work) {
	s.free.Connectors = slices.DeleteFunc(s.free.Connectors, func(name string) bool {
		return slices.Contains(work.Connectors, name)
	})
	s.free.Tasks = slices.DeleteFunc(s.free.Tasks, func(id host.TaskID) bool { return slices.Contains(work.Tasks, id) })
}

// distribute gives what is free to the members that do not have to stop anything first.
func (s *shares) distribute(members []*Member) {
	members = slices.DeleteFunc(slices.Clone(members), func(m *Member) bool { return m.owed > 0 })
	if len(members) == 0 {
		return
	}
	least := func(load func(*Member) int) *Member {
		return slices.MinFunc(members, func(a, b *Member) int { return load(a) - load(b) })
	}
	for _, name := range s.free.Connectors {
		m := least(func(m *Member) int { return len(m.held.Connectors) })
		m.held.Connectors = append(m.held.Connectors, name)
	}
	for _, id := range s.free.Tasks {
		m := least(func(m *Member) int { return len(m.held.Tasks) })
		m.held.Tasks = append(m.held.Tasks, id)
	}
}

// PutTaskConfigs implements herder.Leader: it calls the worker with that URL.
func (c *Cluster) PutTaskConfigs(ctx context.Context, url, connector string, tasks []host.Config,
	sign sessionkey.Signer) error {
	body, err := json.Marshal(tasks)
	if err != nil {
		return err
	}
	h, signature, err := c.request(url, body, sign)
	if err != nil {
		return err
	}
	return h.PutTaskConfigs(ctx, connector, tasks, signature)
}

// FenceZombies implements herder.Leader.
func (c *Cluster) FenceZombies(ctx context.Context, url, connector string, sign sessionkey.Signer) error {
	h, signature, err := c.request(url, nil, sign)
	if err != nil {
		return err
	}
	return h.FenceZombies(ctx, connector, signature)
}

// ShadowReports implements herder.Leader.
func (c *Cluster) ShadowReports(ctx context.Context, url, connector, alias string, sign sessionkey.Signer) (
	[]host.ShadowReport, error) {
	h, signature, err := c.request(url, []byte(connector+"/"+alias), sign)
	if err != nil {
		return nil, err
	}
	return h.ShadowReportsHere(ctx, connector, alias, signature)
}

func (c *Cluster) request(url string, body []byte, sign sessionkey.Signer) (*herder.Herder, *sessionkey.Signature,
	error) {
	c.mu.Lock()
	h := c.workers[url]
	c.mu.Unlock()
	if h == nil {
		return nil, nil, fmt.Errorf("IO Error trying to forward REST request: nobody listens at %s", url)
	}
	if sign == nil {
		return h, nil, nil
	}
	signature, err := sign(body)
	return h, &signature, err
}
