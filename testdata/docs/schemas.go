package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// schemaRegistry answers as much of a schema registry's API as converters need; ids count from 1 on each page.
type schemaRegistry struct {
	server *httptest.Server
	mu     sync.Mutex
	held   []heldSchema
	told   int // how many of them shown has told
}

type heldSchema struct {
	Subject string `json:"subject"`
	Type    string `json:"schemaType,omitempty"`
	Text    string `json:"schema"`
}

func newSchemaRegistry() *schemaRegistry {
	s := &schemaRegistry{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /subjects/{subject}/versions", s.register)
	mux.HandleFunc("GET /schemas/ids/{id}", s.get)
	s.server = httptest.NewServer(mux)
	return s
}

func (s *schemaRegistry) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.told = nil, 0
}

func (s *schemaRegistry) register(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var given heldSchema
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	given.Subject = r.PathValue("subject")
	at := slices.Index(s.held, given)
	if at < 0 {
		at, s.held = len(s.held), append(s.held, given)
	}
	fmt.Fprintf(w, `{"id":%d}`, at+1)
}

func (s *schemaRegistry) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 1 || id > len(s.held) {
		http.Error(w, `{"error_code":40403,"message":"Schema not found"}`, http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(s.held[id-1]) // the client sees what is missing
}

// shown is what was registered since it was last called.
func (s *schemaRegistry) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	for ; s.told < len(s.held); s.told++ {
		h := s.held[s.told]
		fmt.Fprintf(&out, "subject %s, id %d:\n", h.Subject, s.told+1)
		if json.Valid([]byte(h.Text)) {
			out.WriteString(layOut(json.RawMessage(h.Text)) + "\n")
		} else {
			out.WriteString(strings.TrimSpace(h.Text) + "\n")
		}
	}
	return strings.TrimSpace(out.String())
}
