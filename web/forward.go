package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

// forwarding passes requests that another worker has to serve on to it: twice at most, as a restart may go to the
// leader and from there to the worker that runs what is restarted.
func (s *Server) forwarding(handler echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		request := c.Request()
		var body bytes.Buffer // the handler reads it first
		whole := io.TeeReader(request.Body, &body)
		request.Body = io.NopCloser(whole)
		err := handler(c)
		var elsewhere *herder.NotLeader
		if !errors.As(err, &elsewhere) || elsewhere.LeaderURL == "" {
			return err
		}
		hop, allowed := nextHop(request.URL.Query())
		if !allowed {
			return err
		}
		if _, err := io.Copy(io.Discard, io.LimitReader(whole, jsonBodyBytesMax)); err != nil {
			return err
		}
		return s.forward(c, elsewhere.LeaderURL, hop, body.Bytes())
	}
}

// nextHop is the query of a forwarded request; false: it has been forwarded as often as it may be.
func nextHop(query url.Values) (url.Values, bool) {
	again := "true"
	if query.Has("forward") {
		if !isTrueText(query.Get("forward")) {
			return nil, false
		}
		again = "false"
	}
	query.Set("forward", again)
	return query, true
}

// forward sends the request to another worker and hands its answer on. The client's credentials go along, and this
// worker's word for it; the client's signatures do not.
func (s *Server) forward(c echo.Context, worker string, query url.Values, body []byte) error {
	request := c.Request()
	target, err := url.Parse(worker)
	if err != nil {
		return fmt.Errorf("Error trying to forward REST request: %w", err)
	}
	target.RawPath = tenantPath(c) + request.URL.RawPath
	if target.Path, err = url.PathUnescape(target.RawPath); err != nil {
		return fmt.Errorf("Error trying to forward REST request: %w", err)
	}
	target.RawQuery = query.Encode()
	header := http.Header{}
	if credentials := request.Header.Get(echo.HeaderAuthorization); credentials != "" {
		header.Set(echo.HeaderAuthorization, credentials)
	}
	if err := s.signActor(c, header, target.EscapedPath()+"?"+target.RawQuery); err != nil {
		return err
	}
	told, err := s.config.Leader.exchange(request.Context(), request.Method, target.String(), header, body)
	if err != nil {
		return err
	}
	if location, err := url.Parse(told.location); err == nil && told.location != "" {
		location.Scheme, location.Host = c.Scheme(), request.Host // as if this worker had made the connector
		c.Response().Header().Set(echo.HeaderLocation, location.String())
	}
	if len(told.body) == 0 {
		return c.NoContent(told.status)
	}
	return c.Blob(told.status, echo.MIMEApplicationJSON, told.body)
}

// forwardedError is another worker's refusal.
type forwardedError struct {
	status int
	errorMessage
}

func (e *forwardedError) Error() string { return e.Message }

// Unwrap is the kind that this worker would have given to the error.
func (e *forwardedError) Unwrap() error {
	for _, row := range statuses {
		if row.status == e.status {
			return row.kind
		}
	}
	return host.ErrInternal
}

// refusal reads an answer that is none of success.
func refusal(status int, body []byte) error {
	e := &forwardedError{status: status}
	if status < http.StatusBadRequest || json.Unmarshal(body, &e.errorMessage) != nil || e.ErrorCode == 0 {
		return fmt.Errorf("Unexpected status code when handling forwarded request: %d", status)
	}
	return e
}
