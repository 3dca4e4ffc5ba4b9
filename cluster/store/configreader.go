package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// Prefixes of keys in the config topic, in the order in which they are tried.
const (
	targetStateKey = "target-state-"
	connectorKey   = "connector-"
	taskKey        = "task-"
	commitKey      = "commit-"
	restartKey     = "restart-connector-"
	fencingKey     = "tasks-fencing-"
	sessionKeyKey  = "session-key"
	loggerKey      = "logger-cluster-"
	tenantKey      = "berth-tenant-" // Berth's own: Connect's worker logs it and goes on
)

// pollRecordsMax is what Connect's worker applies at once (max.poll.records).
const pollRecordsMax = 500

// configReader is the state that the config topic's records build up, by the rules of KafkaConfigBackingStore. A count
// of the wrong type makes the JVM skip the rest of what a poll brought: at the start, where that is the same whenever
// the topic is read, so does this reader; later, where it is luck, it costs its own record only. It is not safe for
// concurrent use.
type configReader struct {
	log        *slog.Logger
	started    bool // start-up is over: events are noted
	offset     int64
	connectors map[string]Connector
	tenants    map[string]host.Tenant
	live       map[string]map[string]bool     // keys that the topic has, by tenant
	staged     map[string]map[int]host.Config // task records that wait for their commit
	key        *SessionKey
	current    *ConfigSnapshot // of all records that were applied; nil: not made yet
	keyError   error           // the last session key can't be used
	events     []ConfigEvent
	read       int  // records of start-up
	skipping   bool // the rest of a poll
}

func newConfigReader(log *slog.Logger) *configReader {
	return &configReader{log: log, offset: -1, connectors: map[string]Connector{}, tenants: map[string]host.Tenant{},
		live:   map[string]map[string]bool{},
		staged: map[string]map[int]host.Config{}}
}

// snapshot copies the state once after each record, however many ask: with a thousand connectors, who asks for each of
// them would copy a million otherwise.
func (c *configReader) snapshot() *ConfigSnapshot {
	if c.current == nil {
		c.current = &ConfigSnapshot{Offset: c.offset, Connectors: maps.Clone(c.connectors),
			Tenants: maps.Clone(c.tenants), SessionKey: c.key}
	}
	return c.current
}

func (c *configReader) note(e ConfigEvent) {
	if c.started {
		c.events = append(c.events, e)
	}
}

// get returns what is known of a connector, in a form that can be changed and put back.
func (c *configReader) get(name string) Connector {
	if known, ok := c.connectors[name]; ok {
		return known
	}
	return Connector{TaskCount: NoTaskCount, Generation: -1}
}

func (c *configReader) apply(r *kgo.Record) {
	c.current = nil
	if c.skips() {
		c.offset = r.Offset + 1
		c.ignored(string(r.Key), "a count before it is of the wrong type, which costs Connect's worker the rest of a poll")
		return
	}
	value, err := decode(r.Value)
	if err != nil {
		c.log.Error("a config record is not JSON and is ignored", "key", string(r.Key), "offset", r.Offset, "error", err)
		return
	}
	c.offset = r.Offset + 1
	key := string(r.Key)
	c.noteLive(key, r.Value != nil)
	name := func(prefix string) string { return key[len(prefix):] }
	switch {
	case strings.HasPrefix(key, targetStateKey):
		c.targetState(name(targetStateKey), value)
	case strings.HasPrefix(key, connectorKey):
		c.connector(name(connectorKey), value)
	case strings.HasPrefix(key, taskKey):
		c.task(key, value)
	case strings.HasPrefix(key, commitKey):
		c.commit(name(commitKey), value)
	case strings.HasPrefix(key, restartKey):
		c.restart(name(restartKey), value)
	case strings.HasPrefix(key, fencingKey):
		c.fencing(name(fencingKey), value)
	case key == sessionKeyKey:
		c.sessionKey(value)
	case strings.HasPrefix(key, loggerKey):
		c.logger(name(loggerKey), value)
	case strings.HasPrefix(key, shadowKey):
		c.shadow(key, r.Value)
	case strings.HasPrefix(key, tenantKey):
		c.tenant(name(tenantKey), value, r.Value)
	default:
		c.ignored(key, "its key means nothing")
	}
}

// skips counts the records of start-up.
func (c *configReader) skips() bool {
	if c.started {
		return false
	}
	if c.read%pollRecordsMax == 0 {
		c.skipping = false
	}
	c.read++
	return c.skipping
}

func (c *configReader) ignored(key, why string) {
	c.log.Error("a config record is ignored", "key", key, "offset", c.offset-1, "why", why)
}

func (c *configReader) targetState(name string, value any) {
	known := c.get(name)
	if value == nil {
		known.Target = ""
		if known.Config != nil {
			known.Target = host.TargetStarted
		}
		c.connectors[name] = known // no event: the connector's own tombstone has one
		return
	}
	record, ok := value.(map[string]any)
	if !ok {
		c.ignored(targetStateKey+name, "it is not an object")
		return
	}
	text, ok := record["state.v2"].(string)
	if !ok {
		text, ok = record["state"].(string)
	}
	target := host.TargetState(text)
	if !ok || target != host.TargetStarted && target != host.TargetPaused && target != host.TargetStopped {
		c.ignored(targetStateKey+name, "it names no target state")
		return
	}
	changed := known.Target != target
	known.Target = target
	c.connectors[name] = known
	if changed && known.Config != nil {
		c.note(ConfigEvent{Kind: TargetChanged, Connector: name})
	}
}

func (c *configReader) connector(name string, value any) {
	if value == nil {
		c.remove(name)
		c.note(ConfigEvent{Kind: ConnectorRemoved, Connector: name})
		return
	}
	if len(name) > host.ConnectorNameBytesMax {
		c.ignored(connectorKey+name[:60]+"…", fmt.Sprintf("a connector's name of %d bytes; at most %d are taken", len(name),
			host.ConnectorNameBytesMax))
		return
	}
	config, ok := properties(value)
	if !ok {
		c.ignored(connectorKey+name, "it has no object of properties")
		return
	}
	known := c.get(name)
	known.Config, known.Revision = config, c.offset-1
	if known.Target == "" {
		known.Target = host.TargetStarted
	}
	c.connectors[name] = known
	c.note(ConfigEvent{Kind: ConnectorUpdated, Connector: name})
}

// remove keeps what the JVM keeps: target state, generation, inconsistency and fencing.
func (c *configReader) remove(name string) {
	delete(c.staged, name)
	if known, ok := c.connectors[name]; ok {
		known.Config, known.AppliedConfig, known.TaskConfigs, known.TaskCount = nil, nil, nil, NoTaskCount
		known.Shadows = nil
		c.connectors[name] = known
	}
}

// properties reads {"properties":{...}}; other values than strings are kept as their JSON text.
func properties(value any) (host.Config, bool) {
	record, _ := value.(map[string]any)
	values, ok := record["properties"].(map[string]any)
	if !ok {
		return nil, false
	}
	config := make(host.Config, len(values))
	for key, v := range values {
		switch v := v.(type) {
		case nil:
			config[key] = nil
		case string:
			config[key] = &v
		case json.Number:
			text := javaNumber(v)
			config[key] = &text
		default:
			text, _ := json.Marshal(v) // it came from JSON
			s := string(text)
			config[key] = &s
		}
	}
	return config, true
}

func (c *configReader) task(key string, value any) {
	connector, task, ok := parseTaskID(key, 1)
	if !ok {
		c.ignored(key, "its key names no task")
		return
	}
	config, ok := properties(value)
	if value == nil {
		return // of a tenant that was deleted
	}
	if !ok {
		c.ignored(key, "it has no object of properties")
		return
	}
	if c.staged[connector] == nil {
		c.staged[connector] = map[int]host.Config{}
	}
	c.staged[connector][task] = config
}

func (c *configReader) commit(name string, value any) {
	known := c.get(name)
	if known.Config == nil {
		c.remove(name)
		return
	}
	record, ok := value.(map[string]any)
	if !ok {
		c.ignored(commitKey+name, "it is not an object")
		return
	}
	number, ok := whole(record["tasks"])
	if !ok {
		c.skipping = true
		c.ignored(commitKey+name, "its number of tasks is not an integer")
		return
	}
	count := int(int32(number))
	staged, ever := c.staged[name]
	updated := []host.TaskID{}
	if known.Inconsistent = !complete(staged, count); known.Inconsistent {
		c.log.Warn("the task configurations of a connector are incomplete; it has no tasks until they are written again",
			"connector", name, "tasks", count, "found", len(staged))
	} else {
		known.AppliedConfig = known.Config
		if ever {
			known.TaskConfigs = merged(known.TaskConfigs, staged)
			known.Generation++
			for _, task := range slices.Sorted(maps.Keys(staged)) {
				updated = append(updated, host.TaskID{Connector: name, Task: task})
			}
		}
	}
	if ever {
		c.staged[name] = map[int]host.Config{}
	}
	known.TaskCount, known.PendingFence = count, true
	c.connectors[name] = known
	c.note(ConfigEvent{Kind: TasksUpdated, Connector: name, Tasks: updated})
}

// complete: every task from 0 to count-1 is there.
func complete(staged map[int]host.Config, count int) bool {
	for i := range max(count, 0) {
		if _, ok := staged[i]; !ok {
			return false
		}
	}
	return true
}

func merged(old, more map[int]host.Config) map[int]host.Config {
	out := make(map[int]host.Config, len(old)+len(more))
	maps.Copy(out, old)
	maps.Copy(out, more)
	return out
}

func (c *configReader) restart(name string, value any) {
	record, ok := value.(map[string]any)
	if !c.started || !ok {
		return // requests of before the start were for others
	}
	tasks, _ := record["include-tasks"].(bool)
	failed, _ := record["only-failed"].(bool)
	c.note(ConfigEvent{Kind: RestartRequested, Connector: name, Restart: RestartRequest{name, tasks, failed}})
}

func (c *configReader) fencing(name string, value any) {
	if value == nil {
		return // of a tenant that was deleted
	}
	record, ok := value.(map[string]any)
	number, isWhole := whole(record["task-count"])
	if !ok || !isWhole {
		c.skipping = ok
		c.ignored(fencingKey+name, "its number of tasks is not an integer")
		return
	}
	known := c.get(name)
	count := int(int32(number))
	known.FencedCount, known.PendingFence = &count, false
	c.connectors[name] = known
}

func (c *configReader) sessionKey(value any) {
	record, _ := value.(map[string]any)
	text, isText := record["key"].(string)
	algorithm, isAlgorithm := record["algorithm"].(string)
	created, isTime := whole(record["creation-timestamp"])
	if c.keyError = nil; !isText || !isAlgorithm || !isTime {
		c.ignored(sessionKeyKey, "it is not a session key")
		return
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(key) == 0 {
		c.keyError = fmt.Errorf("the record %s at offset %d of the config topic holds no base64 key, with which Connect's "+
			"worker does not start either: write a record with that key and no value; the leader then makes a new one",
			sessionKeyKey, c.offset-1)
		c.ignored(sessionKeyKey, "its key is not base64")
		return
	}
	c.key = &SessionKey{key, algorithm, created}
	c.note(ConfigEvent{Kind: SessionKeyUpdated})
}

func (c *configReader) logger(namespace string, value any) {
	record, _ := value.(map[string]any)
	if level, ok := record["level"].(string); ok {
		c.note(ConfigEvent{Kind: LoggerLevelSet, Namespace: namespace, Level: level})
	}
}
