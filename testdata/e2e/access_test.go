package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/web"
)

const basicAuth = "org.apache.kafka.connect.rest.basic.auth.extension."

// startGuarded starts a worker whose users have roles, and that keeps an audit log.
func startGuarded(t *testing.T, roles ...string) *process {
	t.Helper()
	p := newGuarded(t, roles...)
	p.start()
	return p
}

func newGuarded(t *testing.T, roles ...string) *process {
	t.Helper()
	dir := t.TempDir()
	users, jaas := filepath.Join(dir, "users"), filepath.Join(dir, "jaas")
	for file, text := range map[string]string{users: "root=root\namy=amy\nbob=bob\n",
		jaas: "KafkaConnect { " + basicAuth + "PropertyFileLoginModule required file=\"" + users + "\"; };"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := newProcess(t, append(roles, "CONNECT_REST_EXTENSION_CLASSES="+basicAuth+"BasicAuthSecurityRestExtension",
		"CONNECT_JAVA_SECURITY_AUTH_LOGIN_CONFIG="+jaas)...)
	p.env = append(p.env, "BERTH_AUDIT_TOPIC="+p.name("audit"))
	p.url = strings.Replace(p.url, "http://", "http://root:root@", 1)
	return p
}

// as is the process as another user sees it.
func (p *process) as(user string) *process {
	own := *p
	own.url = strings.Replace(p.url, "root:root@", user+":"+user+"@", 1)
	return &own
}

// Users do what their roles allow, each in the tenants where they have them, and the audit log says who did what.
func TestE2EUsersHaveRoles(t *testing.T) {
	p := startGuarded(t, "BERTH_REST_ROLES_ADMIN=user:root", "BERTH_REST_ROLES_A_EDIT=user:amy")
	p.ask("PUT", "/tenants/a", map[string]any{"topics": []string{"a.*"}, "directories": []string{p.files},
		"client": keys{"client.rack": "r1"}, "members": []keys{{"subject": "user:bob", "role": "view"}}}, nil)
	p.ask("PUT", "/tenants/b", map[string]any{}, nil)
	amy, bob := p.as("amy"), p.as("bob")
	p.appendTo("in.txt", "one")
	amy.in("a").put("in", p.source(p.file("in.txt"), "a."+p.name("t")).with(keys{"my.password": "hunter2"}))
	bob.in("a").awaitPosition("in", 4)
	for _, c := range []struct {
		who          *process
		method, path string
		body         any
		want         int
	}{
		{bob.in("a"), "PUT", "/connectors/in/pause", nil, 403},
		{bob.in("a"), "DELETE", "/connectors/in", nil, 403},
		{bob.in("b"), "GET", "/connectors", nil, 404},
		{bob.in("none"), "GET", "/connectors", nil, 404},
		{amy.in("b"), "GET", "/connectors", nil, 404},
		{amy, "GET", "/connectors", nil, 403},
		{amy, "PUT", "/tenants/a", map[string]any{"topics": []string{"*"}}, 403},
		{p.as("eve"), "GET", "/connectors", nil, 401},
		{amy.in("a"), "PUT", "/connectors/in/pause", nil, 202},
	} {
		if status, answer := c.who.call(c.method, c.path, c.body); status != c.want {
			t.Errorf("%s %s%s: %d %s, want %d", c.method, c.who.url, c.path, status, answer, c.want)
		}
	}
	for who, secret := range map[*process]string{bob: "[hidden]", amy: "hunter2"} {
		var config keys
		who.in("a").ask("GET", "/connectors/in/config", nil, &config)
		if config["my.password"] != secret {
			t.Errorf("%s sees the password %q", who.url, config["my.password"])
		}
	}
	var seen []string
	p.await("the audit log", func() bool {
		seen = p.audited()
		return len(seen) >= 9
	})
	want := []string{"root PUT /tenants/a done", "root PUT /tenants/b done",
		"amy PUT /tenants/a/connectors/in/config done", "bob PUT /tenants/a/connectors/in/pause refused",
		"bob DELETE /tenants/a/connectors/in refused", "amy GET /connectors refused", "amy PUT /tenants/a refused",
		" GET /connectors refused", "amy PUT /tenants/a/connectors/in/pause done"}
	if strings.Join(seen, "\n") != strings.Join(want, "\n") {
		t.Errorf("the audit log says\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}

// audited reads the audit log.
func (p *process) audited() (lines []string) {
	p.t.Helper()
	for _, r := range p.Read(p.t, p.name("audit")) {
		var record web.AuditRecord
		if err := json.Unmarshal(r.Value, &record); err != nil {
			p.t.Fatal(err)
		}
		if bytes.Contains(r.Value, []byte("hunter2")) || record.Address != "127.0.0.1" {
			p.t.Errorf("a record is %s", r.Value)
		}
		lines = append(lines, strings.Join([]string{record.Principal, record.Method, record.Path, record.Outcome}, " "))
	}
	return lines
}

// "berth tenant" does what the REST API does.
func TestE2ETenantCommands(t *testing.T) {
	p := startGuarded(t, "BERTH_REST_ROLES_ADMIN=user:root")
	record := p.file("a.json")
	if err := os.WriteFile(record, []byte(`{"topics":["a.*"],"quota":{"connectors":1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(p.url, "root:root@", "", 1)
	run := func(args ...string) (string, error) {
		return runBerth(t, append([]string{"tenant"}, append(args, "-url", url, "-user", "root:root")...)...)
	}
	for _, c := range []struct{ args, says string }{
		{"put a " + record, "tenant a: its API is " + url + "/tenants/a\n"}, {"ls", "a\n"},
		{"show a", `"connectors": 1`},
	} {
		if out, err := run(strings.Fields(c.args)...); err != nil || !strings.Contains(out, c.says) {
			t.Errorf("%s: %q, %v", c.args, out, err)
		}
	}
	a := p.in("a")
	a.put("one", a.sink("x", "a.t"))
	status, answer := a.call("PUT", "/connectors/two/config", a.sink("x", "a.t"))
	contains(t, a.refused(http.StatusForbidden, status, answer), "Tenant a would have 2 of quota.connectors=1",
		"delete a connector")
	if _, err := run("rm", "a"); err == nil || !strings.Contains(err.Error(), "still has the connector(s) one") {
		t.Errorf("rm: %v", err)
	}
	if out, err := run("rm", "a", "-force"); err != nil || out != "tenant a is deleted\n" {
		t.Errorf("rm -force: %q, %v", out, err)
	}
	if _, err := runBerth(t, "tenant", "ls", "-url", url); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("without a password: %v", err)
	}
}
