package metering_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/berth-connect/berth/host/metering"
)

// A module that is made of any bytes ends alike with and without metering: same result or same trap, same memory, same
// global. Slices are tiny.
func FuzzGeneratedModules(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		seed := make([]byte, rnd.IntN(600))
		for i := range seed {
			seed[i] = byte(rnd.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		wasm := (&generator{input: input[:min(len(input), 4096)]}).module()
		metered, err := metering.Rewrite(wasm)
		if err != nil {
			t.Fatalf("refused: %v\n%x", err, wasm)
		}
		want, got := runGenerated(t, wasm), runGenerated(t, metered)
		if want != got {
			t.Fatalf("plain %s, metered %s\n%x", want, got, wasm)
		}
	})
}

func runGenerated(t *testing.T, wasm []byte) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	defer r.Close(ctx)
	host := r.NewHostModuleBuilder(metering.YieldModule)
	host.NewFunctionBuilder().WithFunc(func() uint32 { return metering.SliceUnitsMin }).Export(metering.YieldName)
	if _, err := host.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(ctx, wasm)
	if err != nil {
		t.Fatalf("the engine refuses it: %v\n%x", err, wasm)
	}
	result, err := m.ExportedFunction("f").Call(ctx, 5)
	text := fmt.Sprint(result)
	if err != nil {
		text = reason(err)
	}
	memory, _ := m.Memory().Read(0, m.Memory().Size())
	return fmt.Sprintf("%s, global %d, memory %x", text, m.ExportedGlobal("g").Get(), sha256.Sum256(memory))
}

// Any bytes are refused or rewritten; what was refused by the engine before is refused after.
func FuzzRewrite(f *testing.F) {
	f.Add((&generator{input: []byte("seed of a module")}).module())
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	f.Cleanup(func() { _ = r.Close(ctx) })
	f.Fuzz(func(t *testing.T, wasm []byte) {
		metered, err := metering.Rewrite(wasm)
		if err != nil {
			return
		}
		after, err := r.CompileModule(ctx, metered)
		if err != nil {
			return
		}
		defer after.Close(ctx)
		before, err := r.CompileModule(ctx, wasm)
		if err != nil && !strings.Contains(err.Error(), "custom section name") { // names decide nothing: left out if odd
			t.Fatalf("refused before (%v), taken after", err)
		}
		if err == nil {
			_ = before.Close(ctx)
		}
	})
}

// A program of Go's compiler and library prints the same with and without metering, with tiny slices and with usual
// ones.
func TestRealModuleAnswersAlike(t *testing.T) {
	wasm := goGuest(t, "digest")
	metered, err := metering.Rewrite(wasm)
	if err != nil {
		t.Fatal(err)
	}
	want := runner(t, wasm, 0)()
	if !strings.Contains(want, "recovered runtime error") {
		t.Fatalf("the guest did not come to its end:\n%s", want)
	}
	for _, units := range []uint32{metering.SliceUnitsMin, 100_000} {
		if got := runner(t, metered, units)(); got != want {
			t.Errorf("slices of %d units:\n%s\nwithout:\n%s", units, got, want)
		}
	}
}
