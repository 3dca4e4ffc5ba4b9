package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
)

// Who shows a certificate has the roles of the name in it; a certificate of nobody's, or of two names, has none.
func TestE2ECertificatesHaveRoles(t *testing.T) {
	ours, theirs := brokertest.NewAuthority(t), brokertest.NewAuthority(t)
	address := startAskingForCertificates(t, ours)
	for _, c := range []struct {
		name         string
		certificate  *tls.Certificate
		method, path string
		want         int // 0: no connection
	}{
		{"admin", signed(t, ours, "root"), "PUT", "/tenants/b", http.StatusCreated},
		{"edit", signed(t, ours, "amy"), "GET", "/tenants/a/connectors", http.StatusOK},
		{"edit deletes", signed(t, ours, "amy"), "DELETE", "/tenants/a/connectors/none", http.StatusNotFound},
		{"edit elsewhere", signed(t, ours, "amy"), "GET", "/tenants/b/connectors", http.StatusNotFound},
		{"edit of a tenant, at the worker", signed(t, ours, "amy"), "GET", "/connectors", http.StatusForbidden},
		{"view", signed(t, ours, "bob"), "GET", "/tenants/a/connectors", http.StatusOK},
		{"view deletes", signed(t, ours, "bob"), "DELETE", "/tenants/a/connectors/none", http.StatusForbidden},
		{"no role", signed(t, ours, "eve"), "GET", "/tenants/a/connectors", http.StatusNotFound},
		{"a name with another behind it", signed(t, ours, "eve", "root"), "GET", "/connectors", http.StatusUnauthorized},
		{"a name with another before it", signed(t, ours, "root", "eve"), "GET", "/connectors", http.StatusUnauthorized},
		{"a name that goes on", signed(t, ours, "root,CN=eve"), "GET", "/connectors", http.StatusForbidden},
		{"no name", signed(t, ours), "GET", "/connectors", http.StatusUnauthorized},
		{"no certificate", nil, "GET", "/connectors", http.StatusUnauthorized},
		{"another authority's", signed(t, theirs, "root"), "GET", "/connectors", 0},
	} {
		if got := asks(t, ours, c.certificate, c.method, address+c.path); got != c.want {
			t.Errorf("%s: %s %s: %d, want %d", c.name, c.method, c.path, got, c.want)
		}
	}
}

// startAskingForCertificates starts a worker that asks for certificates on a listener of its own; it returns that.
func startAskingForCertificates(t *testing.T, authority brokertest.Authority) string {
	t.Helper()
	certificate, key := authority.Sign(t, "worker")
	keystore := filepath.Join(t.TempDir(), "worker.pem")
	if err := os.WriteFile(keystore, []byte(certificate+key), 0o600); err != nil {
		t.Fatal(err)
	}
	const ssl = "CONNECT_LISTENERS_HTTPS_SSL_"
	p := newGuarded(t, "BERTH_REST_ROLES_ADMIN=user:root", "BERTH_REST_ROLES_A_EDIT=user:amy",
		"BERTH_REST_ROLES_A_VIEW=user:bob", "BERTH_REST_MTLS_PRINCIPAL=cn", ssl+"CLIENT_AUTH=requested",
		ssl+"KEYSTORE_TYPE=PEM", ssl+"KEYSTORE_LOCATION="+keystore,
		ssl+"TRUSTSTORE_TYPE=PEM", ssl+"TRUSTSTORE_CERTIFICATES="+authority.PEM())
	address := "https://" + freeAddress(t)
	for i, arg := range p.args {
		if strings.HasPrefix(arg, "http://") {
			p.args[i] += "," + address
		}
	}
	p.start()
	p.ask("PUT", "/tenants/a", map[string]any{}, nil)
	return address
}

func signed(t *testing.T, authority brokertest.Authority, names ...string) *tls.Certificate {
	t.Helper()
	certificate, key := authority.Sign(t, names...)
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return &pair
}

// asks makes a request with a certificate and returns the status of the answer; 0: there is none.
func asks(t *testing.T, trusted brokertest.Authority, certificate *tls.Certificate, method, url string) int {
	t.Helper()
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM([]byte(trusted.PEM()))
	if certificate != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	request, err := http.NewRequest(method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}
