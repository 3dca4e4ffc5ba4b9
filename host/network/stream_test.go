package network

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/testdata/local"
)

// counted counts what a stack reports.
type counted struct {
	mu            sync.Mutex
	connected     int
	failed        map[abi.NetCode]int
	read, written int
}

func (c *counted) Connected() { c.add(func() { c.connected++ }) }
func (c *counted) Read(n int) { c.add(func() { c.read += n }) }

func (c *counted) Written(n int) { c.add(func() { c.written += n }) }

func (c *counted) Failed(code abi.NetCode) { c.add(func() { c.failed[code]++ }) }

func (c *counted) add(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// onThisMachine is a stack that may dial this machine.
func onThisMachine(t *testing.T, limits host.Limits) (*Stack, *counted) {
	t.Helper()
	c := &counted{failed: map[abi.NetCode]int{}}
	s := NewStack(t.Context(), Access{Policy: policy(t, "127.0.0.1:*"), Meters: c}, limits.WithDefaults(), 100)
	t.Cleanup(s.Close)
	return s, c
}

// server accepts connections on this machine and serves each.
func server(t *testing.T, serve func(net.Conn)) uint16 { return portOf(local.Server(t, serve)) }

func portOf(address string) uint16 { return netip.MustParseAddrPort(address).Port() }

// await sleeps as a guest does, until ready.
func await(t *testing.T, s *Stack, ready func() bool) {
	t.Helper()
	for !ready() {
		select {
		case <-s.Wake():
		case <-t.Context().Done():
			t.Fatal("the test ended first")
		}
	}
}

func settled(t *testing.T, s *Stack, st *Stream) (abi.NetCode, string) {
	t.Helper()
	await(t, s, func() bool { _, _, done := st.Status(); return done })
	code, text, _ := st.Status()
	return code, text
}

func dialled(t *testing.T, s *Stack, port uint16) (uint32, *Stream) {
	t.Helper()
	fd, ok := s.Dial("127.0.0.1", port)
	if !ok {
		t.Fatal("no fd")
	}
	st := s.Stream(fd)
	if code, text := settled(t, s, st); code != abi.NetOpen {
		t.Fatalf("dial: %s: %s", code, text)
	}
	return fd, st
}

func write(t *testing.T, s *Stack, st *Stream, data []byte) {
	t.Helper()
	for len(data) > 0 {
		await(t, s, func() bool { _, writable := st.Ready(); return writable })
		n, err := st.Write(data)
		if err != nil {
			t.Fatal(err)
		}
		data = data[n:]
	}
}

func readAll(t *testing.T, s *Stack, st *Stream, atMost int) []byte {
	t.Helper()
	var all []byte
	chunk := make([]byte, 4096)
	for len(all) < atMost {
		await(t, s, func() bool { readable, _ := st.Ready(); return readable })
		n, eof, err := st.Read(chunk)
		if err != nil {
			t.Fatal(err)
		}
		if eof {
			break
		}
		all = append(all, chunk[:n]...)
	}
	return all
}

func TestAnEchoComesBackWholeAndIsCounted(t *testing.T) {
	s, c := onThisMachine(t, host.Limits{})
	fd, st := dialled(t, s, server(t, local.Echo))
	sent := make([]byte, 3*host.NetBufferBytes)
	_, _ = rand.Read(sent)
	var got []byte
	for rest := sent; len(rest) > 0; {
		piece := rest[:min(len(rest), 10_000)]
		write(t, s, st, piece)
		got = append(got, readAll(t, s, st, len(piece))...)
		rest = rest[len(piece):]
	}
	st.FinishWriting()
	got = append(got, readAll(t, s, st, 1<<30)...)
	if !bytes.Equal(got, sent) {
		t.Errorf("got %d bytes, sent %d", len(got), len(sent))
	}
	if _, err := st.Write([]byte("x")); err != errFinished {
		t.Errorf("write after shutdown: %v", err)
	}
	s.CloseFd(fd)
	c.add(func() {
		if c.connected != 1 || c.read != len(sent) || c.written != len(sent) {
			t.Errorf("counted %d connections, %d read, %d written", c.connected, c.read, c.written)
		}
	})
}

// TestAGuestThatNeverReadsHoldsUpItsPeerAlone: the host keeps two buffers, not what the peer would send.
func TestAGuestThatNeverReadsHoldsUpItsPeerAlone(t *testing.T) {
	s, c := onThisMachine(t, host.Limits{})
	full := make(chan struct{})
	port := server(t, func(conn net.Conn) {
		defer close(full)
		_, _ = conn.Write(make([]byte, 64<<20)) // ends with an error, when the guest closes
	})
	fd, st := dialled(t, s, port)
	await(t, s, func() bool {
		st.mu.Lock()
		defer st.mu.Unlock()
		return len(st.in) == host.NetBufferBytes
	})
	s.CloseFd(fd)
	<-full
	c.add(func() {
		if most := 2 * host.NetBufferBytes; c.read > most {
			t.Errorf("%d bytes were read for a guest that reads none, at most %d", c.read, most)
		}
	})
}

func TestTooManyConnectionsAreRefusedAndCounted(t *testing.T) {
	s, c := onThisMachine(t, host.Limits{NetConnections: 3})
	port := server(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	first, _ := dialled(t, s, port)
	for range 2 {
		dialled(t, s, port)
	}
	if _, ok := s.Dial("127.0.0.1", port); ok {
		t.Error("a fourth connection was begun")
	}
	if _, ok := s.Resolve("127.0.0.1", abi.ResolveAddresses); ok {
		t.Error("a question was begun beside")
	}
	s.CloseFd(first)
	dialled(t, s, port)
	c.add(func() {
		if c.connected != 4 || c.failed[abi.NetOverLimit] != 2 {
			t.Errorf("counted %d connections, %v", c.connected, c.failed)
		}
	})
}

func TestManyDialsASecondAreRefused(t *testing.T) {
	r, second := rate{perSecond: 2}, time.Unix(1_000_000, 0)
	for i, want := range []bool{true, true, false, false, true} {
		if i == 4 {
			second = second.Add(time.Second)
		}
		if got := r.take(second); got != want {
			t.Errorf("take %d: got %v", i, got)
		}
	}
	s, c := onThisMachine(t, host.Limits{})
	s.dials = rate{perSecond: 0}
	fd, _ := s.Dial("127.0.0.1", 1)
	if code, text := settled(t, s, s.Stream(fd)); code != abi.NetOverLimit || !strings.Contains(text, "more than 0 ") {
		t.Errorf("got %s: %s", code, text)
	}
	c.add(func() {
		if c.failed[abi.NetOverLimit] != 1 {
			t.Errorf("counted %v", c.failed)
		}
	})
}

func TestWhatIsNotGrantedFailsWithItsName(t *testing.T) {
	s, c := onThisMachine(t, host.Limits{})
	for target, want := range map[string]string{
		"169.254.169.254": "169.254.169.254:80 is a private or special address",
		"evil.example":    "evil.example:80 is not granted; the worker's berth.allow.net must list it",
		"0x7f000001":      "0x7f000001:80 is not granted",
	} {
		fd, _ := s.Dial(target, 80)
		if code, text := settled(t, s, s.Stream(fd)); code != abi.NetNotGranted || !strings.Contains(text, want) {
			t.Errorf("%s: %s: %s", target, code, text)
		}
		if n, err := s.Stream(fd).Write([]byte("x")); n != 0 || err == nil {
			t.Errorf("%s: took %d bytes", target, n)
		}
		s.CloseFd(fd)
	}
	c.add(func() {
		if c.failed[abi.NetNotGranted] != 3 || c.connected != 0 {
			t.Errorf("counted %v and %d connections", c.failed, c.connected)
		}
	})
	none := NewStack(t.Context(), NoAccess, host.Limits{}.WithDefaults(), 0)
	defer none.Close()
	fd, _ := none.Dial("127.0.0.1", 80)
	code, text := settled(t, none, none.Stream(fd))
	if code != abi.NetNotGranted || !strings.Contains(text, "capability net") {
		t.Errorf("without capability: %s: %s", code, text)
	}
}

// TestWhatWasWrittenGoesOutAfterTheEnd: an instance that writes its last words and exits has said them.
func TestWhatWasWrittenGoesOutAfterTheEnd(t *testing.T) {
	heard := make(chan string, 1)
	port := server(t, func(conn net.Conn) {
		all, _ := io.ReadAll(conn)
		heard <- string(all)
	})
	s := NewStack(t.Context(), Access{Policy: policy(t, "127.0.0.1:*")}, host.Limits{}.WithDefaults(), 0)
	_, st := dialled(t, s, port)
	write(t, s, st, []byte("QUIT\r\n"))
	s.Close()
	if got := <-heard; got != "QUIT\r\n" {
		t.Errorf("the peer heard %q", got)
	}
}

// upgradable is a server that speaks plain first: it says early, and then, asked, shakes hands and echoes.
func upgradable(t *testing.T, early string) (port uint16, roots string) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	config := &tls.Config{Certificates: web.TLS.Certificates, NextProtos: []string{"echo"}}
	port = server(t, func(conn net.Conn) {
		if _, err := io.ReadFull(conn, make([]byte, 8)); err != nil {
			return
		}
		_, _ = io.WriteString(conn, "S"+early)
		secured := tls.Server(conn, config)
		_, _ = io.Copy(secured, secured)
	})
	return port, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
}

func TestAnOpenConnectionIsUpgradedToTLS(t *testing.T) {
	port, roots := upgradable(t, "")
	s, _ := onThisMachine(t, host.Limits{})
	for name, c := range map[string]struct {
		options abi.TLSOptions
		want    abi.NetCode
		text    string
	}{
		"good": {abi.TLSOptions{ServerName: "example.com", Roots: roots, Protocols: []string{"echo"}},
			abi.NetOpen, "\necho"},
		"dialled name":     {abi.TLSOptions{Roots: roots}, abi.NetOpen, "127.0.0.1"},
		"other name":       {abi.TLSOptions{ServerName: "evil.test", Roots: roots}, abi.NetTLSFailed, "evil.test"},
		"unknown root":     {abi.TLSOptions{ServerName: "example.com"}, abi.NetTLSFailed, "unknown authority"},
		"roots no PEM":     {abi.TLSOptions{Roots: "x"}, abi.NetTLSFailed, "PEM"},
		"key without cert": {abi.TLSOptions{Roots: roots, Key: "x"}, abi.NetTLSFailed, "certificate and key"},
	} {
		t.Run(name, func(t *testing.T) {
			fd, st := dialled(t, s, port)
			defer s.CloseFd(fd)
			write(t, s, st, []byte("SSLplea?"))
			if got := string(readAll(t, s, st, 1)); got != "S" {
				t.Fatalf("got %q", got)
			}
			if !st.StartTLS(c.options) {
				t.Fatal("TLS was not begun")
			}
			if code, text := settled(t, s, st); code != c.want || !strings.Contains(text, c.text) {
				t.Fatalf("got %s: %s", code, text)
			}
			if c.want != abi.NetOpen {
				return
			}
			write(t, s, st, []byte("secret"))
			if got := string(readAll(t, s, st, 6)); got != "secret" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestBytesBeforeTheHandshakeAreRefused(t *testing.T) {
	port, roots := upgradable(t, "injected")
	s, _ := onThisMachine(t, host.Limits{})
	_, st := dialled(t, s, port)
	write(t, s, st, []byte("SSLplea?"))
	await(t, s, func() bool { st.mu.Lock(); defer st.mu.Unlock(); return len(st.in) == len("Sinjected") })
	_, _, _ = st.Read(make([]byte, 1))
	st.StartTLS(abi.TLSOptions{Roots: roots})
	if code, text := settled(t, s, st); code != abi.NetTLSFailed || text != errEarly.Message {
		t.Errorf("got %s: %s", code, text)
	}
}

func tlsServer(conn net.Conn, like *httptest.Server) *tls.Conn {
	return tls.Server(conn, &tls.Config{Certificates: like.TLS.Certificates})
}
