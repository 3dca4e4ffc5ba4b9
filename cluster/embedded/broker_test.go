package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const childDir = "EMBEDDED_TEST_CHILD_DIR"

// TestMain runs a bare broker when a test started this binary again to have something to kill.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	b := New(Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	go func() {
		<-b.Ready()
		fmt.Println(b.Addr())
	}()
	if err := b.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start(t *testing.T, config Config) (*Broker, func()) {
	t.Helper()
	config.Log = slog.New(slog.DiscardHandler)
	b := New(config)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	select {
	case <-b.Ready():
	case err := <-ended:
		t.Fatalf("Run = %v before it was ready", err)
	}
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run = %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return b, stop
}

func startChild(t *testing.T, dir string) (addr string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill = func() {
		once.Do(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child did not say its address: %v", err)
	}
	return strings.TrimSpace(line), kill
}

func client(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// read returns the values of a topic, read from its start until n have come.
func read(t *testing.T, addr, topic string, n int, opts ...kgo.Opt) []string {
	t.Helper()
	cl := client(t, addr, append(opts, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var values []string
	for len(values) < n && ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

func produce(t *testing.T, cl *kgo.Client, topic, key, value string) {
	t.Helper()
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte(key),
		Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestKillLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	addr, kill := startChild(t, dir)
	cl := client(t, addr, kgo.ProducerLinger(0), kgo.RecordDeliveryTimeout(2*time.Second), kgo.RecordRetries(1))
	var mu sync.Mutex
	acked := map[string]bool{}
	for i := 0; ; i++ {
		value := fmt.Sprint("v", i)
		cl.Produce(t.Context(), &kgo.Record{Topic: "t", Value: []byte(value)}, func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				acked[value] = true
			}
		})
		mu.Lock()
		enough := len(acked) > 5000
		mu.Unlock()
		if enough {
			break
		}
	}
	kill()
	cl.UnsafeAbortBufferedRecords()
	cl.Close()
	mu.Lock()
	defer mu.Unlock()
	b, _ := start(t, Config{Dir: dir})
	if b.Addr() != addr {
		t.Errorf("address after restart = %s, want the old one, %s", b.Addr(), addr)
	}
	got := map[string]bool{}
	ends, err := kadm.NewClient(client(t, addr)).ListEndOffsets(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range read(t, addr, "t", int(ends["t"][0].Offset)) {
		got[v] = true
	}
	for v := range acked {
		if !got[v] {
			t.Fatalf("%s was acknowledged and is gone; %d acknowledged, %d there", v, len(acked), len(got))
		}
	}
}

func TestTransactionCutByKillHidesNothing(t *testing.T) {
	dir := t.TempDir()
	addr, kill := startChild(t, dir)
	txn := client(t, addr, kgo.TransactionalID("x"))
	if err := txn.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, txn, "t", "k", "cut")
	kill()
	leave(txn)

	b, _ := start(t, Config{Dir: dir})
	again := client(t, b.Addr(), kgo.TransactionalID("x"))
	for _, value := range []string{"c1", "c2"} {
		if err := again.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(t, again, "t", "k", value)
		if err := again.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, b.Addr(), "t", 2, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if fmt.Sprint(got) != "[c1 c2]" {
		t.Errorf("committed records = %v, want [c1 c2]", got)
	}
}

// TestTransactionCommittedInPart: the markers of a commit are written one after the other, so that a kill may leave
// some of them out. A marker of an earlier transaction commits nothing.
func TestTransactionCommittedInPart(t *testing.T) {
	dir := t.TempDir()
	addr, kill := startChild(t, dir)
	torn := client(t, addr, kgo.TransactionalID("torn"))
	open := client(t, addr, kgo.TransactionalID("open"))
	for _, txn := range []*kgo.Client{torn, open} {
		begin(t, txn, "before", "a")
		if err := txn.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	begin(t, torn, "torn", "a", "b")
	begin(t, open, "open", "a", "b")
	commitIn(t, addr, torn, "a")
	kill()
	leave(torn, open)
	for _, round := range []string{"first", "second"} {
		b, stop := start(t, Config{Dir: dir})
		for topic, want := range map[string]string{"a": "before before torn", "b": "torn"} {
			if got := committed(t, b.Addr(), topic, round); got != want {
				t.Errorf("%s start: committed records of %s = %s, want %s", round, topic, got, want)
			}
		}
		stop()
	}
}

// TestBatchWithoutItsIndexEntry: a kill may come between a batch and the entry that tells of its transaction. What was
// aborted stays aborted, and what was committed committed, also after the next start.
func TestBatchWithoutItsIndexEntry(t *testing.T) {
	dir := t.TempDir()
	addr, kill := startChild(t, dir)
	torn := client(t, addr, kgo.TransactionalID("torn"))
	open := client(t, addr, kgo.TransactionalID("open"))
	begin(t, open, "open", "a")
	begin(t, torn, "torn", "b", "c")
	commitIn(t, addr, torn, "c")
	kill()
	leave(torn, open)
	for _, topic := range []string{"a", "b"} {
		if err := os.Truncate(filepath.Join(dir, logsDirectory, "partitions", topic+"-0", "0"+indexSuffix), 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, round := range []string{"first", "second"} {
		addr, kill := startChild(t, dir)
		for topic, want := range map[string]string{"a": "", "b": "torn", "c": "torn"} {
			if got := committed(t, addr, topic, round); got != want {
				t.Errorf("%s start: committed records of %s = %q, want %q", round, topic, got, want)
			}
		}
		kill()
	}
}

func begin(t *testing.T, txn *kgo.Client, value string, topics ...string) {
	t.Helper()
	if err := txn.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		produce(t, txn, topic, "k", value)
	}
}

// leave closes clients whose broker is gone.
func leave(clients ...*kgo.Client) {
	for _, cl := range clients {
		cl.UnsafeAbortBufferedRecords()
		cl.Close()
	}
}

// commitIn does a part of what the broker does to commit.
func commitIn(t *testing.T, addr string, txn *kgo.Client, topic string) {
	t.Helper()
	id, epoch, err := txn.ProducerID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	marker := kadm.TxnMarkers{ProducerID: id, ProducerEpoch: epoch, Commit: true}
	marker.Topics.Add(topic, 0)
	responses, err := kadm.NewClient(client(t, addr)).WriteTxnMarkers(t.Context(), marker)
	if err != nil {
		t.Fatal(err)
	}
	for _, partition := range responses.SortedPartitions() {
		if partition.Err != nil {
			t.Fatal(partition.Err)
		}
	}
}

// committed returns the values that committed transactions have written, read up to a record that it adds.
func committed(t *testing.T, addr, topic, last string) string {
	t.Helper()
	cl := client(t, addr, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	produce(t, cl, topic, "end", last)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var values []string
	for end := false; !end && ctx.Err() == nil; {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if string(r.Key) != "end" {
				values = append(values, string(r.Value))
			}
			end = end || string(r.Value) == last
		})
	}
	return strings.Join(values, " ")
}

func createTopic(t *testing.T, addr, topic string, configs map[string]string) {
	t.Helper()
	values := map[string]*string{}
	for k, v := range configs {
		values[k] = kmsg.StringPtr(v)
	}
	if _, err := kadm.NewClient(client(t, addr)).CreateTopic(t.Context(), 1, 1, values, topic); err != nil {
		t.Fatal(err)
	}
}

// A record of eight days ago stays in a compacted topic, also in one that the user made, and compaction at boot keeps
// the last value of each key.
func TestCompactedTopicKeepsOldRecords(t *testing.T) {
	dir := t.TempDir()
	b, stop := start(t, Config{Dir: dir})
	createTopic(t, b.Addr(), "state", map[string]string{"cleanup.policy": "compact"})
	cl := client(t, b.Addr())
	for _, v := range []string{"old", "new"} {
		r := &kgo.Record{Topic: "state", Key: []byte("k"), Value: []byte(v), Timestamp: time.Now().AddDate(0, 0, -8)}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	produce(t, cl, "state", "last", "x")
	cl.Close()
	stop()
	b, _ = start(t, Config{Dir: dir})
	if got := read(t, b.Addr(), "state", 2); fmt.Sprint(got) != "[new x]" {
		t.Errorf("after compaction = %v, want [new x]", got)
	}
}

func TestOpenTransactionPutsCompactionOff(t *testing.T) {
	dir := t.TempDir()
	b, stop := start(t, Config{Dir: dir})
	createTopic(t, b.Addr(), "state", map[string]string{"cleanup.policy": "compact"})
	plain := client(t, b.Addr())
	produce(t, plain, "state", "k", "committed")
	txn := client(t, b.Addr(), kgo.TransactionalID("x"))
	if err := txn.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, txn, "state", "k", "open")
	produce(t, plain, "state", "other", "o")
	stop()
	b, _ = start(t, Config{Dir: dir})
	if err := txn.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	got := read(t, b.Addr(), "state", 2, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if fmt.Sprint(got) != "[committed o]" {
		t.Errorf("committed records = %v, want [committed o]", got)
	}
}

func TestOneProcessPerDirectory(t *testing.T) {
	dir := t.TempDir()
	_, stop := start(t, Config{Dir: dir})
	err := New(Config{Dir: dir, Log: slog.New(slog.DiscardHandler)}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "choose another data directory") {
		t.Errorf("second broker: %v, want an error that says what to do", err)
	}
	stop()
	start(t, Config{Dir: dir})
}

func TestLastPortTaken(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	b, stop := start(t, Config{Dir: dir})
	taken := b.Addr()
	stop()
	var port int
	if _, err := fmt.Sscanf(taken, "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	start(t, Config{Dir: other, Port: port})
	if b, _ := start(t, Config{Dir: dir}); b.Addr() == taken {
		t.Errorf("address = %s, which is another broker's", b.Addr())
	}
	third := New(Config{Dir: t.TempDir(), Port: port, Log: slog.New(slog.DiscardHandler)})
	if err := third.Run(t.Context()); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a port that was asked for and is taken: %v, want an error", err)
	}
}

func TestWorkerDefaultsKeepStateForEver(t *testing.T) {
	b, _ := start(t, Config{Dir: t.TempDir()})
	defaults := b.WorkerDefaults()
	for key, want := range map[string]string{
		"bootstrap.servers": b.Addr(), "config.storage.replication.factor": "1", "offset.storage.retention.ms": "-1",
		"status.storage.retention.bytes": "-1",
	} {
		if defaults[key] != want {
			t.Errorf("%s = %q, want %q", key, defaults[key], want)
		}
	}
}
