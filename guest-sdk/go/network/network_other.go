//go:build !wasip1

package network

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: options.ServerName, NextProtos: options.Protocols}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(conn.RemoteAddr().String())
	}
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
