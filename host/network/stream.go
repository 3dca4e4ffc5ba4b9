package network

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// Stream is a connection or a question of a guest. A reader and a writer goroutine move bytes between the network and
// two bounded buffers; the guest's goroutine looks at the buffers alone, so it never waits, and a guest that does not
// read makes its peer wait.
type Stream struct {
	stack  *Stack
	ctx    context.Context
	cancel context.CancelFunc
	pumps  sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond // of everything below
	busy    bool      // dialling, asking or shaking hands
	failed  *Error
	answer  string
	to      peer // what was dialled
	conn    net.Conn
	in, out []byte // at most host.NetBufferBytes each
	eof     bool   // the peer sends no more
	finish  bool   // the guest writes no more
	sent    bool   // and all that it wrote is out
	closed  bool   // by the guest
	upgrade bool   // the pumps are to leave conn to the handshake
}

func newStream(stack *Stack) *Stream {
	s := &Stream{stack: stack, busy: true}
	s.changed.L = &s.mu
	s.ctx, s.cancel = context.WithCancel(stack.ctx)
	context.AfterFunc(s.ctx, s.abort)
	return s
}

// abort is what the end of ctx does to a connection.
func (s *Stream) abort() {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		_ = conn.Close() // nobody is left to hear of it
	}
}

// update changes the stream and wakes whoever waits for it.
func (s *Stream) update(change func()) {
	s.mu.Lock()
	change()
	s.mu.Unlock()
	s.changed.Broadcast()
	s.stack.notify()
}

// fail ends the stream with the first error.
func (s *Stream) fail(err *Error) {
	s.update(func() {
		if !s.closed { // else the guest has ended it itself
			s.stack.access.Meters.Failed(err.Code)
		}
		s.busy, s.out = false, nil
		if s.failed == nil {
			s.failed = err
		}
	})
	s.cancel()
}

// open hands a connection to the guest.
func (s *Stream) open(conn net.Conn, protocol string) {
	s.update(func() {
		s.conn, s.busy, s.upgrade = conn, false, false
		s.answer = conn.LocalAddr().String() + "\n" + conn.RemoteAddr().String() + "\n" + protocol
		s.pumps.Go(func() { s.receive(conn) })
		to := s.to
		s.pumps.Go(func() { s.send(conn, to) })
	})
	if s.ctx.Err() != nil {
		s.abort() // it was too early
	}
}

// receive is the reader: it waits for room, for the network and for the budget.
func (s *Stream) receive(conn net.Conn) {
	chunk := make([]byte, host.NetBufferBytes/2)
	for {
		n, err := conn.Read(chunk)
		s.stack.access.Meters.Read(n)
		s.stack.bytes.spend(s.ctx, n)
		s.stack.access.Pace(s.ctx, n)
		s.mu.Lock()
		for len(s.in)+n > host.NetBufferBytes && !s.closed && !s.upgrade && s.failed == nil {
			s.changed.Wait()
		}
		s.in = append(s.in, chunk[:n]...)
		leave := s.closed || s.upgrade || s.failed != nil
		s.eof = s.eof || errors.Is(err, io.EOF)
		s.mu.Unlock()
		s.stack.notify()
		switch {
		case leave || errors.Is(err, io.EOF):
			return
		case err != nil:
			s.fail(classify("read", err))
			return
		}
	}
}

// send is the writer. It goes on until the guest's last byte is out, or there is an error. Secrets are put in the place
// of their handles here: behind the guest, and right before the connection.
func (s *Stream) send(conn net.Conn, to peer) {
	secrets := filler{secrets: s.stack.access.Secrets}
	for {
		chunk, leave, last := s.nextChunk(&secrets)
		filled, refused := secrets.fill(chunk, to, leave || len(chunk) == 0)
		if refused != nil {
			s.fail(refused)
			return
		}
		if len(chunk) > 0 {
			s.stack.notify()
		}
		if !s.sendAll(conn, filled) {
			return
		}
		if leave {
			s.end(conn, last)
			return
		}
	}
}

// sendAll tells whether a chunk, which may be empty, is out.
func (s *Stream) sendAll(conn net.Conn, chunk []byte) bool {
	if len(chunk) == 0 {
		return true
	}
	s.stack.bytes.spend(s.ctx, len(chunk))
	s.stack.access.Pace(s.ctx, len(chunk))
	n, err := conn.Write(chunk)
	s.stack.access.Meters.Written(n)
	if err != nil {
		s.fail(classify("write", err))
	}
	return err == nil
}

// nextChunk waits for what the guest writes. An empty chunk without leave means that what is held has waited long
// enough. last: it is the guest who ends the connection.
func (s *Stream) nextChunk(secrets *filler) (chunk []byte, leave, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	overdue := false // guarded by mu
	if held := len(secrets.held); held > 0 {
		timer := time.AfterFunc(holdMax(held), func() { s.update(func() { overdue = true }) })
		defer timer.Stop()
	}
	for len(s.out) == 0 && !s.closed && !s.finish && !s.upgrade && !overdue && s.failed == nil {
		s.changed.Wait()
	}
	chunk, last = s.out, s.closed || s.finish
	s.out = nil
	leave = len(chunk) == 0 && (last || s.upgrade || s.failed != nil)
	if s.failed != nil {
		secrets.held = nil
	}
	return chunk, leave, last
}

// holdMax is how long the beginning of what may be a handle waits for its rest.
func holdMax(held int) time.Duration {
	if held < len(abi.SecretMark) {
		return host.NetTildeHeldMax
	}
	return host.NetHandleHeldMax
}

// end tells the peer that no more comes, if so; a stream that the guest has closed ends with it.
func (s *Stream) end(conn net.Conn, last bool) {
	s.mu.Lock()
	s.sent = last
	closed := s.closed
	s.mu.Unlock()
	if closed {
		s.cancel()
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && last {
		_ = half.CloseWrite() // a peer that is gone will be noticed by the reader
	}
}

// close ends the stream for the guest. What it has written still goes out, for as long as host.NetLingerMax.
func (s *Stream) close() {
	s.mu.Lock()
	s.closed = true
	over := s.conn == nil || s.busy || s.failed != nil || s.sent
	s.mu.Unlock()
	s.changed.Broadcast()
	if over {
		s.cancel()
		return
	}
	time.AfterFunc(host.NetLingerMax, s.cancel)
}

// Read takes what is there: 0 without eof or err means nothing yet.
func (s *Stream) Read(dst []byte) (n int, eof bool, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.in) == 0 {
		return 0, s.eof && s.failed == nil, s.failed
	}
	n = copy(dst, s.in)
	s.in = s.in[:copy(s.in, s.in[n:])]
	s.changed.Broadcast()
	return n, false, nil
}

// errFinished answers a write behind the end that the guest has set itself.
var errFinished = &Error{abi.NetInvalid, "write after the connection was closed for writing"}

// Write takes as much of src as fits; 0 without err means that there is no room now.
func (s *Stream) Write(src []byte) (n int, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failed != nil:
		return 0, s.failed
	case s.finish:
		return 0, errFinished
	case s.busy || s.conn == nil:
		return 0, nil
	}
	n = min(len(src), host.NetBufferBytes-len(s.out))
	s.out = append(s.out, src[:n]...)
	s.changed.Broadcast()
	return n, nil
}

// Ready tells whether Read and Write would do something; a stream that is not open yet does neither.
func (s *Stream) Ready() (readable, writable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return false, false
	}
	over := s.failed != nil || s.conn == nil
	return over || len(s.in) > 0 || s.eof, over || s.finish || len(s.out) < host.NetBufferBytes
}

// FinishWriting is shutdown(2) for writing.
func (s *Stream) FinishWriting() { s.update(func() { s.finish = true }) }

// Status tells what became of the stream; done is false while it dials, asks or shakes hands. The text of NetOpen is
// "local\nremote\nprotocol" of a connection, and the answer of a question; of other codes the message for the user.
func (s *Stream) Status() (code abi.NetCode, text string, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.busy:
		return 0, "", false
	case s.failed != nil:
		return s.failed.Code, s.failed.Message, true
	}
	return abi.NetOpen, s.answer, true
}

// errEarly refuses a handshake behind bytes that came without protection: a peer in the middle could have put them
// there, and the guest would take them for protected ones.
var errEarly = &Error{abi.NetTLSFailed, "TLS can't begin: the peer has sent bytes before the handshake"}

// StartTLS begins the handshake on an open connection; ok is false when there is none.
func (s *Stream) StartTLS(options abi.TLSOptions) (ok bool) {
	s.mu.Lock()
	conn := s.conn
	ok = conn != nil && !s.busy && s.failed == nil && !s.finish
	if ok {
		s.busy, s.upgrade = true, true
	}
	s.mu.Unlock()
	if !ok {
		return false
	}
	s.changed.Broadcast()
	_ = conn.SetReadDeadline(time.Unix(1, 0)) // the reader comes back; fails only on a closed connection
	go func() {
		s.pumps.Wait()
		_ = conn.SetReadDeadline(time.Time{})
		s.handshake(conn, options)
	}()
	return true
}

func (s *Stream) handshake(conn net.Conn, options abi.TLSOptions) {
	s.mu.Lock()
	early, gone := len(s.in) > 0, s.eof
	s.mu.Unlock()
	switch {
	case early:
		s.fail(errEarly)
		return
	case gone:
		s.fail(&Error{abi.NetTLSFailed, "TLS can't begin: the peer has closed the connection"})
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, host.NetDialDurationMax)
	defer cancel()
	keys := filler{secrets: s.stack.access.Secrets}
	var err *Error
	if options.Key, err = keys.fillText(options.Key, s.to); err != nil {
		s.fail(err)
		return
	}
	secured, err := secure(ctx, conn, s.to.host, options)
	if err != nil {
		s.fail(err)
		return
	}
	state := secured.ConnectionState()
	s.mu.Lock()
	s.to.state = &state
	s.mu.Unlock()
	s.open(secured, state.NegotiatedProtocol)
}
