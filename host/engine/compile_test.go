package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/guests"
)

// small is a module in order; what follows makes others of it.
func small() []byte { return assemble(true, true, []imported{{"berth", "berth_abi_1", 0}}) }

// padded makes another module of the same content by a custom section.
func padded(n int) []byte {
	size := []byte{byte(n) | 0x80, byte(n>>7) | 0x80, byte(n>>14) | 0x80, byte(n >> 21 & 0x7f)}
	return append(append(append(small(), 0), size...), make([]byte, n)...)
}

func openAt(t *testing.T, dir string) *Engine {
	t.Helper()
	e, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

// counting makes an engine tell how often it compiles.
func counting(e *Engine) *int {
	count, compile := new(int), e.compile
	e.compile = func(ctx context.Context, wasm []byte, memoryBytesMax int64, entry string) error {
		*count++
		return compile(ctx, wasm, memoryBytesMax, entry)
	}
	return count
}

func TestDamagedEntriesAreBuiltAgain(t *testing.T) {
	dir := t.TempDir()
	first := openAt(t, dir)
	if _, err := first.Compile(t.Context(), small(), "m"); err != nil {
		t.Fatal(err)
	}
	path := first.cache.path("m")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		return b
	}
	cases := map[string][]byte{
		"whole": whole, "empty": {}, "longer": append(bytes.Clone(whole), 0), "other file": []byte("# readme"),
		"foreign": bytes.Replace(whole, []byte("metering-"), []byte("metering+"), 1),
	}
	for at := 0; at < len(whole); at += 37 {
		cases[fmt.Sprint("flipped at ", at)] = flipped(at)
		cases[fmt.Sprint("cut at ", at)] = whole[:at]
	}
	for name, content := range cases {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := first.cache.open(path); (err == nil) != (name == "whole") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"whole", "empty", "foreign"} {
		if err := os.WriteFile(path, cases[name], 0o600); err != nil {
			t.Fatal(err)
		}
		e := openAt(t, dir)
		compiled := counting(e)
		if _, err := e.Compile(t.Context(), small(), "m"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if (*compiled == 0) != (name == "whole") {
			t.Errorf("%s: compiled %d times", name, *compiled)
		}
		if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, whole) {
			t.Errorf("%s: the entry is not what it was: %v", name, err)
		}
	}
}

// An entry whose checksum is right and whose code wazero does not know is compiled again, and not here.
func TestCodeThatTheEngineDoesNotTakeIsBuiltAgain(t *testing.T) {
	e := openAt(t, t.TempDir())
	entry := e.cache.path("m")
	if err := writeEntry(entry, e.cache.version, "elsewhere", small(), []byte("code")); err != nil {
		t.Fatal(err)
	}
	if _, err := e.load(entry); !errors.Is(err, context.Canceled) {
		t.Errorf("loaded: %v", err)
	}
	compiled := counting(e)
	if _, err := e.Compile(t.Context(), small(), "m"); err != nil || *compiled != 1 {
		t.Errorf("compiled %d times: %v", *compiled, err)
	}
}

func TestLeftoversAreCollected(t *testing.T) {
	dir := t.TempDir()
	living := openAt(t, dir)
	dead := filepath.Join(dir, runPrefix+"dead")
	if err := os.MkdirAll(filepath.Join(dead, "entry-1.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	kept := living.cache.path("kept")
	foreign, other := filepath.Join(dir, "x-0123.compiled"), filepath.Join(dir, "x.txt")
	for _, file := range []string{kept, foreign, other, filepath.Join(dead, "entry-1")} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openAt(t, dir)
	stays := map[string]bool{dead: false, foreign: false, kept: true, other: true, living.cache.run: true}
	for path, stays := range stays {
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Workers that start at the same moment on one folder leave each other's parts of it alone.
func TestCachesAreOpenedAtOnce(t *testing.T) {
	const rounds, processes = 50, 8
	dir := t.TempDir()
	for range rounds {
		var all sync.WaitGroup
		for range processes {
			all.Go(func() {
				c, err := openCache(dir)
				if err == nil {
					err = c.close(context.Background())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

func TestTheCacheOnDiskIsBounded(t *testing.T) {
	c := openAt(t, t.TempDir()).cache
	now := time.Now()
	for i, digest := range []string{"newest", "used", "old", "oldest"} {
		f, err := os.Create(c.path(digest))
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(f.Truncate(host.CompiledBytesMax/4+1), f.Close()) // sparse: takes no room
		when := now.Add(-time.Duration(i) * time.Hour)
		if err = errors.Join(err, os.Chtimes(c.path(digest), when, when)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.collect(c.path("oldest")); err != nil {
		t.Fatal(err)
	}
	for digest, stays := range map[string]bool{"newest": true, "used": true, "old": true, "oldest": true} {
		if _, err := os.Stat(c.path(digest)); (err == nil) != stays {
			t.Errorf("with oldest spared, %s: %v", digest, err)
		}
	}
	if err := c.collect(""); err != nil {
		t.Fatal(err)
	}
	for digest, stays := range map[string]bool{"newest": true, "used": true, "old": true, "oldest": false} {
		if _, err := os.Stat(c.path(digest)); (err == nil) != stays {
			t.Errorf("%s: %v", digest, err)
		}
	}
}

func TestBigModulesDelayNoSmallOnes(t *testing.T) {
	e := openAt(t, t.TempDir())
	compile := e.compile
	began, goOn := make(chan struct{}, 2), make(chan struct{})
	e.compile = func(ctx context.Context, wasm []byte, memoryBytesMax int64, entry string) error {
		if len(wasm) > host.CompileSmallBytesMax {
			began <- struct{}{}
			<-goOn
		}
		return compile(ctx, wasm, memoryBytesMax, entry)
	}
	ended := make(chan error, 2)
	for _, digest := range []string{"big", "bigger"} {
		go func() {
			_, err := e.Compile(t.Context(), padded(host.CompileSmallBytesMax+len(digest)), digest)
			ended <- err
		}()
	}
	<-began
	if _, err := e.Compile(t.Context(), small(), "small"); err != nil {
		t.Error(err)
	}
	if len(began) != 0 {
		t.Error("two big modules are compiled at once")
	}
	close(goOn)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestACallerThatLeavesDoesNotEndTheCompilation(t *testing.T) {
	e := openAt(t, t.TempDir())
	compiled, compile := counting(e), e.compile
	goOn := make(chan struct{})
	e.compile = func(ctx context.Context, wasm []byte, memoryBytesMax int64, entry string) error {
		<-goOn
		return compile(ctx, wasm, memoryBytesMax, entry)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Compile(ctx, small(), "m"); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	close(goOn)
	if _, err := e.Compile(t.Context(), small(), "m"); err != nil || *compiled != 1 {
		t.Errorf("compiled %d times: %v", *compiled, err)
	}
}

func TestTheCompilerIsHeldToItsLimits(t *testing.T) {
	wasm := guests.Go(t, "testdata/guests/hostile", "")
	entry := filepath.Join(t.TempDir(), "entry")
	why := &host.LimitError{Name: host.LimitCompileDuration}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
	defer cancel()
	if err := compileApart(ctx, wasm, host.CompileMemoryBytesMax, entry); !errors.Is(err, why) {
		t.Errorf("time: %v", err)
	}
	var limit *host.LimitError
	if err := compileApart(t.Context(), wasm, 32<<20, entry); !errors.As(err, &limit) ||
		limit.Name != host.LimitCompileMemory {
		t.Errorf("memory: %v", err)
	}
	if _, err := os.Stat(entry); err == nil {
		t.Error("there is an entry all the same")
	}
}

func TestTheCompilerTellsWhy(t *testing.T) {
	bad := bytes.Replace(small(), []byte{1, 2, 0, 0x0b}, []byte{1, 2, 0, 0x01}, 1) // a body without an end
	if err := openAt(t, t.TempDir()).served.check(bad); err != nil {
		t.Fatal(err)
	}
	_, err := openAt(t, t.TempDir()).Compile(t.Context(), bad, "bad")
	if err == nil || !strings.Contains(err.Error(), "function 1: unexpected end") {
		t.Errorf("%v", err)
	}
}

func TestTheCompilerEndsWithItsWorker(t *testing.T) {
	wasm := guests.Go(t, "testdata/guests/hostile", "")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	entry := filepath.Join(t.TempDir(), "entry")
	cmd := exec.Command(program)
	cmd.Args = []string{compilerName, entry, strconv.Itoa(host.CompileMemoryBytesMax)}
	cmd.Stdin = bytes.NewReader(append(binary.LittleEndian.AppendUint64(nil, uint64(len(wasm))), wasm...))
	err = cmd.Run() // the input ends as if the worker had
	if _, missing := os.Stat(entry); err == nil || missing == nil {
		t.Errorf("the compiler went on: %v", err)
	}
}

func TestWhatIsRefusedIsNotCompiled(t *testing.T) {
	e := openAt(t, t.TempDir())
	compiled := counting(e)
	parameter := bytes.Replace(small(), []byte("\x01\x07\x02\x60\x00\x00"), []byte("\x01\x08\x02\x60\x01\x7f\x00"), 1)
	for says, wasm := range map[string][]byte{
		"export _start has signature [i32] -> []": parameter,
		"no WebAssembly module":                   []byte("# readme"),
	} {
		if _, err := e.Compile(t.Context(), wasm, says); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
	if *compiled != 0 {
		t.Errorf("compiled %d times", *compiled)
	}
}
