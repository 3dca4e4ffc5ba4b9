package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/metering"
)

// job is one module on its way to compiled code; what it becomes is readable after done.
type job struct {
	done   chan struct{}
	module *Module
	err    error
}

// Compile checks and compiles a module; a module that is compiled already is returned as it is. The error of a module
// that this host can't run names what is wrong with it and the remedy. A caller that no longer waits does not end the
// compilation: the next one finds it done.
func (e *Engine) Compile(ctx context.Context, wasm []byte, digest string) (*Module, error) {
	j, err := e.start(wasm, digest)
	if err != nil {
		return nil, err
	}
	select {
	case <-j.done:
		return j.module, j.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a compiler: %w", context.Cause(ctx))
	}
}

// start returns the job of a digest, beginning one if there is none that could still succeed.
func (e *Engine) start(wasm []byte, digest string) (*job, error) {
	if j := e.job(digest); j != nil {
		return j, nil
	}
	if err := e.served.check(wasm); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if j := e.modules[digest]; j != nil {
		return j, nil
	}
	j := &job{done: make(chan struct{})}
	e.modules[digest] = j
	e.jobs.Add(1)
	go e.run(j, wasm, digest)
	return j, nil
}

func (e *Engine) job(digest string) *job {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.modules[digest]
}

func (e *Engine) run(j *job, wasm []byte, digest string) {
	defer e.jobs.Done()
	defer close(j.done)
	started := time.Now()
	code, err := e.code(wasm, digest)
	var start *image
	if err == nil {
		start, err = newImage(metering.Image(wasm))
	}
	if err != nil {
		j.err = err
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.modules, digest)
		return
	}
	j.module = &Module{engine: e, runtime: e.runtime, code: code, Digest: digest, image: start,
		CompileDuration: time.Since(started)}
	j.module.tables = metering.TableBytesMax(wasm)
	j.module.cpu.perSecond = e.moduleSecondCPU
	j.module.memory.limit, j.module.memory.bytes = host.LimitModuleMemory, e.moduleMemoryBytes
}

// code loads a module from the cache. An entry that is missing, damaged or refused is made first.
func (e *Engine) code(wasm []byte, digest string) (wazero.CompiledModule, error) {
	kept := e.cache.path(digest)
	code, err := e.load(kept)
	if err == nil {
		return code, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		_ = os.Remove(kept) // what can't be removed is replaced
	}
	fresh, err := e.compileInLane(wasm)
	if err != nil {
		return nil, err
	}
	if code, err = e.load(fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("load compiled module: %w", err), os.Remove(fresh))
	}
	if err := e.cache.keep(fresh, digest); err != nil {
		return nil, errors.Join(err, code.Close(e.ctx))
	}
	return code, nil
}

// compileInLane makes a cache entry. Small modules wait for small ones only, so a big one never delays them, and the
// memory of all compilations is bounded by that of one of each.
func (e *Engine) compileInLane(wasm []byte) (string, error) {
	lane, memory, limit := e.small, int64(host.CompileSmallMemoryBytesMax), host.CompileSmallDurationMax
	if len(wasm) > host.CompileSmallBytesMax {
		lane, memory, limit = e.big, host.CompileMemoryBytesMax, host.CompileDurationMax
	}
	select {
	case lane <- struct{}{}:
		defer func() { <-lane }()
	case <-e.ctx.Done():
		return "", fmt.Errorf("wait for a compiler: %w", e.ctx.Err())
	}
	entry, err := e.cache.scratch()
	if err != nil {
		return "", err
	}
	tooLong := &host.LimitError{Name: host.LimitCompileDuration, Limit: limit.String(),
		What: "takes too long to compile"}
	ctx, cancel := context.WithTimeoutCause(e.ctx, limit, tooLong)
	defer cancel()
	if err := e.compile(ctx, wasm, memory, entry); err != nil {
		return "", errors.Join(fmt.Errorf("compile: %w", err), os.Remove(entry))
	}
	return entry, nil
}

// load hands an entry to wazero when its checksum is right.
func (e *Engine) load(path string) (wazero.CompiledModule, error) {
	e.loading.Lock()
	defer e.loading.Unlock()
	wasm, remove, err := e.cache.open(path)
	if err != nil {
		return nil, err
	}
	defer remove()
	code, err := e.runtime.CompileModule(loadOnly(e.ctx), wasm)
	if err != nil {
		return nil, fmt.Errorf("load code: %w", err)
	}
	return code, nil
}

// loadOnly keeps wazero from compiling here when it does not want the code that it is offered: compiling looks at the
// context between functions if it has several workers, taking code from the cache does not.
func loadOnly(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(experimental.WithCompilationWorkers(ctx, 2))
	cancel()
	return ctx
}
