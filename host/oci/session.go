package oci

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
)

const (
	redirectsMax = 5
	// headersDurationMax is how long a server may take before it begins to answer, headersBytesMax how much it may say
	// before that.
	headersDurationMax = 20 * time.Second
	headersBytesMax    = 64 << 10
)

var manifestTypes = strings.Join([]string{typeManifest, typeIndex, typeDockerManifest, typeDockerList}, ", ")

// session is one pull. What it was given to show (authorization) is the registry's, for this repository.
type session struct {
	reference     Reference
	signed        bool   // the artifact's signature counts
	registry      string // host:port
	plain         *network.Policy
	policy        *network.Policy
	credential    *credential // nil: it has none
	client        *http.Client
	tokens        *http.Client // for token servers
	transport     *http.Transport
	authorization string // for the registry; "": it has asked for none
}

// open makes the session of a pull, with connections of its own: no other tenant's are used again. There is no proxy:
// it would dial where the policy can't look.
func (p *Puller) open(r Reference, policy *network.Policy, tenant string) *session {
	s := &session{reference: r, signed: p.signed(tenant), plain: p.config.Plain, policy: policy}
	s.registry = r.authority(s.isPlain(r.Host, r.portOf(true)))
	s.credential = p.config.Credentials.of(tenant, s.registry)
	s.transport = &http.Transport{
		DialContext:            network.Dialer{Policy: policy, Resolver: p.config.Resolver}.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: p.config.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    host.NetDialDurationMax,
		ResponseHeaderTimeout:  headersDurationMax,
		MaxResponseHeaderBytes: headersBytesMax,
		DisableCompression:     true, // a digest is of what is sent
		ForceAttemptHTTP2:      true,
	}
	s.client = &http.Client{Transport: s, CheckRedirect: s.checkRedirect}
	s.tokens = &http.Client{Transport: s, CheckRedirect: noRedirect}
	return s
}

func (s *session) close() { s.transport.CloseIdleConnections() }

// isPlain tells whether a server is asked in plain HTTP.
func (s *session) isPlain(name string, port uint16) bool {
	return s.plain != nil && s.plain.Check(name, port) == nil
}

// RoundTrip implements http.RoundTripper. Every request goes through it, those after a redirect as well.
func (s *session) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := s.check(request.URL); err != nil {
		return nil, err
	}
	return s.transport.RoundTrip(request)
}

// check refuses URLs that must not be asked; the addresses behind a name are looked at when it is dialled.
func (s *session) check(u *url.URL) error {
	authority, err := authorityOf(u)
	if err != nil {
		return err
	}
	name, text, _ := net.SplitHostPort(authority)
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || u.User != nil {
		return fmt.Errorf("the URL %s has a user or no port from 1 to 65535", u.Redacted())
	}
	if u.Scheme == "http" && !s.isPlain(name, uint16(port)) {
		return &host.Error{Kind: ErrNotGranted, Message: fmt.Sprintf("%s would be asked in plain HTTP; the worker's %s must "+
			"list it", authority, PlainProperty)}
	}
	return s.policy.Check(name, uint16(port))
}

// authorityOf is host:port of a URL.
func authorityOf(u *url.URL) (string, error) {
	ports := map[string]string{"http": "80", "https": "443"}
	if ports[u.Scheme] == "" || u.Hostname() == "" {
		return "", fmt.Errorf("the URL %.200q is not of http or https", u.Redacted())
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), ports[u.Scheme])), nil
}

// checkRedirect bounds redirects, and lets what was shown to the registry go nowhere else: once a chain has left it,
// nothing goes along, even if it comes back. net/http keeps Authorization for another port and for hosts below.
func (s *session) checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > redirectsMax {
		return fmt.Errorf("more than %d redirects", redirectsMax)
	}
	for _, one := range append(via[1:len(via):len(via)], request) {
		if one.URL.Scheme != via[0].URL.Scheme || !s.isRegistry(one.URL) {
			request.Header.Del("Authorization")
		}
	}
	request.Header.Del("Referer") // may be a signed URL
	return nil
}

// noRedirect: a token server that sends elsewhere is not the one that the operator knows.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (s *session) isRegistry(u *url.URL) bool {
	authority, err := authorityOf(u)
	return err == nil && authority == s.registry
}

// get asks the registry for a part of the repository by digest, and if it wants to know who asks, again.
func (s *session) get(ctx context.Context, kind, digest, accept string) (io.ReadCloser, error) {
	response, err := s.ask(ctx, kind, digest, accept)
	if err == nil && response.StatusCode == http.StatusUnauthorized && s.isRegistry(response.Request.URL) {
		_ = response.Body.Close()
		if err := s.authorize(ctx, response.Header.Values("WWW-Authenticate")); err != nil {
			return nil, err
		}
		response, err = s.ask(ctx, kind, digest, accept)
	}
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	_ = response.Body.Close()
	return nil, s.refusal(response, kind)
}

func (s *session) ask(ctx context.Context, kind, digest, accept string) (*http.Response, error) {
	scheme := "https"
	if s.isPlain(s.reference.Host, s.reference.portOf(true)) {
		scheme = "http"
	}
	target := fmt.Sprintf("%s://%s/v2/%s/%s/sha256:%s", scheme, s.registry, s.reference.Repository, kind, digest)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, host.BadRequest(fmt.Sprintf("%q is no registry", s.registry))
	}
	request.Header.Set("Accept", accept)
	if s.authorization != "" {
		request.Header.Set("Authorization", s.authorization)
	}
	return do(s.client, request)
}

// do sends a request. Its error leaves out the URL, whose query may be a signature.
func do(client *http.Client, request *http.Request) (*http.Response, error) {
	request.Header.Set("User-Agent", "berth")
	response, err := client.Do(request)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return nil, fmt.Errorf("ask %s: %w", hostOf(request.URL.Host), wrapped.Err)
	}
	return response, err
}

// refusal says what an answer means. Nothing of its body is told: it may be one that the asker may not see.
func (s *session) refusal(response *http.Response, kind string) error {
	answer := fmt.Sprintf("%s answers %d", hostOf(response.Request.URL.Host), response.StatusCode)
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return host.BadRequest(answer + ": " + s.credentialRemedy())
	case http.StatusNotFound:
		return host.BadRequest(answer + ": it has no such " + strings.TrimSuffix(kind, "s") + ", or shows it to others: " +
			s.credentialRemedy())
	case http.StatusTooManyRequests:
		return errors.New(answer + ": it was asked too often; try again later")
	}
	return errors.New(answer)
}

func (s *session) credentialRemedy() string {
	if s.credential != nil {
		return fmt.Sprintf("the user %q of the worker's %s must be allowed to pull it", s.credential.user,
			CredentialsProperty)
	}
	return fmt.Sprintf("the worker's %s has nothing for %s that this tenant may use", CredentialsProperty,
		hostOf(s.registry))
}
