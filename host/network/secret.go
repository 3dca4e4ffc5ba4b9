package network

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// Secret is a value that a guest does not see. What it writes in its place is the handle; the host puts the value there
// on connections to the secret's hosts.
type Secret struct {
	Name   string
	Handle string // begins with abi.SecretMark; as long as the value, if that is long enough
	Value  string
	Hosts  *Policy
	Plain  bool           // it may be sent without TLS
	Roots  *x509.CertPool // that must vouch for its hosts; nil: the system's
}

// HostsProperty is the worker's property that binds a secret to hosts.
func (s *Secret) HostsProperty() string { return "berth.secrets." + s.Name + ".hosts" }

// peer is what a stream leads to.
type peer struct {
	host  string // name or address that was dialled
	port  uint16
	state *tls.ConnectionState // nil: no TLS
}

// admits tells whether a secret may be sent to a peer. The certificate is checked here, whatever roots and name the
// guest has named for the handshake.
func (s *Secret) admits(p peer) *Error {
	if !s.Hosts.reaches(p.host, p.port) {
		return &Error{abi.NetNotGranted, fmt.Sprintf("secret %s may not be sent to %s; the worker's %s must list it", s.Name,
			joined(p.host, p.port), s.HostsProperty())}
	}
	if p.state == nil {
		if s.Plain {
			return nil
		}
		return &Error{abi.NetNotGranted, fmt.Sprintf("secret %s may not be sent to %s without the host's TLS; dial with "+
			"TLS, or set the worker's berth.secrets.%s.plain=true", s.Name, joined(p.host, p.port), s.Name)}
	}
	options := x509.VerifyOptions{DNSName: p.host, Roots: s.Roots, Intermediates: x509.NewCertPool()}
	for _, c := range p.state.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	if _, err := p.state.PeerCertificates[0].Verify(options); err != nil {
		return &Error{abi.NetTLSFailed, fmt.Sprintf("secret %s may not be sent to %s: %v; the worker's "+
			"berth.secrets.%s.roots must name the certificates that vouch for it", s.Name, joined(p.host, p.port), err, s.Name)}
	}
	return nil
}

// reaches tells whether a host that was dialled, and so resolved and checked, is among those of a policy.
func (p *Policy) reaches(host string, port uint16) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return p.checkAddress(addr, port, false) == nil
	}
	return p.checkName(host, port) == nil
}

// filler puts secrets in the place of handles in what is written on one connection, wherever writes are cut.
type filler struct {
	secrets []Secret
	held    []byte // the beginning of what may be a handle
}

// fill returns what may go out; last: no more comes that could complete a handle. Error: a secret that may not be sent
// to the peer; nothing of that write is to go out then.
func (f *filler) fill(written []byte, to peer, last bool) ([]byte, *Error) {
	if len(f.secrets) == 0 {
		return written, nil
	}
	rest := append(f.held, written...)
	f.held = nil
	var out []byte
	for {
		at := bytes.IndexByte(rest, abi.SecretMark[0])
		if at < 0 {
			return append(out, rest...), nil
		}
		out, rest = append(out, rest[:at]...), rest[at:]
		n, value, err := f.match(rest, to)
		switch {
		case err != nil:
			return nil, err
		case n > 0:
			out, rest = append(out, value...), rest[n:]
		case n < 0 && !last:
			f.held = bytes.Clone(rest)
			return out, nil
		default:
			out, rest = append(out, rest[0]), rest[1:]
		}
	}
}

// match tells what stands at the beginning of text: n > 0 bytes that value replaces, 0: nothing, −1: what may become
// something.
func (f *filler) match(text []byte, to peer) (n int, value string, err *Error) {
	if len(text) < len(abi.SecretMark) {
		open := strings.HasPrefix(abi.SecretMark, string(text)) || strings.HasPrefix(abi.SecretBasicMark, string(text))
		return undecided(open), "", nil
	}
	if !bytes.HasPrefix(text, []byte(abi.SecretBasicMark)) {
		n, secret := f.handle(text)
		if secret == nil {
			return n, "", nil
		}
		return n, secret.Value, secret.admits(to)
	}
	user, at, open := basicUser(text)
	if at == 0 {
		return undecided(open), "", nil
	}
	n, secret := f.handle(text[at:])
	if secret == nil {
		return n, "", nil
	}
	credentials := append(append(user, ':'), secret.Value...)
	return at + n, base64.StdEncoding.EncodeToString(credentials), secret.admits(to)
}

// handle finds the handle that text begins with.
func (f *filler) handle(text []byte) (n int, found *Secret) {
	open := false
	for i := range f.secrets {
		s := &f.secrets[i]
		if bytes.HasPrefix(text, []byte(s.Handle)) {
			return len(s.Handle), s
		}
		open = open || len(text) < len(s.Handle) && s.Handle[:len(text)] == string(text)
	}
	return undecided(open), nil
}

// basicUser reads ~~bUSER~: what the name is and where the handle begins. at 0: it is none, unless open says that more
// may come.
func basicUser(text []byte) (user []byte, at int, open bool) {
	encoded := text[len(abi.SecretBasicMark):]
	end := bytes.IndexByte(encoded, '~')
	if end < 0 {
		return nil, 0, len(encoded) <= abi.SecretUserMax
	}
	user, err := base64.RawURLEncoding.DecodeString(string(encoded[:end]))
	if err != nil || end > abi.SecretUserMax {
		return nil, 0, false
	}
	return user, len(abi.SecretBasicMark) + end + 1, false
}

func undecided(open bool) int {
	if open {
		return -1
	}
	return 0
}

// fillText puts a secret in the place of a text that is its handle as a whole: a key for TLS, say.
func (f *filler) fillText(text string, to peer) (string, *Error) {
	n, secret := f.handle([]byte(text))
	if secret == nil || n != len(text) {
		return text, nil
	}
	if !secret.Hosts.reaches(to.host, to.port) {
		return "", secret.admits(to)
	}
	return secret.Value, nil
}
