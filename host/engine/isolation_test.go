package engine

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// While guests compute on every core, Go's collector, timers and network go on: none of them waits for a guest's loop
// to end. The goal is 2 ms on an idle machine, and the figures without guests are printed first; the bounds asserted
// are those that a crowded machine keeps as well, and that a guest which can't be interrupted breaks.
func TestComputingGuestsHoldUpNobody(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 1)) // as the program does
	e := open(t)
	for _, hows := range [][]string{
		{},
		{"division", "straight", "simd", "chase"}, // dear instructions and straight code
		{"fill", "copy", "tree", "brtable"},       // bulk memory, calls, jumps
		{"randombomb", "fdwritebomb", "pollspin", "putspin"},
	} {
		t.Run(cmp.Or(strings.Join(hows, " "), "none"), func(t *testing.T) {
			stop := runGuests(t, e, hows)
			delays := measureDelays(t, 3*time.Second)
			stop()
			t.Log(histogram(delays))
			checkDelays(t, delays)
		})
	}
}

// While the largest module that we have is compiled over and over, the same holds.
func TestCompilingHoldsUpNobody(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 1))
	wasm := guests.Go(t, "testdata/guests/hostile", "")
	ctx, cancel := context.WithCancel(t.Context())
	compiled := make(chan int)
	go func() {
		n := 0
		for entry := filepath.Join(t.TempDir(), "entry"); ctx.Err() == nil; n++ {
			if err := compileApart(ctx, wasm, host.CompileMemoryBytesMax, entry); err != nil && ctx.Err() == nil {
				t.Error(err)
				break
			}
		}
		compiled <- n
	}()
	delays := measureDelays(t, 5*time.Second)
	cancel()
	t.Logf("%d bytes, compilation %d begun%s", len(wasm), <-compiled, histogram(delays))
	checkDelays(t, delays)
}

func checkDelays(t *testing.T, delays map[string][]time.Duration) {
	t.Helper()
	const medianWithin, mostWithin = 20 * time.Millisecond, 2 * time.Second
	for _, name := range []string{"stop the world", "timer of 1 ms", "echo on loopback"} {
		d := delays[name]
		if len(d) == 0 {
			t.Fatalf("%s: nothing was measured", name)
		}
		if median, most := d[len(d)/2], d[len(d)-1]; median > medianWithin || most > mostWithin {
			t.Errorf("%s: median %v, at most %v; max %v, at most %v", name, median, medianWithin, most, mostWithin)
		}
	}
}

func measureDelays(t *testing.T, lasts time.Duration) map[string][]time.Duration {
	t.Helper()
	paused := stopTheWorldPauses()
	delays := map[string][]time.Duration{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, measure := range map[string]func(until time.Time) []time.Duration{
		"timer of 1 ms": sleepDelays, "echo on loopback": echoDelays(t), "runtime.GC": collections,
	} {
		all.Go(func() {
			d := measure(time.Now().Add(lasts))
			mu.Lock()
			defer mu.Unlock()
			delays[name] = d
		})
	}
	all.Wait()
	delays["stop the world"] = pausesSince(paused)
	return delays
}

// runGuests lets guests compute without end; stop ends them.
func runGuests(t *testing.T, e *Engine, hows []string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, how := range hows {
		guest := guests.Text{How: how, Step: "start", Kind: abi.KindSink}
		m, err := e.Compile(t.Context(), guest.Build(t), guest.Class())
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			c := &calls{events: [][]byte{plan(abi.Plan{Role: abi.RoleTask})}, wake: make(chan struct{}, 1)}
			err := m.Run(ctx, Config{Limits: host.Limits{BatchCPU: time.Hour}}, c)
			if ctx.Err() == nil {
				t.Errorf("%s ended: %v", how, err)
			}
		})
	}
	time.Sleep(300 * time.Millisecond) // until all of them are at it
	return func() {
		cancel()
		running.Wait()
	}
}

// sleepDelays is by how much sleeps of 1 ms were too long.
func sleepDelays(until time.Time) []time.Duration {
	var delays []time.Duration
	for started := time.Now(); started.Before(until); started = time.Now() {
		time.Sleep(time.Millisecond)
		delays = append(delays, time.Since(started)-time.Millisecond)
	}
	slices.Sort(delays)
	return delays
}

// echoDelays is how long a byte took to another goroutine and back over a socket.
func echoDelays(t *testing.T) func(until time.Time) []time.Duration {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		c, err := listener.Accept()
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	}()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return func(until time.Time) []time.Duration {
		var delays []time.Duration
		for b := []byte{0}; time.Now().Before(until); time.Sleep(time.Millisecond) {
			started := time.Now()
			if _, err := client.Write(b); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(client, b); err != nil {
				t.Error(err)
			}
			delays = append(delays, time.Since(started))
		}
		slices.Sort(delays)
		return delays
	}
}

// collections is how long garbage collections took, with all that they wait for.
func collections(until time.Time) []time.Duration {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	var took []time.Duration
	for time.Now().Before(until) {
		started := time.Now()
		runtime.GC()
		took = append(took, time.Since(started))
		time.Sleep(20 * time.Millisecond)
	}
	slices.Sort(took)
	return took
}

// stopTheWorldPauses are those of the collector up to now: from the wish to stop to the start of the world again.
func stopTheWorldPauses() *metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	h := sample[0].Value.Float64Histogram()
	return &metrics.Float64Histogram{Counts: slices.Clone(h.Counts), Buckets: slices.Clone(h.Buckets)}
}

// pausesSince are the pauses since then, each as the upper bound of its bucket.
func pausesSince(before *metrics.Float64Histogram) []time.Duration {
	now := stopTheWorldPauses()
	var pauses []time.Duration
	for i, n := range now.Counts {
		bound := now.Buckets[i+1]
		if math.IsInf(bound, 1) {
			bound = now.Buckets[i]
		}
		for range n - before.Counts[i] {
			pauses = append(pauses, time.Duration(bound*float64(time.Second)))
		}
	}
	return pauses
}

// histogram writes how many delays fell below each bound, with the 99th percentile and the longest.
func histogram(delays map[string][]time.Duration) string {
	const us, ms = time.Microsecond, time.Millisecond
	bounds := []time.Duration{50 * us, 100 * us, 200 * us, 500 * us, ms, 2 * ms, 5 * ms, 10 * ms, 50 * ms, time.Hour}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-18s", "below")
	for _, bound := range bounds[:len(bounds)-1] {
		fmt.Fprintf(&b, "%7v", bound)
	}
	fmt.Fprintf(&b, "%7s%10s%10s\n", "more", "p99", "max")
	for _, name := range []string{"stop the world", "timer of 1 ms", "echo on loopback", "runtime.GC"} {
		d := delays[name]
		if len(d) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%-18s", name)
		counted := 0
		for _, bound := range bounds {
			n := 0
			for counted < len(d) && d[counted] < bound {
				counted++
				n++
			}
			fmt.Fprintf(&b, "%7d", n)
		}
		fmt.Fprintf(&b, "%10v%10v\n", d[len(d)*99/100].Round(time.Microsecond), d[len(d)-1].Round(time.Microsecond))
	}
	return b.String()
}
