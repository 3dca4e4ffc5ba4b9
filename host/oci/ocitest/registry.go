// Package ocitest is an OCI registry for tests: artifacts in memory, tokens, and every way to answer wrongly.
package ocitest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Descriptor is one of an image manifest.
type Descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// Manifest is an image manifest, or with Manifests an index.
type Manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        *Descriptor       `json:"config,omitempty"`
	Layers        []Descriptor      `json:"layers,omitempty"`
	Manifests     []Descriptor      `json:"manifests,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// Registry serves artifacts by digest. Its fields are set before the first request.
type Registry struct {
	// User and Password are asked for: for a token, by which the registry is asked, or with Basic for each request. No
	// user: everybody may pull.
	User, Password string
	Basic          bool
	// Realm is where tokens are made, the URL of a Registry's /token; "": there are none.
	Realm string

	mu      sync.Mutex
	instead func(w http.ResponseWriter, r *http.Request) bool
	content map[string][]byte // by path below /v2/
	issued  map[string]bool
	heard   []string // METHOD PATH AUTHORIZATION
}

// Digest is the name of content.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Module makes the manifest of a module, as a wasm artifact.
func Module(wasm []byte) Manifest {
	return Manifest{SchemaVersion: 2, MediaType: "application/vnd.oci.image.manifest.v1+json",
		Config: &Descriptor{"application/vnd.wasm.config.v0+json", Digest([]byte("{}")), 2},
		Layers: []Descriptor{{"application/wasm", Digest(wasm), int64(len(wasm))}}}
}

// Push keeps an artifact, and returns its digest.
func (r *Registry) Push(repository string, m Manifest, blobs ...[]byte) string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // of strings and numbers
	}
	for _, blob := range blobs {
		r.Put(repository+"/blobs/"+Digest(blob), blob)
	}
	r.Put(repository+"/manifests/"+Digest(text), text)
	return Digest(text)
}

// Put keeps any content under any path.
func (r *Registry) Put(path string, content []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.content == nil {
		r.content, r.issued = map[string][]byte{}, map[string]bool{}
	}
	r.content[path] = content
}

// AnswerWith has requests answered in the registry's place, from now on, by what returns true for them.
func (r *Registry) AnswerWith(instead func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instead = instead
}

// Heard lists the requests, each as "METHOD PATH?QUERY AUTHORIZATION".
func (r *Registry) Heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.heard...)
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	r.heard = append(r.heard, strings.TrimSpace(fmt.Sprintf("%s %s %s", request.Method, request.URL.RequestURI(),
		request.Header.Get("Authorization"))))
	instead := r.instead
	r.mu.Unlock()
	switch {
	case instead != nil && instead(w, request):
	case request.URL.Path == "/token":
		r.makeToken(w, request)
	case !r.admits(request):
		w.Header().Add("WWW-Authenticate", r.challenge())
		w.WriteHeader(http.StatusUnauthorized)
	default:
		r.serve(w, request)
	}
}

func (r *Registry) challenge() string {
	if r.Basic {
		return `Basic realm="registry"`
	}
	return fmt.Sprintf(`Bearer realm="%s",service="registry",scope="repository:everything:pull,push"`, r.Realm)
}

func (r *Registry) knows(request *http.Request) bool {
	user, password, _ := request.BasicAuth()
	return r.User == "" || user == r.User && password == r.Password
}

func (r *Registry) makeToken(w http.ResponseWriter, request *http.Request) {
	if !r.knows(request) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	token := rand.Text()
	r.Accept(token)
	_ = json.NewEncoder(w).Encode(map[string]string{"token": token}) // to a client that is gone
}

// Accept lets a token in.
func (r *Registry) Accept(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.issued == nil {
		r.content, r.issued = map[string][]byte{}, map[string]bool{}
	}
	r.issued[token] = true
}

func (r *Registry) admits(request *http.Request) bool {
	if r.Basic {
		return r.knows(request)
	}
	token, _ := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer ")
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Realm == "" || r.issued[token]
}

func (r *Registry) serve(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	content, has := r.content[strings.TrimPrefix(request.URL.Path, "/v2/")]
	r.mu.Unlock()
	if !has {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = w.Write(content) // to a client that is gone
}
