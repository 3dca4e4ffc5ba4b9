package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/sessionkey"
)

func TestPathsThatConnectRefuses(t *testing.T) {
	const remedy = ": Kafka Connect has no path"
	tests := []struct {
		path, strict, kind string // how the answer begins by default, and with AmbiguousPaths; "": it is no refusal
	}{
		{"/connectors/a%20b%3Fe%23f%3B%2B/status", "", ""},
		{"/connectors/a%2Fb/status", "Ambiguous URI path separator" + remedy, ""},
		{"/connectors/a%2fb/status", "Ambiguous URI path separator" + remedy, ""},
		{"/connectors/a%25b/status", "Ambiguous URI path encoding" + remedy, ""},
		{"/connectors/a%5Cb/status", "Suspicious Path Character" + remedy, ""},
		{"/connectors/a%2Fb%25/status", "Ambiguous URI path separator, Ambiguous URI path encoding" + remedy, ""},
		{"/tenants/blue/connectors/a%2Fb/status", "Ambiguous URI path separator" + remedy, ""},
		{"/connectors/a%0Ab/status", "Suspicious Path Character", "Suspicious Path Character"},
		{"/connectors/%7F/status", "Suspicious Path Character", "Suspicious Path Character"},
		{"/connectors/%C3/status", "Bad UTF8 encoding", "Bad UTF8 encoding"},
		{"/connectors/%2E/status", "Ambiguous URI path segment", "Ambiguous URI path segment"},
		{"/connectors/.%2e;x/status", "Ambiguous URI path segment", "Ambiguous URI path segment"},
		{"/connectors/a%2Eb/status", "", ""},
		{"//connectors", "Ambiguous URI empty segment", "Ambiguous URI empty segment"},
		{"/connectors//", "Ambiguous URI empty segment", "Ambiguous URI empty segment"},
		{"/plugins/a%2Fgeo/1", "", ""},
	}
	for _, test := range tests {
		for kind, want := range map[bool]string{false: test.strict, true: test.kind} {
			answer := call(newServer(t, &fakeHerder{}, Config{AmbiguousPaths: kind}), "GET", test.path, "", nil)
			got := answer.Body.String()
			if want == "" && answer.Code == 400 ||
				want != "" && (answer.Code != 400 || !strings.HasPrefix(got, `{"error_code":400,"message":"`+want)) {
				t.Errorf("%s, AmbiguousPaths %t: got %d %s, want %q", test.path, kind, answer.Code, got, want)
			}
		}
	}
}

// TestWorkersNameWhatTheyRun: what another worker sends is about a connector that is there, whatever its name.
func TestWorkersNameWhatTheyRun(t *testing.T) {
	request := httptest.NewRequest("GET", "/connectors/a%2Fb/tasks/3/failures", nil)
	request.Header.Set(sessionkey.AuthorizationHeader, "c2lnbmVk")
	answer := httptest.NewRecorder()
	newServer(t, &fakeHerder{}, Config{}).ServeHTTP(answer, request)
	if answer.Code != 200 {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
}
