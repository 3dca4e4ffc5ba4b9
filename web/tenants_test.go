package web

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/plugin"
)

func (h *tenantsHerder) PutTenant(_ context.Context, tenant host.Tenant) (bool, error) {
	_, known := h.tenants[tenant.Name]
	h.tenants[tenant.Name] = tenant
	return !known, nil
}

func (h *tenantsHerder) ClusterID(context.Context) (string, error) { return "cluster", nil }

// publicKey is the one of a seed, in PEM form.
func publicKey(t *testing.T, seed byte) string {
	t.Helper()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(seed), ed25519.SeedSize)))
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// What is shown of a tenant's policy can be put again, and what the worker does not let be is 400 and changes nothing.
func TestSignaturesOfTenantsRecords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "platform.pub")
	if err := os.WriteFile(file, []byte(publicKey(t, 'p')), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := plugin.ReadSigningKeys([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	h := newTenantsHerder()
	record := func(required bool, key string) string {
		text, _ := json.Marshal(host.Tenant{Name: "c", Signatures: host.SignaturePolicy{Required: required,
			Keys: map[string]string{"team": key}}})
		return string(text)
	}
	put := func(worker plugin.Signatures, text string) (int, string) {
		answer := call(newServer(t, h, Config{Signatures: worker}), "PUT", "/tenants/c", "application/json",
			strings.NewReader(text))
		return answer.Code, answer.Body.String()
	}
	strict := plugin.Signatures{Required: true, Keys: keys}
	for _, c := range []struct {
		worker plugin.Signatures
		text   string
		says   string
	}{
		{plugin.Signatures{}, record(true, "no key"), `signatures.keys.team=\"no key\"…: it holds no PUBLIC KEY; it must`},
		{plugin.Signatures{}, `{"signatures":{"required":true}}`, "signatures.required=true: nothing could be uploaded"},
		{plugin.Signatures{}, `{"signatures":{"require":true}}`, `unknown field \"require\"`},
		{plugin.Signatures{}, `{"signatures":{"keys":["x"]}}`, "can't be read"},
		{strict, record(false, publicKey(t, 't')), "set berth.modules.signature.tenant.keys=true on all workers"},
	} {
		status, answer := put(c.worker, c.text)
		if _, known := h.tenants["c"]; status != http.StatusBadRequest || !strings.Contains(answer, c.says) || known {
			t.Errorf("%s: %d %s, want %q", c.text, status, answer, c.says)
		}
	}
	own := plugin.Signatures{Required: true, Keys: keys, TenantKeys: true}
	if status, answer := put(own, record(true, publicKey(t, 't'))); status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	wrote := h.tenants["c"].Signatures
	shown := call(newServer(t, h, Config{}), "GET", "/tenants/c", "", nil).Body.String()
	status, answer := put(own, shown)
	if status != http.StatusOK || !h.tenants["c"].Signatures.Equal(wrote) || !wrote.Required {
		t.Errorf("what is shown can't be put: %d %s: %s", status, answer, shown)
	}
	bare := call(newServer(t, h, Config{}), "GET", "/tenants/b", "", nil).Body.String()
	if strings.Contains(bare, "signatures") {
		t.Errorf("of a tenant without a policy: %s", bare)
	}
}
