package web

import (
	"strings"

	"github.com/labstack/echo/v4"
)

// getMetrics answers metrics in Prometheus's text. A client that accepts JSON alone knows Connect, which has no such
// path.
func (s *Server) getMetrics(c echo.Context) error {
	if accept := c.Request().Header.Get(echo.HeaderAccept); strings.TrimSpace(accept) == echo.MIMEApplicationJSON {
		return echo.ErrNotFound
	}
	s.config.Metrics.ServeHTTP(c.Response(), c.Request())
	return nil
}
