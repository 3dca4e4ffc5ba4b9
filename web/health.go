package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// getHealth answers whether the worker can do its work (KIP-1017).
func (s *Server) getHealth(c echo.Context) error {
	return within(c, healthDurationMax, func(c echo.Context) error {
		if ready, doing := s.herder(c).Ready(); !ready {
			return writeJSON(c, http.StatusServiceUnavailable,
				workerStatus{"starting", "Worker is still starting up. " + doing})
		}
		if err := s.herder(c).Ping(c.Request().Context()); err != nil {
			return writeJSON(c, http.StatusInternalServerError, workerStatus{"unhealthy",
				"Worker was unable to handle this request and may be unable to handle other requests. " + err.Error()})
		}
		return writeJSON(c, http.StatusOK,
			workerStatus{"healthy", "Worker has completed startup and is ready to handle requests."})
	})
}
