package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
)

func jsonContext(body string) echo.Context {
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	return echo.New().NewContext(request, httptest.NewRecorder())
}

func TestUnreadableRequests(t *testing.T) {
	tests := []string{"", " ", "null", "[]", "1", `"x"`, "{", `{"name":"c","config":{}} x`, `{"name":"c"}`,
		`{"name":"c","config":[]}`, `{"name":"c","config":{"a":[]}}`, `{"name":"c","config":{"a":{}}}`,
		`{"name":[],"config":{}}`, `{"Name":"c","config":{}}`, `{"name":"c","config":{"a":01}}`,
		`{"name":"c","config":{"a":NaN}}`,
		`{"name":"c","config":{},"initial_state":"GONE"}`, "{\"name\":\"\xff\",\"config\":{}}",
		`{"name":"c","config":{"a":` + strings.Repeat("9", numberCharsMax+1) + `}}`}
	for _, body := range tests {
		if request, err := readCreateRequest(jsonContext(body)); !errors.Is(err, host.ErrInternal) {
			t.Errorf("%.60q: got %+v, %v", body, request, err)
		}
	}
}

func TestReadOffsets(t *testing.T) {
	offsets, err := readOffsets(jsonContext(`{"offsets":[{"partition":{"a":1},"offset":null},{}]}`))
	if err != nil || len(offsets) != 2 || string(offsets[0].Partition) != `{"a":1}` || offsets[0].Offset != nil ||
		offsets[1].Partition != nil {
		t.Errorf("got %+v, %v", offsets, err)
	}
	refused := map[string]error{`{}`: host.ErrBadRequest, `{"offsets":null}`: host.ErrBadRequest,
		`{"offsets":[null]}`: host.ErrInternal, `{"offsets":{}}`: host.ErrInternal,
		`{"offsets":[{"x":{}}]}`: host.ErrInternal, `{"offsets":[{"partition":"x"}]}`: host.ErrInternal}
	for body, kind := range refused {
		if _, err := readOffsets(jsonContext(body)); !errors.Is(err, kind) {
			t.Errorf("%s: got %v, want kind %v", body, err, kind)
		}
	}
}

// FuzzDecode: whatever the body, decoding ends in a value or an error, and what was read can be written.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"name":"c","config":{"a":1,"b":null}}`,
		`{"offsets":[{"partition":{},"offset":{"a":1}}]}`, "\ufeff{}", `{"config":{"a":"\ud800"}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if request, err := readCreateRequest(jsonContext(body)); err == nil {
			if _, err := json.Marshal(request.config); err != nil {
				t.Error(err)
			}
		}
		if offsets, err := readOffsets(jsonContext(body)); err == nil {
			if _, err := json.Marshal(newConnectorOffsets(offsets)); err != nil {
				t.Error(err)
			}
		}
	})
}
