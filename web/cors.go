package web

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"
)

// crossOrigin answers requests of web pages from elsewhere (access.control.*), as Jetty's CrossOriginHandler does with
// the defaults that Connect leaves it.
type crossOrigin struct {
	any     bool
	origins []*regexp.Regexp
	methods string // for Access-Control-Allow-Methods
}

// What Jetty allows unless told otherwise; Connect has keys for methods only.
const (
	corsMethods    = "GET,POST,HEAD"
	corsHeaders    = "Content-Type"
	corsMaxAgeSecs = "60"
)

// newCrossOrigin reads both properties, lists by comma. Origins are regular expressions without regard to case, *
// stands for any origin; none at all (nil) is no cross origin access. Errors: an expression that can't be read.
func newCrossOrigin(origins, methods string) (*crossOrigin, error) {
	if strings.TrimSpace(origins) == "" {
		return nil, nil
	}
	c := &crossOrigin{methods: corsMethods}
	if strings.TrimSpace(methods) != "" {
		c.methods = strings.Join(items(methods), ",")
	}
	for _, origin := range items(origins) {
		if origin == "*" {
			c.any = true
			continue
		}
		pattern, err := regexp.Compile(`(?i)^(?:` + origin + `)$`)
		if err != nil {
			return nil, fmt.Errorf("Invalid value %s for configuration access.control.allow.origin: each origin must be a "+
				"regular expression, such as https://.*\\.example\\.org, or *: %w", origin, err)
		}
		c.origins = append(c.origins, pattern)
	}
	return c, nil
}

func items(list string) []string {
	var all []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// handle adds the headers; every request goes on, since the browser enforces what they say.
func (c *crossOrigin) handle(next echo.HandlerFunc) echo.HandlerFunc {
	return func(e echo.Context) error {
		request, header := e.Request(), e.Response().Header()
		header.Add(echo.HeaderVary, echo.HeaderOrigin)
		origin := request.Header.Get(echo.HeaderOrigin)
		if origin == "" || !c.allows(origin) {
			return next(e)
		}
		header.Set(echo.HeaderAccessControlAllowOrigin, origin)
		if request.Method == http.MethodOptions && request.Header.Get(echo.HeaderAccessControlRequestMethod) != "" {
			header.Set(echo.HeaderAccessControlAllowMethods, c.methods)
			header.Set(echo.HeaderAccessControlAllowHeaders, corsHeaders)
			header.Set(echo.HeaderAccessControlMaxAge, corsMaxAgeSecs)
		}
		return next(e)
	}
}

// allows tells whether one of the origins, which blanks divide, may.
func (c *crossOrigin) allows(origins string) bool {
	for origin := range strings.FieldsSeq(origins) {
		if c.any {
			return true
		}
		for _, pattern := range c.origins {
			if pattern.MatchString(origin) {
				return true
			}
		}
	}
	return false
}
