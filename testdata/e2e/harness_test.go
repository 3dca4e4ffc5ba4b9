// Package e2e drives the built program as its users do, and attacks it as its enemies could.
package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
	"github.com/berth-connect/berth/testdata/local"
)

// The program is a process of its own in these tests, asked over REST, with Kafka and files at its ends. They run on
// the embedded broker, which then is part of the process that they kill, or on the Kafka at BERTH_TEST_BOOTSTRAP. What
// they wait for has no time limit of its own: e2ePatience ends a broken test.
const e2ePatience = 3 * time.Minute

// e2eLines is how many lines the tests of crashes move; BERTH_E2E_LINES overrides it.
const e2eLines = 1_000_000

var built struct {
	sync.Mutex
	dir   string
	files map[string]string
}

// TestMain runs the tests in the root of the repository, from which they name folders.
func TestMain(m *testing.M) {
	if err := os.Chdir(filepath.Join("..", "..")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// buildOnce builds a program once for all tests and returns its path.
func buildOnce(t *testing.T, name, folder string, environment ...string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "berth-e2e-")
		if err != nil {
			t.Fatal(err)
		}
		built.dir, built.files = dir, map[string]string{}
	}
	if built.files[name] == "" {
		file := filepath.Join(built.dir, name)
		cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, folder)
		cmd.Env = append(os.Environ(), environment...)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", folder, err, said)
		}
		built.files[name] = file
	}
	return built.files[name]
}

func buildBerth(t *testing.T) string {
	t.Helper()
	if racing() {
		return buildOnce(t, "berth-race", ".", "CGO_ENABLED=1", "GOFLAGS=-race")
	}
	return buildOrdinary(t)
}

// buildOrdinary builds the program as users have it.
func buildOrdinary(t *testing.T) string {
	t.Helper()
	return buildOnce(t, "berth", ".", "CGO_ENABLED=0")
}

// berth runs a command that must succeed and returns what it says.
func (p *process) berth(args ...string) string {
	p.t.Helper()
	said, err := runBerth(p.t, args...)
	if err != nil {
		p.t.Fatalf("berth %s: %v", strings.Join(args, " "), err)
	}
	return said
}

// runBerth runs a command; what it says is in the error, too.
func runBerth(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(buildBerth(t), args...)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off")
	said, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, said)
	}
	return string(said), err
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func buildModule(t *testing.T, name, folder string) []byte {
	t.Helper()
	return read(t, buildOnce(t, name+".wasm", folder, "GOOS=wasip1", "GOARCH=wasm"))
}

// process is one "berth dev" with its files; it can be killed and started again on them.
type process struct {
	t         *testing.T
	id        string // in the names of topics, groups and connectors, so that one Kafka serves all tests
	data      string
	bootstrap string
	files     string // the granted folder
	url       string
	args      []string
	env       []string
	log       *os.File
	cmd       *exec.Cmd
	ended     chan error
	patience  time.Duration // 0: e2ePatience
	*kafkatest.Broker
}

// startProcess starts a worker; environment is added to what the tests need themselves.
func startProcess(t *testing.T, environment ...string) *process {
	t.Helper()
	p := newProcess(t, environment...)
	p.start()
	return p
}

// newProcess prepares one.
func newProcess(t *testing.T, environment ...string) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{t: t, id: fmt.Sprintf("%08x", rand.Uint32()), data: filepath.Join(dir, "data"),
		files: filepath.Join(dir, "files"), url: "http://" + freeAddress(t)}
	p.args = []string{"dev", "-data", p.data, "-listeners", p.url, "-allow-dir", p.files}
	bootstrap := os.Getenv("BERTH_TEST_BOOTSTRAP")
	if bootstrap == "" {
		bootstrap = freeAddress(t)
		_, port, _ := net.SplitHostPort(bootstrap)
		p.args = append(p.args, "-kafka-port", port)
		t.Logf("on the embedded broker, id %s", p.id)
	} else {
		p.args = append(p.args, "-bootstrap", bootstrap)
		t.Logf("on the Kafka at %s, id %s", bootstrap, p.id)
	}
	p.env = append(os.Environ(), "CONNECT_GROUP_ID=worker-"+p.id, "CONNECT_OFFSET_FLUSH_INTERVAL_MS=50",
		"CONNECT_OFFSET_STORAGE_PARTITIONS=3", "CONNECT_CONFIG_STORAGE_TOPIC=configs-"+p.id,
		"CONNECT_OFFSET_STORAGE_TOPIC=offsets-"+p.id, "CONNECT_STATUS_STORAGE_TOPIC=status-"+p.id)
	if racing() {
		p.env = append(p.env, "BERTH_RACE_COMPILER="+buildOrdinary(t))
	}
	p.env = append(p.env, environment...)
	p.bootstrap = bootstrap
	for _, folder := range []string{p.data, p.files} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.shareCompiled()
	p.openLog(filepath.Join(dir, "log"))
	t.Cleanup(p.cleanUp)
	return p
}

// shareCompiled lets all tests compile the stock module once.
func (p *process) shareCompiled() {
	p.t.Helper()
	berth := buildBerth(p.t)
	shared := filepath.Join(filepath.Dir(berth), "compiled")
	if err := os.MkdirAll(shared, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Symlink(shared, filepath.Join(p.data, "compiled")); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) openLog(file string) {
	p.t.Helper()
	log, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		p.t.Fatal(err)
	}
	p.log = log
}

func (p *process) cleanUp() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if p.t.Failed() {
		text, err := os.ReadFile(p.log.Name())
		p.t.Logf("the worker's log (%v):\n%s", err, text[max(len(text)-6000, 0):])
	}
	_ = p.log.Close()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	addresses, err := local.Addresses(1)
	if err != nil {
		t.Fatal(err)
	}
	return addresses[0]
}

// start returns when the worker is healthy.
func (p *process) start() {
	p.t.Helper()
	p.Broker = kafkatest.Open(p.t, p.bootstrap) // connections to a broker of before would only fail
	p.cmd = exec.Command(buildBerth(p.t), p.args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.ended = make(chan error, 1)
	cmd, ended := p.cmd, p.ended
	go func() { ended <- cmd.Wait() }()
	p.await("a healthy worker", func() bool {
		select {
		case err := <-p.ended:
			p.cmd = nil
			p.t.Fatalf("the worker ended: %v", err)
		default:
		}
		response, err := http.Get(p.url + "/health")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// runToEnd starts a worker that ends by itself, and returns its exit code.
func (p *process) runToEnd() int {
	p.t.Helper()
	cmd := exec.Command(buildBerth(p.t), p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.log, p.log
	var failed *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &failed) {
		p.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// kill9 ends the process as a crash does.
func (p *process) kill9() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
	p.cmd = nil
}

// terminate asks the process to end, and expects that it does so without an error.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		p.cmd = nil
		if err != nil {
			p.t.Fatalf("after SIGTERM the worker ended with %v", err)
		}
	case <-time.After(e2ePatience):
		p.t.Fatal("SIGTERM did not end the worker")
	}
}

// await polls until done; it fails the test when that does not happen.
func (p *process) await(what string, done func() bool) {
	p.t.Helper()
	limit := cmp.Or(p.patience, e2ePatience)
	if racing() {
		limit *= raceFactor
	}
	for deadline := time.Now().Add(limit); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// name makes a name that is this test's own.
func (p *process) name(what string) string { return what + "-" + p.id }

// file returns the path of a file in the granted folder.
func (p *process) file(name string) string { return filepath.Join(p.files, name) }

// lineCount is how many lines a test of crashes moves.
func lineCount(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("BERTH_E2E_LINES"), strconv.Itoa(e2eLines)))
	if err != nil || n < 1000 {
		t.Fatalf("BERTH_E2E_LINES=%s must be a number, 1000 or more", os.Getenv("BERTH_E2E_LINES"))
	}
	return n
}

func fileSize(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}
