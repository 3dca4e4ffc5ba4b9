package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// listTaskFailures answers the last failures of a task, from the worker that runs it.
func (s *Server) listTaskFailures(c echo.Context) error {
	id, err := taskParam(c)
	if err != nil {
		return err
	}
	failures, err := s.herder(c).TaskFailures(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, failures)
}
