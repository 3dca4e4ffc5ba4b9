package guest

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/berth-connect/berth/abi"
)

// The imports of module berth (abi/LAYOUT.md section 1). None of them waits.

// hostVersion marks the ABI version; it does nothing.
//
//go:wasmimport berth berth_abi_1
func hostVersion()

// hostPoll writes the next event, `u32 kind, u32 seq, u32 body_len, u32 0, body`, to ptr, which has room
// for capacity bytes. >0: the event's length; 0: none now; <0: it needs -n bytes.
//
//go:wasmimport berth poll
func hostPoll(ptr unsafe.Pointer, capacity int32) int32

// hostPut hands over a message whose bytes are head ‖ data. It returns an abi.PutStatus.
//
//go:wasmimport berth put
func hostPut(kind, seq int32, head unsafe.Pointer, headLen int32, data unsafe.Pointer, dataLen int32) int32

// hostCommit hands over a value body: an array of [topic, partition, offset], or nothing. It returns an abi.PutStatus.
//
//go:wasmimport berth commit
func hostCommit(seq int32, ptr unsafe.Pointer, size int32) int32

// hostLog takes UTF-8 text.
//
//go:wasmimport berth log
func hostLog(level int32, ptr unsafe.Pointer, size int32)

// hostMetric takes a UTF-8 name; kind is an abi.MetricKind.
//
//go:wasmimport berth metric
func hostMetric(name unsafe.Pointer, nameLen, kind int32, value float64)

// hostPosition registers 16 bytes: `u32 stage, u32 record, u32 phase, u32 0`.
//
//go:wasmimport berth position
func hostPosition(ptr unsafe.Pointer)

// position is read by the host after a trap; a variable of the package never moves.
var position [abi.PositionBytes / 4]uint32

// taskHost is the Host of a module.
type taskHost struct {
	file *os.File
	conn syscall.RawConn
}

// Run runs the module: it takes the plan, does what it says and ends the program when that is done.
func Run(plugins ...Plugin) {
	hostVersion()
	hostPosition(unsafe.Pointer(&position))
	file := os.NewFile(abi.TaskFd, "task")
	conn, err := file.SyscallConn()
	if err != nil {
		fmt.Fprintln(os.Stderr, "open the task fd:", err)
		os.Exit(1)
	}
	if err := RunOn(context.Background(), &taskHost{file, conn}, plugins...); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func (h *taskHost) Poll(buf []byte) int {
	return int(hostPoll(unsafe.Pointer(unsafe.SliceData(buf)), int32(len(buf))))
}

func (h *taskHost) Put(kind abi.MessageKind, seq uint32, head, data []byte) abi.PutStatus {
	return abi.PutStatus(hostPut(int32(kind), int32(seq), unsafe.Pointer(unsafe.SliceData(head)), int32(len(head)),
		unsafe.Pointer(unsafe.SliceData(data)), int32(len(data))))
}

func (h *taskHost) Commit(seq uint32, body []byte) abi.PutStatus {
	return abi.PutStatus(hostCommit(int32(seq), unsafe.Pointer(unsafe.SliceData(body)), int32(len(body))))
}

func (h *taskHost) Log(level abi.LogLevel, text string) {
	hostLog(int32(level), unsafe.Pointer(unsafe.StringData(text)), int32(len(text)))
}

func (h *taskHost) Metric(name string, kind abi.MetricKind, value float64) {
	hostMetric(unsafe.Pointer(unsafe.StringData(name)), int32(len(name)), int32(kind), value)
}

func (h *taskHost) Position() *[abi.PositionBytes / 4]uint32 { return &position }

// AwaitReadable parks the goroutine in the runtime's netpoll, so that the others go on.
func (h *taskHost) AwaitReadable(ready func() bool) error {
	return h.conn.Read(func(uintptr) bool { return ready() })
}

// AwaitWritable is AwaitReadable for put; a deadline in the past ends the wait when ctx is done.
func (h *taskHost) AwaitWritable(ctx context.Context, ready func() bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ready() { // there is room nearly always, and waiting is a long way
		return nil
	}
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() { _ = h.file.SetWriteDeadline(time.Unix(1, 0)) })()
	}
	err := h.conn.Write(func(uintptr) bool { return ready() })
	if ctx.Err() != nil {
		_ = h.file.SetWriteDeadline(time.Time{})
		if err != nil {
			return ctx.Err()
		}
	}
	return err
}
