// Package engine runs guest modules. It is the only code that imports wazero, and keeps the rest of the host from
// knowing how a module is compiled, capped, watched and killed: Compile, then Module.Run once per instance.
package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/fair"
)

// Engine compiles modules and owns what their instances share. Safe for concurrent use.
type Engine struct {
	runtime wazero.Runtime
	cache   *cache
	turns   *queues
	memory  memoryBudget // of all guests
	cpu     cpuBudget    // of all guests
	files   *fileBudget
	shares  fair.Shares

	moduleMemoryBytes int64
	moduleSecondCPU   time.Duration
	served            served

	// compile writes a cache entry; a process of its own does it.
	compile    func(ctx context.Context, wasm []byte, memoryBytesMax int64, entry string) error
	small, big chan struct{} // lanes of the compilation pool, one module at a time each
	loading    sync.Mutex    // one module is loaded at a time
	ctx        context.Context
	cancel     context.CancelFunc
	jobs       sync.WaitGroup

	mu      sync.Mutex
	modules map[string]*job         // by digest; guarded by mu
	tenants map[string]*fair.Tenant // guarded by mu
}

// Open makes an engine that keeps compiled code in cacheDir ("": until it is closed).
func Open(ctx context.Context, cacheDir string) (*Engine, error) {
	e := &Engine{
		compile: compileApart,
		small:   make(chan struct{}, 1), big: make(chan struct{}, 1),
		modules: map[string]*job{}, tenants: map[string]*fair.Tenant{},
		turns:  newQueues(runtime.GOMAXPROCS(0) - 1),
		memory: memoryBudget{limit: host.LimitWorkerMemory, bytes: host.WorkerMemoryBytesMax},
		files:  newFileBudget(),

		moduleMemoryBytes: host.ModuleMemoryBytesMax,
	}
	var err error
	if e.cache, err = openCache(cacheDir); err != nil {
		return nil, fmt.Errorf("open compilation cache %q: %w", cacheDir, err)
	}
	e.ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	e.runtime = newRuntime(ctx, e.cache.engine)
	if err := instantiateHostModules(ctx, e.runtime); err != nil {
		return nil, errors.Join(fmt.Errorf("link host functions: %w", err), e.Close(ctx))
	}
	e.served = servedBy(e.runtime)
	return e, nil
}

// newRuntime is the same for compiling and for running: compiled code depends on it.
func newRuntime(ctx context.Context, cache wazero.CompilationCache) wazero.Runtime {
	return wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().
		WithCompilationCache(cache).WithMemoryLimitPages(1<<16))
}

// LimitMemory sets what the instances of one module, and all instances together, may have; to be called before the
// first Compile. Without it, host.ModuleMemoryBytesMax and host.WorkerMemoryBytesMax hold.
func (e *Engine) LimitMemory(moduleBytes, workerBytes int64) {
	e.moduleMemoryBytes, e.memory.bytes = moduleBytes, workerBytes
}

// LimitCPU sets how long the instances of one module, and all instances together, may compute in each second; 0: as the
// machine has it. To be called before the first Compile.
func (e *Engine) LimitCPU(module, worker time.Duration) {
	e.moduleSecondCPU, e.cpu.perSecond = module, worker
}

// Share is a tenant's share of the cores, of which it has one from the first call on.
func (e *Engine) Share(tenant string) *fair.Tenant {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tenants[tenant]
	if t == nil {
		t = e.shares.Join()
		e.tenants[tenant] = t
	}
	return t
}

// Memory is what all guests have, and what they may have, in bytes.
func (e *Engine) Memory() (used, limit int64) { return e.memory.used.Load(), e.memory.bytes }

// Close ends compilations and frees everything; instances must have ended.
func (e *Engine) Close(ctx context.Context) error {
	e.cancel()
	e.jobs.Wait()
	var errs []error
	for _, j := range e.modules {
		if j.module != nil {
			errs = append(errs, j.module.image.close())
		}
	}
	return errors.Join(append(errs, e.runtime.Close(ctx), e.cache.close(ctx))...)
}
