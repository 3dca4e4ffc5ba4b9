package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
)

// methodOrder is the order in which Connect lists methods in Allow.
var methodOrder = []string{
	http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodGet, http.MethodOptions, http.MethodPut,
	http.MethodPatch,
}

// methods are the handlers of one path.
type methods map[string]echo.HandlerFunc

// resources are the paths of one set of listeners.
type resources struct {
	*echo.Echo
	server *Server
}

// newResources makes an empty set, with what concerns every request.
func (s *Server) newResources(all ...echo.MiddlewareFunc) resources {
	r := resources{echo.New(), s}
	r.HTTPErrorHandler = s.handleError
	r.Pre(s.paced)
	r.Pre(all...)
	r.Pre(s.enterTenant, s.normalisePath)
	return r
}

// addRoutes lists every path but those of the admin API. Each resource file holds its handlers.
func (s *Server) addRoutes(r resources) {
	r.addPath("/", methods{"GET": s.getRoot})
	r.addPath("/health", methods{"GET": s.getHealth})
	if s.config.OpenAPI {
		r.addPath("/openapi.json", methods{"GET": s.getOpenAPI})
	}
	r.addPath("/connectors", methods{"GET": s.listConnectors, "POST": s.createConnector})
	r.addPath("/connectors/:connector", methods{"GET": s.getConnector, "DELETE": s.deleteConnector})
	r.addPath("/connectors/:connector/config", methods{
		"GET": s.getConfig, "PUT": s.putConfig, "PATCH": s.patchConfig})
	r.addPath("/connectors/:connector/status", methods{"GET": s.getStatus})
	r.addPath("/connectors/:connector/pause", methods{"PUT": s.pauseConnector})
	r.addPath("/connectors/:connector/resume", methods{"PUT": s.resumeConnector})
	r.addPath("/connectors/:connector/stop", methods{"PUT": s.stopConnector})
	r.addPath("/connectors/:connector/restart", methods{"POST": s.restartConnector})
	r.addPath("/connectors/:connector/fence", methods{"PUT": s.fenceZombies})
	r.addPath("/connectors/:connector/tasks", methods{"GET": s.listTasks, "POST": s.putTasks})
	r.addPath("/connectors/:connector/tasks/:task/status", methods{"GET": s.getTaskStatus})
	r.addPath("/connectors/:connector/tasks/:task/failures", methods{"GET": s.forwarding(s.listTaskFailures)})
	r.addPath("/connectors/:connector/tasks/:task/restart", methods{"POST": s.restartTask})
	r.addPath("/connectors/:connector/topics", methods{"GET": s.getTopics})
	r.addPath("/connectors/:connector/topics/reset", methods{"PUT": s.resetTopics})
	r.addPath("/connectors/:connector/offsets", methods{
		"GET": s.getOffsets, "PATCH": s.alterOffsets, "DELETE": s.resetOffsets})
	for _, stages := range []string{"transforms", "predicates", "converters"} {
		r.addPath("/connectors/:connector/"+stages+"/:alias/version", methods{"PUT": s.putVersion})
		r.addPath("/connectors/:connector/"+stages+"/:alias/rollback", methods{"POST": s.rollBack})
	}
	r.addPath("/connectors/:connector/swaps", methods{"GET": s.listSwaps})
	r.addPath("/connector-plugins", methods{"GET": s.listPlugins})
	r.addPath("/connector-plugins/:plugin/config", methods{"GET": s.getPluginConfig})
	r.addPath("/connector-plugins/:plugin/config/validate", methods{"PUT": s.validateConfig})

	r.addPath("/connectors/:connector/transforms/:alias/shadow", methods{
		"GET": s.getShadow, "PUT": s.putShadow, "DELETE": s.deleteShadow})
	r.addPath("/connectors/:connector/transforms/:alias/promote", methods{"POST": s.promoteShadow})
	r.addPath(shadowHerePath, methods{"GET": s.shadowReportsHere})
	if s.config.Preview != nil {
		r.addPath("/preview", methods{"POST": s.preview})
	}

	// Berth's own.
	r.addPath("/tenants", methods{"GET": s.listTenants})
	r.addPath("/tenants/:tenant", methods{"GET": s.getTenant, "PUT": s.putTenant, "DELETE": s.deleteTenant})

	// They take and give other media types than JSON, so they are not negotiated.
	r.addRaw("GET", "/plugins", s.listModules)
	r.addRaw("POST", "/plugins", s.addModule)
	r.addRaw("GET", "/plugins/:name/:version", s.getModule)
	r.addRaw("GET", "/plugins/:name/:version/module", s.downloadModule)
	r.addRaw("DELETE", "/plugins/:name/:version", bounded(s.forwarding(s.deleteModule)))
	if s.config.Usage != nil {
		r.addRaw("GET", "/usage", s.getUsage)
	}
	if s.config.Metrics != nil {
		r.addRaw("GET", "/metrics", s.getMetrics)
	}
}

// addAdminRoutes lists the paths of the admin API, which may have listeners of its own.
func (s *Server) addAdminRoutes(r resources) {
	r.addPath("/admin/loggers", methods{"GET": s.listLoggers})
	r.addPath("/admin/loggers/:logger", methods{"GET": s.getLogger, "PUT": s.putLogger})
}

// addPath adds the methods of a path, HEAD beside GET, and OPTIONS.
func (r resources) addPath(path string, handlers methods) {
	allowed := []string{http.MethodOptions}
	for method, handler := range handlers {
		if method != http.MethodGet {
			handler = r.server.forwarding(handler)
		}
		handler = r.server.guard(method, path, handler)
		allowed = append(allowed, method)
		r.Add(method, path, negotiate(handler))
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
			r.Add(http.MethodHead, path, negotiate(handler))
		}
	}
	slices.SortFunc(allowed, func(a, b string) int {
		return slices.Index(methodOrder, a) - slices.Index(methodOrder, b)
	})
	r.addRaw(http.MethodOptions, path, func(c echo.Context) error { return answerOptions(c, allowed) })
}

// addRaw adds one method of a path whose media types are the handler's own matter.
func (r resources) addRaw(method, path string, handler echo.HandlerFunc) {
	r.Add(method, path, r.server.guard(method, path, handler))
}

// answerOptions lists a path's methods, in the body too unless the client wants JSON.
func answerOptions(c echo.Context, allowed []string) error {
	c.Response().Header().Set(echo.HeaderAllow, strings.Join(allowed, ","))
	if strings.HasPrefix(c.Request().Header.Get(echo.HeaderAccept), echo.MIMEApplicationJSON) {
		return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, nil)
	}
	return c.Blob(http.StatusOK, "text/plain", []byte(strings.Join(allowed, ", ")))
}

// negotiate refuses media types other than JSON and bounds the request's time.
func negotiate(handler echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		request := c.Request()
		if request.Method != http.MethodGet && request.Method != http.MethodHead {
			if err := checkContentType(request.Header.Get(echo.HeaderContentType)); err != nil {
				return err
			}
		}
		if !acceptsJSON(request.Header.Values(echo.HeaderAccept)) {
			return errNotAcceptable
		}
		return within(c, requestDurationMax, handler)
	}
}

// bounded is a handler with the deadline of every request, which holds for a forwarded one too.
func bounded(handler echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error { return within(c, requestDurationMax, handler) }
}

// within runs a handler with a deadline.
func within(c echo.Context, limit time.Duration, handler echo.HandlerFunc) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), limit)
	defer cancel()
	request := c.Request()
	c.SetRequest(request.WithContext(ctx))
	defer func() { c.SetRequest(request) }() // whose context tells whether the client is still there
	return handler(c)
}

func checkContentType(header string) error {
	mediaType, _, _ := strings.Cut(header, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	switch {
	case mediaType == "" || mediaType == echo.MIMEApplicationJSON:
		return nil
	case !strings.Contains(mediaType, "/"):
		return host.BadRequest("The Content-Type " + header + " can't be understood")
	}
	return errMediaType
}

func acceptsJSON(headers []string) bool {
	header := strings.Join(headers, ",")
	if strings.TrimSpace(header) == "" {
		return true
	}
	for _, entry := range strings.Split(header, ",") {
		mediaType, _, _ := strings.Cut(entry, ";")
		switch strings.ToLower(strings.TrimSpace(mediaType)) {
		case "*/*", "application/*", echo.MIMEApplicationJSON:
			return true
		}
	}
	return false
}

// param is an unescaped path parameter.
func param(c echo.Context, name string) (string, error) {
	value, err := url.PathUnescape(c.Param(name))
	if err != nil || !utf8.ValidString(value) {
		return "", host.BadRequest("The path is not valid UTF-8")
	}
	return value, nil
}

// isTrue reads a query parameter as Java's Boolean.parseBoolean: all but "true" is false.
func isTrue(c echo.Context, name string) bool { return isTrueText(c.QueryParam(name)) }

func isTrueText(text string) bool { return strings.EqualFold(text, "true") }

// writeJSON answers with a JSON body, without escaping <, > and &.
func writeJSON(c echo.Context, status int, body any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return err
	}
	return c.Blob(status, echo.MIMEApplicationJSON, bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}
