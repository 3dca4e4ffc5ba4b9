package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/oci"
)

// statuses is the only table from errors to HTTP statuses. What is not in it is 500, as in Connect.
var statuses = []struct {
	kind   error
	status int
}{
	{host.ErrNotFound, http.StatusNotFound},
	{host.ErrBadRequest, http.StatusBadRequest},
	{host.ErrConflict, http.StatusConflict},
	{herder.ErrForbidden, http.StatusForbidden},
	{oci.ErrNotGranted, http.StatusForbidden},
	{errTooLarge, http.StatusRequestEntityTooLarge},
	{oci.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{errTooSlow, http.StatusRequestTimeout},
	{errNotAcceptable, http.StatusNotAcceptable},
	{errMediaType, http.StatusUnsupportedMediaType},
	{oci.ErrRegistry, http.StatusBadGateway},
	{herder.ErrUnavailable, http.StatusServiceUnavailable},
	{echo.ErrNotFound, http.StatusNotFound},
	{echo.ErrMethodNotAllowed, http.StatusMethodNotAllowed},
}

// Errors that only HTTP knows.
var (
	errTooLarge      = errors.New("request body too large")
	errTooSlow       = errors.New("request body too slow")
	errNotAcceptable = errors.New("not acceptable")
	errMediaType     = errors.New("unsupported media type")
)

func statusOf(err error) int {
	var forwarded *forwardedError
	if errors.As(err, &forwarded) {
		return forwarded.status
	}
	for _, row := range statuses {
		if errors.Is(err, row.kind) {
			return row.status
		}
	}
	return http.StatusInternalServerError
}

// messageOf is the text for the client: the error's own, and Jersey's for errors of HTTP itself.
func messageOf(err error, status int) string {
	var routing *echo.HTTPError
	if errors.As(err, &routing) || errors.Is(err, errNotAcceptable) || errors.Is(err, errMediaType) {
		return fmt.Sprintf("HTTP %d %s", status, http.StatusText(status))
	}
	return err.Error()
}

// handleError answers a failed request with Connect's ErrorMessage.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed || errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return // there is nobody to answer
	}
	status := statusOf(err)
	if status >= http.StatusInternalServerError {
		s.log.Error("Request failed", "method", c.Request().Method, "path", c.Request().URL.Path, "error", err)
	}
	body := errorMessage{status, messageOf(err, status)}
	var forwarded *forwardedError
	if errors.As(err, &forwarded) {
		body = forwarded.errorMessage
	}
	if err := writeJSON(c, status, body); err != nil {
		s.log.Debug("Failed to answer", "error", err)
	}
}
