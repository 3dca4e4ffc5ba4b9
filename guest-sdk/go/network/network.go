// Package network gives a plugin connections, which the host makes: to what the operator has granted, if the plugin's
// manifest asks for abi.CapabilityNet. A Conn is a net.Conn whose waiting parks one goroutine, so what takes a dial
// function works unmodified: net/http's Transport.DialContext, database drivers, AMQP and the like. Natively, in
// tests of a plugin, the functions are those of Go's own network.
package network

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/berth-connect/berth/abi"
)

// Error is why there is no connection or no answer. It is a net.Error; errors.As finds it below a *net.OpError.
type Error struct {
	Code    abi.NetCode
	Message string // for the user; of a missing grant it names what to grant
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Timeout implements net.Error.
func (e *Error) Timeout() bool { return e.Code == abi.NetTimeout }

// Temporary implements net.Error: whether trying again may help.
func (e *Error) Temporary() bool {
	return e.Code == abi.NetTimeout || e.Code == abi.NetUnreachable || e.Code == abi.NetOverLimit
}

var _ net.Error = (*Error)(nil)

// TLS are options of the host's TLS; the zero value verifies the dialled name by the worker's own roots.
type TLS = abi.TLSOptions

// Dial connects to host:port; network is "tcp", "tcp4" or "tcp6". The signature is that of net.Dialer.DialContext.
// The host resolves the name. ctx ends the dial, not the connection.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := split(network, address)
	if err != nil {
		return nil, opError("dial", network, address, err)
	}
	conn, err := dial(ctx, host, port)
	if err != nil {
		return nil, opError("dial", network, address, err)
	}
	return conn, nil
}

// DialTLS is Dial and then StartTLS.
func DialTLS(ctx context.Context, network, address string, options TLS) (net.Conn, error) {
	conn, err := Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secured, err := StartTLS(ctx, conn, options)
	if err != nil {
		_ = conn.Close() // the handshake has ended it
		return nil, err
	}
	return secured, nil
}

// LookupHost returns the addresses of a name of which a port is granted.
func LookupHost(ctx context.Context, name string) ([]string, error) {
	return lookup(ctx, name, abi.ResolveAddresses)
}

// LookupTXT returns the texts of a name.
func LookupTXT(ctx context.Context, name string) ([]string, error) {
	return lookup(ctx, name, abi.ResolveTXT)
}

// LookupSRV returns the services of a full name, such as _mongodb._tcp.example.com, the best first.
func LookupSRV(ctx context.Context, name string) ([]*net.SRV, error) {
	lines, err := lookup(ctx, name, abi.ResolveSRV)
	if err != nil {
		return nil, err
	}
	var all []*net.SRV
	for _, line := range lines {
		srv := &net.SRV{}
		if _, err := fmt.Sscanf(line, "%d %d %d %s", &srv.Priority, &srv.Weight, &srv.Port, &srv.Target); err != nil {
			return nil, fmt.Errorf("lookup %s: the host answered %q: %w", name, line, err)
		}
		all = append(all, srv)
	}
	return all, nil
}

// split reads an address; the port may be a number only, since a guest knows no list of services.
func split(network, address string) (host string, port uint16, err error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return "", 0, net.UnknownNetworkError(network)
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 {
		return "", 0, &net.AddrError{Err: "the port must be a number from 1 to 65535", Addr: address}
	}
	return host, uint16(number), nil
}

// addr is an address as text: what the host says of an end of a connection.
type addr string

// Network implements net.Addr.
func (addr) Network() string { return "tcp" }

// String implements net.Addr.
func (a addr) String() string { return string(a) }

func opError(op, network, address string, err error) error {
	return &net.OpError{Op: op, Net: network, Addr: addr(address), Err: err}
}
