package web

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/web/bearer"
)

// Access says how clients show who they are, and what each may do. The zero value lets everybody do everything.
type Access struct {
	Users        map[string]string              // passwords by user name; nil: there are none
	Tokens       *bearer.Verifier               // nil: tokens are not taken
	Certificates func(*x509.Certificate) string // names the principal of a client's certificate; nil: they name nobody
	// Bindings give roles; nil: whoever is known may do everything, as in Connect.
	Bindings []Binding
}

// Binding gives a role to somebody.
type Binding struct {
	Subject Subject
	Role    Role
	Tenant  string // "": in all of the worker
}

// Subject is a principal, or all whose token has a claim with a value.
type Subject struct{ claim, value string }

// ParseSubject reads user:NAME, user:* for whoever is known, or claim:NAME=VALUE.
func ParseSubject(text string) (Subject, error) {
	if name, is := strings.CutPrefix(text, "user:"); is && name != "" {
		return Subject{"", name}, nil
	}
	if claim, is := strings.CutPrefix(text, "claim:"); is {
		if name, value, found := strings.Cut(claim, "="); found && name != "" && value != "" {
			return Subject{name, value}, nil
		}
	}
	return Subject{}, fmt.Errorf("%q must be user:NAME, user:* or claim:NAME=VALUE", text)
}

// is tells whether an identity is the subject, or one of its.
func (s Subject) is(who bearer.Identity) bool {
	if s.claim == "" {
		return s.value == "*" || s.value == who.Principal
	}
	switch value := who.Claims[s.claim].(type) {
	case string:
		return value == s.value
	case []any:
		return slices.Contains(value, any(s.value))
	}
	return false
}

// Actor is who makes a request, and what it may do there.
type Actor struct {
	Principal string // "": nobody had to say
	Tenant    string // whose API it uses
	Role      Role
}

type actorKey struct{}

// ActorOf returns who made the request of a context; false: it is not of a request.
func ActorOf(ctx context.Context) (Actor, bool) {
	actor, is := ctx.Value(actorKey{}).(Actor)
	return actor, is
}

// userOf is who makes a request; "": nobody had to say.
func userOf(c echo.Context) string {
	actor, _ := ActorOf(c.Request().Context())
	return actor.Principal
}

// off tells whether clients need not show who they are.
func (a Access) off() bool { return a.Users == nil && a.Tokens == nil && a.Certificates == nil }

// errUnknown is a client that has not shown who it is.
type errUnknown struct{ why string }

func (e *errUnknown) Error() string { return e.why }

// identify finds out who makes a request. Errors: *errUnknown; credentials that can't be read.
func (a Access) identify(request *http.Request) (bearer.Identity, error) {
	if a.off() {
		return bearer.Identity{}, nil
	}
	if len(request.Header.Values(echo.HeaderAuthorization)) > 1 {
		return bearer.Identity{}, &errUnknown{"several Authorization headers: a proxy may have checked another one"}
	}
	header := request.Header.Get(echo.HeaderAuthorization)
	scheme, token, _ := strings.Cut(header, " ")
	switch {
	case a.Tokens != nil && strings.EqualFold(scheme, "Bearer"):
		who, err := a.Tokens.Verify(request.Context(), strings.TrimSpace(token))
		if err != nil {
			return bearer.Identity{}, &errUnknown{err.Error()}
		}
		return who, nil
	case header != "" && a.Users != nil:
		name, password, err := credentials(header)
		if err != nil {
			return bearer.Identity{}, err
		}
		if isUser(a.Users, name, password) {
			return bearer.Identity{Principal: name}, nil
		}
		return bearer.Identity{}, &errUnknown{"wrong user or password"}
	}
	if a.Certificates != nil && request.TLS != nil && len(request.TLS.VerifiedChains) > 0 {
		if name := a.Certificates(request.TLS.PeerCertificates[0]); name != "" {
			return bearer.Identity{Principal: name}, nil
		}
	}
	return bearer.Identity{}, &errUnknown{"no credentials"}
}

// roleIn is the greatest role that somebody has in a tenant; "" is all of the worker.
func (s *Server) roleIn(who bearer.Identity, tenant string) Role {
	if s.config.Access.off() || s.config.Access.Bindings == nil {
		return Admin
	}
	role := NoRole
	for _, b := range s.config.Access.Bindings {
		if (b.Tenant == "" || b.Tenant == tenant) && b.Subject.is(who) {
			role = max(role, b.Role)
		}
	}
	if tenant == "" {
		return role
	}
	record, _ := s.all.Tenant(tenant)
	for _, m := range record.Members {
		subject, err := ParseSubject(m.Subject)
		given, also := ParseRole(m.Role)
		if err == nil && also == nil && subject.is(who) {
			role = max(role, given)
		}
	}
	return role
}

// guard lets requests through to the handler of a route that may pass, and tells it who makes them. A tenant in which
// somebody has no role is answered as one that does not exist.
func (s *Server) guard(method, path string, handler echo.HandlerFunc) echo.HandlerFunc {
	if isInternal(method, path) {
		return s.enter(path, handler)
	}
	need, entered := permissionOf(method, path), s.recordable(s.enter(path, handler))
	return s.audited(func(c echo.Context) error {
		if actor, is := s.forwardedFrom(c); is && actor.Role >= need.role {
			c.Set(forwardedKey, true)
			return entered(withActor(c, actor))
		}
		who, err := s.config.Access.identify(c.Request())
		if err != nil {
			return s.unknown(c, err)
		}
		tenant := tenantOf(c)
		switch need.where {
		case ofNamed:
			tenant = c.Param("tenant")
		case ofWorker:
			tenant = ""
		}
		if err := s.awaitRecord(c, tenant); err != nil {
			return err
		}
		actor := Actor{who.Principal, tenantOf(c), s.roleIn(who, tenant)}
		c.Set(identityKey, who)
		withActor(c, actor)
		switch {
		case tenant != "" && actor.Role == NoRole:
			return noTenant(tenant)
		case actor.Role >= need.role:
			return entered(c)
		}
		return &host.Error{Kind: herder.ErrForbidden, Message: fmt.Sprintf("%s may not do this: it needs the role %s, not %s",
			who.Principal, need.role, actor.Role)}
	})
}

// awaitRecord waits until a tenant's record, and with it its members, has been read if there is one.
func (s *Server) awaitRecord(c echo.Context, tenant string) error {
	if tenant == "" || s.config.Access.Bindings == nil {
		return nil
	}
	_, err := s.all.TenantRecord(c.Request().Context(), tenant)
	if errors.Is(err, host.ErrNotFound) {
		return nil // said later, as to those who have no role
	}
	return err
}

// What is known of a request, in its echo.Context.
const (
	identityKey  = "identity"
	forwardedKey = "forwarded"
)

func withActor(c echo.Context, actor Actor) echo.Context {
	c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), actorKey{}, actor)))
	return c
}

// unknown answers a client that has not shown who it is, as Connect's BasicAuthSecurityRestExtension does; where tokens
// are taken, it is told so.
func (s *Server) unknown(c echo.Context, err error) error {
	refused, is := err.(*errUnknown)
	if !is {
		return err
	}
	if s.config.Access.Tokens != nil {
		challenge := "Bearer"
		if c.Request().Header.Get(echo.HeaderAuthorization) != "" {
			challenge = `Bearer error="invalid_token"`
		}
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, challenge)
		s.log.Debug("Request refused", "address", c.RealIP(), "why", refused.why)
	}
	return c.Blob(http.StatusUnauthorized, echo.MIMEApplicationJSON, []byte("User cannot access the resource."))
}

func noTenant(name string) error { return host.NotFound("Tenant " + name + " not found") }
