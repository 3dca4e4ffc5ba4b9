package network

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/berth-connect/berth/abi"
)

// secure shakes hands as a client.
func secure(ctx context.Context, conn net.Conn, dialled string, options abi.TLSOptions) (*tls.Conn, *Error) {
	config, err := options.Config(dialled)
	if err != nil {
		return nil, &Error{abi.NetTLSFailed, err.Error()}
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
