// Package web is an HTTP client for plugins: net/http over the connections of package network.
package web

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/berth-connect/berth/guest-sdk/go/network"
)

// Client returns an HTTP client whose connections the host makes, TLS included. timeout bounds a whole exchange, with
// redirects and the body. There are no proxies: a plugin has no environment. Close idle connections when the plugin
// ends; the host does so if it is forgotten.
func Client(timeout time.Duration, options network.TLS) *http.Client {
	options.Protocols = []string{"http/1.1"}
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		DialContext: network.Dial,
		DialTLSContext: func(ctx context.Context, protocol, address string) (net.Conn, error) {
			return network.DialTLS(ctx, protocol, address, options)
		},
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     time.Minute,
	}}
}
