package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/guest-sdk/go/guesttest"
	"github.com/berth-connect/berth/host/engine"
)

// The conformance list of guest SDKs, played against each SDK's kit as a Wasm module in the real engine. (Each SDK
// plays it natively as well, in its own tests.)
func TestConformanceOfSDKsAsWasm(t *testing.T) {
	list, err := os.ReadFile("testdata/abi/conformance.bin")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := guesttest.ParseCases(list)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(t.Context(), filepath.Join(os.TempDir(), "berth-test-cache"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	for sdk, wasm := range map[string][]byte{"go": buildGoKit(t), "rust": buildRustKit(t)} {
		module, err := e.Compile(t.Context(), wasm, "kit-"+sdk)
		if err != nil {
			t.Fatalf("%s: %v", sdk, err)
		}
		for _, c := range cases {
			t.Run(sdk+"/"+c.Name, func(t *testing.T) {
				p := &playerCalls{player: guesttest.NewPlayer(c), wake: make(chan struct{}, 1)}
				ended := module.Run(t.Context(), engine.Config{}, p)
				if err := p.player.End(ended != nil); err != nil {
					t.Errorf("%v; it ended with: %v", err, ended)
				}
			})
		}
	}
}

func buildGoKit(t *testing.T) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "kit.wasm")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", out, "./guest-sdk/go/guesttest/kitmain")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the Go kit: %v\n%s", err, text)
	}
	return read(t, out)
}

// buildRustKit needs the Rust tool chain for Wasm, as the tests of the bundled module do.
func buildRustKit(t *testing.T) []byte {
	t.Helper()
	if text, err := exec.Command("modules/build.sh", "kit", "kit").CombinedOutput(); err != nil {
		t.Fatalf("build the Rust kit: %v\n%s", err, text)
	}
	return read(t, "modules/built/kit-rust.wasm")
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// playerCalls gives a script to a guest in the engine.
type playerCalls struct {
	mu     sync.Mutex
	player *guesttest.Player
	wake   chan struct{}
}

var _ engine.Calls = (*playerCalls)(nil)

func (p *playerCalls) Poll(dst []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.player.Event()
	if len(e) > len(dst) {
		return -len(e)
	}
	if e != nil {
		p.player.Take()
		p.changed()
	}
	return copy(dst, e)
}

func (p *playerCalls) Put(kind, seq uint32, head, data []byte) abi.PutStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.changed()
	body := append(append([]byte(nil), head...), data...)
	return p.player.Put(guesttest.Message{Kind: abi.MessageKind(kind), Seq: seq, Body: body})
}

func (p *playerCalls) Commit(seq uint32, body []byte) abi.PutStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.changed()
	return p.player.Commit(seq, append([]byte(nil), body...))
}

func (p *playerCalls) Ready() (readable, writable bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.player.Ready()
}

// changed wakes a guest that sleeps on what it just did: the next step may be for it.
func (p *playerCalls) changed() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *playerCalls) Owes() bool                     { return true }
func (p *playerCalls) Awaits() bool                   { return false }
func (p *playerCalls) Wake() <-chan struct{}          { return p.wake }
func (p *playerCalls) Log(uint32, []byte)             {}
func (p *playerCalls) Metric([]byte, uint32, float64) {}
