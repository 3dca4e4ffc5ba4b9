package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// listConnectors answers names, or with ?expand=status|info an object of what was asked for; a connector that went away
// meanwhile, or has no status yet, is left out.
func (s *Server) listConnectors(c echo.Context) error {
	names, err := s.herder(c).Connectors(c.Request().Context())
	if err != nil {
		return err
	}
	expand, asked := c.QueryParams()["expand"]
	if !asked {
		return writeJSON(c, http.StatusOK, orEmpty(names))
	}
	list := make(map[string]expanded, len(names))
	for _, name := range names {
		entry, err := s.expand(c, name, expand)
		if errors.Is(err, host.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		list[name] = entry
	}
	return writeJSON(c, http.StatusOK, list)
}

func (s *Server) expand(c echo.Context, name string, what []string) (expanded, error) {
	var entry expanded
	ctx := c.Request().Context()
	if slices.Contains(what, "status") {
		status, err := s.herder(c).Status(ctx, name)
		if err != nil {
			return entry, err
		}
		state := newConnectorState(status)
		entry.Status = &state
	}
	if slices.Contains(what, "info") {
		connector, err := s.herder(c).Connector(ctx, name)
		if err != nil {
			return entry, err
		}
		info := newConnectorInfo(connector)
		entry.Info = &info
	}
	return entry, nil
}

func (s *Server) createConnector(c echo.Context) error {
	request, err := readCreateRequest(c)
	if err != nil {
		return err
	}
	if err := settleName(request.name, request.config); err != nil {
		return err
	}
	info, err := s.herder(c).Create(c.Request().Context(), request.name, request.config, request.target)
	if err != nil {
		return err
	}
	setLocation(c, request.name)
	return writeJSON(c, http.StatusCreated, newConnectorInfo(info))
}

// settleName puts the connector's name into its configuration, where another name must not be.
func settleName(name string, config host.Config) error {
	if included := config["name"]; included != nil && *included != name {
		return host.BadRequest(fmt.Sprintf("Connector name configuration (%s) doesn't match connector name in the URL (%s)",
			*included, name))
	}
	config["name"] = &name
	return nil
}

// setLocation points to a new connector, by the address under which the client reached this worker.
func setLocation(c echo.Context, name string) {
	c.Response().Header().Set(echo.HeaderLocation,
		c.Scheme()+"://"+c.Request().Host+tenantPath(c)+"/connectors/"+asPath(name))
}

// asPath is a name as JAX-RS appends it to a path: separators and escapes in it stay what they are, so the address of a
// name that has some is not the connector's.
func asPath(name string) string {
	var path strings.Builder
	for i := range len(name) {
		if b := name[i]; isPathChar(b) || b == '/' || b == ';' || escape.MatchString(name[i:]) {
			path.WriteByte(b)
		} else {
			fmt.Fprintf(&path, "%%%02X", b)
		}
	}
	return path.String()
}

var escape = regexp.MustCompile(`^%[0-9A-Fa-f]{2}`)

// escapeSegment percent-encodes what can't stand in one segment of a path (RFC 3986, pchar).
func escapeSegment(name string) string {
	var escaped strings.Builder
	for _, b := range []byte(name) {
		if isPathChar(b) {
			escaped.WriteByte(b)
		} else {
			fmt.Fprintf(&escaped, "%%%02X", b)
		}
	}
	return escaped.String()
}

func isPathChar(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' ||
		strings.IndexByte("-._~!$&'()*+,=:@", b) >= 0
}

func (s *Server) getConnector(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	info, err := s.herder(c).Connector(c.Request().Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, newConnectorInfo(info))
}

func (s *Server) getConfig(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	config, err := s.herder(c).Config(c.Request().Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, config)
}

func (s *Server) putConfig(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	config, err := readConfig(c)
	if err != nil {
		return err
	}
	if err := settleName(name, config); err != nil {
		return err
	}
	info, created, err := s.herder(c).PutConfig(c.Request().Context(), name, config)
	if err != nil {
		return err
	}
	if created {
		setLocation(c, name)
		return writeJSON(c, http.StatusCreated, newConnectorInfo(info))
	}
	return writeJSON(c, http.StatusOK, newConnectorInfo(info))
}

func (s *Server) patchConfig(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	patch, err := readConfig(c)
	if err != nil {
		return err
	}
	info, err := s.herder(c).PatchConfig(c.Request().Context(), name, patch)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, newConnectorInfo(info))
}

func (s *Server) getStatus(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	status, err := s.herder(c).Status(c.Request().Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, newConnectorState(status))
}

func (s *Server) deleteConnector(c echo.Context) error {
	return s.act(c, http.StatusNoContent, s.herder(c).Delete)
}

func (s *Server) pauseConnector(c echo.Context) error {
	return s.act(c, http.StatusAccepted, s.herder(c).Pause)
}

func (s *Server) resumeConnector(c echo.Context) error {
	return s.act(c, http.StatusAccepted, s.herder(c).Resume)
}

func (s *Server) stopConnector(c echo.Context) error {
	return s.act(c, http.StatusNoContent, s.herder(c).Stop)
}

// act does something with a connector and answers without a body.
func (s *Server) act(c echo.Context, status int, action func(context.Context, string) error) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	if err := action(c.Request().Context(), name); err != nil {
		return err
	}
	return c.NoContent(status)
}

// restartConnector restarts the connector alone at once, or with a flag set asks all workers to (KIP-745).
func (s *Server) restartConnector(c echo.Context) error {
	request := store.RestartRequest{IncludeTasks: isTrue(c, "includeTasks"), OnlyFailed: isTrue(c, "onlyFailed")}
	if !request.IncludeTasks && !request.OnlyFailed {
		return s.act(c, http.StatusNoContent, s.herder(c).RestartConnector)
	}
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	request.Connector = name
	status, err := s.herder(c).Restart(c.Request().Context(), request)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusAccepted, newConnectorState(status))
}
