package store

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// defaultStatusPartitions is status.storage.partitions when it is not set.
const defaultStatusPartitions = 5

// Status is the status of a connector or task.
type Status struct {
	State      host.State
	WorkerID   string // advertised host:port
	Generation int    // of the group when it was written
	Trace      *string
	Version    *string // of the plugin (KIP-891)
}

// TopicUse says that a connector uses a topic (KIP-558).
type TopicUse struct {
	Topic, Connector string
	Task             int
	DiscoveredUnixMs int64
}

// StatusStore keeps statuses in the status topic (status.storage.topic). Reads answer from what was read back from the
// topic, so a status that was just put shows a moment later, to all workers alike.
type StatusStore struct {
	log     *slog.Logger
	records recordLog
	wake    chan struct{} // capacity 1: there is something to write

	mu      sync.Mutex
	reader  *statusReader
	waiting []pending // in order of first put, one for each key
	busy    bool      // a batch is being written
	idle    chan struct{}
}

// pending is a record that waits to be written.
type pending struct {
	key   string
	value []byte
	safe  func() bool // nil: write in any case; called under mu

	written func() // nil: nobody waits; called when it is written, or never will be
}

// settled tells who waits.
func (p pending) settled() {
	if p.written != nil {
		p.written()
	}
}

// NewStatusStore takes the worker's properties. It does no I/O. Errors: a missing or bad property.
func NewStatusStore(worker map[string]string, log *slog.Logger) (*StatusStore, error) {
	spec, err := newSpec(worker, "status.storage", "connector and task statuses", "statuses", defaultStatusPartitions)
	if err != nil {
		return nil, err
	}
	s := newStatusStore(log)
	if s.records, err = newTopicLog(spec, worker, log, s.apply); err != nil {
		return nil, err
	}
	return s, nil
}

func newStatusStore(log *slog.Logger) *StatusStore {
	return &StatusStore{log: log, wake: make(chan struct{}, 1), idle: make(chan struct{}), reader: newStatusReader(log)}
}

// Run as ConfigStore.Run.
func (s *StatusStore) Run(ctx context.Context) error {
	var writing sync.WaitGroup
	defer writing.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	writing.Go(func() { s.writeWaiting(ctx) })
	return s.records.run(ctx)
}

// Ready is closed when everything stored before the start was read.
func (s *StatusStore) Ready() <-chan struct{} { return s.records.ready() }

// Refresh returns when everything that was in the topic at the call can be read here.
func (s *StatusStore) Refresh(ctx context.Context) error { return s.records.readToEnd(ctx) }

func (s *StatusStore) apply(r *kgo.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reader.apply(r)
}

// waitingMax is how many statuses of one entry wait at most, the newest ones, so that Kafka's absence costs little
// memory. A restart says UNASSIGNED, RESTARTING and RUNNING; who follows the topic sees all of it, as from Connect.
const waitingMax = 4

// writeWaiting writes what was put, batch by batch; the client tries for as long as Kafka is away.
func (s *StatusStore) writeWaiting(ctx context.Context) {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		for batch := s.takeWaiting(); len(batch) > 0; batch = s.takeWaiting() {
			records := make([]*kgo.Record, len(batch))
			for i, p := range batch {
				records[i] = record(p.key, p.value)
			}
			if err := s.records.write(ctx, records...); err != nil {
				if ctx.Err() != nil {
					return
				}
				s.log.Error("writing statuses failed, they will be written again", "error", err)
				s.putBack(batch)
				select {
				case <-time.After(retryDelay):
				case <-ctx.Done():
					return
				}
				continue
			}
			for _, p := range batch {
				p.settled()
			}
		}
	}
}

// takeWaiting returns what is to be written now; an empty batch tells Flush that all is done.
func (s *StatusStore) takeWaiting() []pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	var batch []pending
	for _, p := range s.waiting {
		if p.safe == nil || p.safe() {
			batch = append(batch, p)
		}
	}
	s.waiting, s.busy = nil, len(batch) > 0
	if !s.busy {
		close(s.idle)
		s.idle = make(chan struct{})
	}
	return batch
}

// putBack makes failed records wait again, unless newer ones of the same key do.
func (s *StatusStore) putBack(batch []pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch = slices.DeleteFunc(batch, func(failed pending) bool {
		newer := slices.ContainsFunc(s.waiting, func(newer pending) bool { return newer.key == failed.key })
		if newer {
			failed.settled()
		}
		return newer
	})
	s.waiting = append(batch, s.waiting...)
}

// put must be called with mu held.
func (s *StatusStore) put(p pending) {
	same, oldest := 0, 0
	for i, w := range slices.Backward(s.waiting) {
		if w.key == p.key {
			same, oldest = same+1, i
		}
	}
	if same >= waitingMax {
		s.waiting[oldest].settled()
		s.waiting = slices.Delete(s.waiting, oldest, oldest+1)
	}
	s.waiting = append(s.waiting, p)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// PutConnector writes a status and returns at once; DESTROYED writes a tombstone. It is sent again until Kafka has it,
// waitingMax newer statuses of the same entry were put, or Run has ended.
func (s *StatusStore) PutConnector(name string, status Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(pending{key: connectorStatusKey + name, value: statusValue(status)})
}

// PutConnectorSafe is PutConnector unless another worker of a later generation owns the entry (UNASSIGNED, shutdown).
func (s *StatusStore) PutConnectorSafe(name string, status Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(pending{key: connectorStatusKey + name, value: statusValue(status), safe: func() bool {
		old, there := s.reader.connectors[name]
		return !there || safe(old, status)
	}})
}

// PutTask as PutConnector.
func (s *StatusStore) PutTask(id host.TaskID, status Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(pending{key: taskStatusKey + id.String(), value: statusValue(status)})
}

// PutTaskSafe as PutConnectorSafe.
func (s *StatusStore) PutTaskSafe(id host.TaskID, status Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(pending{key: taskStatusKey + id.String(), value: statusValue(status), safe: func() bool {
		old, there := s.reader.tasks[id.Connector][id.Task]
		return !there || safe(old, status)
	}})
}

func safe(old, status Status) bool {
	return old.WorkerID == status.WorkerID || old.Generation <= status.Generation
}

func statusValue(status Status) []byte {
	if status.State == host.Destroyed {
		return nil
	}
	return statusJSON(status)
}

// PutTopic records a topic once.
func (s *StatusStore) PutTopic(use TopicUse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.reader.topics[use.Connector][use.Topic]; !known {
		s.put(pending{key: topicKey(use.Topic, use.Connector), value: topicUseJSON(use)})
	}
}

// DeleteTopics writes tombstones for all topics of a connector.
func (s *StatusStore) DeleteTopics(connector string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic := range s.reader.topics[connector] {
		s.put(pending{key: topicKey(topic, connector)})
	}
}

func topicKey(topic, connector string) string {
	return topicUseKey + topic + topicUseSeparator + connector
}

// Flush waits until what was put is written or ctx ends (call it before the worker ends).
func (s *StatusStore) Flush(ctx context.Context) error {
	for {
		s.mu.Lock()
		done, idle := len(s.waiting) == 0 && !s.busy, s.idle
		s.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("writing the last statuses: %w", ctx.Err())
		}
	}
}

// Connector returns a connector's status.
func (s *StatusStore) Connector(name string) (Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, ok := s.reader.connectors[name]
	return status, ok
}

// Task returns a task's status.
func (s *StatusStore) Task(id host.TaskID) (Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, ok := s.reader.tasks[id.Connector][id.Task]
	return status, ok
}

// Tasks returns the statuses of all tasks of a connector by task number.
func (s *StatusStore) Tasks(connector string) map[int]Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.reader.tasks[connector])
}

// Connectors lists the connectors that have a status of their own, sorted. As in Connect, statuses of tasks alone stand
// until their connector has one.
func (s *StatusStore) Connectors() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.reader.connectors))
}

// Topics lists what a connector uses, sorted by topic.
func (s *StatusStore) Topics(connector string) []TopicUse {
	s.mu.Lock()
	defer s.mu.Unlock()
	uses := slices.Collect(maps.Values(s.reader.topics[connector]))
	slices.SortFunc(uses, func(a, b TopicUse) int {
		return cmp.Compare(a.Topic, b.Topic)
	})
	return uses
}
