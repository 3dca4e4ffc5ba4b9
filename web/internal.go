package web

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
)

// The worker-to-worker endpoints (KIP-507). Requests without a signature are refused as in Connect; signed ones too, as
// by a worker that has no session key: there are no other workers to trust.

const (
	signatureHeader          = "X-Connect-Authorization"
	signatureAlgorithmHeader = "X-Connect-Request-Signature-Algorithm"
)

// isInternal tells the endpoints for other workers, which sign instead of showing a password.
func isInternal(method, path string) bool {
	return method == http.MethodPost && path == "/connectors/:connector/tasks" ||
		method == http.MethodPut && path == "/connectors/:connector/fence"
}

func (s *Server) putTasks(c echo.Context) error {
	body, err := readJSON(c)
	if err != nil {
		return err
	}
	var configs []map[string]*string
	if err := json.Unmarshal(body, &configs); err != nil {
		return unreadable("Cannot deserialize the task configurations from JSON: %v", err)
	}
	return checkSignature(c)
}

func (s *Server) fenceZombies(c echo.Context) error { return checkSignature(c) }

func checkSignature(c echo.Context) error {
	headers := c.Request().Header
	if headers.Get(signatureHeader) == "" || headers.Get(signatureAlgorithmHeader) == "" {
		return host.BadRequest("Internal request missing required signature")
	}
	return &host.Error{Kind: errUnavailable, Message: "This worker is still starting up and has not been able to read a " +
		"session key from the config topic yet"}
}
