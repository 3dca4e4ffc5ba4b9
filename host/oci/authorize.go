package oci

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/berth-connect/berth/host"
)

// tokenBytesMax bounds the answer of a token server.
const tokenBytesMax = 64 << 10

// challenge is how a registry wants to be asked.
type challenge struct {
	scheme     string // lower case
	parameters map[string]string
}

// authorize finds what to show the registry after it has refused a request: a token, or the credentials themselves.
func (s *session) authorize(ctx context.Context, headers []string) error {
	var basic bool
	for _, header := range headers {
		c := parseChallenge(header)
		if c.scheme == "bearer" {
			token, err := s.token(ctx, c)
			if err == nil {
				s.authorization = "Bearer " + token
			}
			return err
		}
		basic = basic || c.scheme == "basic"
	}
	if basic && s.credential != nil {
		s.authorization = s.credential.basic()
		return nil
	}
	return host.BadRequest(fmt.Sprintf("%s wants to know who asks (%.200q): %s", hostOf(s.registry), headers,
		s.credentialRemedy()))
}

func (c *credential) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password))
}

// token asks a token server. It is asked to pull from this repository alone, whatever the registry would have: else one
// could have itself a token made that is good elsewhere. For the same reason credentials go to token servers that the
// operator named with them.
func (s *session) token(ctx context.Context, c challenge) (string, error) {
	realm, err := url.Parse(c.parameters["realm"])
	if err != nil {
		return "", fmt.Errorf("%s names no token server that can be asked", hostOf(s.registry))
	}
	server, err := authorityOf(realm)
	if err != nil {
		return "", fmt.Errorf("%s names no token server that can be asked: %w", hostOf(s.registry), err)
	}
	query := realm.Query()
	query.Set("scope", "repository:"+s.reference.Repository+":pull")
	if service := c.parameters["service"]; service != "" {
		query.Set("service", service)
	}
	realm.RawQuery, realm.Fragment = query.Encode(), ""
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
	if err != nil {
		return "", fmt.Errorf("%s names no token server that can be asked", hostOf(s.registry))
	}
	if s.credential != nil {
		if !s.credential.goesTo(server, s.registry) {
			return "", host.BadRequest(fmt.Sprintf("%s has its tokens from %s, which its credentials may not be sent to: if "+
				"that is right, add \"tokenserver\": \"%s\" to its entry in the worker's %s", hostOf(s.registry), hostOf(server),
				hostOf(server), CredentialsProperty))
		}
		request.Header.Set("Authorization", s.credential.basic())
	}
	return s.askToken(request)
}

func (s *session) askToken(request *http.Request) (string, error) {
	server := hostOf(request.URL.Host)
	response, err := do(s.tokens, request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return "", host.BadRequest(fmt.Sprintf("the token server %s answers %d: %s", server, response.StatusCode,
			s.credentialRemedy()))
	default:
		return "", fmt.Errorf("the token server %s answers %d", server, response.StatusCode)
	}
	var answer struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, tokenBytesMax))
	if err != nil {
		return "", fmt.Errorf("read the answer of the token server %s: %w", server, err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", fmt.Errorf("the token server %s gives no JSON with a token", server)
	}
	for _, token := range []string{answer.Token, answer.AccessToken} {
		if token != "" {
			return token, nil
		}
	}
	return "", errors.New("the token server " + server + " gives no token")
}

// parseChallenge reads one value of WWW-Authenticate: a scheme, and parameters in quotes or without.
func parseChallenge(header string) challenge {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	c := challenge{strings.ToLower(scheme), map[string]string{}}
	for rest != "" {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			break
		}
		var value string
		value, rest = parseValue(after)
		c.parameters[strings.ToLower(strings.Trim(name, ", \t"))] = value
	}
	return c
}

// parseValue returns a parameter's value and what is behind it.
func parseValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, ",")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] == '"':
			return b.String(), text[i+1:]
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), ""
}
