package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/oci"
)

// Artifacts gets modules out of registries.
type Artifacts interface {
	// Pull gets the module of an artifact for a tenant; hold is asked for the memory that it takes. Errors:
	// host.ErrBadRequest, oci.ErrNotGranted, oci.ErrTooLarge, oci.ErrRegistry, hold's.
	Pull(ctx context.Context, tenant, reference string, hold func(bytes int64) error) (oci.Module, error)
}

// pullBody names a module that lies in a registry. Its signature is that of the artifact unless it is given.
type pullBody struct {
	OCI       string `json:"oci"` // a reference with a digest
	Name      string `json:"name,omitempty"`
	Signature []byte `json:"signature,omitempty"` // in Base64, as JSON has bytes
}

func readPull(c echo.Context) (pullBody, error) {
	text, err := readBody(c, jsonBodyBytesMax)
	if err != nil {
		return pullBody{}, err
	}
	var body pullBody
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil || decoder.More() || body.OCI == "" {
		problem := "it must be one object, with \"oci\""
		if err != nil {
			problem = err.Error()
		}
		return pullBody{}, host.BadRequest(fmt.Sprintf("A JSON body must name an artifact, like {\"oci\": "+
			"\"registry.example.com/team/plugin@sha256:DIGEST\", \"signature\": \"BASE64\"} (%s); a module itself is sent as "+
			wasmMediaType, problem))
	}
	return body, nil
}

// pull makes an upload of what a registry has.
func (s *Server) pull(c echo.Context, body pullBody) (host.ModuleUpload, error) {
	if s.config.Artifacts == nil {
		return host.ModuleUpload{}, &host.Error{Kind: oci.ErrNotGranted, Message: "This worker pulls no modules"}
	}
	hold := func(bytes int64) error { return holdModule(c, bytes) }
	m, err := s.config.Artifacts.Pull(c.Request().Context(), tenantOf(c), body.OCI, hold)
	if err != nil {
		return host.ModuleUpload{}, err
	}
	upload := host.ModuleUpload{Name: m.Name, Wasm: m.Wasm, Signature: m.Signature, Source: m.Source}
	if body.Name != "" {
		upload.Name = body.Name
	}
	if len(body.Signature) > 0 {
		upload.Signature = body.Signature
	}
	return upload, nil
}
