package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/javabase64"
)

// guard lets requests through to the handler of a path that may pass.
func (s *Server) guard(method, path string, handler echo.HandlerFunc) echo.HandlerFunc {
	handler = s.enter(path, handler)
	if isInternal(method, path) {
		return handler
	}
	return authenticate(s.config.Users, handler)
}

// authenticate lets requests with the name and password of a user pass, as Connect's BasicAuthSecurityRestExtension
// does: a path that is not there is 404 for everybody, and there is no WWW-Authenticate, which would have browsers ask.
func authenticate(users map[string]string, handler echo.HandlerFunc) echo.HandlerFunc {
	if users == nil {
		return handler
	}
	return func(c echo.Context) error {
		name, password, err := credentials(c.Request().Header.Get(echo.HeaderAuthorization))
		if err != nil {
			return err
		}
		if !isUser(users, name, password) {
			return c.Blob(http.StatusUnauthorized, echo.MIMEApplicationJSON, []byte("User cannot access the resource."))
		}
		return handler(c)
	}
}

// credentials reads the header; a name "" means that there is no such user. Error: no Base64.
func credentials(header string) (name, password string, err error) {
	scheme, encoded, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Basic") {
		return "", "", nil
	}
	decoded, err := javabase64.Decode(encoded)
	if err != nil {
		return "", "", &host.Error{Kind: host.ErrInternal, Message: err.Error()}
	}
	name, password, found = strings.Cut(string(decoded), ":")
	if !found {
		return "", "", nil
	}
	return name, password, nil
}

// isUser takes as long for a wrong password as for the right one.
func isUser(users map[string]string, name, password string) bool {
	want, known := users[name]
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && known && name != ""
}
