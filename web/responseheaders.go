package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host/validate"
)

// headerRule adds or sets a header of every answer (response.http.headers.config). A date is that many milliseconds
// from now.
type headerRule struct {
	add, date   bool
	name, value string
	offset      time.Duration
}

var headerActions = []string{"set", "add", "setDate", "addDate"}

// parseHeaderRules reads rules `ACTION NAME: VALUE`, by comma; a rule with a comma in it stands in quotes.
func parseHeaderRules(text string) ([]headerRule, error) {
	var rules []headerRule
	for _, item := range validate.HeaderRules(text) {
		rule, err := parseHeaderRule(item)
		if err != nil {
			return nil, fmt.Errorf("Invalid value %s for configuration response.http.headers.config: %w", item, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseHeaderRule(item string) (headerRule, error) {
	words := strings.Fields(item)
	action := words[0]
	name, value, found := strings.Cut(strings.TrimSpace(strings.TrimPrefix(item, action)), ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !found || name == "" || strings.ContainsAny(name, " \t") || !slices.Contains(headerActions, action) {
		return headerRule{}, fmt.Errorf("it must be an action of %s, a header's name, a colon and its value",
			strings.Join(headerActions, ", "))
	}
	rule := headerRule{add: strings.HasPrefix(action, "add"), date: strings.HasSuffix(action, "Date"), name: name,
		value: value}
	if rule.date {
		millis, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return headerRule{}, fmt.Errorf("the value of %s must be a number of milliseconds from now", action)
		}
		rule.offset = time.Duration(millis) * time.Millisecond
	}
	return rule, nil
}

func withHeaders(rules []headerRule) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			for _, rule := range rules {
				rule.apply(c.Response().Header())
			}
			return next(c)
		}
	}
}

func (r headerRule) apply(header http.Header) {
	value := r.value
	if r.date {
		value = time.Now().Add(r.offset).UTC().Format(http.TimeFormat)
	}
	if r.add {
		header.Add(r.name, value)
	} else {
		header.Set(r.name, value)
	}
}
