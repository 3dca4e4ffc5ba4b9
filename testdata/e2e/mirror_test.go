package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/embedded"
	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

const mirrorClasses = "org.apache.kafka.connect.mirror."

// mirrored is a worker that copies another cluster: the source is embedded here, the target is the worker's own.
type mirrored struct {
	*process
	source *kafkatest.Broker
	config keys // what all three connectors have in common
}

func startMirrored(t *testing.T, environment ...string) *mirrored {
	t.Helper()
	broker, _ := brokertest.Embedded(t, embedded.Config{Dir: t.TempDir()})
	p := startProcess(t, append([]string{"CONNECT_BERTH_ALLOW_NET=127.0.0.1:*,localhost:*"}, environment...)...)
	return &mirrored{p, kafkatest.Open(t, broker.Addr()), keys{
		"source.cluster.alias": "from" + p.id, "target.cluster.alias": "to" + p.id,
		"source.cluster.bootstrap.servers": broker.Addr(), "target.cluster.bootstrap.servers": p.bootstrap,
		// The embedded broker tells settings of its own as those of topics.
		"config.properties.exclude": `log\..*, min\.insync\.replicas`,
		"key.converter":             asBytes, "value.converter": asBytes, "header.converter": asBytes, "tasks.max": "2",
	}}
}

func (m *mirrored) putMirror(kind string, more keys) string {
	m.t.Helper()
	name := m.name(kind)
	m.put(name, m.config.with(keys{"connector.class": mirrorClasses + kind}).with(more))
	return name
}

func (m *mirrored) copySource(more keys) string {
	m.t.Helper()
	return m.putMirror("MirrorSourceConnector", keys{"topics": "orders.*", "replication.factor": "1",
		"offset-syncs.topic.replication.factor": "1", "refresh.topics.interval.seconds": "1"}.with(more))
}

// remote is the copy of a topic.
func (m *mirrored) remote(topic string) string { return m.config["source.cluster.alias"] + "." + topic }

// produce writes records with the numbers from to to, in turn into three partitions; every tenth is a tombstone.
func (m *mirrored) produce(topic string, from, to int) {
	m.t.Helper()
	m.source.ProduceEach(m.t, func(yield func(kafkatest.Record) bool) {
		for k := from; k < to; k++ {
			if !yield(original(topic, k)) {
				return
			}
		}
	})
}

// mirrorEpoch is young: brokers delete what is older than a week.
var mirrorEpoch = time.Now().Add(-time.Hour).UnixMilli()

func original(topic string, k int) kafkatest.Record {
	r := kafkatest.Record{Topic: topic, Partition: int32(k % 3), Offset: int64(k / 3), Timestamp: mirrorEpoch + int64(k),
		Key: fmt.Appendf(nil, "key \xff %d", k), Value: fmt.Appendf(nil, "value \x00 %d", k),
		Headers: []kafkatest.Header{{Key: "number", Value: fmt.Append(nil, k)}, {Key: "none"}}}
	if k%10 == 9 {
		r.Value = nil
	}
	return r
}

// checkCopy expects each record, with all that it has, in its partition and in order. What a crash repeats comes again
// from an earlier record on, so that without the repetitions nothing is missing; it returns how many there are.
func (m *mirrored) checkCopy(topic string, n int) (repeated int) {
	m.t.Helper()
	next := map[int32]int{0: 0, 1: 1, 2: 2}
	m.EachCommitted(m.t, m.remote(topic), func(r kafkatest.Record) {
		var k int
		if _, err := fmt.Sscanf(string(r.Headers[0].Value), "%d", &k); err != nil {
			m.t.Fatalf("%+v: %v", r, err)
		}
		want := original(topic, k)
		want.Topic, want.Offset, want.ProducerEpoch = r.Topic, r.Offset, r.ProducerEpoch
		if fmt.Sprintf("%+v", r) != fmt.Sprintf("%+v", want) {
			m.t.Fatalf("copied\n%+v, want\n%+v", r, want)
		}
		switch at := next[r.Partition]; {
		case k == at:
			next[r.Partition] += 3
		case k < at:
			repeated++
		default:
			m.t.Fatalf("partition %d: %d follows, want %d", r.Partition, k, at)
		}
	})
	for partition, k := range next {
		if k < n {
			m.t.Errorf("partition %d ends before %d of %d", partition, k, n)
		}
	}
	return repeated
}

// TestE2EMirror copies topics while the worker is killed and stopped: nothing is lost, and only a crash repeats.
func TestE2EMirror(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			m := startMirrored(t)
			const n = 30_000
			m.source.CreateTopic(t, "orders", 3)
			m.produce("orders", 0, n/2)
			name := m.copySource(nil)
			m.awaitState(name, "RUNNING", 2)
			m.await("some copies", func() bool { return m.Count(t, m.remote("orders")) > n/10 })
			e.end(m.process)
			m.produce("orders", n/2, n)
			m.start()
			m.await("all copies", func() bool { return m.Count(t, m.remote("orders")) >= n && m.copied("orders") >= n })
			if repeated := m.checkCopy("orders", n); repeated > 0 && !e.twice {
				t.Errorf("%d records were copied twice", repeated)
			}
			// A topic and partitions that come later are copied, too.
			m.source.CreateTopic(t, "orders.more", 3)
			m.produce("orders.more", 0, 300)
			m.await("the new topic", func() bool { return m.Count(t, m.remote("orders.more")) == 300 })
			m.checkCopy("orders.more", 300)
		})
	}
}

// TestE2EMirrorExactlyOnce copies in transactions: what a crash interrupts is aborted, so nothing comes twice.
func TestE2EMirrorExactlyOnce(t *testing.T) {
	m := startMirrored(t, exactlyOnceOn)
	const n = 9000
	m.source.CreateTopic(t, "orders", 3)
	m.produce("orders", 0, n/2)
	m.copySource(keys{"exactly.once.support": "required", "source.consumer.isolation.level": "read_committed"})
	m.await("some copies", func() bool { return m.Count(t, m.remote("orders")) > n/10 })
	m.kill9()
	m.produce("orders", n/2, n)
	m.start()
	m.await("all copies", func() bool { return m.Count(t, m.remote("orders")) >= n && m.copied("orders") == n })
	if repeated := m.checkCopy("orders", n); repeated > 0 {
		t.Errorf("%d records were copied twice", repeated)
	}
}

// TestE2EMirrorBadInput: what is wrong is said with the key, or the grant, and what to do.
func TestE2EMirrorBadInput(t *testing.T) {
	m := startMirrored(t, "CONNECT_BERTH_ALLOW_NET=example.com:9092")
	name := m.putMirror("MirrorHeartbeatConnector", nil)
	m.awaitConnector(name, "FAILED", "berth.allow.net")
	status, answer := m.call("PUT", "/connectors/"+m.name("bad")+"/config", m.config.with(keys{
		"connector.class": mirrorClasses + "MirrorSourceConnector", "topics": "a(?=b)",
		"source.cluster.security.protocol": "TLS", "name": m.name("bad")}))
	message := m.refused(400, status, answer)
	contains(t, message, "Invalid value a(?=b) for configuration topics: it must be a regular expression",
		"Invalid value TLS for configuration source.cluster.security.protocol: use PLAINTEXT, SSL,")
	status, answer = m.call("PUT", "/connectors/"+m.name("bad")+"/config", keys{"name": m.name("bad"),
		"connector.class": mirrorClasses + "MirrorSourceConnector", "source.cluster.alias": "us"})
	contains(t, m.refused(400, status, answer), "source.cluster.bootstrap.servers is missing: give brokers",
		"target.cluster.bootstrap.servers is missing")
}

// awaitConnector waits for a state of a connector whose trace says something.
func (m *mirrored) awaitConnector(name, state, says string) {
	m.t.Helper()
	var answer struct{ Connector struct{ State, Trace string } }
	m.await(name+" "+state, func() bool {
		status, body := m.call("GET", "/connectors/"+name+"/status", nil) // 404 until it was started
		return status == http.StatusOK && json.Unmarshal(body, &answer) == nil && answer.Connector.State == state
	})
	contains(m.t, answer.Connector.Trace, says)
}

// copied counts the different records of a copy.
func (m *mirrored) copied(topic string) int {
	m.t.Helper()
	if m.Count(m.t, m.remote(topic)) == 0 {
		return 0
	}
	keys := map[string]bool{}
	m.EachCommitted(m.t, m.remote(topic), func(r kafkatest.Record) { keys[string(r.Key)] = true })
	return len(keys)
}

// TestE2EMirrorGroups follows a consumer group to the copy of its topic.
func TestE2EMirrorGroups(t *testing.T) {
	m := startMirrored(t)
	group := m.name("readers")
	m.source.CreateTopic(t, "orders", 3)
	m.produce("orders", 0, 3000)
	m.source.Commit(t, group, "orders", 0, 700)
	m.source.Commit(t, group, "orders", 1, 1000)
	m.copySource(keys{"offset.lag.max": "10"})
	m.await("all copies", func() bool { return m.Count(t, m.remote("orders")) == 3000 })
	name := m.putMirror("MirrorCheckpointConnector", keys{"topics": "orders.*", "groups": group,
		"checkpoints.topic.replication.factor": "1", "emit.checkpoints.interval.seconds": "1",
		"sync.group.offsets.enabled": "true", "sync.group.offsets.interval.seconds": "1"})
	m.awaitState(name, "RUNNING", 1)
	m.await("the end of partition 1", func() bool { return m.Committed(t, group, m.remote("orders"))[1] == 1000 })
	at := m.Committed(t, group, m.remote("orders"))[0]
	if at <= 0 || at > 700 {
		t.Errorf("the group goes on at %d of partition 0, want at most 700", at)
	}
	m.source.Commit(t, group, "orders", 0, 1000)
	m.await("the end of partition 0", func() bool { return m.Committed(t, group, m.remote("orders"))[0] == 1000 })
	const end = "\x00\x00" + "\x00\x00\x00\x00\x00\x00\x03\xe8" + "\x00\x00\x00\x00\x00\x00\x03\xe8" + "\x00\x00"
	m.await("checkpoints of both ends", func() bool {
		last := map[uint32]string{}
		for _, r := range m.Read(t, m.config["source.cluster.alias"]+".checkpoints.internal") {
			last[binary.BigEndian.Uint32(r.Key[len(r.Key)-4:])] = string(r.Value)
		}
		return last[0] == end && last[1] == end
	})
}

// TestE2EMirrorHeartbeats shows that a flow is alive.
func TestE2EMirrorHeartbeats(t *testing.T) {
	m := startMirrored(t)
	name := m.putMirror("MirrorHeartbeatConnector", keys{"heartbeats.topic.replication.factor": "1"})
	m.awaitState(name, "RUNNING", 1)
	from, to := m.config["source.cluster.alias"], m.config["target.cluster.alias"]
	key := fmt.Sprintf("\x00%c%s\x00%c%s", len(from), from, len(to), to)
	var ours []kafkatest.Record
	m.await("two heartbeats", func() bool {
		ours = slices.DeleteFunc(m.Read(t, "heartbeats"), func(r kafkatest.Record) bool { return string(r.Key) != key })
		return len(ours) >= 2
	})
	for _, r := range ours {
		if len(r.Value) != 10 || int64(binary.BigEndian.Uint64(r.Value[2:])) != r.Timestamp {
			t.Errorf("the heartbeat at %d is %x", r.Timestamp, r.Value)
		}
	}
	var answer struct {
		Offsets []struct{ Partition, Offset map[string]any }
	}
	m.await("its offset", func() bool {
		m.ask("GET", "/connectors/"+name+"/offsets", nil, &answer)
		return len(answer.Offsets) == 1
	})
	want := map[string]any{"sourceClusterAlias": from, "targetClusterAlias": to}
	if !maps.Equal(answer.Offsets[0].Partition, want) || answer.Offsets[0].Offset["offset"] != 0.0 {
		t.Errorf("offsets %+v", answer)
	}
}
