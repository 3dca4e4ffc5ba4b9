package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"strings"
)

// listenersPrefix marks settings for the REST API's own TLS; one of them makes the others without it count for nothing.
const listenersPrefix = "listeners.https."

// RESTTLS makes the TLS of https listeners of the REST API, and that of this worker's requests to other workers, from
// listeners.https.ssl.* or ssl.*, by the rules of the clients' ssl.*. The server's is nil without a certificate.
// Errors: a *PropertyError for each setting that can't be used.
func RESTTLS(worker map[string]string) (server, client *tls.Config, err error) {
	p := newProperties(restSettings(worker))
	client = tlsConfig(p, true)
	auth := p.choice("ssl.client.auth", "none", "requested", "required")
	if err := p.err(); err != nil {
		return nil, nil, err
	}
	if len(client.Certificates) == 0 {
		return nil, client, nil
	}
	server = &tls.Config{MinVersion: client.MinVersion, Certificates: client.Certificates,
		NextProtos: []string{"http/1.1"}}
	switch auth {
	case "requested":
		server.ClientAuth = tls.VerifyClientCertIfGiven
	case "required":
		server.ClientAuth = tls.RequireAndVerifyClientCert
	}
	server.ClientCAs = client.RootCAs
	if server.ClientCAs == nil && server.ClientAuth != tls.NoClientCert {
		if server.ClientCAs, err = x509.SystemCertPool(); err != nil {
			return nil, nil, err
		}
	}
	return server, client, nil
}

// restSettings are the ssl.* that hold for REST, in keys without the prefix.
func restSettings(worker map[string]string) map[string]string {
	own := withPrefix(worker, listenersPrefix)
	if len(own) == 0 {
		own = maps.Clone(worker)
	}
	maps.DeleteFunc(own, func(key, _ string) bool { return !strings.HasPrefix(key, "ssl.") })
	return own
}
