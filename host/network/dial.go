package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// dial checks the name, resolves it, checks each address and connects to one of those: what was checked is what is
// dialled, whatever the name resolves to a moment later.
func (s *Stream) dial(hostname string, port uint16) {
	ctx, cancel := context.WithTimeout(s.ctx, host.NetDialDurationMax)
	defer cancel()
	name, addresses, failed := s.stack.access.resolved(ctx, hostname, port)
	if failed != nil {
		s.fail(failed)
		return
	}
	conn, err := connect(ctx, addresses, port)
	if err != nil {
		s.fail(classify("connect to "+joined(name, port), err))
		return
	}
	s.stack.access.Meters.Connected()
	s.mu.Lock()
	s.to = peer{host: name, port: port}
	s.mu.Unlock()
	s.open(conn, "")
}

// Dial connects the host itself to an address host:port that the configuration of somebody names who may reach what the
// policy grants, no more. It resolves and checks at every call. Errors: *Error; those of net.
func (p *Policy) Dial(ctx context.Context, resolver Resolver, address string) (net.Conn, error) {
	hostname, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("the port of %s must be a number from 1 to 65535", address)
	}
	ctx, cancel := context.WithTimeout(ctx, host.NetDialDurationMax)
	defer cancel()
	_, addresses, failed := Access{Policy: p, Resolver: resolver}.resolved(ctx, hostname, uint16(port))
	if failed != nil {
		return nil, failed
	}
	return connect(ctx, addresses, uint16(port))
}

// resolved gives the addresses of a host that may be dialled.
func (a Access) resolved(ctx context.Context, hostname string, port uint16) (string, []netip.Addr, *Error) {
	policy := a.Policy
	if port == 0 {
		return "", nil, &Error{abi.NetInvalid, "port 0 can't be dialled"}
	}
	if addr, err := netip.ParseAddr(hostname); err == nil {
		addr = addr.Unmap()
		if addr.Zone() != "" {
			return "", nil, &Error{abi.NetInvalid, hostname + ": addresses with a zone can't be dialled"}
		}
		return addr.String(), []netip.Addr{addr}, policy.checkAddress(addr, port, false)
	}
	name, err := hostName(hostname)
	if err != nil {
		return "", nil, &Error{abi.NetInvalid, err.Error()}
	}
	if failed := policy.checkName(name, port); failed != nil {
		return "", nil, failed
	}
	all, err := a.Resolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return "", nil, classify("resolve "+name, err)
	}
	allowed, failed := policy.allowed(name, all, port)
	return name, allowed, failed
}

// allowed picks the addresses of a name that may be dialled; if there are none, the error is of the first.
func (p *Policy) allowed(name string, all []netip.Addr, port uint16) ([]netip.Addr, *Error) {
	var allowed []netip.Addr
	first := &Error{abi.NetNoSuchHost, "resolve " + name + ": no addresses"}
	for i, addr := range all {
		failed := p.checkAddress(addr, port, true)
		if failed == nil {
			allowed = append(allowed, addr.Unmap())
		} else if i == 0 {
			first = &Error{failed.Code, name + " resolves to " + failed.Message}
		}
	}
	if len(allowed) > 0 {
		return allowed, nil
	}
	return nil, first
}

// attemptMin is what an address gets at least, while others are left to try.
const attemptMin = 2 * time.Second

// connect tries addresses in order; each gets an equal part of the time that is left.
func connect(ctx context.Context, addresses []netip.Addr, port uint16) (net.Conn, error) {
	deadline, _ := ctx.Deadline()
	var first error
	for i, addr := range addresses {
		left := time.Until(deadline)
		dialer := net.Dialer{Timeout: max(left/time.Duration(len(addresses)-i), attemptMin)}
		conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, port).String())
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// resolve answers a question of net_resolve.
func (s *Stream) resolve(name string, kind uint32) {
	ctx, cancel := context.WithTimeout(s.ctx, host.NetDialDurationMax)
	defer cancel()
	lines, failed := s.stack.ask(ctx, name, kind)
	if failed != nil {
		s.fail(failed)
		return
	}
	answer := strings.Join(lines, "\n")
	if len(answer) > abi.NetAnswerBytesMax {
		s.fail(&Error{abi.NetInvalid, fmt.Sprintf("the answer for %s has %d bytes, at most %d", name, len(answer),
			abi.NetAnswerBytesMax)})
		return
	}
	s.update(func() { s.busy, s.answer = false, answer })
}

func (s *Stack) ask(ctx context.Context, question string, kind uint32) ([]string, *Error) {
	name, err := hostName(question)
	if err != nil {
		return nil, &Error{abi.NetInvalid, err.Error()}
	}
	if failed := s.access.Policy.checkQuestion(name); failed != nil {
		return nil, failed
	}
	var lines []string
	switch kind {
	case abi.ResolveAddresses:
		lines, err = s.addresses(ctx, name)
	case abi.ResolveSRV:
		lines, err = s.services(ctx, name)
	case abi.ResolveTXT:
		lines, err = s.texts(ctx, name)
	default:
		return nil, &Error{abi.NetInvalid, fmt.Sprintf("resolve %s: unknown kind %d", name, kind)}
	}
	if err != nil {
		return nil, classify("resolve "+name, err)
	}
	return lines, nil
}

func (s *Stack) addresses(ctx context.Context, name string) (lines []string, err error) {
	all, err := s.access.Resolver.LookupNetIP(ctx, "ip", name)
	for _, addr := range all {
		lines = append(lines, addr.Unmap().String())
	}
	return lines, err
}

func (s *Stack) services(ctx context.Context, name string) (lines []string, err error) {
	_, all, err := s.access.Resolver.LookupSRV(ctx, "", "", name)
	for _, srv := range all {
		lines = append(lines, fmt.Sprintf("%d %d %d %s", srv.Priority, srv.Weight, srv.Port, srv.Target))
	}
	return lines, err
}

func (s *Stack) texts(ctx context.Context, name string) (lines []string, err error) {
	all, err := s.access.Resolver.LookupTXT(ctx, name)
	for _, text := range all {
		lines = append(lines, strings.NewReplacer("\n", "", "\r", "").Replace(text))
	}
	return lines, err
}
