package schemaregistry

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
)

// within lets a tenant reach one address.
func within(tenant, granted string) *Bounds {
	return &Bounds{tenant, func(ctx context.Context, address string) (net.Conn, error) {
		if address != granted {
			return nil, &network.Error{Code: abi.NetNotGranted, Message: address + " is not granted"}
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}}
}

// What a tenant's registry names is dialled within the tenant's bounds: not past them by a redirect, nor by a proxy.
func TestTenantsReachNoOtherAddress(t *testing.T) {
	var stolen atomic.Int32
	secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stolen.Add(1)
		answer(w, http.StatusOK, schema{Text: `"int"`})
	}))
	defer secret.Close()
	redirects := httptest.NewServer(http.RedirectHandler(secret.URL, http.StatusTemporaryRedirect))
	defer redirects.Close()
	t.Setenv("HTTP_PROXY", secret.URL)
	for name, url := range map[string]string{"elsewhere": secret.URL, "by redirect": redirects.URL,
		"by proxy": "http://registry.example"} {
		r, err := NewPool(slog.New(slog.DiscardHandler)).Open(config(urlKey, url, "max.retries", "3"),
			within("a", strings.TrimPrefix(redirects.URL, "http://")))
		if err != nil {
			t.Fatal(err)
		}
		var out any
		err = r.client.do(t.Context(), http.MethodGet, "/schemas/ids/1", nil, &out)
		if err == nil {
			t.Errorf("%s: %v", name, out)
		}
		if code := codeOf(err); name != "by redirect" && code != abi.CodeConfig {
			t.Errorf("%s: %v has the code %d, not that of an error of configuration, which nobody tries again", name, err, code)
		}
	}
	if n := stolen.Load(); n > 0 {
		t.Errorf("what the tenant may not reach was asked %d times", n)
	}
}

// A tenant's configuration does not have the worker read a file, and does not learn whether there is one.
func TestTenantsNameNoFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "worker.pem")
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, store := range []string{"truststore", "keystore"} {
		key := tlsPrefix + store + ".location"
		for _, path := range []string{file, "/etc/passwd", "/no/such/file", "file:///etc/passwd"} {
			_, err := NewPool(slog.Default()).Open(config(urlKey, "https://r", key, path), within("a", "r:443"))
			want := "Invalid value " + path + " for configuration " + key + ": tenant a may not have the worker read its files"
			if !errors.Is(err, host.ErrBadRequest) || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s=%s: %v", key, path, err)
			}
		}
	}
}

// Clients of one tenant serve no other one, not even with the same configuration.
func TestTenantsShareNoClient(t *testing.T) {
	pool, c := NewPool(slog.Default()), config(urlKey, "http://r")
	seen := map[*Registry]bool{}
	for _, bounds := range []*Bounds{nil, within("a", "r:80"), within("b", "r:80"), within("a", "r:80")} {
		r, err := pool.Open(c, bounds)
		if err != nil {
			t.Fatal(err)
		}
		seen[r] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d clients for the default tenant and two more", len(seen))
	}
}
