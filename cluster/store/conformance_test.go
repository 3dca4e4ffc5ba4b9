package store

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// recordings opens a file of the recorded conformance material, which lies beside the repository.
func recordings(t *testing.T, name string) []json.RawMessage {
	t.Helper()
	dir := os.Getenv("BERTH_CONFORMANCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "conformance")
	}
	f, err := os.Open(filepath.Join(dir, "state", name))
	if err != nil {
		t.Fatalf("the recorded conformance material is needed (set BERTH_CONFORMANCE to its folder): %v", err)
	}
	defer f.Close()
	var lines []json.RawMessage
	s := bufio.NewScanner(f)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		if len(s.Bytes()) > 0 {
			lines = append(lines, json.RawMessage(slices.Clone(s.Bytes())))
		}
	}
	if err := s.Err(); err != nil || len(lines) == 0 {
		t.Fatalf("reading %s: %d lines, %v", name, len(lines), err)
	}
	return lines
}

type vector struct {
	ID           int
	Topic, Name  string
	StartedAfter *int `json:"started_after"`
	Records      []struct {
		Key   *string `json:"key_b64"`
		Value *string `json:"value_b64"`
	}
	Expect json.RawMessage
}

type exception struct {
	Exception *struct {
		AtRecord int `json:"at_record"`
	}
}

func bytesOf(t *testing.T, text *string) []byte {
	t.Helper()
	if text == nil {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{}, b...)
}

// feed gives a vector's records to a reader, up to the one that made the original stop.
func (v vector) feed(t *testing.T, apply func(*kgo.Record), started func()) {
	var e exception
	if err := json.Unmarshal(v.Expect, &e); err != nil {
		t.Fatal(err)
	}
	for i, r := range v.Records {
		if v.StartedAfter != nil && *v.StartedAfter == i {
			started()
		}
		apply(&kgo.Record{Key: bytesOf(t, r.Key), Value: bytesOf(t, r.Value), Offset: int64(i)})
		if e.Exception != nil && e.Exception.AtRecord == i {
			return
		}
	}
}

func eachVector(t *testing.T, topic string, check func(*testing.T, vector)) {
	n := 0
	for _, line := range recordings(t, "readers.jsonl") {
		var v vector
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if v.Topic == topic {
			n++
			t.Run(fmt.Sprintf("%d %s", v.ID, v.Name), func(t *testing.T) { check(t, v) })
		}
	}
	if n == 0 {
		t.Fatalf("no vectors for %s", topic)
	}
}

type wantConnector struct {
	Config           map[string]any         `json:"config"`
	TargetState      string                 `json:"target_state"`
	TaskCount        *int                   `json:"task_count"`
	Tasks            taskNames              `json:"tasks"`
	Stored           map[int]map[string]any `json:"stored_task_configs"`
	Inconsistent     bool                   `json:"inconsistent"`
	Generation       *int                   `json:"task_config_generation"`
	FencedCount      *int                   `json:"task_count_record"`
	PendingFence     bool                   `json:"pending_fencing"`
	HasAppliedConfig bool                   `json:"applied_config_present"`
}

// taskNames is a list; where listing makes the original throw (a count of -1) this one is empty.
type taskNames []string

func (n *taskNames) UnmarshalJSON(data []byte) error {
	*n = taskNames{}
	if bytes.HasPrefix(data, []byte("{")) {
		return nil
	}
	return json.Unmarshal(data, (*[]string)(n))
}

func texts(config host.Config) map[string]any {
	if config == nil {
		return nil
	}
	out := map[string]any{}
	for k, v := range config {
		if v == nil {
			out[k] = nil
		} else {
			out[k] = *v
		}
	}
	return out
}

// stringly turns members that are not strings into their JSON text, as the reader does.
func stringly(t *testing.T, config map[string]any) map[string]any {
	for k, v := range config {
		switch v.(type) {
		case nil, string:
		default:
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			config[k] = string(text)
		}
	}
	return config
}

func asWant(name string, c Connector) wantConnector {
	w := wantConnector{
		Config: texts(c.Config), TargetState: string(c.Target), Tasks: taskNames{}, Stored: map[int]map[string]any{},
		Inconsistent: c.Inconsistent, FencedCount: c.FencedCount, PendingFence: c.PendingFence,
		HasAppliedConfig: c.AppliedConfig != nil,
	}
	if c.TaskCount != NoTaskCount {
		w.TaskCount = &c.TaskCount
	}
	if c.Generation >= 0 {
		w.Generation = &c.Generation
	}
	for _, id := range c.Tasks(name) {
		w.Tasks = append(w.Tasks, id.String())
	}
	for id, config := range c.TaskConfigs {
		w.Stored[id] = texts(config)
	}
	return w
}

func TestConfigReaderVectors(t *testing.T) {
	eachVector(t, "config", func(t *testing.T, v vector) {
		var want struct {
			Offset     int64
			Connectors map[string]wantConnector
			Remains    map[string][]string `json:"remains_of_unknown_connectors"`
			SessionKey *struct {
				Key       string `json:"key_b64"`
				Algorithm string
				Created   int64 `json:"creation_timestamp"`
			} `json:"session_key"`
			Events []struct {
				Event string
				Arg   any
				Level string
			}
		}
		d := json.NewDecoder(bytes.NewReader(v.Expect))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		reader := newConfigReader(slog.New(slog.DiscardHandler))
		v.feed(t, reader.apply, func() { reader.started = true })
		got := reader.snapshot()
		if got.Offset != want.Offset {
			t.Errorf("offset = %d, want %d", got.Offset, want.Offset)
		}
		if names := slices.Sorted(maps.Keys(want.Connectors)); !slices.Equal(got.Names(), names) {
			t.Errorf("connectors = %q, want %q", got.Names(), names)
		}
		for name, w := range want.Connectors {
			stringly(t, w.Config)
			c, _ := got.Connector(name)
			if g := asWant(name, c); !reflect.DeepEqual(g, w) {
				gotText, _ := json.Marshal(g)
				wantText, _ := json.Marshal(w)
				t.Errorf("%q:\n got %s\nwant %s", name, gotText, wantText)
			}
		}
		if remains := remainsOf(got); !reflect.DeepEqual(remains, want.Remains) {
			t.Errorf("remains = %v, want %v", remains, want.Remains)
		}
		if (got.SessionKey == nil) != (want.SessionKey == nil) {
			t.Errorf("session key = %v, want %v", got.SessionKey, want.SessionKey)
		} else if k := got.SessionKey; k != nil && (base64.StdEncoding.EncodeToString(k.Key) != want.SessionKey.Key ||
			k.Algorithm != want.SessionKey.Algorithm || k.CreatedUnixMs != want.SessionKey.Created) {
			t.Errorf("session key = %v, want %v", *k, *want.SessionKey)
		}
		var events []string
		for _, e := range want.Events {
			events = append(events, fmt.Sprint(e.Event, " ", e.Arg, " ", e.Level))
		}
		var noted []string
		for _, e := range reader.events {
			noted = append(noted, eventText(e))
		}
		if !slices.Equal(noted, events) {
			t.Errorf("events:\n got %q\nwant %q", noted, events)
		}
	})
}

func remainsOf(s *ConfigSnapshot) map[string][]string {
	remains := map[string][]string{
		"inconsistent": {}, "pending_fencing": {}, "target_states": {}, "task_count_records": {}, "task_counts": {},
	}
	for _, name := range slices.Sorted(maps.Keys(s.Connectors)) {
		c := s.Connectors[name]
		for kind, there := range map[string]bool{
			"inconsistent": c.Inconsistent, "pending_fencing": c.PendingFence, "target_states": c.Target != "",
			"task_count_records": c.FencedCount != nil, "task_counts": c.TaskCount != NoTaskCount,
		} {
			if there && c.Config == nil {
				remains[kind] = append(remains[kind], name)
			}
		}
	}
	return remains
}

// eventText spells an event as the recording of the original's listener calls does.
func eventText(e ConfigEvent) string {
	switch e.Kind {
	case ConnectorUpdated:
		return fmt.Sprint("onConnectorConfigUpdate ", e.Connector, " ")
	case ConnectorRemoved:
		return fmt.Sprint("onConnectorConfigRemove ", e.Connector, " ")
	case TargetChanged:
		return fmt.Sprint("onConnectorTargetStateChange ", e.Connector, " ")
	case SessionKeyUpdated:
		return "onSessionKeyUpdate session key "
	case LoggerLevelSet:
		return fmt.Sprint("onLoggingLevelUpdate ", e.Namespace, " ", e.Level)
	case RestartRequested:
		return fmt.Sprint("onRestartRequest ", map[string]any{"connector": e.Restart.Connector,
			"include_tasks": e.Restart.IncludeTasks, "only_failed": e.Restart.OnlyFailed}, " ")
	}
	ids := []any{}
	for _, id := range e.Tasks {
		ids = append(ids, id.String())
	}
	return fmt.Sprint("onTaskConfigUpdate ", ids, " ")
}

func TestStatusReaderVectors(t *testing.T) {
	type wantStatus struct {
		State      string
		Worker     *string `json:"worker_id"`
		Generation int
		Trace      *string
		Version    *string
	}
	asWant := func(s Status) wantStatus {
		return wantStatus{string(s.State), &s.WorkerID, s.Generation, s.Trace, s.Version}
	}
	type wantUse struct {
		KeyTopic, Topic, Connector string
		Task                       int
		Discovered                 int64
	}
	eachVector(t, "status", func(t *testing.T, v vector) {
		var want struct {
			Connectors, Tasks map[string]wantStatus
			Topics            map[string][]struct {
				KeyTopic   string `json:"key_topic"`
				Topic      string
				Connector  string
				Task       int
				Discovered int64 `json:"discover_timestamp"`
			}
		}
		if err := json.Unmarshal(v.Expect, &want); err != nil {
			t.Fatal(err)
		}
		reader := newStatusReader(slog.New(slog.DiscardHandler))
		v.feed(t, reader.apply, func() {})
		connectors, tasks := map[string]wantStatus{}, map[string]wantStatus{}
		for name, s := range reader.connectors {
			connectors[name] = asWant(s)
		}
		for connector, byTask := range reader.tasks {
			for task, s := range byTask {
				tasks[host.TaskID{Connector: connector, Task: task}.String()] = asWant(s)
			}
		}
		uses, wantUses := map[string][]wantUse{}, map[string][]wantUse{}
		for connector, byTopic := range reader.topics {
			for _, key := range slices.Sorted(maps.Keys(byTopic)) {
				u := byTopic[key]
				uses[connector] = append(uses[connector], wantUse{key, u.Topic, u.Connector, u.Task, u.DiscoveredUnixMs})
			}
		}
		for connector, list := range want.Topics {
			for _, u := range list {
				wantUses[connector] = append(wantUses[connector], wantUse{u.KeyTopic, u.Topic, u.Connector, u.Task, u.Discovered})
			}
			slices.SortFunc(wantUses[connector], func(a, b wantUse) int { return cmp.Compare(a.KeyTopic, b.KeyTopic) })
		}
		for what, pair := range map[string][2]any{
			"connectors": {connectors, want.Connectors}, "tasks": {tasks, want.Tasks}, "topics": {uses, wantUses},
		} {
			if !reflect.DeepEqual(pair[0], pair[1]) {
				got, _ := json.Marshal(pair[0])
				wanted, _ := json.Marshal(pair[1])
				t.Errorf("%s:\n got %s\nwant %s", what, got, wanted)
			}
		}
	})
}

func TestOffsetReaderVectors(t *testing.T) {
	eachVector(t, "offset", func(t *testing.T, v vector) {
		var want struct{ Partitions map[string][]json.RawMessage }
		if err := json.Unmarshal(v.Expect, &want); err != nil {
			t.Fatal(err)
		}
		reader := newOffsetReader(nil, slog.New(slog.DiscardHandler))
		v.feed(t, reader.apply, func() {})
		for connector, partitions := range want.Partitions {
			// The original lists two keys that are equal as maps once.
			got, wanted := map[string]bool{}, map[string]bool{}
			for text := range reader.connectors[connector].byText {
				got[text] = true
			}
			for _, p := range partitions {
				text, err := canonicalJSON(p)
				if err != nil {
					t.Fatal(err)
				}
				wanted[text] = true
			}
			if !reflect.DeepEqual(got, wanted) {
				t.Errorf("%s: %v, want %v", connector, got, wanted)
			}
		}
	})
}

// Every record that the original wrote in the recorded scenarios is understood, and written again it is the same:
// statuses, target states, counts and offset keys byte by byte, maps of properties as JSON.
func TestRecordedTopics(t *testing.T) {
	seen := map[string]int{}
	for _, scenario := range []string{
		"eos-modes", "eos", "lifecycle-sink", "lifecycle-source", "loggers", "names", "offset-layouts", "protocols",
		"scaling",
		"session-keys",
	} {
		for _, line := range recordings(t, "topics-"+scenario+".jsonl") {
			var r struct {
				Type, Role string
				Key        *string `json:"key_b64"`
				Value      *string `json:"value_b64"`
				Batch      struct {
					Control any
				}
			}
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			if control, is := r.Batch.Control.(bool); r.Type != "record" || !is || control || r.Value == nil {
				continue
			}
			key, value := bytesOf(t, r.Key), bytesOf(t, r.Value)
			again, kind := rewrite(t, r.Role, string(key), value)
			seen[kind]++
			if string(again) != string(value) && !(kind == "properties" && sameJSON(again, value)) {
				t.Errorf("%s: %s %s\nbecomes %s", scenario, key, value, again)
			}
		}
	}
	for _, kind := range []string{"properties", "target", "commit", "fencing", "session", "restart", "logger",
		"status", "topic", "offset"} {
		if seen[kind] == 0 {
			t.Errorf("no record of kind %s in the recordings", kind)
		}
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// rewrite reads a record and writes it with this package's writers.
func rewrite(t *testing.T, role, key string, value []byte) (again []byte, kind string) {
	t.Helper()
	v, err := decode(value)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case strings.HasPrefix(key, "["): // of the offsets topic, or of a connector's own one
		connector, partition, err := parseOffsetKey([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		reader := newOffsetReader(nil, slog.New(slog.DiscardHandler))
		reader.apply(&kgo.Record{Key: []byte(key), Value: value})
		made, err := reader.keyFor(connector, host.SourceOffset{Partition: partition, Offset: value})
		if err != nil || string(made) != key {
			t.Errorf("offset key %s becomes %s, %v", key, made, err)
		}
		return value, "offset"
	case role == "status" && strings.HasPrefix(key, topicUseKey):
		use, _ := parseTopicUse(v)
		return topicUseJSON(use), "topic"
	case role == "status":
		status, _ := parseStatus(v)
		return statusJSON(status), "status"
	}
	m, _ := v.(map[string]any)
	switch {
	case strings.HasPrefix(key, targetStateKey):
		target, _ := m["state.v2"].(string)
		return targetRecord("", host.TargetState(target)).Value, "target"
	case strings.HasPrefix(key, commitKey):
		n, _ := whole(m["tasks"])
		return fmt.Appendf(nil, `{"tasks":%d}`, n), "commit"
	case strings.HasPrefix(key, fencingKey):
		n, _ := whole(m["task-count"])
		return fmt.Appendf(nil, `{"task-count":%d}`, n), "fencing"
	case strings.HasPrefix(key, restartKey):
		return restartJSON(m["include-tasks"] == true, m["only-failed"] == true), "restart"
	case strings.HasPrefix(key, loggerKey):
		level, _ := m["level"].(string)
		return loggerJSON(level), "logger"
	case key == sessionKeyKey:
		reader := newConfigReader(slog.New(slog.DiscardHandler))
		reader.sessionKey(v)
		return sessionKeyJSON(*reader.key), "session"
	}
	config, ok := properties(v)
	if !ok {
		t.Errorf("%s %s is not understood", key, value)
	}
	return propertiesJSON(config), "properties"
}
