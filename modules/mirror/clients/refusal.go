package clients

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/guest-sdk/go/network"
)

// refusal knows the keys to look at when a broker does not let a client in, or is not trusted.
type refusal struct {
	protocol, login, trusted, certificate string
	logsIn                                bool // by SASL
}

func refusalOf(p *properties) refusal {
	key := func(name string) string {
		key, _, _ := p.find(name)
		return key
	}
	return refusal{protocol: key("security.protocol"), login: key("sasl.jaas.config"),
		trusted: key("ssl.truststore.certificates"), certificate: key("ssl.keystore.certificate.chain"),
		logsIn: strings.HasPrefix(strings.ToUpper(p.text("security.protocol")), "SASL")}
}

// explain adds to an error what to look at, if it is one of these.
func (r refusal) explain(err error) error {
	var failed *network.Error
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "remote error: tls:"): // an alert of the broker, which reads give as text
		return fmt.Errorf("%w: the broker does not take the client's certificate: check %s, and the key with it", err,
			r.certificate)
	case errors.As(err, &failed) && failed.Code == abi.NetTLSFailed:
		return fmt.Errorf("%w: give the certificates that vouch for the broker in %s", err, r.trusted)
	case r.logsIn && (errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, io.EOF)):
		return fmt.Errorf("%w: the broker does not let the client in: check user and password in %s, and %s", err,
			r.login, r.protocol)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: the broker hangs up: check %s", err, r.protocol)
	}
	return err
}
