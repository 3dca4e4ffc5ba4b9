package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

func (s *Server) getRoot(c echo.Context) error {
	id, err := s.herder(c).ClusterID(c.Request().Context())
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, serverInfo{s.config.Version, s.config.Commit, id})
}
