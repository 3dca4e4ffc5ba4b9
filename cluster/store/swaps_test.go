package store

import (
	"context"
	"log/slog"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

func TestSwapsAreKeptAndForgotten(t *testing.T) {
	s := NewMemoryStatusStore(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	<-s.Ready()
	const name = "a-b"
	flush := func() {
		t.Helper()
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	request := SwapRequest{Revision: 5, Stage: "transforms.x", Version: "2", By: "me", AtUnixMs: 1}
	done := TaskSwap{WorkerID: "w:1", SwapReport: host.SwapReport{Revision: 5, State: host.SwapDone, PauseUs: 7,
		Changes: []host.StageChange{{Stage: "transforms.x", Old: &host.PluginVersion{Version: "1"}}},
		After:   []host.SwapPosition{{Partition: []byte(`{"p":1}`), Offset: []byte(`{"o":2}`)}}}}
	written := make(chan struct{})
	s.PutSwapRequest(name, request)
	s.PutTaskSwap(host.TaskID{Connector: name, Task: 3}, done, func() { close(written) })
	<-written
	flush()
	want := Swap{Revision: 5, Request: &request, Tasks: map[int]TaskSwap{3: done}}
	if got := s.Swap(name, 5); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for revision := range int64(2 * swapsKeptMax) {
		s.PutTaskSwap(host.TaskID{Connector: name}, TaskSwap{SwapReport: host.SwapReport{Revision: 10 + revision}}, nil)
		flush()
	}
	all := s.Swaps(name)
	if len(all) != swapsKeptMax || all[0].Revision != 9+2*swapsKeptMax || all[1].Revision != 8+2*swapsKeptMax {
		t.Errorf("%d swaps, the newest %d", len(all), all[0].Revision)
	}
	s.DeleteSwaps(name)
	flush()
	if left := s.Swaps(name); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestBadSwapRecordsAreIgnored(t *testing.T) {
	r := newStatusReader(slog.New(slog.DiscardHandler))
	for key, value := range map[string]string{"status-swap-": "{}", "status-swap-1": "{}", "status-swap-1-0-": "{}",
		"status-swap-x-0-c": "{}", "status-swap-1-x-c": "{}", "status-swap-1-0-c": "[", "status-swap-1-request-c": "1"} {
		r.apply(&kgo.Record{Key: []byte(key), Value: []byte(value)})
	}
	if len(r.swaps) != 0 {
		t.Errorf("swaps: %+v", r.swaps)
	}
}
