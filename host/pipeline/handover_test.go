package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/testdata/guests"
)

// betweenHandOvers is long enough for guests to sleep, and for all hand-overs to have precedence.
const betweenHandOvers = 5 * time.Millisecond

// BenchmarkHandOver tells how long records wait while what a stage keeps goes from a warm instance to another one, and
// what of that is computing, of all threads.
func BenchmarkHandOver(b *testing.B) {
	for _, sdk := range []struct {
		name  string
		stamp func(testing.TB, string) []byte
	}{{"go", guests.Stamp}, {"rust", guests.RustStamp}} {
		b.Run(sdk.name, func(b *testing.B) {
			e, err := engine.Open(b.Context(), filepath.Join(os.TempDir(), "berth-test-cache"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = e.Close(context.Background()) })
			from := warmStamp(b, e, "1.0.0", sdk.stamp(b, "1.0.0"))
			to := warmStamp(b, e, "2.0.0", sdk.stamp(b, "2.0.0"))
			benchmarkHandOvers(b, from, to)
		})
	}
}

func benchmarkHandOvers(b *testing.B, from, to []*Link) {
	b.Helper()
	var took []time.Duration
	var computed time.Duration
	for b.Loop() {
		time.Sleep(betweenHandOvers)
		if err := from[0].Warm(b.Context()); err != nil { // records pass until then
			b.Fatal(err)
		}
		cpu, began := processCPU(b), time.Now()
		if err := HandOver(b.Context(), from, to); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
		computed += processCPU(b) - cpu
		from, to = to, from
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "ns/op")
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns/op")
	b.ReportMetric(float64(computed)/float64(len(took)), "cpu-ns/op")
}

func processCPU(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// warmStamp is an instance that is ready for records.
func warmStamp(b *testing.B, e *engine.Engine, version string, wasm []byte) []*Link {
	b.Helper()
	digest := sha256.Sum256(wasm)
	module, err := e.Compile(b.Context(), wasm, hex.EncodeToString(digest[:]))
	if err != nil {
		b.Fatal(err)
	}
	group := Group{Digest: version, Stages: []Stage{{abi.Stage{Kind: abi.KindTransform, Alias: "stamp"},
		plugin.Plugin{Plugin: abi.Plugin{Class: "test.Stamp", Version: version, KeepsState: true}}}}}
	plan := abi.Plan{Role: abi.RoleTask, Connector: "bench", Stages: group.Plan()}
	link := &Link{Group: group, Limit: host.TransformDurationMax,
		Instance: guest.Run(context.Background(), module, plan, guest.Options{Log: slog.New(slog.DiscardHandler)})}
	b.Cleanup(func() { link.Instance.Kill(guest.ErrEnded); <-link.Instance.Done() })
	if err := link.Instance.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := link.Warm(b.Context()); err != nil {
		b.Fatal(err)
	}
	return []*Link{link}
}
