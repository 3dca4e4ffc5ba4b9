// Package bearer checks the JSON Web Tokens with which clients of the REST API show who they are (RFC 7519, RFC 6750).
package bearer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Algorithms are those with which a token may be signed, all with a key pair: a shared secret, or none, proves nothing
// here.
var Algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256,
	oidc.ES384, oidc.ES512, oidc.EdDSA}

// Config says which tokens are good.
type Config struct {
	Issuer    string   // iss must be this
	Audiences []string // aud must hold one of these
	// Keys is the URL or the file of the issuer's keys (a JWK set); "": the issuer tells by its OpenID configuration.
	Keys       string
	Algorithms []string // of Algorithms
	Principal  string   // the claim that names the principal; "": sub
	TLS        *tls.Config
}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	config Config
	client *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil: the issuer was not yet asked for its keys
	asked    time.Time             // when it was last asked in vain
}

// Identity is whom a token names, with all that it says.
type Identity struct {
	Principal string
	Claims    map[string]any
}

// New makes a verifier; it does no I/O. Errors: what is missing or wrong in the configuration.
func New(config Config) (*Verifier, error) {
	if config.Issuer == "" {
		return nil, errors.New("a token's issuer is not set")
	}
	if len(config.Audiences) == 0 {
		return nil, errors.New("a token's audience is not set: any service's token would do")
	}
	if len(config.Algorithms) == 0 {
		config.Algorithms = Algorithms
	}
	for _, name := range config.Algorithms {
		if !slices.Contains(Algorithms, name) {
			return nil, fmt.Errorf("algorithm %q must be one of %s", name, strings.Join(Algorithms, ", "))
		}
	}
	v := &Verifier{config: config, client: &http.Client{Timeout: fetchDurationMax, CheckRedirect: staysThere,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config.TLS}}}
	if config.Keys != "" {
		v.verifier = v.with(config.Keys)
	}
	return v, nil
}

// redirectsMax bounds how often an issuer may point elsewhere in one answer.
const redirectsMax = 5

// staysThere refuses a redirect to another host, which the operator has not named and which may be one that only the
// worker reaches, and from https to anything else: whoever is on the way there could put keys of its own in.
func staysThere(next *http.Request, before []*http.Request) error {
	if len(before) > redirectsMax {
		return fmt.Errorf("the issuer redirects more than %d times", redirectsMax)
	}
	if from := before[len(before)-1].URL; from.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("the issuer redirects from https to %s", next.URL.Scheme)
	}
	if next.URL.Host != before[0].URL.Host {
		return fmt.Errorf("the issuer redirects to another host, %s; set its own URL", next.URL.Host)
	}
	return nil
}

func (v *Verifier) with(keys string) *oidc.IDTokenVerifier {
	return oidc.NewVerifier(v.config.Issuer, newKeySet(keys, v.config.Algorithms, v.client),
		&oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: v.config.Algorithms})
}

// Verify checks signature, issuer, audience and times of a token. Errors: what is wrong with it, or that the issuer's
// keys can't be had.
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	verifier, err := v.discovered(ctx)
	if err != nil {
		return Identity{}, err
	}
	checked, err := verifier.Verify(ctx, token)
	if err != nil {
		return Identity{}, err
	}
	if !slices.ContainsFunc(checked.Audience, func(a string) bool { return slices.Contains(v.config.Audiences, a) }) {
		return Identity{}, fmt.Errorf("the token is for %q, not for this service", checked.Audience)
	}
	identity := Identity{Principal: checked.Subject}
	if err := checked.Claims(&identity.Claims); err != nil {
		return Identity{}, fmt.Errorf("read the token's claims: %w", err)
	}
	if v.config.Principal != "" {
		identity.Principal, _ = identity.Claims[v.config.Principal].(string)
	}
	if identity.Principal == "" {
		return Identity{}, errors.New("the token names nobody")
	}
	return identity, nil
}

// discovered asks the issuer where its keys are, when it was not told and has not been answered before.
func (v *Verifier) discovered(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	if time.Since(v.asked) < refreshMin {
		return nil, errors.New("the issuer's keys are not known yet")
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, v.client), v.config.Issuer)
	var said struct {
		Keys string `json:"jwks_uri"`
	}
	if err == nil {
		err = provider.Claims(&said)
	}
	if err == nil && said.Keys == "" {
		err = errors.New("its OpenID configuration has no jwks_uri")
	}
	if err != nil {
		v.asked = time.Now()
		return nil, fmt.Errorf("ask the issuer %s for its keys: %w", v.config.Issuer, err)
	}
	v.verifier = v.with(said.Keys)
	return v.verifier, nil
}
