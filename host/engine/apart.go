package engine

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/metering"
)

// A compiler can't be stopped, takes what memory it needs and works on bytes of strangers. So it runs in a process of
// its own: this program, started under another name. It can be killed at any time, a crash is its own, its memory is
// limited and given back as a whole, and it is nicer to the machine than running tasks.

const (
	compilerName = "berth-compiler"
	// compilerNiceness leaves a busy core to tasks and gives the compiler about a quarter of it.
	compilerNiceness = 5
	// compilerRefusal is the exit code for a module that can't be compiled; the reason stands on standard error.
	compilerRefusal = 3
)

// Every program that uses the package, tests included, can be the compiler without doing anything for it.
func init() {
	if os.Args[0] == compilerName {
		os.Exit(compilerMain(os.Args[1:]))
	}
}

// compileApart writes the cache entry of a module to a file.
func compileApart(ctx context.Context, wasm []byte, memoryBytesMax int64, entry string) error {
	program, err := compilerProgram()
	if err != nil {
		return fmt.Errorf("find the compiler: %w", err)
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Args = []string{compilerName, entry, strconv.FormatInt(memoryBytesMax, 10)}
	cmd.Env = []string{"GOTRACEBACK=none"}
	words := &tail{}
	cmd.Stderr = words
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start the compiler: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the compiler: %w", err)
	}
	err = binary.Write(in, binary.LittleEndian, uint64(len(wasm)))
	if err == nil {
		_, err = in.Write(wasm)
	}
	// The pipe stays open: its end tells the compiler that the worker is gone.
	if ended := cmd.Wait(); ended != nil {
		return compilerError(ctx, ended, words.tail(), memoryBytesMax)
	}
	return err
}

// ownProgram is the path of this program.
func ownProgram() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil // the same program even if the file was replaced
	}
	return os.Executable()
}

func compilerError(ctx context.Context, ended error, words string, memoryBytesMax int64) error {
	reason, _, _ := strings.Cut(strings.TrimSpace(words), "\n")
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(ended, &exit) && exit.ExitCode() == compilerRefusal:
		return errors.New(reason)
	case strings.Contains(words, "out of memory") || strings.Contains(words, "cannot allocate memory") ||
		strings.Contains(words, "pthread_create failed"): // no room for a stack
		return &host.LimitError{Name: host.LimitCompileMemory, Limit: fmt.Sprintf("%d MiB", memoryBytesMax>>20),
			What: "needs too much memory to compile"}
	}
	return fmt.Errorf("the compiler ended (%w): %s", ended, cmp.Or(reason, "it left no word"))
}

func compilerMain(args []string) int {
	if err := compileHere(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return compilerRefusal
	}
	return 0
}

func compileHere(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%s: it is started by the worker only", compilerName)
	}
	entry := args[0]
	memoryBytesMax, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	workers := max(1, runtime.GOMAXPROCS(0)-1) // a core stays free
	runtime.GOMAXPROCS(workers)
	beNice()
	limitMemory(memoryBytesMax)
	wasm, err := readModule(os.Stdin)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1) // the worker is gone
	}()
	return compileEntry(entry, wasm, workers)
}

// beNice lowers the priority of the threads that exist; later ones inherit it. That it may not work is no reason to
// stop.
func beNice() {
	threads, _ := filepath.Glob("/proc/self/task/*")
	for _, thread := range threads {
		if id, err := strconv.Atoi(filepath.Base(thread)); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, compilerNiceness)
		}
	}
	if len(threads) == 0 {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, compilerNiceness)
	}
}

// limitMemory bounds what is allocated from now on: three quarters make the collector work harder, the whole ends the
// process. Where the kernel has no such limit, the first stands alone.
func limitMemory(bytesMax int64) {
	debug.SetMemoryLimit(bytesMax / 4 * 3)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	_, rest, _ := bytes.Cut(status, []byte("\nVmData:"))
	var usedKiB uint64
	if _, err := fmt.Sscan(string(rest), &usedKiB); err != nil {
		return
	}
	limit := usedKiB<<10 + uint64(bytesMax)
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit}) // lowering is always allowed
}

func readModule(from io.Reader) ([]byte, error) {
	var size uint64
	if err := binary.Read(from, binary.LittleEndian, &size); err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	if size > host.ModuleBytesMax {
		return nil, fmt.Errorf("read module: it has %d bytes", size)
	}
	wasm := make([]byte, size)
	if _, err := io.ReadFull(from, wasm); err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	return wasm, nil
}

// compileEntry rewrites and compiles a module into a folder of wazero's, and puts what it finds there into an entry.
func compileEntry(entry string, wasm []byte, workers int) error {
	metered, err := metering.RewriteWithoutImage(wasm)
	if err != nil {
		return err
	}
	dir := entry + ".d"
	defer func() { _ = os.RemoveAll(dir) }() // else it goes with the folder of the worker
	engine, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return err
	}
	version, err := codeVersion(dir)
	if err != nil {
		return err
	}
	ctx := experimental.WithCompilationWorkers(context.Background(), workers)
	if _, err := newRuntime(ctx, engine).CompileModule(ctx, metered); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("%d files of compiled code, expected one: %w", len(files), err)
	}
	name, err := filepath.Rel(dir, files[0])
	if err != nil {
		return err
	}
	code, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	return writeEntry(entry, version, name, metered, code)
}
