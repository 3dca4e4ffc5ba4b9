package clients

import (
	"context"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/berth-connect/berth/guest-sdk/go/network"
)

// secured reads security.protocol, ssl.* and sasl.*, and says how to dial.
func secured(p *properties) ([]kgo.Opt, dialer) {
	protocol := p.choice("security.protocol", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
	var opts []kgo.Opt
	if strings.HasPrefix(protocol, "SASL") {
		if mechanism := mechanismOf(p); mechanism != nil {
			opts = append(opts, kgo.SASL(mechanism))
		}
	}
	if !strings.HasSuffix(protocol, "SSL") {
		return opts, network.Dial
	}
	options := tlsOf(p)
	return opts, func(ctx context.Context, protocol, address string) (net.Conn, error) {
		return network.DialTLS(ctx, protocol, address, options)
	}
}

// tlsOf reads ssl.*; the host does TLS, which always verifies the server.
func tlsOf(p *properties) network.TLS {
	options := network.TLS{Roots: p.text("ssl.truststore.certificates"),
		Certificate: p.text("ssl.keystore.certificate.chain"), Key: p.text("ssl.keystore.key")}
	for _, name := range []string{"ssl.truststore.location", "ssl.keystore.location"} {
		if p.text(name) != "" {
			p.bad(name, "a module reads no files: give the certificates themselves, as PEM, in ssl.truststore.certificates, or "+
				"ssl.keystore.certificate.chain and ssl.keystore.key; a configuration provider may read them")
		}
	}
	if p.text("ssl.key.password") != "" {
		p.bad("ssl.key.password", "encrypted keys are not supported: give the key as PKCS#8 PEM that is not encrypted")
	}
	if (options.Certificate == "") != (options.Key == "") {
		p.bad("ssl.keystore.key", "ssl.keystore.certificate.chain and ssl.keystore.key belong together")
	}
	if _, value, given := p.find("ssl.endpoint.identification.algorithm"); given && !strings.EqualFold(value, "https") {
		p.bad("ssl.endpoint.identification.algorithm", "names of servers are always verified: use https, or leave it out")
	}
	return options
}

func mechanismOf(p *properties) sasl.Mechanism {
	name := strings.ToUpper(p.text("sasl.mechanism"))
	if name != "PLAIN" && name != "SCRAM-SHA-256" && name != "SCRAM-SHA-512" {
		p.bad("sasl.mechanism", "use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
		return nil
	}
	login, ok := parseJAAS(p.text("sasl.jaas.config"))
	if !ok {
		p.bad("sasl.jaas.config", `it must look like: org.apache.kafka.common.security.plain.PlainLoginModule required `+
			`username="name" password="secret";`)
		return nil
	}
	user, password := login["username"], login["password"]
	switch name {
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password, IsToken: login["tokenauth"] == "true"}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password, IsToken: login["tokenauth"] == "true"}.AsSha512Mechanism()
	}
	return plain.Auth{User: user, Pass: password}.AsMechanism()
}

// parseJAAS reads `Class required key="value" key2=value2;`, with a user name and a password.
func parseJAAS(text string) (options map[string]string, ok bool) {
	words := jaasWords(text)
	n := len(words)
	if n < 3 || words[n-1] != ";" || !strings.HasSuffix(words[0], "LoginModule") {
		return nil, false
	}
	options = map[string]string{}
	for rest := words[2 : n-1]; len(rest) > 0; rest = rest[3:] {
		if len(rest) < 3 || rest[1] != "=" {
			return nil, false
		}
		options[rest[0]] = rest[2]
	}
	_, hasUser := options["username"]
	_, hasPassword := options["password"]
	return options, hasUser && hasPassword
}

// jaasWords splits into words, texts in quotes, = and ;. A quote that does not end takes all that follows.
func jaasWords(text string) []string {
	var words []string
	for text != "" {
		c := text[0]
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			text = text[1:]
		case c == '=' || c == ';':
			words, text = append(words, text[:1]), text[1:]
		case c == '"' || c == '\'':
			var word string
			word, text = quoted(text)
			words = append(words, word)
		default:
			n := strings.IndexAny(text, " \t\r\n=;\"'")
			if n < 0 {
				n = len(text)
			}
			words, text = append(words, text[:n]), text[n:]
		}
	}
	return words
}

// quoted takes a text in quotes, in which \ takes the next character as it is, off the front.
func quoted(text string) (word, rest string) {
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		case text[i] == text[0]:
			return out.String(), text[i+1:]
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String(), ""
}
