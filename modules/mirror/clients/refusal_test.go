package clients

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/guest-sdk/go/network"
)

func TestRefusalsNameTheKeyToLookAt(t *testing.T) {
	untrusted := fmt.Errorf("unable to dial: %w", &network.Error{Code: abi.NetTLSFailed, Message: "unknown authority"})
	for _, c := range []struct {
		protocol, own string // own: a key of the client's kind
		err           error
		says          string // at the end; "": the error stays as it is
	}{
		{"SASL_SSL", "", kerr.SaslAuthenticationFailed,
			"in source.cluster.sasl.jaas.config, and source.cluster.security.protocol"},
		{"SASL_SSL", "admin.sasl.jaas.config", io.EOF, "in admin.sasl.jaas.config, and source.cluster.security.protocol"},
		{"SASL_SSL", "", untrusted, "vouch for the broker in source.cluster.ssl.truststore.certificates"},
		{"SSL", "", errors.New("read: remote error: tls: certificate required"),
			"check source.cluster.ssl.keystore.certificate.chain, and the key with it"},
		{"PLAINTEXT", "", io.EOF, "the broker hangs up: check source.cluster.security.protocol"},
		{"SASL_SSL", "", &network.Error{Code: abi.NetUnreachable, Message: "refused"}, ""},
	} {
		config := configOf("source.cluster.security.protocol", c.protocol)
		if c.own != "" {
			value := "x"
			config[c.own] = &value
		}
		got := refusalOf(&properties{config: config, prefixes: prefixes(SourceSide, Admin)}).explain(c.err)
		if !errors.Is(got, c.err) || !strings.HasSuffix(got.Error(), c.says) || c.says == "" && got != c.err {
			t.Errorf("%s: %v, want at the end %q", c.protocol, got, c.says)
		}
	}
}
