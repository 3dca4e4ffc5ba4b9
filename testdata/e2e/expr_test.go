package e2e

import (
	"os"
	"strings"
	"testing"
)

// TestE2EExpressions filters, routes and changes lines of JSON without a line of code, then asks what is wrong with a
// configuration, and has a record fail.
func TestE2EExpressions(t *testing.T) {
	p := startProcess(t)
	input, eu, us := p.file("orders.json"), p.name("orders-eu"), p.name("orders-us")
	lines := []string{
		`{"id":1,"amount":250.5,"region":"EU","email":"Ann@Ex.io"}`,
		`{"id":2,"amount":5,"region":"EU","email":"x@ex.io"}`,
		`{"id":3,"amount":900,"region":"US","email":"bob@ex.io"}`,
	}
	if err := os.WriteFile(input, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	config := p.source(input, p.name("lines")).with(keys{
		"value.converter": asJSON, "value.converter.schemas.enable": "false",
		"transforms":                       "parse,change",
		"transforms.parse.type":            "Expr",
		"transforms.parse.value":           "parseJson(value)",
		"transforms.change.type":           "berth.Expr",
		"transforms.change.filter":         "value.amount > 100",
		"transforms.change.topic":          "topic.replace('lines', 'orders-' + value.region.lower())",
		"transforms.change.key":            "string(value.id)",
		"transforms.change.headers.digest": "sha256(value.email.lower())",
		"transforms.change.set.total":      "double(value.amount) * 2.0",
		"transforms.change.remove":         "email,region",
	})
	name := p.name("expressions")
	p.put(name, config)
	for topic, want := range map[string]string{
		eu: `1 {"amount":250.5,"id":1,"total":501.0}`, us: `3 {"amount":900,"id":3,"total":1800.0}`,
	} {
		p.await("a record in "+topic, func() bool { return p.Count(t, topic) == 1 })
		r := p.Read(t, topic)[0]
		if got := string(r.Key) + " " + string(r.Value); got != want {
			t.Errorf("%s holds %s, want %s", topic, got, want)
		}
		if digest := headerOf(r, "digest"); len(strings.Trim(digest, `"`)) != 64 {
			t.Errorf("header digest is %q", digest)
		}
	}
	wrong := config.with(keys{"transforms.change.filter": "value.amount >", "transforms.change.set.total": "valu.x"})
	status, answer := p.call("PUT", "/connectors/"+name+"/config", wrong)
	contains(t, p.refused(400, status, answer), "configuration filter: line 1, column 15",
		"configuration set.total: line 1, column 1: no variable is named valu")
	more := p.file("more.json")
	if err := os.WriteFile(more, []byte(lines[0]+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.put(name, config.with(keys{"transforms.change.filter": "value.amont > 100", "file": more}))
	contains(t, p.awaitFailure(name), "filter: value.amont has no value: value has no field amont; it has ",
		"test for it with has(value.amont)", "Expression: value.amont > 100")
}
