package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// writeTimeout bounds each change of the config topic, as in Connect.
const writeTimeout = 30 * time.Second

// ConfigStore keeps connector and task configurations, target states and the session key in the config topic
// (config.storage.topic), one partition, in Kafka Connect's format.
type ConfigStore struct {
	records recordLog
	leader  *leaderWriter // nil: no transactions
	changed chan struct{}

	mu     sync.Mutex
	reader *configReader
}

// NewConfigStore takes the worker's properties as in a Connect worker file. It does no I/O.
// Errors: a missing or bad property.
func NewConfigStore(worker map[string]string, log *slog.Logger) (*ConfigStore, error) {
	spec, err := newSpec(worker, "config.storage", "connector configurations", "configs", 1)
	if err != nil {
		return nil, err
	}
	spec.committedOnly = usesTransactions(worker)
	s := newConfigStore(log)
	topic, err := newTopicLog(spec, worker, log, s.apply)
	if err != nil {
		return nil, err
	}
	topic.caughtUp = s.begin
	s.records = topic
	if spec.committedOnly {
		s.leader, err = newLeaderWriter(spec.topic, worker, log)
	}
	return s, err
}

func newConfigStore(log *slog.Logger) *ConfigStore {
	return &ConfigStore{changed: make(chan struct{}, 1), reader: newConfigReader(log)}
}

// Run creates or checks the topic, reads it to its end, closes Ready and follows the topic until ctx ends
// (then it returns nil). An error is fatal to the worker.
func (s *ConfigStore) Run(ctx context.Context) error { return s.records.run(ctx) }

// Ready is closed when everything stored before the start was read.
func (s *ConfigStore) Ready() <-chan struct{} { return s.records.ready() }

// begin ends the start-up: from now on changes are events. Errors: the session key can't be used.
func (s *ConfigStore) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reader.started = true
	return s.reader.keyError
}

func (s *ConfigStore) apply(r *kgo.Record) {
	s.mu.Lock()
	s.reader.apply(r)
	something := len(s.reader.events) > 0
	s.mu.Unlock()
	if something {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}

// Refresh returns when everything that was in the topic at the call is part of Snapshot.
func (s *ConfigStore) Refresh(ctx context.Context) error { return s.records.readToEnd(ctx) }

// Snapshot is the state as of now; it never changes afterwards.
func (s *ConfigStore) Snapshot() *ConfigSnapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reader.snapshot()
}

// Changed gets a value (capacity 1, never blocks the store) when there are events to take.
func (s *ConfigStore) Changed() <-chan struct{} { return s.changed }

// TakeEvents returns what happened since the last call, in log order; nothing of before Ready.
func (s *ConfigStore) TakeEvents() []ConfigEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.reader.events
	s.reader.events = nil
	return events
}

// Claim makes this worker the only one that can write what the leader of the group writes; it was elected. An error is
// not the end: the next write tries again. Without exactly-once support there is nothing to claim.
func (s *ConfigStore) Claim(ctx context.Context) error {
	if s.leader == nil {
		return nil
	}
	return s.leader.claim(ctx)
}

// Release ends what Claim began: another worker leads, or none.
func (s *ConfigStore) Release() {
	if s.leader != nil {
		s.leader.release()
	}
}

// ClaimLost gets a value (capacity 1) when another worker has claimed what this one had.
func (s *ConfigStore) ClaimLost() <-chan struct{} {
	if s.leader == nil {
		return nil
	}
	return s.leader.lost
}

// PutConnector writes a connector's configuration, with target (when not "") before it in the same batch, and returns
// when this store has read it back.
func (s *ConfigStore) PutConnector(ctx context.Context, name string, config host.Config,
	target host.TargetState) error {
	var records []*kgo.Record
	if target != "" {
		records = append(records, targetRecord(name, target))
	}
	records = append(records, record(connectorKey+name, propertiesJSON(config)))
	return s.writeLeading(ctx, "writing the configuration of connector "+name, records)
}

// DeleteConnector writes the tombstones of a connector, its target state and its shadows.
func (s *ConfigStore) DeleteConnector(ctx context.Context, name string) error {
	return s.writeLeading(ctx, "deleting connector "+name,
		append(s.shadowTombstones(name), record(connectorKey+name, nil), record(targetStateKey+name, nil)))
}

// PutTasks writes a task set followed by its commit record. It reads to the end in between, so that the commit counts
// only what the log then holds.
func (s *ConfigStore) PutTasks(ctx context.Context, connector string, tasks []host.Config) error {
	var records []*kgo.Record
	for i, config := range tasks {
		records = append(records, record(taskKey+connector+"-"+strconv.Itoa(i), propertiesJSON(config)))
	}
	commit := record(commitKey+connector, []byte(`{"tasks":`+strconv.Itoa(len(tasks))+`}`))
	doing := "writing the task configurations of connector " + connector
	if err := s.Refresh(ctx); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if len(tasks) == 0 {
		return s.writeLeading(ctx, doing, []*kgo.Record{commit})
	}
	return s.writeLeading(ctx, doing, records, []*kgo.Record{commit})
}

// PutTargetState writes a target state; STOPPED does not write the empty task set that goes before it (use PutTasks).
func (s *ConfigStore) PutTargetState(ctx context.Context, connector string, target host.TargetState) error {
	return s.write(ctx, "writing the target state of connector "+connector, []*kgo.Record{targetRecord(connector, target)})
}

// PutRestart asks all workers to restart what they own of the connector.
func (s *ConfigStore) PutRestart(ctx context.Context, request RestartRequest) error {
	value := restartJSON(request.IncludeTasks, request.OnlyFailed)
	return s.writeLeading(ctx, "asking for a restart of connector "+request.Connector,
		[]*kgo.Record{record(restartKey+request.Connector, value)})
}

// PutSessionKey hands out a new key for signing internal requests.
func (s *ConfigStore) PutSessionKey(ctx context.Context, key SessionKey) error {
	return s.writeLeading(ctx, "writing the session key", []*kgo.Record{record(sessionKeyKey, sessionKeyJSON(key))})
}

// PutLoggerLevel sets a log level on all workers.
func (s *ConfigStore) PutLoggerLevel(ctx context.Context, namespace, level string) error {
	return s.write(ctx, "writing the level of logger "+namespace, []*kgo.Record{record(loggerKey+namespace,
		loggerJSON(level))})
}

// PutTaskCount writes the number of tasks that were fenced (KIP-618).
func (s *ConfigStore) PutTaskCount(ctx context.Context, connector string, tasks int) error {
	return s.writeLeading(ctx, "writing the number of fenced tasks of connector "+connector,
		[]*kgo.Record{record(fencingKey+connector, []byte(`{"task-count":`+strconv.Itoa(tasks)+`}`))})
}

// writeLeading writes what only the leader writes: in a transaction for each batch where workers have transactions.
func (s *ConfigStore) writeLeading(ctx context.Context, doing string, batches ...[]*kgo.Record) error {
	if s.leader == nil {
		return s.writeBy(ctx, s.records.write, doing, batches...)
	}
	return s.writeBy(ctx, s.leader.write, doing, batches...)
}

// write writes what all workers write, never in a transaction.
func (s *ConfigStore) write(ctx context.Context, doing string, batch []*kgo.Record) error {
	return s.writeBy(ctx, s.records.write, doing, batch)
}

// writeBy writes batches one after the other and reads each back.
func (s *ConfigStore) writeBy(ctx context.Context, write func(context.Context, ...*kgo.Record) error, doing string,
	batches ...[]*kgo.Record) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	for _, batch := range batches {
		if err := write(ctx, batch...); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if err := s.records.readToEnd(ctx); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return nil
}

func record(key string, value []byte) *kgo.Record { return &kgo.Record{Key: []byte(key), Value: value} }

// targetRecord: old workers know no STOPPED and read "state" alone; PAUSED is the nearest to it.
func targetRecord(connector string, target host.TargetState) *kgo.Record {
	old := target
	if target == host.TargetStopped {
		old = host.TargetPaused
	}
	return record(targetStateKey+connector, []byte(`{"state":"`+string(old)+`","state.v2":"`+string(target)+`"}`))
}

func propertiesJSON(config host.Config) []byte {
	out := []byte(`{"properties":{`)
	for i, key := range slices.Sorted(maps.Keys(config)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendQuoted(out, key), ':')
		if value := config[key]; value != nil {
			out = appendQuoted(out, *value)
		} else {
			out = append(out, "null"...)
		}
	}
	return append(out, "}}"...)
}

func restartJSON(includeTasks, onlyFailed bool) []byte {
	return fmt.Appendf(nil, `{"include-tasks":%t,"only-failed":%t}`, includeTasks, onlyFailed)
}

func loggerJSON(level string) []byte { return append(appendQuoted([]byte(`{"level":`), level), '}') }

func sessionKeyJSON(key SessionKey) []byte {
	value := append([]byte(`{"key":"`), base64.StdEncoding.EncodeToString(key.Key)...)
	value = appendQuoted(append(value, `","algorithm":`...), key.Algorithm)
	value = strconv.AppendInt(append(value, `,"creation-timestamp":`...), key.CreatedUnixMs, 10)
	return append(value, '}')
}
