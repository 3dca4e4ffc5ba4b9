package web

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// AmbiguousPathsKey is the worker's property that lets paths name what has a slash, backslash or percent sign in it.
const AmbiguousPathsKey = "berth.rest.ambiguous.paths"

// normalisePath brings a path into the form that the routes have: one trailing slash and path parameters (;a=b) are
// cut off, escapes stay, so that a slash in a name is no separator. Errors: ErrBadRequest for a path that Connect's
// HTTP server refuses.
func (s *Server) normalisePath(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		location := c.Request().URL
		path := location.EscapedPath()
		if err := s.checkPath(c, path); err != nil {
			return err
		}
		segments := strings.Split(path, "/")
		for i, segment := range segments {
			segments[i], _, _ = strings.Cut(segment, ";")
		}
		path = strings.Join(segments, "/")
		if len(path) > 1 {
			path = strings.TrimSuffix(path, "/")
		}
		location.Path, location.RawPath = path, path
		return next(c)
	}
}

// checkPath refuses what Jetty refuses. What it only finds ambiguous is fine in paths that Connect does not have, and
// where another worker sends it: it has taken it, or writes about a connector that it runs.
func (s *Server) checkPath(c echo.Context, path string) error {
	if why := violation(path); why != "" {
		return host.BadRequest(why)
	}
	ambiguous := ambiguity(path)
	fromWorker := c.Request().Header.Get(sessionkey.AuthorizationHeader) != ""
	if ambiguous == "" || s.config.AmbiguousPaths || fromWorker || isOwn(path) {
		return nil
	}
	return host.BadRequest(fmt.Sprintf("%s: Kafka Connect has no path with an escaped slash, backslash or percent sign; "+
		"this worker takes them with %s=true", ambiguous, AmbiguousPathsKey))
}

// isOwn tells paths of Berth's own resources whose names may have any form.
func isOwn(path string) bool {
	return strings.HasPrefix(path, "/plugins/") || strings.HasPrefix(path, tenantsPath)
}

// violations are what Jetty refuses and nothing can be named by, in its order and with its words.
var violations = []struct {
	is   *regexp.Regexp
	what string
}{
	{regexp.MustCompile(`(?i)(^|/)(%2e|\.%2e|%2e\.|%2e%2e)(/|;|$)`), "Ambiguous URI path segment"},
	{regexp.MustCompile(`//`), "Ambiguous URI empty segment"},
	{regexp.MustCompile(`(?i)%[01][0-9a-f]|%7f`), "Suspicious Path Character"},
}

// violation tells why a path is refused in any case; "": it is not.
func violation(path string) string {
	var found []string
	for _, v := range violations {
		if v.is.MatchString(path) {
			found = append(found, v.what)
		}
	}
	if plain, err := url.PathUnescape(path); err != nil || !utf8.ValidString(plain) {
		found = append(found, "Bad UTF8 encoding")
	}
	return strings.Join(found, ", ")
}

// ambiguity tells why Jetty refuses a path in which a name has signs that mean something in paths; "": it does not.
func ambiguity(path string) string {
	var found []string
	lower := strings.ToLower(path)
	if strings.Contains(lower, "%2f") {
		found = append(found, "Ambiguous URI path separator")
	}
	if strings.Contains(lower, "%25") {
		found = append(found, "Ambiguous URI path encoding")
	}
	if strings.Contains(lower, "%5c") {
		found = append(found, "Suspicious Path Character")
	}
	return strings.Join(found, ", ")
}
