package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
)

// Somebody shows certificates with the name of an admin that prove nothing. None of them makes a connection that is
// taken for the admin's, be certificates asked for or not.
func TestRedTeamCertificates(t *testing.T) {
	ours, theirs := brokertest.NewAuthority(t), brokertest.NewAuthority(t)
	address := startAskingForCertificates(t, ours)
	if got := asks(t, ours, signed(t, ours, "root"), "PUT", address+"/tenants/b"); got != http.StatusCreated {
		t.Fatalf("the admin: %d", got)
	}
	for name, certificate := range map[string]*tls.Certificate{
		"expired":       falsified(t, ours, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
		"not-yet-valid": falsified(t, ours, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }),
		"for-servers-only": falsified(t, ours, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}),
		"for-code-only": falsified(t, ours, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}),
		"with-an-unknown-critical-extension": falsified(t, ours, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}),
		"of-another-authority-of-the-same-name": signed(t, theirs, "root"),
		"of-another-authority-with-its-chain":   chained(t, signed(t, theirs, "root"), theirs),
		"of-another-authority-with-our-chain":   chained(t, signed(t, theirs, "root"), ours),
		"signed-by-one-who-may-not-sign":        chainedBy(t, signed(t, ours, "eve")),
		"of-another-key": {Certificate: signed(t, ours, "root").Certificate,
			PrivateKey: signed(t, ours, "eve").PrivateKey},
	} {
		t.Run("certificate-"+name, func(t *testing.T) {
			if got := asks(t, ours, certificate, "DELETE", address+"/tenants/b"); got != 0 {
				t.Errorf("got an answer, %d", got)
			}
			if got := asks(t, ours, signed(t, ours, "root"), "GET", address+"/tenants/b"); got != http.StatusOK {
				t.Errorf("the admin then: %d", got)
			}
		})
	}
}

// falsified is a certificate of the admin's name with something wrong.
func falsified(t *testing.T, authority brokertest.Authority, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	certificate, key := authority.SignAs(t, change, "root")
	return pair(t, certificate, key)
}

func pair(t *testing.T, certificate, key string) *tls.Certificate {
	t.Helper()
	both, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return &both
}

// chained sends the authority's own certificate along.
func chained(t *testing.T, certificate *tls.Certificate, authority brokertest.Authority) *tls.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(authority.PEM()))
	return &tls.Certificate{Certificate: append(slices.Clone(certificate.Certificate), block.Bytes),
		PrivateKey: certificate.PrivateKey}
}

// chainedBy is signed by somebody whose certificate is in order, but is none of an authority.
func chainedBy(t *testing.T, signer *tls.Certificate) *tls.Certificate {
	t.Helper()
	parent, err := x509.ParseCertificate(signer.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "root"},
		NotBefore: parent.NotBefore, NotAfter: parent.NotAfter, ExtKeyUsage: parent.ExtKeyUsage}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, parent.Raw}, PrivateKey: key}
}
