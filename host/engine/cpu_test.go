package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

func TestASecondsCPUIsSharedAndComesBack(t *testing.T) {
	const ms = time.Millisecond
	b := cpuBudget{perSecond: 300 * ms}
	for _, c := range []struct {
		name             string
		at, spent, waits time.Duration
	}{
		{"the first use begins a second", 5000 * ms, 100 * ms, 0},
		{"more of it", 5200 * ms, 150 * ms, 0},
		{"used up", 5400 * ms, 50 * ms, 600 * ms},
		{"over", 5900 * ms, 10 * ms, 100 * ms},
		{"the next second", 6000 * ms, 10 * ms, 0},
		{"nobody came for long", 60_000 * ms, 299 * ms, 0},
	} {
		b.spend(c.at, c.spent)
		if got := b.wait(c.at); got != c.waits {
			t.Errorf("%s: waits %v, want %v", c.name, got, c.waits)
		}
	}
}

func TestOnlyBudgetsThatCanBeUsedUpAreAsked(t *testing.T) {
	module, worker := &cpuBudget{perSecond: time.Second}, &cpuBudget{}
	if got := limited(&cpuBudget{perSecond: time.Second}, module, worker); len(got) != 1 || got[0] != module {
		t.Errorf("%v", got)
	}
	if got := limited(&cpuBudget{perSecond: time.Millisecond}, worker); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// Two guests of one module that compute without end have its share of each second, not one each.
func TestAModulesInstancesShareItsCPU(t *testing.T) {
	e := open(t)
	e.LimitCPU(100*time.Millisecond, 0)
	guest := guests.Text{How: "loop", Step: "start", Kind: abi.KindSink}
	m, err := e.Compile(t.Context(), guest.Build(t), guest.Class())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			c := &calls{events: [][]byte{plan(abi.Plan{Role: abi.RoleTask})}, wake: make(chan struct{}, 1)}
			ended <- m.Run(ctx, Config{Limits: host.Limits{BatchCPU: time.Hour}}, c)
		}()
	}
	var seconds []int64
	most := int64(0)
	for len(seconds) < 4 { // the share comes back each second
		time.Sleep(time.Millisecond)
		most = max(most, m.cpu.used.Load())
		if began := m.cpu.began.Load(); len(seconds) == 0 || seconds[len(seconds)-1] != began {
			seconds = append(seconds, began)
		}
	}
	cancel()
	if err := errors.Join(<-ended, <-ended); err == nil {
		t.Error("a guest that loops came to an end by itself")
	}
	if limit := m.cpu.perSecond + 4*sliceCountedMax; time.Duration(most) > limit {
		t.Errorf("both used %v of a second, at most %v", time.Duration(most), limit)
	}
}

func TestTablesCountAsMemory(t *testing.T) {
	e := open(t)
	guest := guests.Text{How: "loop", Step: "start", Kind: abi.KindSink}
	m, err := e.Compile(t.Context(), guest.Build(t), guest.Class())
	if err != nil {
		t.Fatal(err)
	}
	m.tables = 2 << 20
	err = m.Run(t.Context(), Config{Limits: host.Limits{MemoryBytes: 1 << 20}}, &calls{wake: make(chan struct{}, 1)})
	var limit *host.LimitError
	if !errors.As(err, &limit) || limit.Name != host.LimitMemory {
		t.Fatalf("%v", err)
	}
	if used := e.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
}
