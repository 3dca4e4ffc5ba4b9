package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// securityOptions reads security.protocol, ssl.* and sasl.*.
func securityOptions(p *properties) []kgo.Opt {
	var opts []kgo.Opt
	// Asked in any case: settings for a protocol that is not in use are not unknown ones.
	config := encryption(p)
	mechanism := saslMechanism(p, strings.HasPrefix(securityProtocol(p), "SASL"))
	if config != nil {
		opts = append(opts, kgo.DialTLSConfig(config))
	}
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts
}

func securityProtocol(p *properties) string {
	return p.choice("security.protocol", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
}

// encryption is nil for connections in plaintext.
func encryption(p *properties) *tls.Config {
	return tlsConfig(p, strings.HasSuffix(securityProtocol(p), "SSL"))
}

func tlsConfig(p *properties, inUse bool) *tls.Config {
	config := &tls.Config{MinVersion: minTLSVersion(p)}
	p.text("ssl.cipher.suites")
	roots := certificates(p, "ssl.truststore", "ssl.truststore.certificates", inUse)
	chain := certificates(p, "ssl.keystore", "ssl.keystore.certificate.chain", inUse)
	key := []byte(p.text("ssl.keystore.key"))
	if p.text("ssl.key.password") != "" && inUse {
		p.bad("ssl.key.password", "encrypted keys are not supported: store the key as unencrypted PKCS#8 PEM")
	}
	verifyHost := !p.asksForNoHostCheck()
	if !inUse {
		return nil
	}
	if len(roots) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(roots) {
			p.bad(sourceKey(p, "ssl.truststore"), "there is no PEM certificate in it")
		}
	}
	if len(chain) > 0 {
		if len(key) == 0 {
			key = chain // a PEM keystore file holds both
		}
		pair, err := tls.X509KeyPair(chain, key)
		if err != nil {
			p.bad(sourceKey(p, "ssl.keystore"),
				"it must hold a PEM certificate chain and its unencrypted private key: "+err.Error())
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if !verifyHost {
		skipHostCheck(config)
	}
	return config
}

func minTLSVersion(p *properties) uint16 {
	enabled := p.list("ssl.enabled.protocols")
	oldest := uint16(tls.VersionTLS13)
	for _, name := range enabled {
		switch name {
		case "TLSv1.3":
		case "TLSv1.2":
			oldest = tls.VersionTLS12
		default:
			p.bad("ssl.enabled.protocols", "use TLSv1.2 and TLSv1.3 only")
		}
	}
	if len(enabled) == 0 {
		return tls.VersionTLS12
	}
	return oldest
}

// sourceKey is the property that a store's contents came from, for messages.
func sourceKey(p *properties, store string) string {
	if p.values[store+".location"] != "" {
		return store + ".location"
	}
	if store == "ssl.truststore" {
		return "ssl.truststore.certificates"
	}
	return "ssl.keystore.certificate.chain"
}

// certificates returns the PEM text of a store, given in place or as a file.
func certificates(p *properties, store, inPlace string, inUse bool) []byte {
	kind, location, text := p.text(store+".type"), p.text(store+".location"), p.text(inPlace)
	if !inUse || location == "" && text == "" {
		return nil
	}
	if !strings.EqualFold(kind, "PEM") {
		if kind == "" {
			kind = "JKS"
		}
		p.values[store+".type"] = kind
		p.bad(store+".type", "only PEM is supported: convert the store (keytool -exportcert -rfc, "+
			"openssl pkcs12) and set it to PEM")
		return nil
	}
	if text != "" {
		return []byte(text)
	}
	data, err := os.ReadFile(location)
	if err != nil {
		p.bad(store+".location", "the file must be readable by the worker: "+err.Error())
	}
	return data
}

// asksForNoHostCheck: an empty algorithm, as opposed to an absent one, turns the comparison of host names off.
func (p *properties) asksForNoHostCheck() bool {
	const key = "ssl.endpoint.identification.algorithm"
	value, given := p.values[key]
	p.asked[key] = true
	if given && value != "" && !strings.EqualFold(value, "https") {
		p.bad(key, "use https, or an empty value to accept any host name")
	}
	return given && value == ""
}

// skipHostCheck keeps verifying the chain: crypto/tls can only turn both off together.
func skipHostCheck(config *tls.Config) {
	config.InsecureSkipVerify = true
	config.VerifyConnection = func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: config.RootCAs, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err
	}
}

func saslMechanism(p *properties, inUse bool) sasl.Mechanism {
	mechanism, jaas := p.text("sasl.mechanism"), p.text("sasl.jaas.config")
	if !inUse {
		return nil
	}
	if mechanism == "" {
		mechanism = "GSSAPI"
	}
	login, err := parseJAAS(jaas)
	if err != nil {
		p.bad("sasl.jaas.config", err.Error())
		return nil
	}
	user, password := login["username"], login["password"]
	switch strings.ToUpper(mechanism) {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password, IsToken: login["tokenauth"] == "true"}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password, IsToken: login["tokenauth"] == "true"}.AsSha512Mechanism()
	}
	p.values["sasl.mechanism"] = mechanism
	p.bad("sasl.mechanism", "use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	return nil
}

// parseJAAS reads `Class required key="value" key2=value2;` and demands a user name and password.
func parseJAAS(text string) (map[string]string, error) {
	form := errors.New(`it must look like: org.apache.kafka.common.security.plain.PlainLoginModule required ` +
		`username="name" password="secret";`)
	words, ok := jaasWords(text)
	if !ok || len(words) < 3 || words[len(words)-1] != ";" || !strings.HasSuffix(words[0], "LoginModule") {
		return nil, form
	}
	options := map[string]string{}
	for rest := words[2 : len(words)-1]; len(rest) > 0; rest = rest[3:] {
		if len(rest) < 3 || rest[1] != "=" {
			return nil, form
		}
		options[rest[0]] = rest[2]
	}
	for _, need := range []string{"username", "password"} {
		if _, ok := options[need]; !ok {
			return nil, fmt.Errorf("the option %s is missing; %w", need, form)
		}
	}
	return options, nil
}

// jaasWords splits into words, quoted strings, "=" and ";"; false means an open quote.
func jaasWords(text string) ([]string, bool) {
	var words []string
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case strings.ContainsRune(" \t\r\n", rune(c)):
			i++
		case c == '=' || c == ';':
			words = append(words, text[i:i+1])
			i++
		case c == '"' || c == '\'':
			word, n := quoted(text[i:])
			if n == 0 {
				return nil, false
			}
			words = append(words, word)
			i += n
		default:
			n := strings.IndexAny(text[i:], " \t\r\n=;\"")
			if n < 0 {
				n = len(text) - i
			}
			words = append(words, text[i:i+n])
			i += n
		}
	}
	return words, true
}

// quoted returns a quoted string at the start of text and how much text it takes, 0 when it does not end.
func quoted(text string) (string, int) {
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		case text[i] == text[0]:
			return out.String(), i + 1
		default:
			out.WriteByte(text[i])
		}
	}
	return "", 0
}
