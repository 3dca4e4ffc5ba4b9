package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// puppet compiles the guest that does what a script says.
func puppet(t testing.TB, e *Engine) *Module {
	t.Helper()
	wasm := guests.Puppet("sink").Build(t)
	m, err := e.Compile(context.Background(), wasm, fmt.Sprintf("%x", sha256.Sum256(wasm)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// play runs a script in an instance of its own.
func play(ctx context.Context, m *Module, config Config, script guests.Script) error {
	c := &calls{wake: make(chan struct{}, 1), events: [][]byte{
		plan(abi.Plan{Role: abi.RoleTask, Stages: []abi.Stage{{Kind: abi.KindSink}}}),
		abi.AppendEvent(nil, abi.EventBatch, 2, script),
	}}
	return m.Run(ctx, config, c)
}

// playMax is how long a script may compute, and waitMax how long it may wait for what never comes: a fuzzer wants the
// next one.
const (
	playMax = 20 * time.Millisecond
	waitMax = 5 * playMax
	// compileMax: changed bytes can make 50,000 locals of one, which takes the compiler seconds.
	compileMax = time.Second
)

// Calls of the host in any order, with any arguments, end the instance at worst.
func FuzzHostCalls(f *testing.F) {
	e := fuzzed(f)
	m := puppet(f, e)
	for i := range len(guests.Imports) {
		f.Add(bytes.Repeat([]byte{byte(i), 0xff, 0, byte(i), 3, 4}, 20))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		limits := host.Limits{BatchCPU: playMax, BatchSleep: playMax, MemoryBytes: 16 << 20}
		config := Config{Limits: limits, Dirs: []string{t.TempDir()}, Sleepless: true}
		ctx, cancel := context.WithTimeout(t.Context(), waitMax)
		defer cancel()
		checkEnd(t, play(ctx, m, config, randomScript(input)))
		if e.memory.used.Load() != 0 || e.files.used.Load() != 0 {
			t.Errorf("%d bytes of memory and %d files are left", e.memory.used.Load(), e.files.used.Load())
		}
	})
}

func fuzzed(f *testing.F) *Engine {
	e, err := Open(context.Background(), f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Close(context.Background()) })
	e.compile = func(ctx context.Context, wasm []byte, memoryBytesMax int64, entry string) error {
		ctx, cancel := context.WithTimeout(ctx, compileMax)
		defer cancel()
		return compileApart(ctx, wasm, memoryBytesMax, entry)
	}
	return e
}

// checkEnd: an instance exits, traps or is killed.
func checkEnd(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*GuestError](err); err != nil && !ok {
		t.Errorf("the instance ended in a way of its own: %v", err)
	}
}

// wildArguments are where calls break, if they do.
var wildArguments = []uint64{0, 1, 2, 3, 4, 5, 8, 64, 4096, 1 << 20, 1<<20 + 1, guests.Scratch, guests.Scratch + 64,
	4<<20 - 1, 4 << 20, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, 1 << 40, 0x7fffffffffffffff, 0xffffffffffffffff}

// randomScript reads bytes as calls: the import, then a byte for each argument, which picks one of wildArguments or is
// the number itself.
func randomScript(input []byte) guests.Script {
	acts := guests.Write(guests.Scratch, []byte("a/../b"))
	for len(input) > 0 && len(acts) < 200 {
		called := guests.Imports[int(input[0])%len(guests.Imports)]
		input = input[1:]
		n := min(len(called.Params), len(input))
		var args []uint64
		for _, b := range input[:n] {
			args = append(args, wildArgument(b))
		}
		input = input[n:]
		acts = append(acts, guests.Call(called.Name, args...))
	}
	return guests.NewScript(acts...)
}

func wildArgument(b byte) uint64 {
	if int(b) < len(wildArguments) {
		return wildArguments[b]
	}
	return uint64(b)
}

// Modules with any bytes changed are refused, or run to an end within their limits.
func FuzzModules(f *testing.F) {
	e := fuzzed(f)
	f.Add(guests.Puppet("sink").Build(f), []byte{0, 1, 2, 3, 4, 5})
	f.Add(assemble(true, true, []imported{{"berth", "berth_abi_1", 0}}), []byte{9, 0, 7})
	f.Add(guests.Text{How: "tree", Step: "describe", Kind: "sink"}.Build(f), []byte{200, 1, 0xff})
	f.Fuzz(func(t *testing.T, wasm, changes []byte) {
		wasm = bytes.Clone(wasm)
		for ; len(changes) >= 3 && len(wasm) > 0; changes = changes[3:] { // where, in 16 bits, and what
			wasm[int(binary.LittleEndian.Uint16(changes))%len(wasm)] = changes[2]
		}
		m, err := e.Compile(t.Context(), wasm, fmt.Sprintf("%x", sha256.Sum256(wasm)))
		if err != nil {
			return
		}
		limits := host.Limits{BatchCPU: playMax, BatchSleep: playMax, MemoryBytes: 64 << 20}
		c := &calls{wake: make(chan struct{}, 1), events: [][]byte{plan(abi.Plan{Role: abi.RoleDescribe})}}
		ctx, cancel := context.WithTimeout(t.Context(), waitMax)
		defer cancel()
		checkEnd(t, m.Run(ctx, Config{Limits: limits, Sleepless: true}, c))
	})
}
