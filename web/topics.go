package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// getTopics answers the topics that a connector has used (KIP-558).
func (s *Server) getTopics(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	topics, err := s.herder(c).Topics(c.Request().Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]activeTopics{name: {orEmpty(topics)}})
}

func (s *Server) resetTopics(c echo.Context) error {
	return s.act(c, http.StatusAccepted, s.herder(c).ResetTopics)
}
