package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// conformance is the folder with what the Java worker answered.
func conformance(t *testing.T, parts ...string) string {
	t.Helper()
	dir := os.Getenv("BERTH_CONFORMANCE")
	if dir == "" {
		dir = filepath.Join("..", "shared", "conformance")
	}
	path := filepath.Join(append([]string{dir}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the recordings of Kafka Connect are missing: %v; set BERTH_CONFORMANCE to their folder", err)
	}
	return path
}

// wholeScenarios are the recorded REST scenarios that the program with the bundled plugins passes in every step. The
// others need test connectors, a group of workers, or parts of the REST API that a single worker does without.
var wholeScenarios = []string{
	"create-delete", "config-put", "config-patch", "create-scalars", "create-errors", "list-expand", "pause-resume-stop",
	"restart", "topics", "initial-state", "names", "negotiation", "unknown-paths", "wrong-methods",
	"plugin-config", "validate-basic", "validate-converters", "validate-framework-keys", "validate-overrides-all",
	"validate-sink", "validate-topic-creation", "validate-transforms",
}

// configuredScenarios are those of workers with other properties than the default, by environment variables.
var configuredScenarios = map[string][]string{
	"config-providers": {"CONNECT_CONFIG_PROVIDERS=file,dir",
		"CONNECT_CONFIG_PROVIDERS_FILE_CLASS=org.apache.kafka.common.config.provider.FileConfigProvider",
		"CONNECT_CONFIG_PROVIDERS_DIR_CLASS=org.apache.kafka.common.config.provider.DirectoryConfigProvider"},
	"overrides-none": {"CONNECT_CONNECTOR_CLIENT_CONFIG_OVERRIDE_POLICY=None"},
	"overrides-principal": {"CONNECT_CONNECTOR_CLIENT_CONFIG_OVERRIDE_POLICY=Principal",
		"CONNECT_EXACTLY_ONCE_SOURCE_SUPPORT=enabled"},
}

// The recorded exchanges of Apache Kafka Connect 4.1.1, replayed against the built program: what a client sees does not
// differ.
func TestRecordedExchanges(t *testing.T) {
	startProcess(t).replay(wholeScenarios...)
	for name, environment := range configuredScenarios {
		t.Run(name, func(t *testing.T) { startProcess(t, environment...).replay(name) })
	}
}

// The same through the API of a tenant that is granted everything: a client of Kafka Connect can't tell.
func TestRecordedExchangesOfATenant(t *testing.T) {
	p := startProcess(t)
	p.ask("PUT", "/tenants/a", map[string]any{"topics": []string{"*"}, "groups": []string{"*"},
		"directories": []string{"/"}, "secrets": map[string]any{}}, nil)
	p.in("a").replayWith(replayerOfBasePaths(t), wholeScenarios...)
}

// replayerOfBasePaths is the replayer in a form that heeds the path of its base URL.
func replayerOfBasePaths(t *testing.T) string {
	t.Helper()
	const asks = "conn.putrequest(method, path,"
	text := string(read(t, conformance(t, "rest", "replay")))
	if strings.Count(text, asks) != 1 {
		t.Fatalf("the replayer does not ask by %s any more", asks)
	}
	file := filepath.Join(t.TempDir(), "replay")
	text = strings.Replace(text, asks, "conn.putrequest(method, u.path + path,", 1)
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// replay plays recorded scenarios against the process.
func (p *process) replay(names ...string) {
	p.t.Helper()
	p.replayWith(conformance(p.t, "rest", "replay"), names...)
}

// replayWith is replay with another replayer.
func (p *process) replayWith(replayer string, names ...string) {
	p.t.Helper()
	worker, _, _ := strings.Cut(strings.TrimPrefix(p.url, "http://"), "/")
	args := []string{replayer, "--base", p.url, "--worker-id", worker, "--tmp", p.files,
		"--patience", "4"}
	for _, name := range names {
		args = append(args, conformance(p.t, "rest", name+".json"))
	}
	out, err := exec.Command("python3", args...).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	p.t.Log(lines[len(lines)-1])
}
