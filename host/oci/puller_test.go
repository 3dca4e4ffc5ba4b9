package oci

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/oci/ocitest"
)

var wasm = []byte("\x00asm\x01\x00\x00\x00 and more")

// serve serves a registry with HTTPS and returns host:port.
func serve(t *testing.T, handler http.Handler) (*httptest.Server, string) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	return server, strings.TrimPrefix(server.URL, "https://")
}

// policy grants host:port, each as a whole.
func policy(t *testing.T, entries ...string) *network.Policy {
	t.Helper()
	p, err := network.ParsePolicyOf(RegistriesProperty, entries)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// puller trusts the certificate of test servers, which all have the same.
func puller(t *testing.T, server *httptest.Server, config Config) *Puller {
	t.Helper()
	config.Roots = x509.NewCertPool()
	config.Roots.AddCert(server.Certificate())
	return New(config)
}

func credentials(t *testing.T, format string, args ...any) Credentials {
	t.Helper()
	all, err := ParseCredentials(fmt.Sprintf(format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func anySize(int64) error { return nil }

func (p *Puller) try(t *testing.T, reference string) (Module, error) {
	t.Helper()
	return p.Pull(t.Context(), "", reference, anySize)
}

// refused checks an error's kind and what it says.
func refused(t *testing.T, what string, err, kind error, words ...string) {
	t.Helper()
	if err == nil || !errors.Is(err, kind) {
		t.Errorf("%s: got %v, want one of the kind %v", what, err, kind)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: got %v, want %q", what, err, word)
		}
	}
}

func TestArtifactsOfAllForms(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	oras := ocitest.Module(wasm)
	oras.MediaType, oras.ArtifactType = "", "application/vnd.unknown.artifact.v1"
	oras.Config.MediaType = "application/vnd.oci.empty.v1+json"
	oras.Layers = append(oras.Layers, ocitest.Descriptor{MediaType: "text/markdown", Digest: someDigest, Size: 3})
	older := ocitest.Module(wasm)
	older.Config.MediaType, older.Layers[0].MediaType = "application/vnd.wasm.config.v1+json", typeWasmContent
	for name, m := range map[string]ocitest.Manifest{"cncf": ocitest.Module(wasm), "oras": oras, "older": older} {
		digest := r.Push("team/"+name, m, wasm)
		var held int64
		got, err := puller(t, server, Config{Registries: policy(t, address)}).Pull(t.Context(), "",
			address+"/team/"+name+":1.0@"+digest, func(bytes int64) error { held += bytes; return nil })
		if err != nil || string(got.Wasm) != string(wasm) || got.Name != name || held != int64(len(wasm)) ||
			got.Source != "oci://"+address+"/team/"+name+"@"+digest {
			t.Errorf("%s: got %+v, %v; %d bytes were held", name, got, err, held)
		}
	}
}

func TestArtifactsThatAreNoModuleAreRefused(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	p := puller(t, server, Config{Registries: policy(t, address)})
	changed := func(change func(m *ocitest.Manifest)) ocitest.Manifest {
		m := ocitest.Module(wasm)
		change(&m)
		return m
	}
	one := ocitest.Descriptor{MediaType: typeManifest, Digest: someDigest, Size: 3}
	for want, m := range map[string]ocitest.Manifest{
		"it is an image index": {SchemaVersion: 2, MediaType: typeIndex},
		"an image index, a":    changed(func(m *ocitest.Manifest) { m.Manifests = []ocitest.Descriptor{one} }),
		"index, a list":        {SchemaVersion: 2, MediaType: typeDockerList, Manifests: []ocitest.Descriptor{one}},
		"it is a Docker image": changed(func(m *ocitest.Manifest) { m.MediaType = typeDockerManifest }),
		`of type "text/x"`:     changed(func(m *ocitest.Manifest) { m.MediaType = "text/x" }),
		"schema version 1":     changed(func(m *ocitest.Manifest) { m.SchemaVersion = 1 }),
		"it has 0 layers":      changed(func(m *ocitest.Manifest) { m.Layers = nil }),
		`it has 1 layers (["application/vnd.oci.image.layer.v1.tar+gzip"])`: changed(func(m *ocitest.Manifest) {
			m.Layers[0].MediaType = "application/vnd.oci.image.layer.v1.tar+gzip"
		}),
		"it has 2 layers":         changed(func(m *ocitest.Manifest) { m.Layers = append(m.Layers, m.Layers[0]) }),
		"its layer: the digest":   changed(func(m *ocitest.Manifest) { m.Layers[0].Digest = "sha512:00" }),
		"gives its module 0 by":   changed(func(m *ocitest.Manifest) { m.Layers[0].Size = 0 }),
		"gives its module -5 by":  changed(func(m *ocitest.Manifest) { m.Layers[0].Size = -5 }),
		"ends after 17 of the 18": changed(func(m *ocitest.Manifest) { m.Layers[0].Size++ }),
		"more than the 16 bytes":  changed(func(m *ocitest.Manifest) { m.Layers[0].Size-- }),
		"its annotation io.github.berth-connect.signature must be Base64": changed(func(m *ocitest.Manifest) {
			m.Annotations = map[string]string{SignatureAnnotation: "?"}
		}),
	} {
		_, err := p.try(t, address+"/a@"+r.Push("a", m, wasm))
		refused(t, want, err, host.ErrBadRequest, want, "Can't pull oci://"+address+"/a@sha256:")
	}
	large := changed(func(m *ocitest.Manifest) { m.Layers[0].Size = host.ModuleBytesMax + 1 })
	_, err := p.try(t, address+"/a@"+r.Push("a", large, wasm))
	refused(t, "large", err, ErrTooLarge, "67108865 bytes, at most 67108864")
	r.Put("a/manifests/"+ocitest.Digest([]byte("[]")), []byte("[]"))
	_, err = p.try(t, address+"/a@"+ocitest.Digest([]byte("[]")))
	refused(t, "no object", err, host.ErrBadRequest, "is no JSON of one")
	_, err = p.try(t, address+"/a@"+someDigest)
	refused(t, "missing", err, host.ErrBadRequest, "answers 404", "berth.oci.credentials has nothing for "+address)
}

// What a registry sends is held against the digest, whatever it calls it.
func TestContentMustHaveItsDigest(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	p := puller(t, server, Config{Registries: policy(t, address)})
	digest := r.Push("a", ocitest.Module(wasm), wasm)
	other := strings.Replace(string(wasm), "more", "less", 1)
	r.Put("a/blobs/"+ocitest.Digest(wasm), []byte(other))
	_, err := p.try(t, address+"/a@"+digest)
	refused(t, "module", err, host.ErrBadRequest, "its module has the digest "+ocitest.Digest([]byte(other)))
	text, _ := json.Marshal(ocitest.Module([]byte(other)))
	r.Put("a/manifests/"+digest, text)
	_, err = p.try(t, address+"/a@"+digest)
	refused(t, "manifest", err, host.ErrBadRequest, "its manifest has the digest", "not "+digest)
}

func TestSignaturesOfArtifactsCountWhereKeysAreKnown(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	m := ocitest.Module(wasm)
	m.Annotations = map[string]string{SignatureAnnotation: base64.StdEncoding.EncodeToString([]byte("signed"))}
	reference := address + "/a@" + r.Push("a", m, wasm)
	for signed, want := range map[bool]string{true: "signed", false: ""} {
		got, err := puller(t, server, Config{Registries: policy(t, address), Signed: signed}).try(t, reference)
		if err != nil || string(got.Signature) != want {
			t.Errorf("signed %v: got %q, %v", signed, got.Signature, err)
		}
	}
	known := signing{tenants{"a": {address}, "b": {address}}}
	for tenant, want := range map[string]string{"a": "signed", "b": "", "": ""} {
		got, err := puller(t, server, Config{Registries: policy(t, address), Tenants: known}).Pull(t.Context(), tenant,
			reference, func(int64) error { return nil })
		if err != nil || string(got.Signature) != want {
			t.Errorf("tenant %q: got %q, %v", tenant, got.Signature, err)
		}
	}
}

// signing are tenants of which a has a key of its own.
type signing struct{ tenants }

func (s signing) Tenant(name string) (host.Tenant, bool) {
	record, known := s.tenants.Tenant(name)
	if name == "a" {
		record.Signatures.Keys = map[string]string{"team": "a public key"}
	}
	return record, known
}

func TestHoldMayRefuse(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	digest := r.Push("a", ocitest.Module(wasm), wasm)
	full := host.Conflict("full")
	_, err := puller(t, server, Config{Registries: policy(t, address)}).Pull(t.Context(), "", address+"/a@"+digest,
		func(int64) error { return full })
	refused(t, "full", err, host.ErrConflict, "full")
	if heard := strings.Join(r.Heard(), " "); strings.Contains(heard, "/blobs/") {
		t.Errorf("the module was asked for: %s", heard)
	}
}
