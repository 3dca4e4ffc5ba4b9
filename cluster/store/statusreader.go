package store

import (
	"log/slog"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// Prefixes of keys in the status topic.
const (
	connectorStatusKey = "status-connector-"
	taskStatusKey      = "status-task-"
	topicUseKey        = "status-topic-"
	topicUseSeparator  = ":connector-"
)

// statusReader is the state that the status topic's records build up, by the rules of KafkaStatusBackingStore. It is
// not safe for concurrent use.
type statusReader struct {
	log        *slog.Logger
	connectors map[string]Status
	tasks      map[string]map[int]Status
	topics     map[string]map[string]TopicUse // connector -> topic as the key spells it
	swaps      map[string]map[int64]Swap      // connector -> revision
}

func newStatusReader(log *slog.Logger) *statusReader {
	return &statusReader{
		log: log, connectors: map[string]Status{}, tasks: map[string]map[int]Status{},
		topics: map[string]map[string]TopicUse{}, swaps: map[string]map[int64]Swap{},
	}
}

func (s *statusReader) apply(r *kgo.Record) {
	key := string(r.Key)
	value, err := decode(r.Value)
	if err != nil {
		s.ignored(key, err.Error())
		return
	}
	switch {
	case strings.HasPrefix(key, connectorStatusKey):
		s.connector(key, value)
	case strings.HasPrefix(key, taskStatusKey):
		s.task(key, value)
	case strings.HasPrefix(key, topicUseKey):
		s.topic(key, value)
	case strings.HasPrefix(key, swapKey):
		s.swap(key, r.Value)
	default:
		s.ignored(key, "its key means nothing")
	}
}

func (s *statusReader) ignored(key, why string) {
	s.log.Warn("a status record is ignored", "key", key, "why", why)
}

func (s *statusReader) connector(key string, value any) {
	name := key[len(connectorStatusKey):]
	switch status, ok := parseStatus(value); {
	case name == "":
		s.ignored(key, "its key names no connector")
	case value == nil:
		delete(s.connectors, name)
		delete(s.tasks, name)
	case !ok:
		s.ignored(key, "it is not a status")
	default:
		s.connectors[name] = status
	}
}

func (s *statusReader) task(key string, value any) {
	connector, task, ok := parseTaskID(key, 2)
	if !ok {
		s.ignored(key, "its key names no task")
		return
	}
	if value == nil {
		delete(s.tasks[connector], task)
		return
	}
	status, ok := parseStatus(value)
	if !ok {
		s.ignored(key, "it is not a status")
		return
	}
	// A worker that lost the task says so late; its new owner has the word.
	old := s.tasks[connector][task]
	if status.State == host.Unassigned && old.State == host.Running && status.Generation <= old.Generation {
		return
	}
	if s.tasks[connector] == nil {
		s.tasks[connector] = map[int]Status{}
	}
	s.tasks[connector][task] = status
}

func (s *statusReader) topic(key string, value any) {
	rest := key[len(topicUseKey):]
	colon := strings.IndexByte(rest, ':')
	if colon < 0 || colon+len(topicUseSeparator) >= len(rest) {
		s.ignored(key, "its key names no topic and connector")
		return
	}
	// As the original: the first colon counts, and the separator's length after it, whatever stands there.
	topic, connector := rest[:colon], rest[colon+len(topicUseSeparator):]
	if value == nil {
		delete(s.topics[connector], topic)
		return
	}
	use, ok := parseTopicUse(value)
	if !ok {
		s.ignored(key, "it is not a topic's use")
		return
	}
	if s.topics[connector] == nil {
		s.topics[connector] = map[string]TopicUse{}
	}
	s.topics[connector][topic] = use
}

func parseStatus(value any) (Status, bool) {
	record, ok := value.(map[string]any)
	if !ok {
		return Status{}, false
	}
	generation, ok := whole(record["generation"])
	state, isText := record["state"].(string)
	trace, traceOK := optionalText(record["trace"])
	version, versionOK := optionalText(record["version"])
	worker, workerOK := optionalText(record["worker_id"])
	if !ok || !isText || !traceOK || !versionOK || !workerOK || !knownState(host.State(state)) {
		return Status{}, false
	}
	status := Status{State: host.State(state), Generation: int(int32(generation)), Trace: trace, Version: version}
	if worker != nil {
		status.WorkerID = *worker
	}
	return status, true
}

// optionalText: absent and null are nil; anything but text is wrong.
func optionalText(v any) (*string, bool) {
	if v == nil {
		return nil, true
	}
	text, ok := v.(string)
	return &text, ok
}

func knownState(state host.State) bool {
	switch state {
	case host.Unassigned, host.Running, host.Paused, host.Stopped, host.Failed, host.Restarting, host.Destroyed:
		return true
	}
	return false
}

func parseTopicUse(value any) (TopicUse, bool) {
	record, _ := value.(map[string]any)
	use, ok := record["topic"].(map[string]any)
	if !ok {
		return TopicUse{}, false
	}
	name, nameOK := use["name"].(string)
	connector, connectorOK := use["connector"].(string)
	task, taskOK := whole(use["task"])
	discovered, discoveredOK := whole(use["discoverTimestamp"])
	return TopicUse{name, connector, int(int32(task)), discovered}, nameOK && connectorOK && taskOK && discoveredOK
}

func statusJSON(s Status) []byte {
	out := appendQuoted([]byte(`{"state":`), string(s.State))
	out = appendOptional(append(out, `,"trace":`...), s.Trace)
	out = appendQuoted(append(out, `,"worker_id":`...), s.WorkerID)
	out = strconv.AppendInt(append(out, `,"generation":`...), int64(s.Generation), 10)
	out = appendOptional(append(out, `,"version":`...), s.Version)
	return append(out, '}')
}

func appendOptional(b []byte, text *string) []byte {
	if text == nil {
		return append(b, "null"...)
	}
	return appendQuoted(b, *text)
}

func topicUseJSON(u TopicUse) []byte {
	out := appendQuoted([]byte(`{"topic":{"name":`), u.Topic)
	out = appendQuoted(append(out, `,"connector":`...), u.Connector)
	out = strconv.AppendInt(append(out, `,"task":`...), int64(u.Task), 10)
	out = strconv.AppendInt(append(out, `,"discoverTimestamp":`...), u.DiscoveredUnixMs, 10)
	return append(out, "}}"...)
}
