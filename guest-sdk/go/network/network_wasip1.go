package network

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/berth-connect/berth/abi"
)

// The imports of module berth for connections (abi/LAYOUT.md, section 11). None of them waits: what takes long shows
// on the fd that they return.

//go:wasmimport berth net_dial
func hostDial(host unsafe.Pointer, hostLen, port int32) int32

//go:wasmimport berth net_tls
func hostTLS(fd int32, options unsafe.Pointer, optionsLen int32) int32

//go:wasmimport berth net_resolve
func hostResolve(name unsafe.Pointer, nameLen, kind int32) int32

//go:wasmimport berth net_status
func hostStatus(fd int32, ptr unsafe.Pointer, capacity int32) int32

// Conn is a connection that the host holds. The file is what Go's runtime polls.
type Conn struct {
	file          *os.File
	raw           syscall.RawConn
	fd            int32
	local, remote addr
	closed        atomic.Bool
}

var _ net.Conn = (*Conn)(nil)

// newConn takes over an fd that a call of the host returned.
func newConn(fd int32, what string) (*Conn, error) {
	if fd < 0 {
		return nil, refusal(fd)
	}
	c := &Conn{file: os.NewFile(uintptr(fd), what), fd: fd}
	var err error
	if c.raw, err = c.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, c.file.Close())
	}
	return c, nil
}

func refusal(status int32) error {
	switch status {
	case abi.NetTooMany:
		return &Error{abi.NetOverLimit, "too many connections are open: close some, or raise berth.limits.net.connections"}
	case abi.NetUnknown:
		return &Error{abi.NetInvalid, "the connection is not open, or busy"}
	}
	return &Error{abi.NetInvalid, fmt.Sprintf("the host refused it with %d", status)}
}

func dial(ctx context.Context, host string, port uint16) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := newConn(hostDial(unsafe.Pointer(unsafe.StringData(host)), int32(len(host)), int32(port)), host)
	if err != nil {
		return nil, err
	}
	if err := c.settle(ctx); err != nil {
		return nil, errors.Join(err, c.file.Close())
	}
	return c, nil
}

// StartTLS puts TLS on an open connection, as STARTTLS of many protocols asks for; conn must not be used any more. A
// failure ends the connection.
func StartTLS(ctx context.Context, conn net.Conn, options TLS) (net.Conn, error) {
	c, ok := conn.(*Conn)
	if !ok {
		return nil, fmt.Errorf("start TLS: a %T is no connection of this package", conn)
	}
	body := options.Encode()
	if status := hostTLS(c.fd, unsafe.Pointer(unsafe.SliceData(body)), int32(len(body))); status != 0 {
		return nil, c.opError("starttls", refusal(status))
	}
	if err := c.settle(ctx); err != nil {
		return nil, c.opError("starttls", err)
	}
	return c, nil
}

func lookup(ctx context.Context, name string, kind uint32) ([]string, error) {
	c, err := newConn(hostResolve(unsafe.Pointer(unsafe.StringData(name)), int32(len(name)), int32(kind)), name)
	if err != nil {
		return nil, err
	}
	answer, err := c.await(ctx)
	if err = errors.Join(err, c.file.Close()); err != nil || answer == "" {
		return nil, err
	}
	return strings.Split(answer, "\n"), nil
}

// settle waits for the end of a dial or handshake and notes the ends of the connection.
func (c *Conn) settle(ctx context.Context) error {
	text, err := c.await(ctx)
	if err != nil {
		return err
	}
	local, rest, _ := strings.Cut(text, "\n")
	remote, _, _ := strings.Cut(rest, "\n")
	c.local, c.remote = addr(local), addr(remote)
	return nil
}

// await parks the goroutine until the host knows what became of the fd. A deadline in the past ends the wait when ctx
// is done.
func (c *Conn) await(ctx context.Context) (text string, err error) {
	if ctx.Done() != nil {
		fired := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			_ = c.file.SetWriteDeadline(time.Unix(1, 0)) // fails only on a closed file, which waits for nothing
			close(fired)
		})
		defer func() {
			if !stop() {
				<-fired
			}
			_ = c.file.SetWriteDeadline(time.Time{})
		}()
	}
	done := false
	var failed *Error
	waitErr := c.raw.Write(func(uintptr) bool {
		text, failed, done = c.status()
		return done
	})
	switch {
	case !done && ctx.Err() != nil:
		return "", ctx.Err()
	case !done:
		return "", waitErr
	case failed != nil:
		return "", failed
	}
	return text, nil
}

// status asks the host what became of the fd.
func (c *Conn) status() (text string, failed *Error, done bool) {
	buf := make([]byte, 512)
	n := hostStatus(c.fd, unsafe.Pointer(unsafe.SliceData(buf)), int32(len(buf)))
	if n < 0 {
		buf = make([]byte, -n)
		n = hostStatus(c.fd, unsafe.Pointer(unsafe.SliceData(buf)), int32(len(buf)))
	}
	if n < 4 {
		return "", nil, false
	}
	code := abi.NetCode(binary.LittleEndian.Uint32(buf))
	text = string(buf[4:n])
	if code != abi.NetOpen {
		return "", &Error{code, text}, true
	}
	return text, nil, true
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	return n, c.explain("read", err)
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.file.Write(p)
	return n, c.explain("write", err)
}

// explain makes an error of a file one of a connection: with the host's reason, if it broke.
func (c *Conn) explain(op string, err error) error {
	switch {
	case err == nil || err == io.EOF:
		return err
	case c.closed.Load() || errors.Is(err, os.ErrClosed):
		return c.opError(op, net.ErrClosed)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.opError(op, os.ErrDeadlineExceeded)
	}
	_ = c.raw.Control(func(uintptr) { // the fd stays open meanwhile; if it is closed already, err says so
		if _, failed, _ := c.status(); failed != nil {
			err = failed
		}
	})
	return c.opError(op, err)
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Close implements net.Conn. The host sends what was written.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.opError("close", net.ErrClosed)
	}
	return c.file.Close()
}

// CloseWrite tells the peer that no more comes.
func (c *Conn) CloseWrite() error {
	var err error
	if failed := c.raw.Control(func(fd uintptr) { err = syscall.Shutdown(int(fd), syscall.SHUT_WR) }); failed != nil {
		return c.explain("close", failed)
	}
	return err
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error { return c.explain("set", c.file.SetDeadline(t)) }

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.explain("set", c.file.SetReadDeadline(t)) }

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.explain("set", c.file.SetWriteDeadline(t))
}
