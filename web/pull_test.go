package web

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/oci"
)

// shelf is a registry that has one artifact.
type shelf struct {
	err    error
	tenant string
}

func (s *shelf) Pull(_ context.Context, tenant, reference string, hold func(int64) error) (oci.Module, error) {
	s.tenant = tenant
	if s.err != nil {
		return oci.Module{}, s.err
	}
	return oci.Module{Name: "geo", Source: reference, Wasm: []byte("\x00asm"), Signature: []byte("own")}, hold(4)
}

func TestPulledModules(t *testing.T) {
	const reference = `"oci":"r.test/team/geo@sha256:00"`
	for _, test := range []struct {
		what, path, body string
		err              error
		status           int
		added, tenant    string
	}{
		{"pulled", "/plugins", `{` + reference + `}`, nil, 201, "geo:\x00asm own r.test/team/geo@sha256:00", ""},
		{"checked only", "/plugins?dry_run=true", `{` + reference + `}`, nil, 200, "", ""},
		{"named", "/plugins", `{` + reference + `,"name":"x.wasm"}`, nil, 201, "x:\x00asm own r.test/team/geo@sha256:00", ""},
		{"named twice", "/plugins?name=y", `{` + reference + `,"name":"x"}`, nil, 201,
			"y:\x00asm own r.test/team/geo@sha256:00", ""},
		{"signed", "/plugins", `{` + reference + `,"signature":"c2lnbmVk"}`, nil, 201,
			"geo:\x00asm signed r.test/team/geo@sha256:00", ""},
		{"tenant", "/tenants/a/plugins", `{` + reference + `}`, nil, 201, "geo:\x00asm own r.test/team/geo@sha256:00", "a"},
		{"path as name", "/plugins", `{` + reference + `,"name":"../x"}`, nil, 400, "", ""},
		{"no reference", "/plugins", `{"name":"x"}`, nil, 400, "", ""},
		{"another field", "/plugins", `{` + reference + `,"tag":"x"}`, nil, 400, "", ""},
		{"no text", "/plugins", `{"oci":1}`, nil, 400, "", ""},
		{"more", "/plugins", `{` + reference + `}{}`, nil, 400, "", ""},
		{"nothing", "/plugins", ``, nil, 400, "", ""},
		{"no Base64", "/plugins", `{` + reference + `,"signature":"?"}`, nil, 400, "", ""},
		{"not granted", "/plugins", `{` + reference + `}`, &host.Error{Kind: oci.ErrNotGranted, Message: "no"}, 403, "", ""},
		{"too large", "/plugins", `{` + reference + `}`, &host.Error{Kind: oci.ErrTooLarge, Message: "no"}, 413, "", ""},
		{"no registry", "/plugins", `{` + reference + `}`, &host.Error{Kind: oci.ErrRegistry, Message: "no"}, 502, "", ""},
		{"no artifact", "/plugins", `{` + reference + `}`, host.BadRequest("no"), 400, "", ""},
	} {
		h, registry := &fakeHerder{}, &shelf{err: test.err}
		answer := call(newServer(t, h, Config{Artifacts: registry}), "POST", test.path, "application/json; charset=utf-8",
			strings.NewReader(test.body))
		if answer.Code != test.status || h.module != test.added || registry.tenant != test.tenant {
			t.Errorf("%s: got %d %s, added %q for %q", test.what, answer.Code, answer.Body, h.module, registry.tenant)
		}
	}
}

func TestAServerWithoutRegistriesPullsNothing(t *testing.T) {
	answer := call(newServer(t, &fakeHerder{}, Config{}), "POST", "/plugins", "application/json",
		strings.NewReader(`{"oci":"r.test/geo@sha256:00"}`))
	if got := fmt.Sprintf("%d %s", answer.Code, answer.Body); !strings.HasPrefix(got, "403 ") {
		t.Errorf("got %s", got)
	}
}
