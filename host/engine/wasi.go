package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/metering"
)

// WASI preview 1 as wazero has it, except for the task fd, a standard input that never blocks a thread, and
// poll_oneoff: wazero's own sleeps the whole timeout and calls every fd ready at once.

// Error numbers and constants of WASI preview 1.
const (
	errnoSuccess = 0
	errnoAgain   = 6
	errnoBadf    = 8
	errnoFault   = 21
	errnoInval   = 28
	errnoIo      = 29
	errnoSpipe   = 70

	filetypeSocketStream = 6
	fdflagNonblock       = 4

	eventClock, eventRead, eventWrite = 0, 1, 2
	subscriptionBytes, eventBytes     = 48, 32
	subscriptionsMax                  = 4096
	clockAbsolute                     = 1
	clockMonotonic                    = 1
)

func instantiateHostModules(ctx context.Context, r wazero.Runtime) error {
	if err := instantiateWASI(ctx, r); err != nil {
		return fmt.Errorf("%s: %w", wasiModule, err)
	}
	if err := instantiateMeter(ctx, r); err != nil {
		return fmt.Errorf("%s: %w", metering.YieldModule, err)
	}
	if err := instantiateBerth(ctx, r); err != nil {
		return fmt.Errorf("%s: %w", abi.HostModule, err)
	}
	return nil
}

// overrides lists the functions that look at the fd first: ours are answered here, others by wazero's function.
var overrides = map[string]func(in *instance, mem api.Memory, stack []uint64){
	"fd_fdstat_get":       fdstatGet,
	"fd_fdstat_set_flags": func(_ *instance, _ api.Memory, stack []uint64) { stack[0] = errnoSuccess },
	"fd_filestat_get":     filestatGet,
	"fd_close":            func(_ *instance, _ api.Memory, stack []uint64) { stack[0] = errnoSuccess },
	"fd_read":             fdRead,
	"fd_write":            func(_ *instance, _ api.Memory, stack []uint64) { stack[0] = errnoAgain },
	"fd_pwrite":           func(_ *instance, _ api.Memory, stack []uint64) { stack[0] = errnoSpipe },
	"fd_seek":             func(_ *instance, _ api.Memory, stack []uint64) { stack[0] = errnoSpipe },
}

func instantiateWASI(ctx context.Context, r wazero.Runtime) error {
	defaults, err := wasi_snapshot_preview1.NewBuilder(r).Compile(ctx)
	if err != nil {
		return err
	}
	b := r.NewHostModuleBuilder(wasiModule)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(b)
	for name, definition := range defaults.ExportedFunctions() {
		fallback, ok := definition.GoFunction().(api.GoModuleFunction)
		if !ok {
			return fmt.Errorf("%s can't be wrapped", name)
		}
		b.NewFunctionBuilder().WithGoModuleFunction(wrapWASI(name, fallback), definition.ParamTypes(),
			definition.ResultTypes()).Export(name)
	}
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(randomGet), []api.ValueType{i32, i32},
		[]api.ValueType{i32}).Export("random_get")
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(pollOneoff),
		[]api.ValueType{i32, i32, i32, i32}, []api.ValueType{i32}).Export("poll_oneoff")
	_, err = b.Instantiate(ctx)
	return err
}

// wrapWASI puts wazero's function behind ours, if there is one for its fd, and both behind the instance's limits.
func wrapWASI(name string, fallback api.GoModuleFunction) api.GoModuleFunc {
	onStream, takesStream := streamFunctions[name]
	ours, vectored, waits := overrides[name], vectoredFunctions[name], waitingFunctions[name]
	refuse := guardOf(name)
	return func(ctx context.Context, m api.Module, stack []uint64) {
		in := instanceOf(ctx)
		in.enter(ctx)
		if waits {
			defer in.clock.restart()
		}
		if ours != nil {
			if fd := uint32(stack[0]); fd == abi.TaskFd || fd == 0 && in.stdin != nil {
				ours(in, m.Memory(), stack)
				return
			}
		}
		if takesStream && uint32(stack[0]) > abi.TaskFd {
			stack[0] = in.onStream(onStream, m.Memory(), stack)
			return
		}
		if refuse != nil {
			if errno := refuse(stack); errno != errnoSuccess {
				stack[0] = errno
				return
			}
		}
		if vectored {
			defer shorten(m.Memory(), stack)()
		}
		fallback.Call(ctx, m, stack)
		if len(stack) > 0 {
			in.writeCause.explain(stack)
		}
	}
}

// waitingFunctions wait for a disk, which is no computing.
var waitingFunctions = map[string]bool{"fd_sync": true, "fd_datasync": true}

// vectoredFunctions get a list of buffers: (fd, iovs, count, …).
var vectoredFunctions = map[string]bool{"fd_read": true, "fd_pread": true, "fd_write": true, "fd_pwrite": true}

// shorten makes a call with more bytes than callBytesMax a short one, which WASI allows, so that no call takes long.
// The function that it returns makes the list what it was.
func shorten(mem api.Memory, stack []uint64) (restore func()) {
	restore = func() {}
	iovs, count := uint32(stack[1]), min(uint32(stack[2]), iovecsMax)
	stack[2] = uint64(count)
	list, ok := mem.Read(iovs, 8*count)
	if !ok {
		return restore // the call itself says so
	}
	left := uint32(callBytesMax)
	for i := range count {
		length := list[8*i+4 : 8*i+8]
		n := binary.LittleEndian.Uint32(length)
		if n > left {
			binary.LittleEndian.PutUint32(length, left)
			stack[2] = uint64(i + 1)
			return func() { binary.LittleEndian.PutUint32(length, n) }
		}
		left -= n
	}
	return restore
}

const (
	// callBytesMax is what one call reads, writes or fills with chance at most, before the guest's limits are looked at.
	callBytesMax = 128 << 10
	// randomBytesMax is how much chance is asked of the system at once: it can't be interrupted there.
	randomBytesMax = 64 << 10
	iovecsMax      = 1024
)

// randomGet answers random_get(ptr, n).
func randomGet(ctx context.Context, m api.Module, stack []uint64) {
	in := instanceOf(ctx)
	in.enter(ctx)
	dst, ok := m.Memory().Read(uint32(stack[0]), uint32(stack[1]))
	if !ok {
		stack[0] = errnoFault
		return
	}
	for len(dst) > 0 {
		n := min(len(dst), randomBytesMax)
		_, _ = rand.Read(dst[:n]) // never fails
		dst = dst[n:]
		in.enter(ctx)
	}
	stack[0] = errnoSuccess
}

// fdstatGet answers fd_fdstat_get(fd, *24 bytes): a non-blocking stream, which is what makes Go's os.NewFile poll it.
func fdstatGet(_ *instance, mem api.Memory, stack []uint64) {
	b, ok := mem.Read(uint32(stack[1]), 24)
	if !ok {
		stack[0] = errnoFault
		return
	}
	clear(b)
	b[0] = filetypeSocketStream
	binary.LittleEndian.PutUint16(b[2:], fdflagNonblock)
	binary.LittleEndian.PutUint64(b[8:], math.MaxUint64)
	binary.LittleEndian.PutUint64(b[16:], math.MaxUint64)
	stack[0] = errnoSuccess
}

func filestatGet(_ *instance, mem api.Memory, stack []uint64) {
	b, ok := mem.Read(uint32(stack[1]), 64)
	if !ok {
		stack[0] = errnoFault
		return
	}
	clear(b)
	b[16] = filetypeSocketStream
	stack[0] = errnoSuccess
}

// fdRead answers fd_read(fd, iovs, n, *nread): standard input gives what is there; the task fd carries no bytes.
func fdRead(in *instance, mem api.Memory, stack []uint64) {
	fd, iovs, count, nread := uint32(stack[0]), uint32(stack[1]), uint32(stack[2]), uint32(stack[3])
	if fd == abi.TaskFd || count == 0 {
		stack[0] = errnoAgain
		return
	}
	ptr, okPtr := mem.ReadUint32Le(iovs)
	size, okSize := mem.ReadUint32Le(iovs + 4)
	dst, okDst := mem.Read(ptr, size)
	if !okPtr || !okSize || !okDst {
		stack[0] = errnoFault
		return
	}
	n, eof := in.stdin.read(dst)
	if n == 0 && !eof && size > 0 {
		stack[0] = errnoAgain
		return
	}
	if !mem.WriteUint32Le(nread, uint32(n)) {
		stack[0] = errnoFault
		return
	}
	stack[0] = errnoSuccess
}

// pollOneoff sleeps until one of the subscriptions is ready. Go's runtime treats any errno of the call as fatal, so
// a bad fd is an event with an errno; errors of the call itself are left to guests that pass nonsense.
func pollOneoff(ctx context.Context, m api.Module, stack []uint64) {
	in := instanceOf(ctx)
	in.enter(ctx)
	subs, out, count, result := uint32(stack[0]), uint32(stack[1]), uint32(stack[2]), uint32(stack[3])
	if count == 0 || count > subscriptionsMax {
		stack[0] = errnoInval
		return
	}
	mem := m.Memory()
	src, okSrc := mem.Read(subs, count*subscriptionBytes)
	dst, okDst := mem.Read(out, count*eventBytes)
	if !okSrc || !okDst {
		stack[0] = errnoFault
		return
	}
	started := time.Now()
	for {
		n, timeout, streams := in.pollReady(src, dst, started)
		if n > 0 {
			if !mem.WriteUint32Le(result, uint32(n)) {
				stack[0] = errnoFault
				return
			}
			stack[0] = errnoSuccess
			return
		}
		in.sleep(ctx, timeout, streams)
	}
}

// pollReady writes an event for each subscription that is ready and returns their count and, if there is none, how
// long to sleep at most (negative: without end), and whether there are streams among the subscriptions.
func (in *instance) pollReady(src, dst []byte, started time.Time) (n int, timeout time.Duration, streams bool) {
	readable, writable := in.calls.Ready()
	timeout = -1
	emit := func(sub []byte, errno uint16) {
		event := dst[n*eventBytes : (n+1)*eventBytes]
		clear(event)
		copy(event, sub[:8])
		binary.LittleEndian.PutUint16(event[8:], errno)
		event[10] = sub[8]
		n++
	}
	for ; len(src) > 0; src = src[subscriptionBytes:] {
		sub := src[:subscriptionBytes]
		if sub[8] == eventClock {
			left := clockLeft(sub, started)
			if left <= 0 {
				emit(sub, errnoSuccess)
			} else if timeout < 0 || left < timeout {
				timeout = left
			}
			continue
		}
		fd := binary.LittleEndian.Uint32(sub[16:])
		switch {
		case fd == abi.TaskFd && (sub[8] == eventRead && readable || sub[8] == eventWrite && writable):
			emit(sub, errnoSuccess)
		case fd == abi.TaskFd:
		case fd == 0 && in.stdin != nil && sub[8] == eventRead:
			if in.stdin.ready() {
				emit(sub, errnoSuccess)
			}
		case fd > abi.TaskFd:
			streams = true
			if ready, errno := in.streamReady(fd, sub[8]); ready {
				emit(sub, errno)
			}
		default: // files are always ready
			emit(sub, errnoSuccess)
		}
	}
	return n, timeout, streams
}

// clockLeft is what is left of a clock subscription: u32 id @16, u64 timeout ns @24, u16 flags @40.
func clockLeft(sub []byte, started time.Time) time.Duration {
	ns := binary.LittleEndian.Uint64(sub[24:])
	if binary.LittleEndian.Uint16(sub[40:])&clockAbsolute == 0 {
		return time.Duration(min(ns, math.MaxInt64/2)) - time.Since(started)
	}
	if binary.LittleEndian.Uint32(sub[16:]) == clockMonotonic {
		return time.Duration(int64(ns) - nanotime())
	}
	return time.Duration(int64(ns) - time.Now().UnixNano())
}

// sleep waits for anything that may have changed; streams: the guest sleeps on connections as well.
func (in *instance) sleep(ctx context.Context, timeout time.Duration, streams bool) {
	owes, awaits := in.calls.Owes(), in.calls.Awaits() || streams
	timeout, last := in.clock.sleepAtMost(owes, awaits, timeout)
	var expired <-chan time.Time
	if timeout >= 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	in.clock.leave()
	defer in.clock.slept(owes, awaits)
	select {
	case <-in.calls.Wake():
	case <-in.stdin.wake():
	case <-in.network.Wake():
	case <-expired:
		if last {
			in.clock.overslept()
			panic(sys.NewExitError(sys.ExitCodeContextCanceled))
		}
	case <-ctx.Done():
		panic(sys.NewExitError(sys.ExitCodeContextCanceled))
	}
}
