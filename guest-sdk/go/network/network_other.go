//go:build !wasip1

package network

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
)

func dial(ctx context.Context, host string, port uint16) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(port))))
}

// StartTLS puts TLS on an open connection, as STARTTLS of many protocols asks for; conn must not be used any more.
func StartTLS(ctx context.Context, conn net.Conn, options TLS) (net.Conn, error) {
	dialled, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	config, err := options.Config(dialled)
	if err != nil {
		return nil, &Error{abi.NetTLSFailed, err.Error()}
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, &Error{abi.NetTLSFailed, "TLS: " + err.Error()}
	}
	return secured, nil
}

func lookup(ctx context.Context, name string, kind uint32) ([]string, error) {
	switch kind {
	case abi.ResolveAddresses:
		return net.DefaultResolver.LookupHost(ctx, name)
	case abi.ResolveTXT:
		return net.DefaultResolver.LookupTXT(ctx, name)
	}
	_, all, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
	var lines []string
	for _, srv := range all {
		lines = append(lines, fmt.Sprintf("%d %d %d %s", srv.Priority, srv.Weight, srv.Port, strings.TrimSpace(srv.Target)))
	}
	return lines, err
}
