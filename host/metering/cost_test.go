package metering_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/berth-connect/berth/host/metering"
)

// BenchmarkCost runs guests that measure themselves, in turns with and without metering, and prints how many times
// longer they take. BERTH_METERING_RUST names a Rust guest that is built already (make bench-metering).
func BenchmarkCost(b *testing.B) {
	guests := map[string][]byte{"Go": goGuest(b, "speed"), "loop.wat": watGuest(b)}
	if file := os.Getenv("BERTH_METERING_RUST"); file != "" {
		wasm, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		guests["Rust"] = wasm
	}
	for _, name := range slices.Sorted(maps.Keys(guests)) {
		b.Run(name, func(b *testing.B) { compareCost(b, guests[name]) })
	}
}

// BenchmarkSandbox runs chains of the stock module natively and as metered Wasm in turns, and prints how many times longer
// the sandbox takes (make bench-sandbox). BERTH_SANDBOX_NATIVE and BERTH_SANDBOX_WASM are the same program.
func BenchmarkSandbox(b *testing.B) {
	native, file := os.Getenv("BERTH_SANDBOX_NATIVE"), os.Getenv("BERTH_SANDBOX_WASM")
	if native == "" || file == "" {
		b.Skip("needs programs: make bench-sandbox")
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	metered, err := metering.Rewrite(wasm)
	if err != nil {
		b.Fatal(err)
	}
	compare(b, func() map[string]float64 {
		out, err := exec.Command(native).Output()
		if err != nil {
			b.Fatal(err)
		}
		return figures(b, string(out))
	}, selfMeasuring(b, metered))
}

// costRounds is how often each form runs; the fastest counts.
const costRounds = 10

func compareCost(b *testing.B, wasm []byte) {
	metered, err := metering.Rewrite(wasm)
	if err != nil {
		b.Fatal(err)
	}
	compare(b, selfMeasuring(b, wasm), selfMeasuring(b, metered))
	b.ReportMetric(float64(len(metered))/float64(len(wasm)), "size-x")
}

// compare lets two forms of a program take turns and reports how many times longer the second one takes.
func compare(b *testing.B, first, second func() map[string]float64) {
	for b.Loop() {
		best := [2]map[string]float64{{}, {}}
		for range costRounds {
			for i, run := range []func() map[string]float64{first, second} {
				for what, ns := range run() {
					if old, ok := best[i][what]; !ok || ns < old {
						best[i][what] = ns
					}
				}
			}
		}
		for what, ns := range best[0] {
			b.ReportMetric(best[1][what]/ns, what+"-x")
			b.ReportMetric(best[1][what], what+"-ns")
		}
	}
}

// selfMeasuring returns a function that runs a guest once and reads what it prints.
func selfMeasuring(b *testing.B, wasm []byte) func() map[string]float64 {
	b.Helper()
	run := runner(b, wasm, 100_000)
	return func() map[string]float64 { return figures(b, run()) }
}

// figures reads lines of a name and nanoseconds.
func figures(b *testing.B, out string) map[string]float64 {
	b.Helper()
	found := map[string]float64{}
	for line := range strings.Lines(out) {
		var name string
		var ns float64
		if n, _ := fmt.Sscanf(line, "%s %f ns", &name, &ns); n == 2 {
			found[name] = ns
		}
	}
	if len(found) == 0 {
		b.Fatalf("the program printed no figures: %s", out)
	}
	return found
}

// runner compiles a command module and returns a function that runs it and returns what it prints.
func runner(b testing.TB, wasm []byte, sliceUnits uint32) func() string {
	b.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	b.Cleanup(func() { _ = r.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	host := r.NewHostModuleBuilder(metering.YieldModule)
	host.NewFunctionBuilder().WithFunc(func() uint32 { return sliceUnits }).Export(metering.YieldName)
	if _, err := host.Instantiate(ctx); err != nil {
		b.Fatal(err)
	}
	instantiateSilentHost(b, r)
	code, err := r.CompileModule(ctx, wasm)
	if err != nil {
		b.Fatal(err)
	}
	return func() string {
		var out bytes.Buffer
		config := wazero.NewModuleConfig().WithName("").WithStdout(&out).WithStderr(&out).WithSysNanotime().WithSysWalltime()
		if _, err := r.InstantiateModule(ctx, code, config); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
			b.Fatalf("%v\n%s", err, out.String())
		}
		return out.String()
	}
}

// instantiateSilentHost gives programs that hold plugins the imports that they do not call.
func instantiateSilentHost(b testing.TB, r wazero.Runtime) {
	b.Helper()
	host := r.NewHostModuleBuilder("berth")
	nothing := api.GoModuleFunc(func(context.Context, api.Module, []uint64) {})
	i32, f64 := api.ValueTypeI32, api.ValueTypeF64
	for name, parameters := range map[string][]api.ValueType{
		"log": {i32, i32, i32}, "metric": {i32, i32, i32, f64}, "position": {i32},
	} {
		host.NewFunctionBuilder().WithGoModuleFunction(nothing, parameters, nil).Export(name)
	}
	if _, err := host.Instantiate(context.Background()); err != nil {
		b.Fatal(err)
	}
}

func goGuest(b testing.TB, name string) []byte {
	b.Helper()
	out := filepath.Join(b.TempDir(), name+".wasm")
	cmd := exec.Command("go", "build", "-o", out, "../../testdata/guests/"+name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	return built(b, cmd, out)
}

func watGuest(b *testing.B) []byte {
	b.Helper()
	out := filepath.Join(b.TempDir(), "loop.wasm")
	return built(b, exec.Command("wat2wasm", "../../testdata/guests/speed/loop.wat", "-o", out), out)
}

func built(b testing.TB, cmd *exec.Cmd, out string) []byte {
	b.Helper()
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build guest: %v\n%s", err, text)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	return wasm
}
