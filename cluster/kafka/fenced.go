package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/twmb/franz-go/pkg/kgo"
)

// errFenced ends the connections of producers whose worker has lost its work.
var errFenced = errors.New("this worker is no member of its group any more, so its tasks must not write: " +
	"other workers may run them")

// Fence lets producers write only while fenced is false, and looks right before each write: what a client has buffered
// would else go out when a process that stood still goes on, after other workers have taken its tasks over. Call it
// before the first client is made.
func (c *Clients) Fence(fenced func() bool) { c.fenced = fenced }

// fenceOptions replace the options of p that say how to dial.
func (c *Clients) fenceOptions(p *properties) []kgo.Opt {
	if c.fenced == nil {
		return nil
	}
	d := fencedDialer{net.Dialer{Timeout: p.millis("socket.connection.setup.timeout.ms", defaultConnectTimeout)},
		encryption(p), c.fenced}
	return []kgo.Opt{kgo.DialTLSConfig(nil), kgo.Dialer(d.dial)}
}

type fencedDialer struct {
	net.Dialer
	tls    *tls.Config // nil: plaintext
	fenced func() bool
}

func (d fencedDialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.fenced() {
		return nil, errFenced
	}
	conn, err := d.dialPlainOrTLS(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return fencedConn{conn, d.fenced}, nil
}

func (d fencedDialer) dialPlainOrTLS(ctx context.Context, network, address string) (net.Conn, error) {
	if d.tls == nil {
		return d.DialContext(ctx, network, address)
	}
	dialer := tls.Dialer{NetDialer: &d.Dialer, Config: d.tls} // takes the server's name from the address
	return dialer.DialContext(ctx, network, address)
}

type fencedConn struct {
	net.Conn
	fenced func() bool
}

// Write implements net.Conn.
func (c fencedConn) Write(b []byte) (int, error) {
	if c.fenced() {
		return 0, errFenced
	}
	return c.Conn.Write(b)
}
