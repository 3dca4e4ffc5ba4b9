package schemaregistry

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
)

// What is to be registered is looked up; nothing is ever written.
func TestServeUnchangedRegistersNothing(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/versions"):
			t.Errorf("%s %s would register a schema", r.Method, r.URL)
		case r.URL.Path == "/subjects/known-value":
			answer(w, http.StatusOK, schema{ID: 7})
		case r.URL.Path == "/subjects/away-value":
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/schemas/ids/7":
			answer(w, http.StatusOK, schema{ID: 7, Text: `"int"`})
		default:
			answer(w, http.StatusNotFound, map[string]any{"error_code": 40401, "message": "Subject not found."})
		}
	}))
	defer s.Close()
	r := open(t, urlKey, s.URL)
	for _, c := range []struct {
		call    string
		subject string
		id      int32
		code    abi.Code
	}{
		{"register", "known-value", 7, 0},
		{"register", "new-value", UnregisteredID, 0},
		{"register", "away-value", 0, abi.CodeRetriable},
		{"lookup", "new-value", 0, abi.CodeData},
		{"schema", "", 7, 0},
	} {
		reply := r.ServeUnchanged(t.Context(), abi.Request{Call: c.call, Arguments: arguments(t, map[string]any{
			"subject": c.subject, "schema": `"int"`, "type": "AVRO", "id": int32(7)})})
		if id, _ := reply.Result.Get("id"); reply.Code != c.code || id.Int32() != c.id {
			t.Errorf("%s %s: %+v", c.call, c.subject, reply)
		}
	}
}
