package network

import (
	"context"
	"net"
	"strconv"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// Dialer connects for the host itself to what somebody else named, by the rules that guests have: each dial checks the
// name, resolves it, and connects to an address that it has checked.
type Dialer struct {
	Policy   *Policy
	Resolver Resolver // nil: the system's
}

// DialContext is for http.Transport. Error: *Error.
func (d Dialer) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	hostname, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &Error{abi.NetInvalid, err.Error()}
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, &Error{abi.NetInvalid, address + ": the port must be a number from 1 to 65535"}
	}
	resolver := d.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	ctx, cancel := context.WithTimeout(ctx, host.NetDialDurationMax)
	defer cancel()
	name, addresses, failed := d.Policy.resolved(ctx, resolver, hostname, uint16(port))
	if failed != nil {
		return nil, failed
	}
	conn, err := connect(ctx, addresses, uint16(port))
	if err != nil {
		return nil, classify("connect to "+joined(name, uint16(port)), err)
	}
	return conn, nil
}
