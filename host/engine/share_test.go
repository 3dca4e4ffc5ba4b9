package engine

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/fair"
	"github.com/berth-connect/berth/testdata/guests"
)

// counted is the host's side of a guest that puts batches.
type counted struct {
	calls
	batches chan struct{}
}

func (c *counted) Put(kind, seq uint32, head, data []byte) abi.PutStatus {
	if abi.MessageKind(kind) == abi.MessageRecords {
		c.batches <- struct{}{}
	}
	return abi.PutTaken
}

// crowd is guests that run until the end of a benchmark.
type crowd struct {
	engine *Engine
	ctx    context.Context
	all    sync.WaitGroup
}

func newCrowd(b *testing.B) *crowd {
	before := runtime.GOMAXPROCS(runtime.NumCPU() + 1) // as main does
	e := open(b)
	ctx, stop := context.WithCancel(b.Context())
	c := &crowd{engine: e, ctx: ctx}
	b.Cleanup(func() {
		stop()
		c.all.Wait()
		runtime.GOMAXPROCS(before)
	})
	return c
}

// run runs a guest of a tenant; what it puts comes out of the channel.
func (c *crowd) run(b *testing.B, how string, account Account) <-chan struct{} {
	b.Helper()
	guest := guests.Text{How: how, Step: "start", Kind: abi.KindSource}
	m, err := c.engine.Compile(b.Context(), guest.Build(b), guest.Class())
	if err != nil {
		b.Fatal(err)
	}
	host := &counted{calls: calls{events: [][]byte{plan(abi.Plan{Role: abi.RoleTask})}, wake: make(chan struct{}, 1)},
		batches: make(chan struct{}, 1)}
	c.all.Go(func() { _ = m.Run(c.ctx, Config{Limits: unlimited, Account: account}, host) })
	go func() { // so that it never waits in a put at the end
		<-c.ctx.Done()
		for range host.batches {
		}
	}()
	return host.batches
}

var unlimited = host.Limits{BatchCPU: time.Hour}

func discard(from <-chan struct{}) {
	for range from {
	}
}

// BenchmarkATenantBesideOthers shows what a tenant with one task that computes gets of the cores: an operation is one
// of its batches, and share-% is its part of what all guests computed. With two cores, 50 of it is fair beside another
// tenant, however many tasks that has, and 11 beside eight of its own.
func BenchmarkATenantBesideOthers(b *testing.B) {
	for _, c := range []struct {
		name, how string
		tasks     int
		tenant    string
	}{
		{"alone", "", 0, ""},
		{"beside 8 loops of another tenant", "loop", 8, "amok"},
		{"beside 8 tasks of another tenant", "batches", 8, "amok"},
		{"beside 8 tasks of its own", "batches", 8, "modest"},
	} {
		b.Run(c.name, func(b *testing.B) {
			crowd := newCrowd(b)
			var own, others atomic.Int64
			batches := crowd.run(b, "batches", accountOf(crowd.engine, "modest", &own))
			for range c.tasks {
				go discard(crowd.run(b, c.how, accountOf(crowd.engine, c.tenant, &others)))
			}
			<-batches
			began, beganOthers := own.Load(), others.Load()
			for b.Loop() {
				<-batches
			}
			did := float64(own.Load() - began)
			b.ReportMetric(100*did/(did+float64(others.Load()-beganOthers)), "share-%")
		})
	}
}

func accountOf(e *Engine, tenant string, used *atomic.Int64) Account {
	return Account{Share: e.Share(tenant), Computed: func(_ uint32, d time.Duration, _ uint32) { used.Add(int64(d)) }}
}

// BenchmarkSliceEnd is what the end of a slice costs besides the call into the host: counting, and being ready to
// share. A slice is 30 to 100 µs.
func BenchmarkSliceEnd(b *testing.B) {
	var used time.Duration
	count := func(_ uint32, d time.Duration, _ uint32) { used += d }
	for _, c := range []struct {
		name    string
		tenants int
		waiting bool
		account Account
	}{
		{"nobody counts", 1, false, Account{}},
		{"one tenant", 1, false, Account{Computed: count}},
		{"100 tenants, nobody waits", 100, false, Account{Computed: count}},
		{"100 tenants, somebody waits", 100, true, Account{Computed: count}},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := &Engine{tenants: map[string]*fair.Tenant{}, turns: newQueues(1)}
			for i := range c.tenants {
				e.Share(strings.Repeat("x", i)).Spend(time.Duration(nanotime()), 1, false)
			}
			ctx, cancel := context.WithCancel(b.Context())
			if c.waiting {
				e.turns.ordinary.Enter(ctx, e.Share(""), false, nil)
				go e.turns.ordinary.Enter(ctx, e.Share("x"), false, nil)
				for !e.turns.ordinary.Wanted() {
					runtime.Gosched()
				}
			}
			in := &instance{clock: clock{limits: unlimited, queue: e.turns, kill: func(error) {}}}
			in.payBy(c.account, e)
			in.clock.restart()
			for b.Loop() {
				in.clock.check(1)
				in.clock.ahead()
			}
			cancel()
		})
	}
}
