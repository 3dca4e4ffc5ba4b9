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
	"github.com/tetratelabs/wazero/experimental"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/metering"
)

// Engine compiles modules and owns what their instances share. Safe for concurrent use.
type Engine struct {
	runtime wazero.Runtime
	cache   wazero.CompilationCache
	compile chan struct{} // bounds compilations at once
	turns   *turnstile
	memory  memoryBudget // of all guests

	mu      sync.Mutex
	modules map[string]*Module // by digest; guarded by mu
}

// Open makes an engine that keeps compiled code in cacheDir ("": in memory only).
func Open(ctx context.Context, cacheDir string) (*Engine, error) {
	e := &Engine{
		compile: make(chan struct{}, host.CompilationsMax),
		modules: map[string]*Module{},
		turns:   newTurnstile(runtime.GOMAXPROCS(0) - 1),
		memory:  memoryBudget{limit: host.LimitWorkerMemory, bytes: host.WorkerMemoryBytesMax},
	}
	var err error
	if e.cache, err = openCache(cacheDir); err != nil {
		return nil, fmt.Errorf("open compilation cache %q: %w", cacheDir, err)
	}
	e.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().
		WithCompilationCache(e.cache).WithMemoryLimitPages(host.MemoryBytesMax>>16))
	if err := instantiateHostModules(ctx, e.runtime); err != nil {
		return nil, errors.Join(fmt.Errorf("link host functions: %w", err), e.Close(ctx))
	}
	return e, nil
}

func openCache(dir string) (wazero.CompilationCache, error) {
	if dir == "" {
		return wazero.NewCompilationCache(), nil
	}
	return wazero.NewCompilationCacheWithDir(dir)
}

// Compile checks and compiles a module; a module that is compiled already is returned as it is. The error of a
// module that this host can't run names what is wrong with it and the remedy.
func (e *Engine) Compile(ctx context.Context, wasm []byte, digest string) (*Module, error) {
	if m := e.compiled(digest); m != nil {
		return m, nil
	}
	select {
	case e.compile <- struct{}{}:
		defer func() { <-e.compile }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a compiler: %w", ctx.Err())
	}
	if m := e.compiled(digest); m != nil {
		return m, nil
	}
	ctx, cancel := context.WithTimeout(ctx, host.CompileDurationMax)
	defer cancel()
	started := time.Now()
	metered, err := metering.Rewrite(wasm)
	if err != nil {
		return nil, err
	}
	code, err := e.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, 2), metered)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if err := checkLinkage(code); err != nil {
		return nil, errors.Join(err, code.Close(ctx))
	}
	m := &Module{engine: e, runtime: e.runtime, code: code, Digest: digest, CompileDuration: time.Since(started)}
	m.memory.limit, m.memory.bytes = host.LimitModuleMemory, host.ModuleMemoryBytesMax
	e.mu.Lock()
	e.modules[digest] = m
	e.mu.Unlock()
	return m, nil
}

func (e *Engine) compiled(key string) *Module {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.modules[key]
}

// Close frees everything; instances must have ended.
func (e *Engine) Close(ctx context.Context) error {
	if e.runtime == nil {
		return nil
	}
	return errors.Join(e.runtime.Close(ctx), e.cache.Close(ctx))
}
