package oci

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// Credentials are what registries are shown, by registry as host:port.
type Credentials map[string]credential

// credential is one registry's. It goes to that registry and to its token server, and nowhere else.
type credential struct {
	user, password string
	tokenServer    string   // host:port; "": the registry alone gives tokens
	tenants        []string // who may use it besides the default tenant
}

// tokenServers of registries that many use and that have one beside them, as host:port.
var tokenServers = map[string]string{
	dockerHubRegistry + ":443": "auth.docker.io:443",
	"registry.gitlab.com:443":  "gitlab.com:443",
}

// CredentialsRule is how credentials are written, for messages.
const CredentialsRule = `be JSON in the form of Docker's config.json, like {"auths": {"registry.example.com": ` +
	`{"username": "u", "password": "p"}}}; an entry may have "tokenserver": "HOST" and "tenants": ["NAME"]`

// entry is one of Docker's config.json, and two members of Berth's own.
type entry struct {
	Auth          string   `json:"auth"` // USER:PASSWORD in Base64
	Username      string   `json:"username"`
	Password      string   `json:"password"`
	IdentityToken string   `json:"identitytoken"`
	TokenServer   string   `json:"tokenserver"`
	Tenants       []string `json:"tenants"`
}

// ParseCredentials reads the content of a Docker config.json; "": there are none. The error has nothing secret in it.
func ParseCredentials(text string) (Credentials, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var file struct {
		Auths map[string]entry `json:"auths"`
	}
	if json.Unmarshal([]byte(text), &file) != nil || file.Auths == nil { // the decoder's error may quote a value
		return nil, errors.New(`it is not a JSON object with the member "auths"`)
	}
	all := Credentials{}
	for registry, e := range file.Auths {
		key, err := registryKey(registry)
		if err != nil {
			return nil, fmt.Errorf("entry %q: %w", registry, err)
		}
		if all[key], err = e.credential(key); err != nil {
			return nil, fmt.Errorf("entry %q: %w", registry, err)
		}
	}
	return all, nil
}

// registryKey is host:port of a key of config.json, which may be a URL of Docker's first API.
func registryKey(text string) (string, error) {
	text = strings.TrimPrefix(text, "https://")
	for _, suffix := range []string{"/", "/v1", "/v2"} {
		text = strings.TrimSuffix(text, suffix)
	}
	name, port, err := parseRegistry(text)
	if err != nil {
		return "", err
	}
	return Reference{Host: name, Port: port}.authority(false), nil
}

func (e entry) credential(registry string) (credential, error) {
	c := credential{user: e.Username, password: e.Password, tokenServer: tokenServers[registry], tenants: e.Tenants}
	if e.Auth != "" {
		decoded, err := base64.StdEncoding.DecodeString(e.Auth)
		user, password, found := strings.Cut(string(decoded), ":")
		if err != nil || !found {
			return c, errors.New(`"auth" must be USER:PASSWORD in Base64`)
		}
		c.user, c.password = user, strings.TrimRight(password, "\x00")
	}
	if e.IdentityToken != "" || c.user == "" || c.password == "" {
		return c, errors.New("it must have a user name and a password, as \"auth\" or as \"username\" and \"password\"; " +
			"credential helpers and identity tokens are not supported")
	}
	if e.TokenServer != "" {
		key, err := registryKey(e.TokenServer)
		if err != nil {
			return c, fmt.Errorf("tokenserver: %w", err)
		}
		c.tokenServer = key
	}
	return c, nil
}

// of is what a tenant's pull may show a registry; nil: nothing.
func (all Credentials) of(tenant, registry string) *credential {
	c, has := all[registry]
	if !has || tenant != "" && !slices.Contains(c.tenants, tenant) {
		return nil
	}
	return &c
}

// goesTo tells whether a credential of a registry may be sent to a token server; both are host:port.
func (c *credential) goesTo(server, registry string) bool {
	return server == registry || server == c.tokenServer && c.tokenServer != ""
}

// hostOf names a server in messages.
func hostOf(authority string) string {
	name, port, err := net.SplitHostPort(authority)
	if err != nil || port != "443" {
		return authority
	}
	return name
}
