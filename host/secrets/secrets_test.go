package secrets

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

func config(pairs ...string) host.Config {
	c := host.Config{}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i]] = &pairs[i+1]
	}
	return c
}

const value = "hunter2-hunter2-hunter2-hunter2"

func TestSecretsThatAreNoneSayWhatIsWrong(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(noPEM, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := []string{"berth.secrets", "a", "berth.secrets.a.value", value, "berth.secrets.a.hosts", "api.test:443"}
	for _, c := range []struct {
		key, value, want string
	}{
		{"berth.secrets", "a, b/c", "Invalid value b/c for configuration berth.secrets: a name"},
		{"berth.secrets", "a,b", "Invalid value of 0 bytes for configuration berth.secrets.b.value"},
		{"berth.secrets.a.value", strings.Repeat("x", valueMax+1), "Invalid value of 8193 bytes for configuration"},
		{"berth.secrets.a.hosts", "", "must list the hosts"},
		{"berth.secrets.a.hosts", "api.test",
			"Invalid value api.test for configuration berth.secrets.a.hosts: it names no port"},
		{"berth.secrets.a.plain", "yes", "Invalid value yes for configuration berth.secrets.a.plain"},
		{"berth.secrets.a.tenants", "t1, T2", "Invalid value T2 for configuration berth.secrets.a.tenants"},
		{"berth.secrets.a.roots", "/none", "no such file"},
		{"berth.secrets.a.roots", noPEM, "no certificate in PEM form"},
		{"config.providers", "file,secret", "a configuration provider can't have the name secret"},
	} {
		_, err := FromProperties(config(append(good, c.key, c.value)...))
		var wrong *abi.ConfigError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), value) {
			t.Errorf("%s=%s: got %v, want %q", c.key, c.value, err, c.want)
		}
	}
	s, err := FromProperties(config(good...))
	if err != nil || len(s.Names()) != 1 {
		t.Errorf("got %v, %v", s.Names(), err)
	}
}

func store(t *testing.T) *Store {
	t.Helper()
	s, err := FromProperties(config("berth.secrets", "crm,short,theirs",
		"berth.secrets.crm.value", value, "berth.secrets.crm.hosts", "api.test:443", "berth.secrets.crm.plain", "TRUE",
		"berth.secrets.short.value", "x", "berth.secrets.short.hosts", "*:443",
		"berth.secrets.theirs.value", "y", "berth.secrets.theirs.hosts", "*:443", "berth.secrets.theirs.tenants", "t1, t2"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var takes = abi.Plugin{Config: abi.ConfigDef{Keys: []abi.ConfigKey{{Name: "url"}, {Name: "token"}}},
	Class: "x.P", Capabilities: []string{abi.CapabilitySecrets},
	Needs: abi.Needs{abi.CapabilitySecrets: {"token", "header.*"}}}

func TestAConfigurationHasHandlesInPlaceOfSecrets(t *testing.T) {
	s := store(t)
	given := config("token", "Bearer ${secret:crm}, ${secret:short}", "plain", "${file:x}", "header.a", "${secret:crm}",
		"transforms.t.token", "${secret:none}")
	given["null"] = nil
	hidden, used, err := s.Hide("", takes, given)
	if err != nil || len(used) != 3 {
		t.Fatalf("used %d secrets, %v", len(used), err)
	}
	if *hidden["header.a"] != used[0].Handle || *hidden["transforms.t.token"] != "${secret:none}" {
		t.Errorf("hidden is %s, %s", *hidden["header.a"], *hidden["transforms.t.token"])
	}
	want := "Bearer " + used[0].Handle + ", " + used[2].Handle
	if *hidden["token"] != want || *hidden["plain"] != "${file:x}" {
		t.Errorf("token is %s, want %s", *hidden["token"], want)
	}
	if len(used[0].Handle) != len(value) || len(used[2].Handle) != handleMin || used[2].Handle == used[0].Handle {
		t.Errorf("handles are %s and %s", used[0].Handle, used[2].Handle)
	}
	if *given["token"] != "Bearer ${secret:crm}, ${secret:short}" {
		t.Error("what was given has changed")
	}
	stored := []host.Config{hidden}
	s.Restore(stored)
	if *stored[0]["token"] != *given["token"] {
		t.Errorf("stored is %s", *stored[0]["token"])
	}
	var none *Store
	if same, used, err := none.Hide("", takes, config("token", "x")); *same["token"] != "x" || used != nil || err != nil {
		t.Errorf("without secrets: %v, %v, %v", same, used, err)
	}
}

func TestReferencesThatGiveNoSecretAreRefused(t *testing.T) {
	s, without := store(t), takes
	without.Capabilities = nil
	for _, c := range []struct {
		tenant string
		plugin abi.Plugin
		config host.Config
		want   string
	}{
		{"", takes, config("url", "${secret:crm}"), "Invalid value ${secret:crm} for configuration " +
			"url: x.P takes secrets in token, header.* alone"},
		{"", takes, config("token", "${secret:none}"), `there is no secret "none"; the worker's berth.secrets must list it`},
		{"", takes, config("token", "${secret:theirs}"), `there is no secret "theirs"`},
		{"t3", takes, config("token", "${secret:theirs}"), `tenant t3 has no secret "theirs"`},
		{"t1", takes, config("token", "${secret:crm}"), `tenant t1 has no secret "crm"`},
		{"", without, config("token", "${secret:crm}"), "does not ask for the capability secrets"},
	} {
		if _, _, err := s.Hide(c.tenant, c.plugin, c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	whole := takes
	whole.Needs = nil
	if _, used, err := s.Hide("", whole, config("url", "${secret:crm}", "transforms.t.x", "${secret:crm}")); err != nil ||
		len(used) != 1 {
		t.Errorf("a plugin that takes secrets in all its keys: %v, %v", used, err)
	}
	if _, used, err := s.Hide("t2", takes, config("token", "${secret:theirs}")); err != nil || len(used) != 1 {
		t.Errorf("tenant t2: %v, %v", used, err)
	}
}
