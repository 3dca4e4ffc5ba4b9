package guest

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

func newTestLink(t *testing.T) *Link {
	t.Helper()
	return newLink(slog.New(slog.NewTextHandler(t.Output(), nil)), nil, host.Limits{}.WithDefaults())
}

func TestPollHandsAnEventOverOnlyWhenItFits(t *testing.T) {
	l := newTestLink(t)
	l.send(abi.EventPause, Bytes("body"))
	if n := l.Poll(make([]byte, 19)); n != -20 {
		t.Fatalf("short buffer: %d", n)
	}
	buf := make([]byte, 64)
	n := l.Poll(buf)
	e, err := abi.ParseEvent(buf[:n])
	if err != nil || e.Kind != abi.EventPause || e.Seq != 1 || string(e.Body) != "body" {
		t.Fatalf("%+v, %v", e, err)
	}
	if n := l.Poll(buf); n != 0 {
		t.Fatalf("nothing left, but %d", n)
	}
}

func TestOnlyOwedAnswersAreTaken(t *testing.T) {
	l := newTestLink(t)
	seq := l.send(abi.EventBatch, nil)
	next := l.send(abi.EventBatch, nil)
	if s := l.Put(uint32(abi.MessageResult), seq, []byte("a"), []byte("b")); s != abi.PutTaken {
		t.Fatalf("the first answer: %d", s)
	}
	if m := <-l.outbox; string(m.Body) != "ab" || m.Seq != seq {
		t.Fatalf("%+v", m)
	}
	if s := l.Put(uint32(abi.MessageResult), seq, nil, nil); s != abi.PutUnknown {
		t.Fatalf("the same answer again: %d", s)
	}
	if err := <-l.broken; !errors.Is(err, ErrGarbage) {
		t.Fatalf("breach: %v", err)
	}
	if s := l.Put(uint32(abi.MessageResult), next, nil, nil); s != abi.PutNotAllowed {
		t.Fatalf("an answer after a breach: %d", s)
	}
}

func TestWindowIsFullUntilTheHostReceives(t *testing.T) {
	l := newTestLink(t)
	for i := range host.OutboxBatchesMax {
		if s := l.Put(uint32(abi.MessageRecords), uint32(i+1), nil, nil); s != abi.PutTaken {
			t.Fatalf("batch %d: %d", i, s)
		}
	}
	if s := l.Put(uint32(abi.MessageRecords), 99, nil, nil); s != abi.PutFull {
		t.Fatalf("one too many: %d", s)
	}
	if _, writable := l.Ready(); writable {
		t.Fatal("writable though full")
	}
	<-l.outbox
	if _, writable := l.Ready(); !writable {
		t.Fatal("not writable though there is room")
	}
}

// A message that the host receives wakes the guest only if it has heard that there is no room: a guest that sleeps for
// the next event has nothing to do.
func TestOnlyAGuestWithoutRoomIsWokenByAReceipt(t *testing.T) {
	l := newTestLink(t)
	woken := func() bool {
		select {
		case <-l.Wake():
			return true
		default:
			return false
		}
	}
	i := &Instance{link: l}
	receive := func() {
		t.Helper()
		if _, ok, err := i.TryRecv(); !ok || err != nil {
			t.Fatalf("receive: %v, %v", ok, err)
		}
	}
	for n := range host.OutboxBatchesMax {
		l.Put(uint32(abi.MessageRecords), uint32(n+1), nil, nil)
	}
	if receive(); woken() {
		t.Error("woken though it has not looked for room")
	}
	l.Put(uint32(abi.MessageRecords), 99, nil, nil)
	l.Ready()
	if receive(); !woken() {
		t.Error("not woken though it waits for room")
	}
	if receive(); woken() {
		t.Error("woken again")
	}
}

// A batch's memory goes to the next one only once it was released; whatever is in it is overwritten in full.
func TestReleasedMemoryIsUsedAgain(t *testing.T) {
	l := newTestLink(t)
	put := func(head, data string) Message {
		if s := l.Put(uint32(abi.MessageRecords), 1, []byte(head), []byte(data)); s != abi.PutTaken {
			t.Fatalf("put: %d", s)
		}
		return <-l.outbox
	}
	for range 100 {
		kept := put("head", "data")
		put("HEAD", "DATA, longer").Release()
		if again := put("he", "da"); string(again.Body) != "heda" || string(kept.Body) != "headdata" {
			t.Fatalf("%q and %q", again.Body, kept.Body)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	l := newLink(slog.New(slog.DiscardHandler), nil, host.Limits{}.WithDefaults())
	head, data := make([]byte, 2000*abi.EntryBytes), make([]byte, 2000*100)
	b.SetBytes(int64(len(head) + len(data)))
	b.ReportAllocs()
	for b.Loop() {
		l.Put(uint32(abi.MessageRecords), 1, head, data)
		(<-l.outbox).Release()
	}
}

func TestLogLinesAreRationed(t *testing.T) {
	b := lineBudget{perSecond: host.LogLinesPerSecondMax}
	let := 0
	for range 50 * host.LogLinesPerSecondMax {
		if _, ok := b.take(uncounted{}.Line); ok {
			let++
		}
	}
	if let == 0 || let > 10*host.LogLinesPerSecondMax {
		t.Fatalf("%d lines", let)
	}
}

func TestTraceNamesClassPlaceAndLastWords(t *testing.T) {
	f := &Failure{abi.Failure{Code: abi.CodeConfig, Message: "bad key"}}
	want := "org.apache.kafka.common.config.ConfigException: bad key\n\tat stage X\n"
	if got := Trace(f, "stage X"); got != want {
		t.Fatalf("%q", got)
	}
}

// TestBoundariesFollowTheirBatch: one behind each batch, and there is room for it even when the window is full.
func TestBoundariesFollowTheirBatch(t *testing.T) {
	l := newTestLink(t)
	l.source, l.boundaries = true, true
	for seq := range uint32(host.OutboxBatchesMax) {
		if got := l.Put(uint32(abi.MessageRecords), seq+1, nil, nil); got != abi.PutTaken {
			t.Fatalf("batch %d: %d", seq+1, got)
		}
	}
	last := uint32(host.OutboxBatchesMax)
	for range 3 { // a guest that says it again says nothing new
		if got := l.Commit(last, nil); got != abi.PutTaken {
			t.Fatalf("boundary: %d", got)
		}
	}
	for range host.OutboxBatchesMax {
		<-l.outbox
	}
	if m := <-l.outbox; m.Kind != CommitMessage || m.Seq != last || len(l.outbox) > 0 {
		t.Errorf("behind the batches: kind %d, seq %d, and %d more", m.Kind, m.Seq, len(l.outbox))
	}
	if got := l.Commit(last+1, nil); got != abi.PutUnknown || !l.breached() {
		t.Errorf("a boundary behind a batch that was not put: %d", got)
	}
}
