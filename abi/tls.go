//go:build !wasip1

package abi

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// Config is what a client shakes hands with, for whoever does so in a guest's place. The peer is always verified: as
// ServerName or, where that is empty, as the host that was dialled.
func (o TLSOptions) Config(dialled string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cmp.Or(o.ServerName, dialled), NextProtos: o.Protocols}
	if o.Roots != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(o.Roots)) {
			return nil, errors.New("TLS: the roots hold no certificate in PEM form")
		}
	}
	if o.Certificate != "" || o.Key != "" {
		own, err := tls.X509KeyPair([]byte(o.Certificate), []byte(o.Key))
		if err != nil {
			return nil, fmt.Errorf("TLS: the client's certificate and key: %w", err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}
