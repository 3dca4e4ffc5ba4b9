package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/sys"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/fair"
	"github.com/berth-connect/berth/host/network"
)

// Module is a compiled module. Safe for concurrent use.
type Module struct {
	engine  *Engine
	runtime wazero.Runtime
	code    wazero.CompiledModule
	memory  memoryBudget // of all its instances
	cpu     cpuBudget    // of all its instances
	tables  int64        // bytes that an instance's tables may take
	begins  atomic.Int64 // bytes that its last instance began with
	image   *image

	Digest          string
	CompileDuration time.Duration // near zero when it came from the cache
}

// Config is what one instance is given.
type Config struct {
	Name   string      // for logs
	Limits host.Limits // zero fields: the defaults
	// Sleepless guests have nothing to wait for: Limits.BatchSleep holds for them.
	Sleepless bool
	TimeZone  string    // the guest's TZ; "": UTC
	Dirs      []string  // granted directories, reachable under the same absolute paths
	Stdin     *Input    // nil: empty
	Stdout    io.Writer // nil: goes where standard error goes
	Stderr    io.Writer // nil: only the tail is kept, for traces

	Network *network.Access // nil: the guest has no capability for it

	// Precedence is given to the guest while records wait for its answer; nil: never.
	Precedence *fair.Precedence

	Account Account
}

// Account is who pays for an instance; the zero value is the default tenant's, which nobody counts.
type Account struct {
	Share  *fair.Tenant   // of the cores
	Memory []MemoryBudget // asked besides those of instance, module and worker
	// Computed hears of each slice of computing, from the instance's goroutine: how long it took, its units, and the
	// index of the stage that it ended in.
	Computed func(stage uint32, d time.Duration, units uint32)
}

// HeardBy is the account with somebody who hears of computing, too; nil: nobody does.
func (a Account) HeardBy(also func(stage uint32, d time.Duration, units uint32)) Account {
	if first := a.Computed; also != nil {
		a.Computed = func(stage uint32, d time.Duration, units uint32) {
			first(stage, d, units)
			also(stage, d, units)
		}
	}
	return a
}

// instance is one running module; it belongs to the goroutine of Run.
type instance struct {
	calls       Calls
	stdin       *Input
	network     *network.Stack
	memory      api.Memory
	positionPtr uint32
	faulted     string
	stderr      *tail
	writeCause  writeCause
	files       openFiles
	jails       []*jail
	clock       clock
}

type instanceKey struct{}

func instanceOf(ctx context.Context) *instance { return ctx.Value(instanceKey{}).(*instance) }

// enter is the first act of each host call: the place where a killed instance ends.
func (in *instance) enter(ctx context.Context) {
	in.clock.check(0)
	if ctx.Err() != nil || in.faulted != "" {
		panic(sys.NewExitError(sys.ExitCodeContextCanceled))
	}
	in.clock.wait(ctx) // a guest that mostly calls the host hardly ever yields
}

// fault ends the instance at its next host call: it broke the contract where no error code can be returned.
func (in *instance) fault(what string) { in.faulted = what }

// Run makes an instance, runs its _start on the calling goroutine until it ends, and frees it. It returns nil after
// exit code 0 and a *GuestError otherwise. A cancelled ctx kills the instance within a few ms, whatever it does.
func (m *Module) Run(ctx context.Context, config Config, calls Calls) error {
	ctx, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	limits := config.Limits.WithDefaults()
	in := &instance{calls: calls, stdin: config.Stdin, stderr: &tail{next: config.Stderr}}
	in.clock = clock{limits: limits, sleepless: config.Sleepless, queue: m.engine.turns, kill: kill,
		precedence: config.Precedence,
		seconds:    limited(&cpuBudget{perSecond: limits.SecondCPU}, &m.cpu, &m.engine.cpu)}
	in.payBy(config.Account, m.engine)
	defer in.clock.leave()
	defer config.Precedence.Close()
	in.network = network.NewStack(ctx, accessOf(config), limits, abi.TaskFd)
	defer in.network.Close()
	mem := m.guestMemory(limits, config.Account)
	defer mem.release()
	if !mem.takeTables(m.tables) {
		return &GuestError{Reason: "not started: " + mem.refused.Refusal().Error(), Cause: mem.refused.Refusal()}
	}
	in.files.all = m.engine.files
	defer in.closeJails()
	moduleConfig, err := in.moduleConfig(config)
	if err != nil {
		return fmt.Errorf("prepare instance %s: %w", config.Name, err)
	}
	ctx = context.WithValue(ctx, instanceKey{}, in)
	mod, err := m.instantiate(experimental.WithMemoryAllocator(ctx, mem), moduleConfig)
	if err != nil {
		return guestError(ctx, err, in, mem)
	}
	defer func() { _ = mod.Close(context.WithoutCancel(ctx)) }() // an instance that ended has nothing to fail with
	in.memory = mod.Memory()
	m.begins.Store(mem.held())
	in.clock.restart()
	_, err = mod.ExportedFunction("_start").Call(ctx)
	in.clock.count(0)
	return guestError(ctx, err, in, mem)
}

// payBy tells the clock for whom it counts.
func (in *instance) payBy(account Account, e *Engine) {
	in.clock.share = account.Share
	if account.Share == nil {
		in.clock.share = e.Share("")
	}
	in.clock.computed = func(time.Duration, uint32) {}
	if account.Computed != nil {
		in.clock.computed = func(d time.Duration, units uint32) { account.Computed(in.position().Stage, d, units) }
	}
}

// Precedence makes what an instance of the module gets with its Config.
func (m *Module) Precedence() *fair.Precedence { return m.engine.turns.preceding.New() }

// BeginsWith is what an instance needs at least, in bytes of memory and tables; 0 before the first one.
func (m *Module) BeginsWith() int64 { return m.begins.Load() }

// instantiate makes the instance. The engine panics when it does not get the memory that the module begins with.
func (m *Module) instantiate(ctx context.Context, config wazero.ModuleConfig) (mod api.Module, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("instantiate: %v", p)
		}
	}()
	return m.runtime.InstantiateModule(ctx, m.code, config)
}

// guestMemory is an instance's share of what the module and the worker may have. The reserve is a page larger than the
// budget, so that it is the budget that says no.
func (m *Module) guestMemory(limits host.Limits, account Account) *guestMemory {
	own := &memoryBudget{limit: host.LimitMemory, bytes: int64(limits.MemoryBytes)}
	return &guestMemory{bytesMax: limits.MemoryBytes + 1<<16, image: m.image,
		budgets: append([]MemoryBudget{own, &m.memory, &m.engine.memory}, account.Memory...)}
}

// moduleConfig grants nothing that is not asked for: no environment but the zone, no arguments, no files, real clocks
// and randomness.
func (in *instance) moduleConfig(config Config) (wazero.ModuleConfig, error) {
	files := wazero.NewFSConfig()
	for _, dir := range config.Dirs {
		j, err := newJail(dir, &in.files, &in.writeCause)
		if err != nil {
			return nil, fmt.Errorf("grant directory %q: %w", dir, err)
		}
		in.jails = append(in.jails, j)
		files = files.(sysfs.FSConfig).WithSysFSMount(j, dir)
	}
	stdout := config.Stdout
	if stdout == nil {
		stdout = in.stderr
	}
	return wazero.NewModuleConfig().
		WithName("").
		WithStartFunctions().
		WithArgs("guest").
		WithEnv("TZ", cmp.Or(config.TimeZone, "UTC")).
		WithRandSource(rand.Reader).
		WithSysWalltime().
		WithNanotime(nanotime, 1).
		WithStdout(stdout).
		WithStderr(in.stderr).
		WithFSConfig(files), nil
}

func (in *instance) closeJails() {
	for _, j := range in.jails {
		_ = j.root.Close() // it was opened to be read
	}
}

// position reads what the guest registered; its memory is still mapped.
func (in *instance) position() Position {
	if in.positionPtr == 0 || in.memory == nil {
		return Position{}
	}
	b, ok := in.memory.Read(in.positionPtr, 16)
	if !ok {
		return Position{}
	}
	return Position{
		Stage:  binary.LittleEndian.Uint32(b),
		Record: binary.LittleEndian.Uint32(b[4:]),
		Phase:  binary.LittleEndian.Uint32(b[8:]),
		Known:  true,
	}
}

// tail passes writes on and keeps the first and the last bytes for traces: a Go guest that panics says why first and
// where last.
type tail struct {
	next        io.Writer
	mu          sync.Mutex
	first, last []byte // guarded by mu
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	n := min(len(p), host.StderrKeptBytesMax-len(t.first))
	t.first = append(t.first, p[:n]...)
	t.last = append(t.last, p[max(n, len(p)-host.StderrKeptBytesMax):]...)
	if over := len(t.last) - host.StderrKeptBytesMax; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	t.mu.Unlock()
	if t.next != nil {
		if _, err := t.next.Write(p); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return 0, err
		}
	}
	return len(p), nil
}

func (t *tail) tail() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.first) + string(t.last)
}
