// Package schemaregistry is the schema registry as converters see it: they do no I/O, they ask the host. A client
// caches, retries, fails over from one URL to the next, and lets many ask for one schema with one request.
package schemaregistry

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/host"
)

// settings is what a converter's configuration says about its registry. Names and defaults are those of the clients
// that are in use with Kafka Connect.
type settings struct {
	urls       []*url.URL // without credentials and a slash at the end
	user, pass string
	token      string
	tls        *tls.Config

	connectTimeout, readTimeout time.Duration
	retries                     int
	retryWait, retryWaitMax     time.Duration
	cacheSize                   int
	latestTTL                   time.Duration // negative: as long as the client lives

	bounds *Bounds // nil: none
}

// reader reads keys of a configuration; after the first problem it gives zero values.
type reader struct {
	config host.Config
	bounds *Bounds
	err    error
}

func (r *reader) text(key string) string { return strings.TrimSpace(r.config.Get(key)) }

// bad keeps the first problem.
func (r *reader) bad(key, value, remedy string) {
	if r.err == nil {
		r.err = host.BadRequest(fmt.Sprintf("Invalid value %s for configuration %s: %s", value, key, remedy))
	}
}

func (r *reader) number(key string, preset, least int) int {
	text := r.text(key)
	if text == "" {
		return preset
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		r.bad(key, text, fmt.Sprintf("it must be a number, %d or more", least))
		return preset
	}
	return n
}

func (r *reader) millis(key string, preset int) time.Duration {
	return time.Duration(r.number(key, preset, 0)) * time.Millisecond
}

// parseSettings reads a converter's configuration, keys without the prefix value.converter.
func parseSettings(config host.Config, bounds *Bounds) (settings, error) {
	r := &reader{config: config, bounds: bounds}
	s := settings{
		bounds:         bounds,
		connectTimeout: r.millis("http.connect.timeout.ms", 5_000),
		readTimeout:    r.millis("http.read.timeout.ms", 10_000),
		retries:        r.number("max.retries", 3, 0),
		retryWait:      r.millis("retries.wait.ms", 500),
		retryWaitMax:   r.millis("retries.max.wait.ms", 5_000),
		cacheSize:      r.number("schemas.cache.config", 1000, 1),
		latestTTL:      time.Duration(r.number("latest.cache.ttl.sec", -1, -1)) * time.Second,
	}
	s.urls = r.urls()
	s.credentials(r)
	s.tls = r.tls()
	return s, r.err
}

const urlKey = "schema.registry.url"

func (r *reader) urls() []*url.URL {
	if r.text(urlKey) == "" {
		r.err = cmp.Or(r.err, host.BadRequest(
			fmt.Sprintf("Missing required configuration %q which has no default value.", urlKey)))
		return nil
	}
	var urls []*url.URL
	for text := range strings.SplitSeq(r.text(urlKey), ",") {
		text = strings.TrimSpace(text)
		u, err := url.Parse(strings.TrimRight(text, "/"))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			r.bad(urlKey, text, "it must be a list of addresses such as https://registry:8081")
			return nil
		}
		urls = append(urls, u)
	}
	return urls
}

// credentials reads how requests are authenticated. User and password in a URL leave it, so that logs don't show them.
func (s *settings) credentials(r *reader) {
	source := r.text("basic.auth.credentials.source")
	for _, u := range s.urls {
		if source == "" || source == "URL" {
			if pass, ok := u.User.Password(); ok {
				s.user, s.pass = u.User.Username(), pass
			}
		}
		u.User = nil
	}
	switch source {
	case "", "URL":
	case "USER_INFO":
		info := r.text("basic.auth.user.info")
		if info == "" {
			info = r.text("schema.registry.basic.auth.user.info")
		}
		var ok bool
		if s.user, s.pass, ok = strings.Cut(info, ":"); !ok {
			r.bad("basic.auth.user.info", "[hidden]", "it must be user:password when the source is USER_INFO")
		}
	default:
		r.bad("basic.auth.credentials.source", source, "it must be URL or USER_INFO")
	}
	switch source := r.text("bearer.auth.credentials.source"); source {
	case "":
	case "STATIC_TOKEN":
		if s.token = r.text("bearer.auth.token"); s.token == "" {
			r.bad("bearer.auth.token", "", "it must be set when the source is STATIC_TOKEN")
		}
	default:
		r.bad("bearer.auth.credentials.source", source, "it must be STATIC_TOKEN")
	}
}

const tlsPrefix = "schema.registry.ssl."

// tls reads trust and keys, as PEM in place or in a file.
func (r *reader) tls() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if roots := r.pem("truststore", "truststore.certificates"); roots != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(roots) {
			r.bad(tlsPrefix+"truststore", "[certificates]", "there is no PEM certificate in it")
		}
	}
	if chain := r.pem("keystore", "keystore.certificate.chain"); chain != nil {
		key := []byte(r.text(tlsPrefix + "keystore.key"))
		if len(key) == 0 {
			key = chain // a file holds both
		}
		pair, err := tls.X509KeyPair(chain, key)
		if err != nil {
			r.bad(tlsPrefix+"keystore", "[key]", "it must hold a PEM certificate chain and its unencrypted private key: "+
				err.Error())
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if algorithm, set := r.config[tlsPrefix+"endpoint.identification.algorithm"]; set && (algorithm == nil ||
		strings.TrimSpace(*algorithm) == "") {
		trustAnyName(config)
	}
	return config
}

// pem returns the PEM text of a store; nil: none is configured.
func (r *reader) pem(store, inPlace string) []byte {
	if text := r.text(tlsPrefix + inPlace); text != "" {
		return []byte(text)
	}
	file := r.text(tlsPrefix + store + ".location")
	if file == "" {
		return nil
	}
	if r.bounds != nil {
		r.bad(tlsPrefix+store+".location", file, fmt.Sprintf("tenant %s may not have the worker read its files; put the PEM "+
			"text in place, in %s", r.bounds.Tenant, tlsPrefix+inPlace))
		return nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		r.bad(tlsPrefix+store+".location", file, "it can't be read: "+err.Error())
		return nil
	}
	if block, _ := pem.Decode(content); block == nil {
		r.bad(tlsPrefix+store+".location", file, "it is no PEM file: convert the store (keytool -exportcert -rfc, "+
			"openssl pkcs12) and set "+tlsPrefix+store+".type to PEM")
		return nil
	}
	return content
}

// trustAnyName checks the chain and not the name, as an empty ssl.endpoint.identification.algorithm asks for.
func trustAnyName(config *tls.Config) {
	roots := config.RootCAs
	config.InsecureSkipVerify = true //nolint:gosec // VerifyConnection checks the chain
	config.VerifyConnection = func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, certificate := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(certificate)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err
	}
}
