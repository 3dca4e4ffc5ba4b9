package network

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/berth-connect/berth/abi"
)

// secure shakes hands as a client. The peer is always verified: by the given roots, or those of the worker's system.
func secure(ctx context.Context, conn net.Conn, dialled string, options abi.TLSOptions) (*tls.Conn, *Error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cmp.Or(options.ServerName, dialled),
		NextProtos: options.Protocols}
	if options.Roots != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(options.Roots)) {
			return nil, &Error{abi.NetTLSFailed, "TLS: the roots hold no certificate in PEM form"}
		}
	}
	if options.Certificate != "" || options.Key != "" {
		own, err := tls.X509KeyPair([]byte(options.Certificate), []byte(options.Key))
		if err != nil {
			return nil, &Error{abi.NetTLSFailed, "TLS: the client's certificate and key: " + err.Error()}
		}
		config.Certificates = []tls.Certificate{own}
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		failed := classify("TLS handshake with "+config.ServerName, err)
		if failed.Code == abi.NetUnreachable {
			failed.Code = abi.NetTLSFailed // the peer hung up on the handshake
		}
		return nil, failed
	}
	return secured, nil
}
