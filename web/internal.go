package web

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// The worker-to-worker endpoints (KIP-507). The herder checks the signature over the body as it was sent.

const shadowHerePath = "/connectors/:connector/transforms/:alias/shadow/here"

// isInternal tells the endpoints for other workers, which sign instead of showing a password.
func isInternal(method, path string) bool {
	return method == http.MethodPost && path == "/connectors/:connector/tasks" ||
		method == http.MethodPut && path == "/connectors/:connector/fence" ||
		method == http.MethodGet && path == shadowHerePath
}

func (s *Server) putTasks(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	body, err := readBody(c, jsonBodyBytesMax)
	if err != nil {
		return err
	}
	text, err := checkJSON(c, body)
	if err != nil {
		return err
	}
	var configs []host.Config
	if err := json.Unmarshal(text, &configs); err != nil {
		return unreadable("Cannot deserialize the task configurations from JSON: %v", err)
	}
	signature, err := sessionkey.FromHeaders(c.Request().Header.Values, body)
	if err != nil {
		return err
	}
	if err := s.herder(c).PutTaskConfigs(c.Request().Context(), name, configs, signature); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) fenceZombies(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	body, err := readBody(c, jsonBodyBytesMax)
	if err != nil {
		return err
	}
	signature, err := sessionkey.FromHeaders(c.Request().Header.Values, body)
	if err != nil {
		return err
	}
	if err := s.herder(c).FenceZombies(c.Request().Context(), name, signature); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
