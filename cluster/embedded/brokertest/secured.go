package brokertest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// Mechanisms are those that secured brokers take a login by.
var Mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// Secured are brokers on 127.0.0.1 that know one user, and ask for client certificates where they know none.
type Secured struct {
	Addrs          map[string]string // host:port of SSL, SASL_PLAINTEXT and SASL_SSL
	Shared         bool              // these are listeners of the Kafka that Bootstrap names; else each is a cluster
	User, Password string

	Roots, Certificate, Key string // PEM: whom to trust, and the client's
}

// Secure runs secured brokers until the test ends. On the Kafka at BERTH_TEST_BOOTSTRAP they are its own listeners, by
// BERTH_TEST_KAFKA_DIR, the folder that testdata/kafka/kafka.sh has started it in with KAFKA_SECURED=1.
func Secure(t testing.TB) Secured {
	t.Helper()
	if bootstrap := strings.TrimSpace(os.Getenv("BERTH_TEST_BOOTSTRAP")); bootstrap != "" {
		return listenersOf(t, bootstrap, os.Getenv("BERTH_TEST_KAFKA_DIR"))
	}
	authority := NewAuthority(t)
	s := Secured{Addrs: map[string]string{}, User: "mirror", Password: `pass "word"`, Roots: authority.PEM()}
	s.Certificate, s.Key = authority.Sign(t, "client")
	server, err := tls.X509KeyPair(bytesOf(authority.Sign(t, "server")))
	if err != nil {
		t.Fatal(err)
	}
	encrypted := tls.Config{Certificates: []tls.Certificate{server}}
	mutual := encrypted.Clone()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, s.pool(t)
	logins := []kfake.Opt{kfake.EnableSASL()}
	for _, mechanism := range Mechanisms {
		logins = append(logins, kfake.Superuser(mechanism, s.User, s.Password))
	}
	for protocol, opts := range map[string][]kfake.Opt{
		"SSL": {kfake.TLS(mutual)}, "SASL_PLAINTEXT": logins, "SASL_SSL": append(logins[:len(logins):len(logins)],
			kfake.TLS(&encrypted)),
	} {
		cluster, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		s.Addrs[protocol] = cluster.ListenAddrs()[0]
	}
	return s
}

// listenersOf reads what kafka.sh has written.
func listenersOf(t testing.TB, bootstrap, dir string) Secured {
	t.Helper()
	text := func(name string) string {
		content, err := os.ReadFile(filepath.Join(dir, "secured", name))
		if err != nil {
			t.Fatalf("%v; BERTH_TEST_KAFKA_DIR must be the folder of a Kafka that KAFKA_SECURED=1 kafka.sh started", err)
		}
		return string(content)
	}
	host, base, err := net.SplitHostPort(bootstrap)
	port, notNumber := strconv.Atoi(base)
	if err != nil || notNumber != nil {
		t.Fatalf("BERTH_TEST_BOOTSTRAP=%s: want one host:port", bootstrap)
	}
	s := Secured{Addrs: map[string]string{}, Shared: true, Roots: text("ca.pem"), Certificate: text("client.pem"),
		Key: text("client.key")}
	s.User, s.Password, _ = strings.Cut(strings.TrimSpace(text("login")), " ")
	for i, protocol := range []string{"SSL", "SASL_PLAINTEXT", "SASL_SSL"} {
		s.Addrs[protocol] = net.JoinHostPort(host, strconv.Itoa(port+2+i))
	}
	return s
}

// Login is the value of sasl.jaas.config.
func (s Secured) Login(mechanism, password string) string {
	module := "scram.ScramLoginModule"
	if mechanism == "PLAIN" {
		module = "plain.PlainLoginModule"
	}
	return fmt.Sprintf(`org.apache.kafka.common.security.%s required username=%q password=%q;`, module, s.User, password)
}

// Client is how a client of the test itself connects by a protocol.
func (s Secured) Client(t testing.TB, protocol string) []kgo.Opt {
	t.Helper()
	var opts []kgo.Opt
	if strings.HasPrefix(protocol, "SASL") {
		opts = append(opts, kgo.SASL(plain.Auth{User: s.User, Pass: s.Password}.AsMechanism()))
	}
	if strings.HasSuffix(protocol, "SSL") {
		own, err := tls.X509KeyPair(bytesOf(s.Certificate, s.Key))
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, kgo.DialTLSConfig(&tls.Config{RootCAs: s.pool(t), Certificates: []tls.Certificate{own}}))
	}
	return opts
}

func (s Secured) pool(t testing.TB) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(s.Roots)) {
		t.Fatal("there is no certificate in what is to be trusted")
	}
	return pool
}

func bytesOf(certificate, key string) ([]byte, []byte) { return []byte(certificate), []byte(key) }
