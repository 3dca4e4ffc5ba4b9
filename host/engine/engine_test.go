package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// calls is the host's side of a guest: events are given in order, messages are kept.
type calls struct {
	mu       sync.Mutex
	events   [][]byte
	messages []abi.MessageKind
	wake     chan struct{}
}

func (c *calls) Poll(dst []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.events) == 0 {
		return 0
	}
	if e := c.events[0]; len(e) <= len(dst) {
		c.events = c.events[1:]
		return copy(dst, e)
	}
	return -len(c.events[0])
}

func (c *calls) Put(kind, _ uint32, _, _ []byte) abi.PutStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = append(c.messages, abi.MessageKind(kind))
	return abi.PutTaken
}

func (c *calls) Commit(uint32, []byte) abi.PutStatus { return abi.PutTaken }
func (c *calls) Log(uint32, []byte)                  {}
func (c *calls) Metric([]byte, uint32, float64)      {}
func (c *calls) Awaits() bool                        { return false }
func (c *calls) Owes() bool                          { return false }
func (c *calls) Wake() <-chan struct{}               { return c.wake }

func (c *calls) Ready() (bool, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.events) > 0, true
}

func plan(p abi.Plan) []byte { return abi.AppendEvent(nil, abi.EventPlan, 1, p.Encode()) }

func hostile(t *testing.T, e *Engine) *Module {
	t.Helper()
	wasm := guests.Go(t, "testdata/guests/hostile", "")
	m, err := e.Compile(t.Context(), wasm, "hostile")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func open(t testing.TB) *Engine {
	t.Helper()
	e, err := Open(t.Context(), filepath.Join(os.TempDir(), "berth-test-cache"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

func task(misbehave string) abi.Plan {
	topic := "t"
	return abi.Plan{Role: abi.RoleTask, Stages: []abi.Stage{{Kind: abi.KindSource,
		Config: map[string]*string{"misbehave": &misbehave, "topic": &topic}}}}
}

func TestDescribeEndsWithExitCodeZero(t *testing.T) {
	m := hostile(t, open(t))
	c := &calls{events: [][]byte{plan(abi.Plan{Role: abi.RoleDescribe})}, wake: make(chan struct{}, 1)}
	if err := m.Run(t.Context(), Config{}, c); err != nil {
		t.Fatal(err)
	}
	if len(c.messages) != 1 || c.messages[0] != abi.MessageManifest {
		t.Fatalf("messages: %v", c.messages)
	}
}

func TestTrapTellsWhereTheGuestWas(t *testing.T) {
	m := hostile(t, open(t))
	err := m.Run(t.Context(), Config{}, &calls{events: [][]byte{plan(task("poll:trap"))}, wake: make(chan struct{}, 1)})
	var g *GuestError
	if !errors.As(err, &g) || !strings.Contains(g.Reason, "out of bounds memory access") {
		t.Fatalf("%v", err)
	}
	if !g.At.Known || abi.Phase(g.At.Phase) != abi.PhasePoll || g.At.Record != 3 {
		t.Fatalf("at %+v", g.At)
	}
}

func TestCancelEndsAGuestThatLoopsOrSleeps(t *testing.T) {
	m := hostile(t, open(t))
	for _, how := range []string{"poll:loop", "poll:spin", "poll:sleep"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		c := &calls{events: [][]byte{plan(task(how))}, wake: make(chan struct{}, 1)}
		time.AfterFunc(100*time.Millisecond, func() { cancel(why) })
		if err := m.Run(ctx, Config{}, c); !errors.Is(err, why) {
			t.Errorf("%s: %v", how, err)
		}
	}
}

func TestMemoryCapHolds(t *testing.T) {
	m := hostile(t, open(t))
	c := &calls{events: [][]byte{plan(task("poll:memory"))}, wake: make(chan struct{}, 1)}
	err := m.Run(t.Context(), Config{Limits: host.Limits{MemoryBytes: 32 << 20}}, c)
	var g *GuestError
	if !errors.As(err, &g) || !strings.Contains(g.Detail, "out of memory") {
		t.Fatalf("%v", err)
	}
}

// A worker whose memory is given out already refuses an instance by name; it does not fall over.
func TestInitialMemoryOverTheBudgetIsAnError(t *testing.T) {
	m := hostile(t, open(t))
	err := m.Run(t.Context(), Config{Limits: host.Limits{MemoryBytes: 1 << 16}}, &calls{wake: make(chan struct{}, 1)})
	var limit *host.LimitError
	if !errors.As(err, &limit) || limit.Name != host.LimitMemory {
		t.Fatalf("%v", err)
	}
}

func TestCompileRefusesWhatCantRun(t *testing.T) {
	e := open(t)
	marker := imported{"berth", "berth_abi_1", 0}
	for _, c := range []struct {
		name          string
		memory, start bool
		imports       []imported
		says          string
	}{
		{"no marker", true, true, nil, "no Berth plugin"},
		{"no memory", false, true, []imported{marker}, "exports no memory"},
		{"no start", true, false, []imported{marker}, "no function _start"},
		{"unknown module", true, true, []imported{marker, {"env", "abort", 0}}, `unknown module "env"`},
		{"unknown function", true, true, []imported{marker, {"berth", "fetch", 0}}, "no such function"},
		{"other version", true, true, []imported{{"berth", "berth_abi_9", 0}}, "this worker speaks berth_abi_1"},
		{"wrong signature", true, true, []imported{marker, {"berth", "poll", 3}}, "signature"},
		{"the meter's own", true, true, []imported{marker, {"berth_meter", "yield", 0}}, `unknown module "berth_meter"`},
		{"wrong WASI signature", true, true, []imported{marker, {"wasi_snapshot_preview1", "sched_yield", 3}},
			"import wasi_snapshot_preview1.sched_yield has signature [i32 i32 i32] -> []; it must be [] -> [i32]"},
		{"unknown WASI", true, true, []imported{marker, {"wasi_snapshot_preview1", "sock_open", 0}}, "no such function"},
	} {
		_, err := e.Compile(t.Context(), assemble(c.memory, c.start, c.imports), c.name)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := e.Compile(t.Context(), assemble(true, true, []imported{marker}), "good"); err != nil {
		t.Errorf("a module in order was refused: %v", err)
	}
}

// imported is a function import with that many i32 parameters.
type imported struct {
	module, name string
	params       byte
}

// assemble makes the binary of a module with these imports, an exported memory and an empty _start.
func assemble(memory, start bool, imports []imported) []byte {
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	section := func(id byte, content []byte) []byte { return append([]byte{id, byte(len(content))}, content...) }
	types := []byte{byte(len(imports) + 1), 0x60, 0, 0}
	imps := []byte{byte(len(imports))}
	for i, f := range imports {
		types = append(append(types, 0x60, f.params), strings.Repeat("\x7f", int(f.params))...)
		types = append(types, 0)
		imps = append(append(append(imps, name(f.module)...), name(f.name)...), 0, byte(i+1))
	}
	exports := []byte{0}
	if memory {
		exports[0]++
		exports = append(append(exports, name("memory")...), 2, 0)
	}
	if start {
		exports[0]++
		exports = append(append(exports, name("_start")...), 0, byte(len(imports)))
	}
	wasm := []byte("\x00asm\x01\x00\x00\x00")
	wasm = append(wasm, section(1, types)...)
	wasm = append(wasm, section(2, imps)...)
	wasm = append(wasm, section(3, []byte{1, 0})...)
	wasm = append(wasm, section(5, []byte{1, 0, 1})...)
	wasm = append(wasm, section(7, exports)...)
	return append(wasm, section(10, []byte{1, 2, 0, 0x0b})...)
}

func TestJailKeepsGuestsInside(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	links := map[string]string{"file": secret, "dir": outside, "dangling": filepath.Join(outside, "new")}
	for link, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("inner", filepath.Join(dir, "good")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "inner"), []byte("y"), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := newJail(dir, &openFiles{all: newFileBudget()}, new(writeCause))
	if err != nil {
		t.Fatal(err)
	}
	climbing := "../" + filepath.Base(outside) + "/secret"
	for _, path := range []string{"file", "dir/secret", "dangling", climbing, "dir/../file"} {
		if f, errno := j.OpenFile(path, 0, 0); errno == 0 {
			_ = f.Close()
			t.Errorf("%s was opened", path)
		}
	}
	for _, path := range []string{"inner", "good", "."} {
		f, errno := j.OpenFile(path, 0, 0)
		if errno != 0 {
			t.Errorf("%s: %v", path, errno)
			continue
		}
		_ = f.Close()
	}
	if errno := j.Symlink(secret, "mine"); errno == 0 {
		t.Error("a guest made a link")
	}
}
