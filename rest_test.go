package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berth-connect/berth/web"
)

// What the REST API serves beside Kafka Connect's is the operator's to say.
func TestWhatTheRESTAPIServes(t *testing.T) {
	for value, want := range map[string]bool{"": true, "true": true, "false": false} {
		var given map[string]string
		if value != "" {
			given = map[string]string{web.OpenAPIKey: value}
		}
		c, err := loadConfig(javaConfig(t), nil, given)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.values.Set("rest.extension.classes", "") // the file's is of Java
		if got, err := restConfig(c); err != nil || got.OpenAPI != want {
			t.Errorf("%s=%s: got %t, %v", web.OpenAPIKey, value, got.OpenAPI, err)
		}
	}
}

func TestUsersOfTheRESTAPI(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	users, nobody := write("users", "alice=secret\n# nobody\nbob = hunter2\n"), write("nobody", "# nobody\n")
	module := passwordFileModule + " required\n"
	const extension = "rest.extension.classes=" + basicAuthExtension
	for name, c := range map[string]struct{ extensions, jaas, want string }{
		"users": {extension, "// for REST\nOther { x.Y required; };\nKafkaConnect {\n" + module + `file="` + users +
			"\"\ndebug=true;\n};", ""},
		"short name": {"rest.extension.classes=BasicAuthSecurityRestExtension",
			"KafkaConnect{" + module + `file="` + users + `";};`, ""},
		"other extension":  {"rest.extension.classes=x.Y", "", "the one that is built in is"},
		"no JAAS file":     {extension, "", "set java.security.auth.login.config"},
		"no section":       {extension, "Other { x.Y required; };", "has no section KafkaConnect"},
		"other module":     {extension, "KafkaConnect { x.Y required; };", "has the login module x.Y"},
		"two modules":      {extension, "KafkaConnect { x.Y required; x.Z required; };", "a section holds one login module"},
		"no file":          {extension, "KafkaConnect {" + module + "; };", "needs file="},
		"file is away":     {extension, "KafkaConnect {" + module + `file="/no/such";};`, "no such file"},
		"file of nobody":   {extension, "KafkaConnect {" + module + `file="` + nobody + `";};`, "names no user"},
		"string is open":   {extension, "KafkaConnect {" + module + `file="x`, "can't be read"},
		"option is cut":    {extension, "KafkaConnect {" + module + `file "x" y;};`, "is not followed by ="},
		"section is open":  {extension, "KafkaConnect {" + module, "has no section"},
		"nothing is asked": {"rest.extension.classes=", "", "nil"},
	} {
		base := devDefaults(dir)
		base["bootstrap.servers"] = "127.0.0.1:9092"
		key, value, _ := strings.Cut(c.extensions, "=")
		base[key] = value
		var environment []string
		if c.jaas != "" {
			environment = []string{"KAFKA_OPTS=-Xmx1g -Djava.security.auth.login.config=" + write("jaas", c.jaas)}
		}
		config, err := loadConfig(base, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := restUsers(config, environment)
		switch c.want {
		case "":
			if err != nil || !maps.Equal(got, map[string]string{"alice": "secret", "bob": "hunter2"}) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		case "nil":
			if err != nil || got != nil {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		default:
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %q", name, err, c.want)
			}
		}
	}
}
