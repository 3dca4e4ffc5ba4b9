// Package herdertest holds stores in memory, for tests of the herder and of what stands on it.
package herdertest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Configs is what one worker has read of a config topic in memory.
type Configs struct {
	topic *configTopic

	mu         sync.Mutex
	read       int // records of the topic
	held       bool
	connectors map[string]store.Connector
	tenants    map[string]host.Tenant
	key        *store.SessionKey
	events     []store.ConfigEvent
	changed    chan struct{}
	unclaimed  bool // guarded by topic.mu
	claimLost  chan struct{}
}

// configTopic is what all workers share.
type configTopic struct {
	mu        sync.Mutex
	records   []configRecord
	readers   []*Configs
	failTasks error
	blocked   bool
}

// configRecord is one change with what the readers announce.
type configRecord struct {
	event  store.ConfigEvent
	change func(*Configs)
}

// NewConfigs returns an empty config topic.
func NewConfigs() *Configs { return newReader(&configTopic{}) }

// Another returns what another worker reads of the same topic: all that is there, without events, then what comes.
func (c *Configs) Another() *Configs {
	another := newReader(c.topic)
	another.TakeEvents()
	return another
}

func newReader(topic *configTopic) *Configs {
	c := &Configs{topic: topic, connectors: map[string]store.Connector{}, tenants: map[string]host.Tenant{},
		changed: make(chan struct{}, 1), claimLost: make(chan struct{}, 1)}
	topic.mu.Lock()
	defer topic.mu.Unlock()
	topic.readers = append(topic.readers, c)
	c.catchUp()
	return c
}

// Hold keeps this worker from reading on, but for what it writes or refreshes; false lets it read what it has missed.
func (c *Configs) Hold(held bool) {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	c.held = held
	if !held {
		c.catchUp()
	}
}

// FailTasks makes the writing of task sets fail with err until it is nil again.
func (c *Configs) FailTasks(err error) {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	c.topic.failTasks = err
}

// Block keeps deletions from being answered, as a Kafka does that is away.
func (c *Configs) Block(blocked bool) {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	c.topic.blocked = blocked
}

// Tear makes a connector's task set incomplete, as a writer that died between its records does.
func (c *Configs) Tear(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	connector := c.connectors[name]
	connector.Inconsistent = true
	c.connectors[name] = connector
}

// Ready is closed.
func (c *Configs) Ready() <-chan struct{} { return closed }

// Snapshot implements herder.ConfigStore.
func (c *Configs) Snapshot() *store.ConfigSnapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	offset := int64(c.read)
	if c.read == 0 {
		offset = -1
	}
	return &store.ConfigSnapshot{Offset: offset, Connectors: maps.Clone(c.connectors),
		Tenants: maps.Clone(c.tenants), SessionKey: c.key}
}

// Refresh implements herder.ConfigStore.
func (c *Configs) Refresh(context.Context) error {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	c.catchUp()
	return nil
}

// Changed implements herder.ConfigStore.
func (c *Configs) Changed() <-chan struct{} { return c.changed }

// TakeEvents implements herder.ConfigStore.
func (c *Configs) TakeEvents() []store.ConfigEvent {
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.events
	c.events = nil
	return events
}

// catchUp must be called with the topic's mu held.
func (c *Configs) catchUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.topic.records[c.read:] {
		r.change(c)
		c.events = append(c.events, r.event)
	}
	c.read = len(c.topic.records)
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// write appends a record, which all workers read but those that are held.
func (c *Configs) write(event store.ConfigEvent, change func(*Configs)) error {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	if c.topic.failTasks != nil && event.Kind == store.TasksUpdated {
		return c.topic.failTasks
	}
	c.topic.records = append(c.topic.records, configRecord{event, change})
	for _, reader := range c.topic.readers {
		if reader == c || !reader.held {
			reader.catchUp()
		}
	}
	return nil
}

// update changes one connector and announces it.
func (c *Configs) update(name string, event store.ConfigEvent, change func(*store.Connector)) error {
	event.Connector = name
	return c.write(event, func(c *Configs) {
		connector, has := c.connectors[name]
		if !has {
			connector = store.Connector{TaskCount: store.NoTaskCount, Generation: -1}
		}
		change(&connector)
		c.connectors[name] = connector
	})
}

// PutConnector implements herder.ConfigStore.
func (c *Configs) PutConnector(_ context.Context, name string, config host.Config, target host.TargetState) error {
	if c.refuses() {
		return store.ErrNotClaimed
	}
	revision := c.revisions()
	return c.update(name, store.ConfigEvent{Kind: store.ConnectorUpdated}, func(connector *store.Connector) {
		connector.Config, connector.Revision = maps.Clone(config), revision
		if target != "" {
			connector.Target = target
		}
		if connector.Target == "" {
			connector.Target = host.TargetStarted
		}
	})
}

// refuses tells whether another worker has claimed to write, and tells of the loss.
func (c *Configs) refuses() bool {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	if c.unclaimed {
		select {
		case c.claimLost <- struct{}{}:
		default:
		}
	}
	return c.unclaimed
}

// revisions is the number of the next record.
func (c *Configs) revisions() int64 {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	return int64(len(c.topic.records))
}

// DeleteConnector implements herder.ConfigStore.
func (c *Configs) DeleteConnector(ctx context.Context, name string) error {
	c.topic.mu.Lock()
	blocked := c.topic.blocked
	c.topic.mu.Unlock()
	if blocked {
		<-ctx.Done()
		return ctx.Err()
	}
	return c.update(name, store.ConfigEvent{Kind: store.ConnectorRemoved}, func(connector *store.Connector) {
		*connector = store.Connector{TaskCount: store.NoTaskCount, Generation: connector.Generation,
			FencedCount: connector.FencedCount}
	})
}

// PutTasks implements herder.ConfigStore.
func (c *Configs) PutTasks(_ context.Context, name string, tasks []host.Config) error {
	return c.update(name, store.ConfigEvent{Kind: store.TasksUpdated}, func(connector *store.Connector) {
		configs := maps.Clone(connector.TaskConfigs)
		if configs == nil {
			configs = map[int]host.Config{}
		}
		for i, task := range tasks {
			configs[i] = maps.Clone(task)
		}
		connector.TaskConfigs, connector.TaskCount = configs, len(tasks)
		connector.AppliedConfig, connector.Inconsistent = connector.Config, false
		connector.PendingFence = true
		if len(tasks) > 0 {
			connector.Generation++
		}
	})
}

// PutTargetState implements herder.ConfigStore.
func (c *Configs) PutTargetState(_ context.Context, name string, target host.TargetState) error {
	return c.update(name, store.ConfigEvent{Kind: store.TargetChanged}, func(connector *store.Connector) {
		connector.Target = target
	})
}

// PutRestart implements herder.ConfigStore.
func (c *Configs) PutRestart(_ context.Context, request store.RestartRequest) error {
	event := store.ConfigEvent{Kind: store.RestartRequested, Restart: request}
	return c.update(request.Connector, event, func(*store.Connector) {})
}

// PutLoggerLevel implements herder.ConfigStore.
func (c *Configs) PutLoggerLevel(_ context.Context, namespace, level string) error {
	event := store.ConfigEvent{Kind: store.LoggerLevelSet, Namespace: namespace, Level: level}
	return c.write(event, func(*Configs) {})
}

// PutSessionKey implements herder.ConfigStore.
func (c *Configs) PutSessionKey(_ context.Context, key store.SessionKey) error {
	return c.write(store.ConfigEvent{Kind: store.SessionKeyUpdated}, func(c *Configs) { c.key = &key })
}

// LoseClaim makes another worker claim what this one had; the next write of its leader tells.
func (c *Configs) LoseClaim() {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	c.unclaimed = true
}

// Claim implements herder.ConfigStore.
func (c *Configs) Claim(context.Context) error {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	c.unclaimed = false
	return nil
}

// Release implements herder.ConfigStore.
func (c *Configs) Release() {}

// ClaimLost implements herder.ConfigStore.
func (c *Configs) ClaimLost() <-chan struct{} { return c.claimLost }

// PutTaskCount implements herder.ConfigStore.
func (c *Configs) PutTaskCount(_ context.Context, name string, tasks int) error {
	return c.update(name, store.ConfigEvent{Kind: store.TargetChanged}, func(connector *store.Connector) {
		connector.FencedCount, connector.PendingFence = &tasks, false
	})
}

// Statuses is a status topic in memory.
type Statuses struct {
	swaps
	mu         sync.Mutex
	connectors map[string]store.Status
	tasks      map[host.TaskID]store.Status
	topics     map[string]map[string]store.TopicUse
}

// NewStatuses returns an empty status topic.
func NewStatuses() *Statuses {
	return &Statuses{swaps: swaps{}, connectors: map[string]store.Status{}, tasks: map[host.TaskID]store.Status{},
		topics: map[string]map[string]store.TopicUse{}}
}

// Ready is closed.
func (s *Statuses) Ready() <-chan struct{} { return closed }

// PutConnector implements herder.StatusStore.
func (s *Statuses) PutConnector(name string, status store.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(s.connectors, name, status)
}

// PutTask implements herder.StatusStore.
func (s *Statuses) PutTask(id host.TaskID, status store.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(s.tasks, id, status)
}

// PutConnectorSafe implements herder.StatusStore.
func (s *Statuses) PutConnectorSafe(name string, status store.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, has := s.connectors[name]; !has || safe(old, status) {
		put(s.connectors, name, status)
	}
}

// PutTaskSafe implements herder.StatusStore.
func (s *Statuses) PutTaskSafe(id host.TaskID, status store.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, has := s.tasks[id]; !has || safe(old, status) {
		put(s.tasks, id, status)
	}
}

func safe(old, status store.Status) bool {
	return old.WorkerID == status.WorkerID || old.Generation <= status.Generation
}

func put[K comparable](statuses map[K]store.Status, key K, status store.Status) {
	if status.State == host.Destroyed {
		delete(statuses, key)
	} else {
		statuses[key] = status
	}
}

// PutTopic implements herder.StatusStore.
func (s *Statuses) PutTopic(use store.TopicUse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics[use.Connector] == nil {
		s.topics[use.Connector] = map[string]store.TopicUse{}
	}
	s.topics[use.Connector][use.Topic] = use
}

// DeleteTopics implements herder.StatusStore.
func (s *Statuses) DeleteTopics(connector string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.topics, connector)
}

// Flush implements herder.StatusStore.
func (s *Statuses) Flush(context.Context) error { return nil }

// Connector implements herder.StatusStore.
func (s *Statuses) Connector(name string) (store.Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, has := s.connectors[name]
	return status, has
}

// Task implements herder.StatusStore.
func (s *Statuses) Task(id host.TaskID) (store.Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, has := s.tasks[id]
	return status, has
}

// Tasks implements herder.StatusStore.
func (s *Statuses) Tasks(connector string) map[int]store.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	tasks := map[int]store.Status{}
	for id, status := range s.tasks {
		if id.Connector == connector {
			tasks[id.Task] = status
		}
	}
	return tasks
}

// Connectors implements herder.StatusStore.
func (s *Statuses) Connectors() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{}
	for name := range s.connectors {
		names[name] = true
	}
	for id := range s.tasks {
		names[id.Connector] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Topics implements herder.StatusStore.
func (s *Statuses) Topics(connector string) []store.TopicUse {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.topics[connector]))
}

// Offsets is an offsets topic in memory.
type Offsets struct {
	mu      sync.Mutex
	offsets map[string]map[string][]byte // connector, partition
}

// NewOffsets returns an empty offsets topic.
func NewOffsets() *Offsets { return &Offsets{offsets: map[string]map[string][]byte{}} }

// Ready is closed.
func (o *Offsets) Ready() <-chan struct{} { return closed }

// List is Load.
func (o *Offsets) List(ctx context.Context, connector string) ([]host.SourceOffset, error) {
	return o.Load(ctx, connector)
}

// Load implements host.OffsetStore.
func (o *Offsets) Load(_ context.Context, connector string) ([]host.SourceOffset, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []host.SourceOffset
	for partition, offset := range o.offsets[connector] {
		list = append(list, host.SourceOffset{Partition: []byte(partition), Offset: offset})
	}
	return list, nil
}

// Store implements host.OffsetStore.
func (o *Offsets) Store(_ context.Context, connector string, offsets []host.SourceOffset) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.offsets[connector] == nil {
		o.offsets[connector] = map[string][]byte{}
	}
	for _, offset := range offsets {
		if offset.Offset == nil {
			delete(o.offsets[connector], string(offset.Partition))
		} else {
			o.offsets[connector][string(offset.Partition)] = offset.Offset
		}
	}
	return nil
}
