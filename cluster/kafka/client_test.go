package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/cluster/embedded"
	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

const patience = 60 * time.Second // bounds waits for things that come soon or never

func newClients(t *testing.T, addr string, more map[string]string) *Clients {
	t.Helper()
	worker := map[string]string{"bootstrap.servers": addr, "group.id": "w"}
	for k, v := range more {
		worker[k] = v
	}
	c, err := NewClients(worker, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func config(keyvals ...string) host.Config {
	c := host.Config{}
	for i := 0; i < len(keyvals); i += 2 {
		c[keyvals[i]] = &keyvals[i+1]
	}
	return c
}

func newAdminFor(t *testing.T, addr string) *Admin {
	t.Helper()
	a, err := NewAdmin(map[string]string{"bootstrap.servers": addr}, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// newTopic makes a topic and waits until the broker shows it.
func newTopic(t *testing.T, addr string, partitions int) string {
	t.Helper()
	topic, admin := brokertest.Name(t, "t"), newAdminFor(t, addr)
	if err := admin.CreateTopic(t.Context(), topic, int32(partitions), 1, nil); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t); ; {
		if found, err := admin.Partitions(ctx, topic); err != nil {
			t.Fatal(err)
		} else if found[topic] == partitions {
			return topic
		}
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// acks collects acknowledgements by index.
type acks struct {
	mu   sync.Mutex
	errs map[int]error
	left sync.WaitGroup
}

func (a *acks) expect(n int) func(int, error) {
	a.errs = map[int]error{}
	a.left.Add(n)
	return func(i int, err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, twice := a.errs[i]; twice {
			err = errors.Join(err, errors.New("acknowledged twice"))
		}
		a.errs[i] = err
		a.left.Done()
	}
}

func (a *acks) wait(t *testing.T) map[int]error {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.left.Wait()
	}()
	select {
	case <-done:
	case <-within(t).Done():
		t.Fatal("not all records were acknowledged")
	}
	return a.errs
}

func send(t *testing.T, p host.Producer, records []host.ProducerRecord) map[int]error {
	t.Helper()
	var a acks
	if err := p.Send(within(t), records, a.expect(len(records))); err != nil {
		t.Fatal(err)
	}
	return a.wait(t)
}

func newProducerFor(t *testing.T, c *Clients, keyvals ...string) host.Producer {
	t.Helper()
	p, err := c.Producer(host.TaskID{Connector: "src"}, config(keyvals...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// task plays a sink task: it keeps what it is told and commits what it has seen when partitions are revoked.
type task struct {
	t        *testing.T
	consumer host.Consumer
	assigned map[host.TopicPartition]int64
	next     map[host.TopicPartition]int64
	seen     []string // "topic-partition@offset"
	values   []string
	lost     int
	seek     map[host.TopicPartition]int64 // asked for in Assigned
}

func newTask(t *testing.T, c *Clients, id host.TaskID, config host.Config) *task {
	t.Helper()
	k := &task{t: t, assigned: map[host.TopicPartition]int64{}, next: map[host.TopicPartition]int64{}}
	consumer, err := c.Consumer(id, config, k)
	if err != nil {
		t.Fatal(err)
	}
	k.consumer = consumer
	return k
}

func (k *task) Assigned(_ context.Context, partitions map[host.TopicPartition]int64) {
	for tp, offset := range partitions {
		k.assigned[tp] = offset
	}
	k.consumer.Seek(k.seek)
}

func (k *task) Revoked(ctx context.Context, partitions []host.TopicPartition) {
	offsets := map[host.TopicPartition]int64{}
	for _, tp := range partitions {
		if next, ok := k.next[tp]; ok {
			offsets[tp] = next
		}
		delete(k.assigned, tp)
		delete(k.next, tp)
	}
	if err := k.consumer.Commit(ctx, offsets); err != nil {
		k.t.Errorf("commit while revoking: %v", err)
	}
}

func (k *task) Lost(_ context.Context, partitions []host.TopicPartition) {
	k.lost += len(partitions)
	for _, tp := range partitions {
		delete(k.assigned, tp)
		delete(k.next, tp)
	}
}

// poll takes records in until enough says so.
func (k *task) poll(limit int, enough func() bool) {
	k.t.Helper()
	for ctx := within(k.t); !enough(); {
		records, err := k.consumer.Poll(ctx, limit, 20*time.Millisecond)
		if err != nil {
			k.t.Fatal(err)
		}
		if len(records) > limit {
			k.t.Fatalf("%d records, want at most %d", len(records), limit)
		}
		for _, r := range records {
			tp := host.TopicPartition{Topic: r.Topic, Partition: r.Partition}
			k.seen = append(k.seen, fmt.Sprintf("%s-%d@%d", r.Topic, r.Partition, r.Offset))
			k.values = append(k.values, string(r.Value))
			k.next[tp] = r.Offset + 1
		}
	}
}

func numbered(topic string, partition int32, from, to int) []host.ProducerRecord {
	var records []host.ProducerRecord
	for i := from; i < to; i++ {
		records = append(records, host.ProducerRecord{
			Topic: topic, Partition: partition, TimestampMs: abi.NoTimestamp, Value: fmt.Append(nil, i),
		})
	}
	return records
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, nil), newTopic(t, addr, 3)
	sent := []host.ProducerRecord{
		{Topic: topic, Partition: 2, TimestampMs: 1234, Key: []byte("k"), Value: []byte("v"),
			Headers: []host.Header{{Key: "h", Value: []byte("x")}, {Key: "h", Value: nil}, {Key: "", Value: []byte{}}}},
		{Topic: topic, Partition: 2, TimestampMs: 0, Key: []byte{}, Value: nil},
		{Topic: topic, Partition: 2, TimestampMs: abi.NoTimestamp, Key: nil, Value: []byte{},
			Headers: []host.Header{{Key: "z"}}},
	}
	before := time.Now().UnixMilli()
	for i, err := range send(t, newProducerFor(t, c), sent) {
		if err != nil {
			t.Errorf("record %d: %v", i, err)
		}
	}
	k := newTask(t, c, host.TaskID{Connector: brokertest.Name(t, "sink")}, config("topics", topic))
	defer k.consumer.Close(t.Context())
	var got []host.ConsumerRecord
	for ctx := within(t); len(got) < len(sent); {
		records, err := k.consumer.Poll(ctx, 1, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			r.Headers = slices.Clone(r.Headers)
			got = append(got, r)
		}
	}
	if sent[2].TimestampMs = got[2].TimestampMs; got[2].TimestampMs < before {
		t.Errorf("timestamp of a record without one = %d, want now", got[2].TimestampMs)
	}
	for i, want := range sent {
		g := got[i]
		shape := func(ts int64, p int32, key, value []byte, h []host.Header) string {
			return fmt.Sprintf("%d %d %#v %#v %#v", ts, p, key, value, h)
		}
		if want.Headers == nil {
			want.Headers = []host.Header{}
		}
		if w, have := shape(want.TimestampMs, 2, want.Key, want.Value, want.Headers),
			shape(g.TimestampMs, g.Partition, g.Key, g.Value, g.Headers); w != have {
			t.Errorf("record %d:\n got %s\nwant %s", i, have, w)
		}
		if g.Offset != int64(i) || g.TimestampType != host.CreateTime {
			t.Errorf("record %d: offset %d, timestamp type %d", i, g.Offset, g.TimestampType)
		}
	}
}

// javaMurmur2 is an independent form of Utils.murmur2 with Utils.toPositive, for comparison.
func javaMurmur2(key []byte) int32 {
	const m = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := binary.LittleEndian.Uint32(key) * m
		h = h*m ^ (k^k>>24)*m
	}
	for i := len(key) - 1; i >= 0; i-- {
		h ^= uint32(key[i]) << (8 * i)
		if i == 0 {
			h *= m
		}
	}
	h = (h ^ h>>13) * m
	return int32((h ^ h>>15) & 0x7fffffff)
}

func TestKeysChoosePartitionsAsJavaDoes(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, nil), newTopic(t, addr, 5)
	var sent []host.ProducerRecord
	for i := range 50 {
		sent = append(sent, host.ProducerRecord{Topic: topic, Partition: -1, TimestampMs: 1,
			Key: []byte(strings.Repeat("k", i%7) + fmt.Sprint(i))})
	}
	send(t, newProducerFor(t, c), sent)
	k := newTask(t, c, host.TaskID{Connector: brokertest.Name(t, "sink")}, config("topics", topic))
	defer k.consumer.Close(t.Context())
	for n, ctx := 0, within(t); n < len(sent); {
		records, err := k.consumer.Poll(ctx, 100, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if want := javaMurmur2(r.Key) % 5; r.Partition != want {
				t.Errorf("key %s went to %d, want %d", r.Key, r.Partition, want)
			}
		}
		n += len(records)
	}
}

func TestOrderOfAPartitionIsKept(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, map[string]string{"producer.buffer.memory": "200000", "producer.linger.ms": "1"}),
		newTopic(t, addr, 1)
	p := newProducerFor(t, c, "producer.override.compression.type", "lz4")
	for from := 0; from < 20000; from += 5000 {
		for i, err := range send(t, p, numbered(topic, 0, from, from+5000)) {
			if err != nil {
				t.Fatalf("record %d: %v", from+i, err)
			}
		}
	}
	k := newTask(t, c, host.TaskID{Connector: brokertest.Name(t, "sink")}, config("topics", topic))
	defer k.consumer.Close(t.Context())
	k.poll(700, func() bool { return len(k.values) >= 20000 })
	for i, v := range k.values {
		if v != fmt.Sprint(i) {
			t.Fatalf("value %d is %s", i, v)
		}
	}
}

func TestOversizedRecordFailsAlone(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, nil), newTopic(t, addr, 1)
	records := numbered(topic, 0, 0, 3)
	records[1].Value = make([]byte, 2<<20)
	errs := send(t, newProducerFor(t, c), records)
	if errs[0] != nil || errs[2] != nil || !errors.Is(errs[1], kerr.MessageTooLarge) {
		t.Errorf("errors = %v, want MESSAGE_TOO_LARGE for the second only", errs)
	}
	errs = send(t, newProducerFor(t, c, "producer.override.max.request.size", "4000000"), records[1:2])
	if !errors.Is(errs[0], kerr.MessageTooLarge) {
		t.Errorf("error = %v, want the broker's refusal", errs[0])
	}
}

func TestSendWaitsForSpaceUntilItsContextEnds(t *testing.T) {
	c := newClients(t, "127.0.0.1:1", map[string]string{"producer.buffer.memory": "10000"})
	p := newProducerFor(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	acked := map[int]error{}
	time.AfterFunc(50*time.Millisecond, cancel)
	err := p.Send(ctx, numbered("t", 0, 0, 1000), func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		acked[i] = err
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Send = %v, want the context's error", err)
	}
	p.Close()
	if err := p.Send(t.Context(), numbered("t", 0, 0, 1), func(int, error) {}); !errors.Is(err, ErrClosed) {
		t.Errorf("Send after Close = %v", err)
	}
	for ctx := within(t); ctx.Err() == nil; time.Sleep(time.Millisecond) {
		mu.Lock()
		n := len(acked)
		mu.Unlock()
		if n == 38 { // what fits into 10000 bytes: 256 for each record besides its value
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(acked) != 38 || !errors.Is(acked[37], ErrClosed) {
		t.Errorf("%d acknowledgements, last %v, want those of the 38 that were buffered, closed", len(acked), acked[37])
	}
}

// The broker is away for longer than any default of the client would bear if it gave up.
func TestRecordsOutliveABrokersAbsence(t *testing.T) {
	dir := t.TempDir()
	b, stop := brokertest.Embedded(t, embedded.Config{Dir: dir})
	c := newClients(t, b.Addr(), nil)
	topic := newTopic(t, b.Addr(), 1)
	p := newProducerFor(t, c)
	send(t, p, numbered(topic, 0, 0, 10))
	k := newTask(t, c, host.TaskID{Connector: "sink"}, config("topics", topic))
	defer k.consumer.Close(t.Context())
	k.poll(100, func() bool { return len(k.values) >= 10 })
	stop()
	committed := make(chan error, 1)
	go func() { committed <- k.consumer.Commit(within(t), map[host.TopicPartition]int64{{Topic: topic}: 10}) }()
	var a acks
	if err := p.Send(t.Context(), numbered(topic, 0, 10, 20), a.expect(10)); err != nil {
		t.Fatal(err)
	}
	var first acks // a producer that has never seen the broker
	fresh := newProducerFor(t, c)
	if err := fresh.Send(t.Context(), numbered(topic, 0, 20, 21), first.expect(1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	brokertest.Embedded(t, embedded.Config{Dir: dir})
	for _, errs := range []map[int]error{a.wait(t), first.wait(t)} {
		for i, err := range errs {
			if err != nil {
				t.Errorf("record %d: %v", i, err)
			}
		}
	}
	if err := <-committed; err != nil {
		t.Errorf("commit: %v", err)
	}
	k.poll(100, func() bool { return len(k.values) >= 21 })
	slices.Sort(k.values)
	if len(slices.Compact(k.values)) != 21 {
		t.Errorf("values = %v, want 21 different ones", k.values)
	}
}

func TestARecordIsReadAgain(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	c, topic := newClients(t, addr, nil), newTopic(t, addr, 2)
	for i, err := range send(t, newProducerFor(t, c), numbered(topic, 1, 0, 5)) {
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
	at := host.TopicPartition{Topic: topic, Partition: 1}
	r, err := c.Record(t.Context(), host.TaskID{Connector: "c"}, nil, at, 3)
	if want := numbered(topic, 1, 3, 4)[0]; err != nil || r.Offset != 3 || string(r.Value) != string(want.Value) {
		t.Errorf("%+v, %v, want %+v", r, err, want)
	}
	if _, err := c.Record(t.Context(), host.TaskID{Connector: "c"}, nil, at, 99); err == nil {
		t.Error("an offset that is not there is no error")
	}
}
