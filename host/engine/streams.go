package engine

import (
	"context"
	"encoding/binary"

	"github.com/tetratelabs/wazero/api"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/network"
)

// Connections as guests see them: fds above the task's, which WASI's functions read, write, close and poll.

const (
	errnoNotsup = 58
	errnoPipe   = 64

	shutdownWrite = 2
)

// accessOf is what an instance may do on the network; without the capability nothing.
func accessOf(config Config) network.Access {
	if config.Network == nil {
		return network.NoAccess
	}
	return *config.Network
}

// netDial answers net_dial(host, host_len, port) with an fd, or why there is none.
func netDial(_ context.Context, in *instance, mem api.Memory, stack []uint64) {
	host, ok := readName(mem, stack)
	port := uint32(stack[2])
	switch {
	case !ok:
		stack[0] = api.EncodeI32(abi.NetBadPointer)
	case port > 65535:
		stack[0] = api.EncodeI32(abi.NetBadLayout)
	default:
		stack[0] = fdOr(abi.NetTooMany)(in.network.Dial(host, uint16(port)))
	}
}

// netResolve answers net_resolve(name, name_len, kind) likewise.
func netResolve(_ context.Context, in *instance, mem api.Memory, stack []uint64) {
	name, ok := readName(mem, stack)
	if !ok {
		stack[0] = api.EncodeI32(abi.NetBadPointer)
		return
	}
	stack[0] = fdOr(abi.NetTooMany)(in.network.Resolve(name, uint32(stack[2])))
}

// readName copies a name out of memory; one that is too long stays too long.
func readName(mem api.Memory, stack []uint64) (string, bool) {
	name, ok := mem.Read(uint32(stack[0]), min(uint32(stack[1]), abi.NetHostBytesMax+2))
	return string(name), ok
}

func fdOr(refused int32) func(fd uint32, ok bool) uint64 {
	return func(fd uint32, ok bool) uint64 {
		if !ok {
			return api.EncodeI32(refused)
		}
		return uint64(fd)
	}
}

// netTLS answers net_tls(fd, ptr, len): 0 when the handshake has begun.
func netTLS(_ context.Context, in *instance, mem api.Memory, stack []uint64) {
	stream := in.network.Stream(uint32(stack[0]))
	body, ok := mem.Read(uint32(stack[1]), min(uint32(stack[2]), abi.NetOptionsBytesMax+1))
	options, err := abi.ParseTLSOptions(body)
	switch {
	case !ok:
		stack[0] = api.EncodeI32(abi.NetBadPointer)
	case err != nil || len(body) > abi.NetOptionsBytesMax:
		stack[0] = api.EncodeI32(abi.NetBadLayout)
	case stream == nil || !stream.StartTLS(options):
		stack[0] = api.EncodeI32(abi.NetUnknown)
	default:
		stack[0] = 0
	}
}

// netStatus answers net_status(fd, ptr, cap) with `u32 code, text`: its length, 0 while it is not known, or minus the
// length that it needs.
func netStatus(_ context.Context, in *instance, mem api.Memory, stack []uint64) {
	stream := in.network.Stream(uint32(stack[0]))
	dst, ok := mem.Read(uint32(stack[1]), uint32(stack[2]))
	if stream == nil || !ok {
		stack[0] = api.EncodeI32(0)
		in.fault("net_status: an fd that is not open, or a buffer outside of memory")
		return
	}
	code, text, done := stream.Status()
	need := 4 + len(text)
	switch {
	case !done:
		stack[0] = 0
	case need > len(dst):
		stack[0] = api.EncodeI32(int32(-need))
	default:
		binary.LittleEndian.PutUint32(dst, uint32(code))
		copy(dst[4:], text)
		stack[0] = api.EncodeI32(int32(need))
	}
}

type streamFunction func(s *network.Stream, mem api.Memory, stack []uint64) (errno uint64)

// streamFunctions are the functions of WASI that streams have. All others answer as they do for an fd that is not open.
var streamFunctions = map[string]streamFunction{
	"fd_fdstat_get":       onTaskFd(fdstatGet),
	"fd_filestat_get":     onTaskFd(filestatGet),
	"fd_fdstat_set_flags": func(*network.Stream, api.Memory, []uint64) uint64 { return errnoSuccess },
	"fd_read":             streamRead,
	"fd_write":            streamWrite,
	"fd_seek":             func(*network.Stream, api.Memory, []uint64) uint64 { return errnoSpipe },
	"sock_recv":           streamReceive,
	"sock_send":           streamSend,
	"sock_shutdown":       streamShutdown,
	"fd_close":            nil, // see onStream: it is the table's
}

// onTaskFd uses what the task fd answers: it is the same kind of thing.
func onTaskFd(answer func(*instance, api.Memory, []uint64)) streamFunction {
	return func(_ *network.Stream, mem api.Memory, stack []uint64) uint64 {
		answer(nil, mem, stack)
		return stack[0]
	}
}

// onStream calls f on the stream of the call's fd.
func (in *instance) onStream(f streamFunction, mem api.Memory, stack []uint64) uint64 {
	stream := in.network.Stream(uint32(stack[0]))
	if stream == nil {
		return errnoBadf
	}
	if f == nil {
		in.network.CloseFd(uint32(stack[0]))
		return errnoSuccess
	}
	return f(stream, mem, stack)
}

// streamReady tells whether a subscription has something to say.
func (in *instance) streamReady(fd uint32, kind byte) (ready bool, errno uint16) {
	stream := in.network.Stream(fd)
	if stream == nil {
		return true, errnoBadf
	}
	readable, writable := stream.Ready()
	return kind == eventRead && readable || kind == eventWrite && writable, errnoSuccess
}

// vector finds the first buffer of a list that is not empty; short reads and writes are allowed.
func vector(mem api.Memory, iovs, count uint32) (buffer []byte, ok bool) {
	for i := range min(count, iovecsMax) {
		ptr, okPtr := mem.ReadUint32Le(iovs + 8*i)
		size, okSize := mem.ReadUint32Le(iovs + 8*i + 4)
		if !okPtr || !okSize {
			return nil, false
		}
		if size > 0 {
			return mem.Read(ptr, min(size, callBytesMax))
		}
	}
	return nil, true
}

// streamRead answers fd_read(fd, iovs, n, *nread).
func streamRead(s *network.Stream, mem api.Memory, stack []uint64) uint64 {
	dst, ok := vector(mem, uint32(stack[1]), uint32(stack[2]))
	if !ok {
		return errnoFault
	}
	n, eof, failed := s.Read(dst)
	switch {
	case failed != nil:
		return errnoIo // net_status tells more
	case n == 0 && !eof && len(dst) > 0:
		return errnoAgain
	case !mem.WriteUint32Le(uint32(stack[3]), uint32(n)):
		return errnoFault
	}
	return errnoSuccess
}

// streamReceive answers sock_recv(fd, iovs, n, flags, *nread, *ro_flags); no flags are known.
func streamReceive(s *network.Stream, mem api.Memory, stack []uint64) uint64 {
	if stack[3] != 0 {
		return errnoNotsup
	}
	if !mem.WriteUint16Le(uint32(stack[5]), 0) {
		return errnoFault
	}
	return streamRead(s, mem, []uint64{stack[0], stack[1], stack[2], stack[4]})
}

// streamWrite answers fd_write(fd, iovs, n, *nwritten).
func streamWrite(s *network.Stream, mem api.Memory, stack []uint64) uint64 {
	src, ok := vector(mem, uint32(stack[1]), uint32(stack[2]))
	if !ok {
		return errnoFault
	}
	n, failed := s.Write(src)
	switch {
	case failed != nil:
		return errnoPipe
	case n == 0 && len(src) > 0:
		return errnoAgain
	case !mem.WriteUint32Le(uint32(stack[3]), uint32(n)):
		return errnoFault
	}
	return errnoSuccess
}

// streamSend answers sock_send(fd, iovs, n, flags, *nwritten); no flags are known.
func streamSend(s *network.Stream, mem api.Memory, stack []uint64) uint64 {
	if stack[3] != 0 {
		return errnoNotsup
	}
	return streamWrite(s, mem, []uint64{stack[0], stack[1], stack[2], stack[4]})
}

// streamShutdown answers sock_shutdown(fd, how). Bytes that come after a shutdown for reading stay unread.
func streamShutdown(s *network.Stream, _ api.Memory, stack []uint64) uint64 {
	if stack[1]&shutdownWrite != 0 {
		s.FinishWriting()
	}
	return errnoSuccess
}
