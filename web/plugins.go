package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host/validate"
)

// listPlugins answers the connectors, or all plugins with connectorsOnly=false.
func (s *Server) listPlugins(c echo.Context) error {
	connectorsOnly := !c.QueryParams().Has("connectorsOnly") || isTrue(c, "connectorsOnly")
	plugins, err := s.herder(c).Plugins(c.Request().Context(), connectorsOnly)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, newPluginInfos(plugins))
}

func (s *Server) getPluginConfig(c echo.Context) error {
	name, err := param(c, "plugin")
	if err != nil {
		return err
	}
	keys, err := s.herder(c).PluginConfig(c.Request().Context(), name, requestedVersion(c))
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, withoutNullKeys(keys))
}

// requestedVersion is the version of a plugin that the request asks for; an empty one is a range without bounds.
func requestedVersion(c echo.Context) string {
	if version := c.QueryParam("version"); version != "" || !c.QueryParams().Has("version") {
		return version
	}
	return validate.NoVersion
}

func (s *Server) validateConfig(c echo.Context) error {
	requested, err := param(c, "plugin")
	if err != nil {
		return err
	}
	config, err := readConfig(c)
	if err != nil {
		return err
	}
	if err := validate.CheckRequested(requested, config); err != nil {
		return err
	}
	infos, err := s.herder(c).Validate(c.Request().Context(), config)
	if err != nil {
		return validate.Shown(err)
	}
	return writeJSON(c, http.StatusOK, withoutNulls(infos))
}
