package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// getOffsets, alterOffsets and resetOffsets are KIP-875.
func (s *Server) getOffsets(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	offsets, err := s.herder(c).Offsets(c.Request().Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, newConnectorOffsets(offsets))
}

func (s *Server) alterOffsets(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	offsets, err := readOffsets(c)
	if err != nil {
		return err
	}
	text, err := s.herder(c).AlterOffsets(c.Request().Context(), name, offsets)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, message{text})
}

func (s *Server) resetOffsets(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	text, err := s.herder(c).ResetOffsets(c.Request().Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, message{text})
}
