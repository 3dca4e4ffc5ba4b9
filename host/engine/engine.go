// Package engine runs guest modules. It is the only code that imports wazero, and keeps the rest of the host from
// knowing how a module is compiled, capped, watched and killed: Compile, then Module.Run once per instance.
package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/berth-connect/berth/host"
)

// Trust says how a module's code is held in check.
type Trust int

const (
	// Untrusted modules can be stopped in the middle of a loop. The price is a check at each loop header.
	Untrusted Trust = iota
	// Trusted modules (the bundled stock module) run at full speed and are stopped at their next host call.
	Trusted
)

// Engine compiles modules and owns what their instances share. Safe for concurrent use.
type Engine struct {
	runtimes [2]wazero.Runtime // by Trust
	cache    wazero.CompilationCache
	compile  chan struct{} // bounds compilations at once
	watch    *watch

	mu      sync.Mutex
	modules map[string]*Module // by digest and trust; guarded by mu
}

// Open makes an engine that keeps compiled code in cacheDir ("": in memory only).
func Open(ctx context.Context, cacheDir string) (*Engine, error) {
	e := &Engine{
		compile: make(chan struct{}, host.CompilationsMax),
		modules: map[string]*Module{},
		watch:   newWatch(),
	}
	var err error
	if e.cache, err = openCache(cacheDir); err != nil {
		return nil, fmt.Errorf("open compilation cache %q: %w", cacheDir, err)
	}
	for trust := range e.runtimes {
		config := wazero.NewRuntimeConfigCompiler().
			WithCompilationCache(e.cache).
			WithMemoryLimitPages(host.MemoryBytesMax >> 16).
			WithCloseOnContextDone(Trust(trust) == Untrusted)
		r := wazero.NewRuntimeWithConfig(ctx, config)
		e.runtimes[trust] = r
		if err := instantiateHostModules(ctx, r); err != nil {
			return nil, errors.Join(fmt.Errorf("link host functions: %w", err), e.Close(ctx))
		}
	}
	go e.watch.run()
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
func (e *Engine) Compile(ctx context.Context, wasm []byte, digest string, trust Trust) (*Module, error) {
	key := fmt.Sprintf("%s/%d", digest, trust)
	if m := e.compiled(key); m != nil {
		return m, nil
	}
	select {
	case e.compile <- struct{}{}:
		defer func() { <-e.compile }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a compiler: %w", ctx.Err())
	}
	if m := e.compiled(key); m != nil {
		return m, nil
	}
	ctx, cancel := context.WithTimeout(ctx, host.CompileDurationMax)
	defer cancel()
	started := time.Now()
	code, err := e.runtimes[trust].CompileModule(experimental.WithCompilationWorkers(ctx, 2), wasm)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if err := checkLinkage(code); err != nil {
		return nil, errors.Join(err, code.Close(ctx))
	}
	m := &Module{engine: e, runtime: e.runtimes[trust], code: code, trust: trust, Digest: digest,
		CompileDuration: time.Since(started)}
	e.mu.Lock()
	e.modules[key] = m
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
	e.watch.stop()
	var errs []error
	for _, r := range e.runtimes {
		if r != nil {
			errs = append(errs, r.Close(ctx))
		}
	}
	return errors.Join(append(errs, e.cache.Close(ctx))...)
}
