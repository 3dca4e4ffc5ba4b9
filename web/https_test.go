package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/cluster/kafka"
)

// authority signs certificates for 127.0.0.1, and keeps them in files.
type authority struct {
	brokertest.Authority
	t *testing.T
}

func newAuthority(t *testing.T) *authority { return &authority{brokertest.NewAuthority(t), t} }

// keystore is a file with a certificate and its key.
func (a *authority) keystore(name string) string {
	a.t.Helper()
	certificate, key := a.Sign(a.t, name)
	return a.file(name+".pem", certificate+key)
}

func (a *authority) file(name, text string) string {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// properties are a worker's, in the form of files and of text.
func (a *authority) properties(clientAuth string) map[string]string {
	return map[string]string{
		"listeners.https.ssl.keystore.type": "PEM", "listeners.https.ssl.keystore.location": a.keystore("worker"),
		"listeners.https.ssl.truststore.type": "PEM", "listeners.https.ssl.truststore.certificates": a.PEM(),
		"listeners.https.ssl.client.auth": clientAuth,
		"ssl.keystore.type":               "JKS", "ssl.keystore.location": "/of/the/clients", // count for nothing here
	}
}

// startHTTPS runs a server on an https listener and returns its address and the TLS of a worker that calls it.
func startHTTPS(t *testing.T, properties map[string]string) (string, *tls.Config) {
	t.Helper()
	server, client, err := kafka.RESTTLS(properties)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Listeners: []string{"https://127.0.0.1:0"}, TLS: server}, &fakeHerder{},
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, listeners) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listeners[0].Addr().String(), client
}

func get(address string, config *tls.Config) error {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	answer, err := client.Get("https://" + address + "/connectors")
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func TestHTTPS(t *testing.T) {
	a := newAuthority(t)
	address, worker := startHTTPS(t, a.properties("none"))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(a.PEM()))
	if err := get(address, &tls.Config{RootCAs: roots}); err != nil {
		t.Error(err)
	}
	if err := get(address, worker); err != nil {
		t.Errorf("another worker: %v", err)
	}
	if err := get(address, &tls.Config{}); err == nil {
		t.Error("a client that does not know the authority trusts the worker")
	}
	if answer, err := http.Get("http://" + address + "/connectors"); err == nil && answer.StatusCode == http.StatusOK {
		t.Error("an https listener answers http")
	}
}

func TestClientsShowCertificates(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(a.PEM()))
	with := func(keystore string) *tls.Config {
		text, err := os.ReadFile(keystore)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(text, text)
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}
	}
	own, strange, without := with(a.keystore("client")), with(stranger.keystore("x")), &tls.Config{RootCAs: roots}
	strange.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &strange.Certificates[0], nil // although the worker names the authorities that it takes
	}
	for auth, want := range map[string][3]bool{
		"none": {true, true, true}, "requested": {true, false, true}, "required": {true, false, false},
	} {
		address, worker := startHTTPS(t, a.properties(auth))
		for i, client := range []*tls.Config{own, strange, without} {
			if err := get(address, client.Clone()); (err == nil) != want[i] {
				t.Errorf("ssl.client.auth=%s, client %d: %v", auth, i, err)
			}
		}
		if err := get(address, worker); err != nil {
			t.Errorf("ssl.client.auth=%s, another worker: %v", auth, err)
		}
	}
}

func TestHTTPSSettingsThatCannotBeUsed(t *testing.T) {
	a := newAuthority(t)
	for name, c := range map[string]struct{ key, value, want string }{
		"store of Java":  {"listeners.https.ssl.keystore.type", "JKS", "only PEM is supported"},
		"no file":        {"listeners.https.ssl.keystore.location", "/no/such/file", "must be readable"},
		"no key":         {"listeners.https.ssl.keystore.location", a.file("chain.pem", a.PEM()), "private key"},
		"no certificate": {"listeners.https.ssl.truststore.certificates", "x", "no PEM certificate"},
		"client auth":    {"listeners.https.ssl.client.auth", "perhaps", "use one of none, requested, required"},
	} {
		properties := a.properties("none")
		properties[c.key] = c.value
		if _, _, err := kafka.RESTTLS(properties); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	_, err := New(Config{Listeners: []string{"https://:1"}}, &fakeHerder{}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "https needs a certificate") {
		t.Errorf("https without a certificate: %v", err)
	}
}
