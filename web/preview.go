package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
)

// preview answers what a chain makes of records (POST /preview). It changes nothing, so any worker does it.
func (s *Server) preview(c echo.Context) error {
	body, err := readBody(c, previewBodyBytesMax)
	if err != nil {
		return err
	}
	request, err := ParsePreviewRequest(body)
	if err != nil {
		return err
	}
	request.Tenant = tenantOf(c)
	answer, err := s.config.Preview.Preview(c.Request().Context(), request)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, answer)
}

// ParsePreviewRequest reads the body of POST /preview. Error: host.ErrBadRequest.
func ParsePreviewRequest(text []byte) (host.PreviewRequest, error) {
	var body struct {
		host.PreviewRequest
		Config json.RawMessage `json:"config"` // numbers and booleans are taken for texts, as everywhere
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return host.PreviewRequest{}, host.BadRequest(fmt.Sprintf("The preview request can't be read: %v: it is an object "+
			"with chain, config, and records or topic and last", err))
	}
	if len(body.Config) == 0 {
		return host.PreviewRequest{}, host.BadRequest("The preview request has no config: give the keys of a connector's " +
			"transformations, predicates and converters")
	}
	config, err := decodeConfig(body.Config)
	if err != nil {
		return host.PreviewRequest{}, host.BadRequest(err.Error())
	}
	body.PreviewRequest.Config = config
	return body.PreviewRequest, nil
}
