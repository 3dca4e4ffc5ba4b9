package oci

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/berth-connect/berth/host"
)

// Media types of the OCI image specification, and of WebAssembly in it: the CNCF's wasm artifact, and what came before.
const (
	typeManifest       = "application/vnd.oci.image.manifest.v1+json"
	typeIndex          = "application/vnd.oci.image.index.v1+json"
	typeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	typeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	typeWasmConfig     = "application/vnd.wasm.config.v0+json"
	typeWasm           = "application/wasm"
	typeWasmContent    = "application/vnd.wasm.content.layer.v1+wasm"
)

// SignatureAnnotation of a manifest holds the module's signature in Base64, as "berth plugin sign" writes it.
const SignatureAnnotation = "io.github.berth-connect.signature"

// descriptor says what a blob is.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// manifest is what is read of one. Manifests is an index's.
type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Manifests     []json.RawMessage `json:"manifests"`
	Annotations   map[string]string `json:"annotations"`
}

// layer is the one that is the module.
type layer struct {
	digest    string // SHA-256, hex
	size      int64
	signature []byte // of the manifest's annotation; nil: it has none
}

// parseManifest finds the module of an artifact. What the answer's header called the manifest counts for nothing: its
// digest does not cover it. Errors: host.ErrBadRequest, ErrTooLarge.
func parseManifest(text []byte) (layer, error) {
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return layer{}, host.BadRequest(fmt.Sprintf("its manifest is no JSON of one: %v", err))
	}
	if err := m.check(); err != nil {
		return layer{}, host.BadRequest(err.Error())
	}
	found, err := m.module()
	if err != nil {
		return layer{}, err
	}
	if text, has := m.Annotations[SignatureAnnotation]; has {
		if found.signature, err = base64.StdEncoding.DecodeString(text); err != nil {
			return layer{}, host.BadRequest(fmt.Sprintf("its annotation %s must be Base64: %v", SignatureAnnotation, err))
		}
	}
	return found, nil
}

// check refuses what is no manifest of one artifact.
func (m manifest) check() error {
	switch {
	case m.MediaType == typeIndex || m.MediaType == typeDockerList || m.Manifests != nil:
		return fmt.Errorf("it is an image index, a list of artifacts: name the digest of one manifest in it, which " +
			"\"oras manifest fetch\" shows")
	case m.MediaType == typeDockerManifest:
		return fmt.Errorf("it is a Docker image: push the module as an OCI artifact, with \"oras push\" or \"wkg oci push\"")
	case m.MediaType != "" && m.MediaType != typeManifest, m.SchemaVersion != 2:
		return fmt.Errorf("its manifest is of type %.100q and schema version %d, not %s and 2", m.MediaType,
			m.SchemaVersion, typeManifest)
	}
	return nil
}

// module picks the one layer that is WebAssembly. A wasm artifact has no other layer; one that ORAS pushed may.
func (m manifest) module() (layer, error) {
	var modules []descriptor
	var types []string
	for _, l := range m.Layers {
		types = append(types, l.MediaType)
		if l.MediaType == typeWasm || l.MediaType == typeWasmContent {
			modules = append(modules, l)
		}
	}
	if len(modules) != 1 || m.Config.MediaType == typeWasmConfig && len(m.Layers) != 1 {
		slices.Sort(types)
		return layer{}, host.BadRequest(fmt.Sprintf("it has %d layers (%.200q); exactly one must be %s or %s, and "+
			"with a config of type %s there must be no other", len(m.Layers), slices.Compact(types), typeWasm,
			typeWasmContent, typeWasmConfig))
	}
	digest, err := parseDigest(modules[0].Digest)
	if err != nil {
		return layer{}, host.BadRequest("its layer: " + err.Error())
	}
	size := modules[0].Size
	if size > host.ModuleBytesMax {
		return layer{}, &host.Error{Kind: ErrTooLarge, Message: fmt.Sprintf("its module has %d bytes, at most %d", size,
			host.ModuleBytesMax)}
	}
	if size <= 0 {
		return layer{}, host.BadRequest(fmt.Sprintf("its manifest gives its module %d bytes", size))
	}
	return layer{digest: digest, size: size}, nil
}
