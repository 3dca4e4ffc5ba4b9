// Package web is an HTTP client for plugins: net/http over the connections of package network.
package web

import (
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/guest-sdk/go/network"
)

// Client returns an HTTP client whose connections the host makes, TLS included. timeout bounds a whole exchange, with
// redirects and the body. There are no proxies: a plugin has no environment. Close idle connections when the plugin
// ends; the host does so if it is forgotten.
func Client(timeout time.Duration, options network.TLS) *http.Client {
	options.Protocols = []string{"http/1.1"}
	return &http.Client{Timeout: timeout, Transport: secretUsers{&http.Transport{
		DialContext: network.Dial,
		DialTLSContext: func(ctx context.Context, protocol, address string) (net.Conn, error) {
			return network.DialTLS(ctx, protocol, address, options)
		},
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     time.Minute,
	}}}
}

// secretUsers lets the password of the Basic scheme be the handle of a secret: encoded together with the user, the host
// would not find it.
type secretUsers struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t secretUsers) RoundTrip(request *http.Request) (*http.Response, error) {
	user, password, ok := request.BasicAuth()
	if ok && strings.HasPrefix(password, abi.SecretMark) {
		request = request.Clone(request.Context()) // a round trip must not change what it was given
		request.Header.Set("Authorization",
			"Basic "+abi.SecretBasicMark+base64.RawURLEncoding.EncodeToString([]byte(user))+"~"+password)
	}
	return t.Transport.RoundTrip(request)
}
